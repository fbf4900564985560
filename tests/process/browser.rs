//! The demo's chat page in a real browser: Debian's Chromium, driven over WebDriver.

use std::{path::Path, process::Stdio};

use serde_json::{Value, json};
use thirtyfour::{By, WebDriver};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{chromium::Chromium, until};

#[tokio::test]
async fn the_customer_meets_a_person_and_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let (demo, chat, agent) = demo(folder.path()).await;
    let browser = Chromium::open().await;
    let page = Page(browser.driver.clone());

    page.0.goto(&chat).await.unwrap();
    page.becomes("active", "ai_agent").await;
    page.says("When are you open?").await;
    page.shows(".message[data-role=end_user] .bubble", "When are you open?").await;
    page.shows(".message[data-role=ai_agent] .bubble", "Monday to Friday").await;

    page.click("#person").await;
    page.becomes("active", "waiting").await;
    page.shows(".notice[data-kind=waiting]", "waiting for a person").await;
    page.shows("#state", "Waiting for a person").await;

    let handoff = agent.handoff().await;
    agent.post(&format!("{handoff}/messages"), json!({"text": "Hello <b>Maria</b>, how can I help?"})).await;
    page.becomes("active", "person").await;
    page.shows("#title", "Alex").await;
    // Words are words, not markup.
    page.shows(".message[data-role=human_agent] .bubble", "Hello <b>Maria</b>, how can I help?").await;
    page.says("My parcel is late.").await;
    agent.sees(&handoff, "My parcel is late.").await;

    agent.post(&format!("{handoff}/end"), Value::Null).await;
    page.becomes("active", "ai_agent").await;
    page.shows(".notice[data-kind=handoff_ended]", "has ended").await;
    page.shows(".message[data-role=ai_agent] .bubble", "I'm back").await;
    page.says("Thanks!").await;
    page.shows(".message[data-role=ai_agent] .bubble", "You're welcome!").await;

    page.click("#end").await;
    page.becomes("ended", "ended").await;
    assert!(!page.0.find(By::Css("#composer")).await.unwrap().is_displayed().await.unwrap());
    browser.close().await;
    drop(demo);
}

/// From the relay alone: the page may load nothing from elsewhere.
#[tokio::test]
async fn the_api_document_is_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let (_demo, _, agent) = demo(folder.path()).await;
    let browser = Chromium::open().await;
    let page = Page(browser.driver.clone());
    page.0.goto(format!("{}/api/docs", agent.relay)).await.unwrap();
    page.shows("h1, h2", "handoff-relay agent API").await;
    let urls = "return performance.getEntriesByType('resource').map((entry) => entry.name)";
    let urls: Vec<String> = page.0.execute(urls, []).await.unwrap().convert().unwrap();
    assert!(urls.iter().all(|url| url.starts_with(&agent.relay) || url.starts_with("data:")), "{urls:?}");
    browser.close().await;
}

/// The chat page as its user meets it.
struct Page(WebDriver);

impl Page {
    async fn says(&self, text: &str) {
        self.0.find(By::Css("#text")).await.unwrap().send_keys(text).await.unwrap();
        self.click("#send").await;
    }

    async fn click(&self, css: &str) {
        self.0.find(By::Css(css)).await.unwrap().click().await.unwrap();
    }

    async fn becomes(&self, status: &str, phase: &str) {
        let css = format!("#chat[data-status={status}][data-phase={phase}]");
        until(&css, || async { self.0.find(By::Css(&*css)).await.ok() }).await;
    }

    /// Waits until the last element of its kind shows this.
    async fn shows(&self, css: &str, text: &str) {
        until(text, || async {
            let found = self.0.find_all(By::Css(css)).await.ok()?;
            found.last()?.text().await.ok()?.contains(text).then_some(())
        })
        .await;
    }
}

/// The agent, over the API.
struct Agent {
    http: reqwest::Client,
    relay: String,
    token: String,
}

impl Agent {
    async fn handoff(&self) -> String {
        let list = self.get("").await;
        list["data"][0]["id"].as_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(self.url(path)).bearer_auth(&self.token);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) {
        let mut request = self.http.post(self.url(path)).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(&body);
        }
        request.send().await.unwrap().error_for_status().unwrap();
    }

    async fn sees(&self, handoff: &str, text: &str) {
        until(text, || async {
            let rows = self.get(&format!("{handoff}/messages")).await;
            rows["data"].as_array()?.iter().any(|row| row["content"]["body"] == text).then_some(())
        })
        .await;
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/handoffs/{path}", self.relay).trim_end_matches('/').to_owned()
    }
}

/// The demo, the link to its chat, and its agent. Ends when dropped.
async fn demo(folder: &Path) -> (Child, String, Agent) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handoff-relay"));
    command.arg("demo").current_dir(folder).env_clear().env("TMPDIR", folder);
    let (mut demo, mut lines) = spawn(command);
    let (mut chat, mut relay, mut token) = (None, None, None);
    while let (None, Some(line)) = (&token, lines.next_line().await.unwrap()) {
        let line = line.trim();
        let after = |title: &str| line.strip_prefix(title).map(|rest| rest.trim().to_owned());
        chat = chat.or(after("The customer's chat"));
        relay = relay.or(after("The API document").map(|link| link.trim_end_matches("/api/docs").to_owned()));
        token = after("Alex ");
    }
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let agent = Agent { http, relay: relay.unwrap(), token: token.unwrap() };
    demo.stdout = Some(lines.into_inner().into_inner());
    (demo, chat.unwrap(), agent)
}

type Lines = tokio::io::Lines<BufReader<tokio::process::ChildStdout>>;

fn spawn(mut command: Command) -> (Child, Lines) {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child =
        command.spawn().unwrap_or_else(|error| panic!("{name}: {error}; scripts/test installs it"));
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}
