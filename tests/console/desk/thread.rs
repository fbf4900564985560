//! The open conversation: what stands in it, and writing to it.

use serde_json::json;
use tokio::time::Instant;

use super::{Desk, LOOK_AGAIN};
use crate::support::DEADLINE;
use thirtyfour::Key;

impl Desk {
    /// Writes in the composer and sends with Enter.
    pub async fn writes(&self, text: &str) {
        self.clicks("#composer-text").await;
        self.pastes(text).await;
        self.presses(Key::Enter).await;
    }

    /// What people and the AI Agent have said, in the order of the page, those on their way included.
    pub async fn thread(&self) -> Vec<String> {
        self.texts("#messages .bubble, #pending .bubble").await
    }

    /// The relay's own lines.
    pub async fn lines(&self) -> Vec<String> {
        self.texts("#messages .line > span:first-child").await
    }

    /// Waits until the thread reads like this.
    pub async fn reads(&self, wanted: &[impl AsRef<str>]) {
        let wanted: Vec<&str> = wanted.iter().map(AsRef::as_ref).collect();
        let deadline = Instant::now() + DEADLINE;
        loop {
            let thread = self.thread().await;
            if thread == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "never came to read {wanted:#?}\nbut reads {thread:#?}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until a message is in this state of delivery.
    pub async fn has_message(&self, text: &str, state: &str) {
        let script = "return [...document.querySelectorAll('#messages .entry, #pending .entry')].some((entry) =>
            entry.querySelector('.bubble')?.innerText === arguments[0] && entry.dataset.state === arguments[1])";
        let arguments = [json!(text), json!(state)];
        let what = format!("{text:?} is {state}");
        self.until(&what, async || self.js::<bool>(script, &arguments).await.then_some(())).await;
    }

    /// Answers yes to the question that is asked; it has these words.
    pub async fn confirms(&self, words: &str) {
        self.shows("dialog.ask h2", words).await;
        self.clicks("dialog.ask [data-action=confirm]").await;
        self.misses("dialog.ask").await;
    }
}
