//! The page as an agent meets it.

mod files;
mod thread;

pub use files::OnDisk;

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thirtyfour::{By, Key, TypingData, WebDriver};
use tokio::time::Instant;

use crate::{
    browser::Browser,
    chromium::Chromium,
    support::{
        DEADLINE,
        relay::{Relay, token_of},
    },
};

/// Between two looks at the page.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

pub struct Desk {
    browser: Browser,
    /// Where the console is.
    pub url: String,
}

impl Desk {
    /// The console in a fresh browser, with nobody signed in.
    pub async fn open(relay: &Relay) -> Self {
        Self::of_chromium(Chromium::open().await, relay).await
    }

    /// The same at another address of the relay.
    pub async fn at(url: &str) -> Self {
        Self::of_url(Chromium::open().await, url).await
    }

    /// The console with an agent signed in.
    pub async fn of_agent(relay: &Relay, name: &str) -> Self {
        let desk = Self::open(relay).await;
        desk.signs_in(name).await;
        desk
    }

    /// The console in a browser whose user prefers these languages, such as `de-AT,de`, with nobody signed in.
    pub async fn speaking(relay: &Relay, languages: &str) -> Self {
        Self::of_chromium(Chromium::speaking(languages).await, relay).await
    }

    /// The consoles of Alex and Sam, each in a browser of their own.
    pub async fn of_alex_and_sam(relay: &Relay) -> (Self, Self) {
        let (alex, sam) = Chromium::open_two().await;
        let desks = tokio::join!(Self::of_chromium(alex, relay), Self::of_chromium(sam, relay));
        tokio::join!(desks.0.signs_in("Alex"), desks.1.signs_in("Sam"));
        desks
    }

    pub async fn of_chromium(chromium: Chromium, relay: &Relay) -> Self {
        Self::of_url(chromium, &relay.agents_url).await
    }

    async fn of_url(chromium: Chromium, url: &str) -> Self {
        // Without a window nobody gives the page the focus.
        let focus = json!({"enabled": true});
        chromium.driver.cdp().send_raw("Emulation.setFocusEmulationEnabled", focus).await.unwrap();
        Self::within(Browser::Chromium(chromium), url).await
    }

    /// The console at this address in any browser.
    pub async fn within(browser: Browser, url: &str) -> Self {
        let desk = Self { browser, url: url.to_owned() };
        desk.goes_to("/").await;
        desk
    }

    pub const fn driver(&self) -> &WebDriver {
        self.browser.driver()
    }

    pub async fn goes_to(&self, path: &str) {
        self.driver().goto(format!("{}{path}", self.url)).await.unwrap();
    }

    pub async fn reloads(&self) {
        self.driver().refresh().await.unwrap();
    }

    pub async fn signs_in(&self, name: &str) {
        self.sees("#sign-in").await;
        self.types(token_of(name)).await;
        self.presses(Key::Enter).await;
        self.is_signed_in(name).await;
    }

    /// Waits until an agent's queue has been loaded, and the page is told of every change.
    pub async fn is_signed_in(&self, name: &str) {
        self.shows("#account-name", name).await;
        self.sees("#queue-panel[aria-busy=false]").await;
        self.sees("#desk[data-connection=open]").await;
    }

    /// Opens a conversation of the list that is shown.
    pub async fn opens(&self, handoff: &str) {
        self.clicks(&format!("{} a", row(handoff))).await;
        self.sees(&format!("#conversation[data-handoff-id='{handoff}']")).await;
    }

    pub async fn accepts(&self, handoff: &str) {
        self.opens(handoff).await;
        self.clicks("[data-action=accept]").await;
        self.sees("#conversation[data-status=active]").await;
        self.sees("#composer-text").await;
    }

    /// Clicks what is there, or will be.
    pub async fn clicks(&self, css: &str) {
        self.until(&format!("a click on {css}"), async || {
            // What moves, or is drawn anew in between, is looked for again.
            let found = self.driver().find(By::Css(css)).await.ok()?;
            (found.is_displayed().await.ok()? && found.click().await.is_ok()).then_some(())
        })
        .await;
    }

