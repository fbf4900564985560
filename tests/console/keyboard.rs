//! Everything without a mouse.

use serde_json::json;
use thirtyfour::Key;

use crate::{
    desk::Desk,
    support::{relay::Relay, soon},
};

impl Desk {
    /// Presses Tab until something has the focus.
    async fn tabs_to(&self, css: &str) {
        for _ in 0..40 {
            if self.js::<bool>("return document.activeElement.matches(arguments[0])", &[json!(css)]).await {
                return;
            }
            self.presses(Key::Tab).await;
        }
        panic!("Tab never comes to {css}");
    }
}

#[tokio::test]
async fn from_signing_in_to_the_end() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let (_, younger) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.sees(&crate::desk::row(&younger)).await;

    desk.types("?").await;
    desk.sees("#help[open]").await;
    desk.presses(Key::Escape).await;
    desk.misses("#help").await;
    for key in ["j", "j", "k"] {
        desk.types(key).await;
    }
    desk.presses(Key::Enter).await;
    desk.sees(&format!("#conversation[data-handoff-id='{handoff}']")).await;
    desk.types("a").await;
    desk.shows("#conversation-status", "You have it").await;
    desk.sees("#composer-text:focus").await;
    desk.types("Line one").await;
    desk.presses(Key::Shift + Key::Enter).await;
    desk.types("line two").await;
    desk.presses(Key::Enter).await;
    desk.has_message("Line one\nline two", "confirmed").await;
    desk.presses(Key::Escape).await;
    desk.types("r").await;
    desk.sees("#composer-text:focus").await;
    desk.presses(Key::Escape).await;
    desk.types("e").await;
    desk.shows("dialog.ask h2", "End the conversation").await;
    desk.presses(Key::Enter).await;
    soon("the end at Ada", relay.ada.until(|ada| !ada.in_handoff(&conversation))).await;
    desk.shows("#conversation-status", "You ended it").await;

    // The same without letters: what the Tab key reaches.
    desk.presses(Key::Escape).await;
    desk.tabs_to(&format!("{} a", crate::desk::row(&younger))).await;
    desk.presses(Key::Enter).await;
    desk.tabs_to("#conversation-actions [data-action=accept]").await;
    desk.presses(Key::Enter).await;
    desk.sees("#composer-text:focus").await;
    desk.types("Hello").await;
    desk.tabs_to("#composer-send").await;
    desk.presses(Key::Space).await;
    desk.has_message("Hello", "confirmed").await;
    desk.closes().await;
}
