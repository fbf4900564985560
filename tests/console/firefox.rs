//! The console in Firefox: one story that touches what browsers do differently. It is skipped without `geckodriver`.

use std::{
    process::Stdio,
    sync::{Arc, Mutex},
};

use tempfile::TempDir;
use thirtyfour::{
    Capabilities, FirefoxCapabilities, Key, WebDriver, common::capabilities::firefox::FirefoxPreferences,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::Command,
    sync::oneshot,
};

use crate::{
    browser::Browser,
    chromium::Group,
    desk::{Desk, row},
    relay::streams,
    samples, soon,
    support::relay::Setup,
};

/// Firefox without a window, and the driver that it obeys. Both end with this.
pub struct Firefox {
    pub driver: WebDriver,
    said: Arc<Mutex<Vec<String>>>,
    _geckodriver: Group,
    _folder: TempDir,
}

impl Firefox {
    /// `None` where there is no `geckodriver`.
    pub async fn open() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("geckodriver");
        command.args(["--port", "0"]).process_group(0).env("TMPDIR", folder.path()).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let said = Arc::<Mutex<Vec<String>>>::default();
        let (port, listens) = oneshot::channel();
        keep(child.stdout.take().unwrap(), Arc::clone(&said), Some(port));
        keep(child.stderr.take().unwrap(), Arc::clone(&said), None);
        let geckodriver = Group(child);
        let port = soon("a geckodriver", listens).await.unwrap();
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted());
        let driver = soon("a Firefox", driver).await.unwrap();
        Some(Self { driver, said, _geckodriver: geckodriver, _folder: folder })
    }

    /// What went wrong on its pages since the last look.
    pub fn complaints(&self) -> Vec<String> {
        let said = std::mem::take(&mut *self.said.lock().unwrap());
        // Its own parts say who they are before what they say.
        let of_pages = ["JavaScript error: http", "console.error: \"", "console.warn: \""];
        let is_bad = |line: &String| of_pages.iter().any(|kind| line.starts_with(kind));
        said.into_iter().filter(is_bad).collect()
    }

    pub async fn close(self) {
        soon("the browser's end", self.driver.clone().quit()).await.unwrap();
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        // Else it would ask the browser to quit, and wait, and with it the relay on the same thread.
        let _ = self.driver.clone().leak();
    }
}

/// Keeps the lines that come, and says at which port geckodriver listens.
fn keep(
    from: impl AsyncRead + Unpin + Send + 'static,
    said: Arc<Mutex<Vec<String>>>,
    mut port: Option<oneshot::Sender<String>>,
) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some((_, listens)) = line.split_once("Listening on 127.0.0.1:")
                && let Some(port) = port.take()
            {
                let _ = port.send(listens.trim().to_owned());
            }
            said.lock().unwrap().push(line);
        }
    });
}

fn wanted() -> Capabilities {
    let mut wanted = FirefoxCapabilities::new();
    wanted.set_headless().unwrap();
    let mut preferences = FirefoxPreferences::new();
    // What the page logs goes to where the driver is heard.
    preferences.set("devtools.console.stdout.content", true).unwrap();
    preferences.set("intl.accept_languages", "en-GB").unwrap();
    wanted.set_preferences(preferences).unwrap();
    wanted.into()
}

/// `PATH=…/geckodriver's folder:$PATH cargo test --test console -- --nocapture firefox`.
#[tokio::test]
async fn a_conversation_from_signing_in_to_its_outcome() {
    let Some(firefox) = Firefox::open().await else {
        println!("skipped: there is no geckodriver");
        return;
    };
    let relay = Setup::new().set("OUTCOMES", "solved, called back").start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::within(Browser::Firefox(firefox), &relay.agents_url).await;
    desk.signs_in("Alex").await;
    desk.sees(&row(&handoff)).await;
    // The page's own scripts are allowed, and what they have asked for was taken.
    desk.reloads().await;
    desk.is_signed_in("Alex").await;
    assert_eq!(desk.js::<u64>("return globalThis.earlyCalls.size", &[]).await, 0);

    desk.opens(&handoff).await;
    desk.combines("1").await;
    desk.shows("#conversation-status", "Assigned to you").await;
    desk.sees("#composer-text:focus").await;
    relay.ada.customer_says(&conversation, "Is anybody there?").await.unwrap();
    desk.shows("#messages .bubble", "Is anybody there?").await;
    desk.types("Yes, this is Alex.").await;
    desk.presses(Key::Enter).await;
    desk.has_message("Yes, this is Alex.", "confirmed").await;
    let picture = samples::png(640, 360);
    relay.ada.customer_sends_file(&conversation, "shoes.png", "image/png", picture).await.unwrap();
    assert_eq!(desk.sees_picture("img[alt='shoes.png']").await, 640);

    let first = desk.driver().window().await.unwrap();
    desk.opens_another_tab().await;
    desk.is_signed_in("Alex").await;
    assert_eq!(streams(&relay).await, 1, "both tabs share a stream");
    desk.clicks("#tab-mine").await;
    desk.opens(&handoff).await;
    desk.sees("#composer-text:focus").await;
    desk.types("From the other tab").await;
    desk.presses(Key::Enter).await;
    desk.has_message("From the other tab", "confirmed").await;
    desk.switches_to(&first).await;
    desk.has_message("From the other tab", "confirmed").await;

    desk.combines("3").await;
    desk.sees("dialog.ask[data-ready] input:focus").await;
    desk.types("2").await;
    desk.sees("dialog.ask input[value='called back']:checked").await;
    desk.presses(Key::Control + Key::Enter + Key::Null).await;
    desk.shows("#conversation-status", "You ended it · Called back").await;
    soon("Ada's end", relay.ada.until(|ada| !ada.in_handoff(&conversation))).await;
    desk.closes().await;
    relay.finish().await;
}