    /// Types where the focus is.
    pub async fn types(&self, text: &str) {
        self.presses(text).await;
    }

    /// Presses a key where the focus is, or several at once: `Key::Shift + Key::Enter`.
    pub async fn presses(&self, keys: impl Into<TypingData>) {
        self.driver().active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// Puts a text where the focus is, at once, as from the clipboard.
    pub async fn pastes(&self, text: &str) {
        self.devtools("Input.insertText", json!({ "text": text })).await;
    }

    /// Waits until there is something to see.
    pub async fn sees(&self, css: &str) {
        let script = "const found = document.querySelector(arguments[0]);
            return found !== null && found.checkVisibility({visibilityProperty: true})";
        self.until(css, async || self.js::<bool>(script, &[json!(css)]).await.then_some(())).await;
    }

    /// Waits until nothing of it is to be seen.
    pub async fn misses(&self, css: &str) {
        let script =
            "return [...document.querySelectorAll(arguments[0])].every((one) => !one.checkVisibility())";
        let what = format!("no {css}");
        self.until(&what, async || self.js::<bool>(script, &[json!(css)]).await.then_some(())).await;
    }

    /// Waits until one of these elements shows a text, among others.
    pub async fn shows(&self, css: &str, text: &str) {
        let what = format!("{text:?} in {css}");
        self.until(&what, async || {
            self.texts(css).await.iter().any(|shown| shown.contains(text)).then_some(())
        })
        .await;
    }

    /// What elements show. What is hidden shows nothing.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])]
            .map((one) => one.checkVisibility() ? one.innerText : '')";
        self.js(script, &[json!(css)]).await
    }

    /// Waits until a script's value is this.
    pub async fn comes_to(&self, script: &str, wanted: Value) {
        let what = format!("{wanted} of {script}");
        self.until(&what, async || (self.js::<Value>(script, &[]).await == wanted).then_some(())).await;
    }

    /// What a script gives.
    pub async fn js<T: DeserializeOwned>(&self, script: &str, arguments: &[Value]) -> T {
        self.driver().execute(script, arguments.to_vec()).await.unwrap().convert().unwrap()
    }

    /// A command of Chromium's own protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.driver().cdp().send_raw(command, parameters).await.unwrap()
    }

    /// Asks until there is an answer; at the deadline tells what the page shows instead.
    pub async fn until<T>(&self, what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            if Instant::now() >= deadline {
                let page: String = self.js("return document.body.innerText", &[]).await;
                let log = self.browser.complaints().await;
                panic!("never came: {what}\nthe page shows: {page}\nits log: {log:?}");
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// The end of a desk whose page had nothing to complain of.
    pub async fn closes(self) {
        self.closes_after(&[]).await;
    }

    /// The end of a desk whose page may have complained of what has one of these words.
    pub async fn closes_after(self, expected: &[&str]) {
        let complaints = self.browser.complaints().await;
        let unexpected: Vec<_> =
            complaints.iter().filter(|line| !expected.iter().any(|words| line.contains(words))).collect();
        assert!(unexpected.is_empty(), "the page complains: {unexpected:#?}");
        let foreign: Vec<_> =
            self.requests().await.into_iter().filter(|url| !url.starts_with(&self.url)).collect();
        assert!(foreign.is_empty(), "the page asks others: {foreign:#?}");
        self.browser.close().await;
    }

    /// The addresses of all requests since the last look, but for what the browser has in itself.
    async fn requests(&self) -> Vec<String> {
        let events = self.network().await.into_iter();
        let requests = events.filter(|event| event["method"] == "Network.requestWillBeSent");
        let urls = requests.filter_map(|event| event["params"]["request"]["url"].as_str().map(str::to_owned));
        urls.filter(|url| !["about:", "blob:", "chrome:", "data:"].iter().any(|own| url.starts_with(own)))
            .collect()
    }

    /// What the network did since the last look, in Chromium's own words.
    pub async fn network(&self) -> Vec<Value> {
        self.browser.network().await
    }
}

/// A handoff's row in the queue.
pub fn row(handoff: &str) -> String {
    format!("#queue-list [data-handoff-id='{handoff}']")
}
