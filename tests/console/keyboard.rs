//! Everything without a mouse.

use serde_json::json;
use thirtyfour::Key;

use crate::{
    desk::Desk,
    support::{relay::Relay, soon},
};

impl Desk {
    /// Presses a digit with Control and Shift.
    pub async fn combines(&self, digit: &str) {
        self.presses(Key::Control + Key::Shift + digit + Key::Null).await;
    }

    /// Waits until a question can be answered with a key.
    async fn is_asked(&self, words: &str) {
        self.shows("dialog.ask[data-ready] h2", words).await;
    }

    async fn draft(&self) -> String {
        self.js("return document.getElementById('composer-text').value", &[]).await
    }

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
    desk.shows("#help[open] dl", "accept, or take over").await;
    desk.presses(Key::Escape).await;
    desk.misses("#help").await;
    for key in ["j", "j", "k"] {
        desk.types(key).await;
    }
    desk.presses(Key::Enter).await;
    desk.sees(&format!("#conversation[data-handoff-id='{handoff}']")).await;
    desk.shows("[data-action=accept] kbd", "Ctrl ⇧ 1").await;
    desk.combines("1").await;
    desk.shows("#conversation-status", "Assigned to you").await;
    desk.sees("#composer-text:focus").await;
    desk.types("Line one").await;
    desk.presses(Key::Shift + Key::Enter).await;
    desk.types("line two").await;
    desk.presses(Key::Enter).await;
    desk.has_message("Line one\nline two", "confirmed").await;
    desk.combines("4").await;
    desk.shows("#composer-send", "Add note").await;
    desk.types("Kind").await;
    desk.presses(Key::Enter).await;
    desk.shows("#messages .entry[data-kind=note]", "Kind").await;
    desk.combines("5").await;
    desk.misses("#details").await;
    desk.combines("6").await;
    desk.sees("#search:focus").await;
    desk.combines("3").await;
    desk.is_asked("End the conversation").await;
    desk.presses(Key::Control + Key::Enter + Key::Null).await;
    soon("the end at Ada", relay.ada.until(|ada| !ada.in_handoff(&conversation))).await;
    desk.shows("#conversation-status", "You ended it").await;

    desk.shows("#toasts", "Ended.").await;
    desk.combines("8").await;
    desk.sees(&format!("#conversation[data-handoff-id='{younger}']")).await;

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

/// To the next one who waits, accept, and send: besides the answer, three keystrokes.
#[tokio::test]
async fn from_the_queue_to_an_answer_in_three_keystrokes() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.sees(&crate::desk::row(&handoff)).await;
    desk.combines("8").await;
    desk.sees(&format!("#conversation[data-handoff-id='{handoff}']")).await;
    desk.combines("1").await;
    desk.sees("#composer-text:focus").await;
    desk.types("Hello, how can I help?").await;
    desk.presses(Key::Enter).await;
    desk.has_message("Hello, how can I help?", "confirmed").await;
    desk.closes().await;
}

/// What agents have typed without a cursor to be seen.
const TYPED: [&str; 3] = ["Hello, how can I help?", "great, let me see", "maybe easier"];

/// Where the focus may be while somebody believes that they write.
const BESIDE: [&str; 4] = ["#conversation", "#thread", "#queue-list a", "#details-toggle"];

#[tokio::test]
async fn what_is_typed_beside_the_composer_goes_into_it() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.opens(&handoff).await;
    desk.combines("1").await;
    desk.sees("#composer-text:focus").await;
    for focus in BESIDE {
        for text in TYPED {
            desk.js::<()>("document.querySelector(arguments[0]).focus()", &[json!(focus)]).await;
            desk.types(text).await;
            assert_eq!(desk.draft().await, text, "with the focus on {focus}");
            desk.presses(Key::Control + "a" + Key::Null + Key::Backspace).await;
        }
    }
    assert!(desk.texts("dialog.ask").await.is_empty());
    desk.shows("#conversation-status", "Assigned to you").await;

    // So does what is typed after it was opened.
    desk.clicks("#tab-mine").await;
    desk.clicks("#tab-waiting").await;
    desk.clicks("#queue-list a").await;
    desk.shows("#conversation-status", "Waiting for").await;
    desk.clicks("#tab-mine").await;
    desk.opens(&handoff).await;
    desk.types("Hi").await;
    desk.reloads().await;
    desk.sees("#composer-text:focus").await;
    desk.types("!").await;
    assert_eq!(desk.draft().await, "Hi!");

    // Space still presses what has the focus.
    desk.js::<()>("document.getElementById('details-toggle').focus()", &[]).await;
    desk.types(" ").await;
    desk.misses("#details").await;
    assert_eq!(desk.draft().await, "Hi!");
    desk.closes().await;
}

#[tokio::test]
async fn letters_do_nothing_in_a_conversation_of_nobody_or_of_another() {
    let relay = Relay::start().await;
    let (_, waiting) = relay.hand_off().await;
    let (_, of_sam) = relay.hand_off().await;
    relay.agent("Sam").post(&format!("/handoffs/{of_sam}/accept"), &json!({})).await.good(200);
    let desk = Desk::of_agent(&relay, "Alex").await;
    for (list, handoff, status) in
        [("#tab-waiting", waiting, "Waiting for"), ("#tab-everyone", of_sam, "Assigned to Sam")]
    {
        desk.clicks(list).await;
        desk.opens(&handoff).await;
        desk.shows("#conversation-status", status).await;
        for text in TYPED {
            desk.types(text).await;
            desk.presses(Key::Enter).await;
            desk.types("now").await;
        }
        desk.shows("#conversation-status", status).await;
        assert_eq!(desk.draft().await, "");
        assert!(desk.texts("dialog[open], #messages [data-kind=note]").await.is_empty());
        desk.sees(&format!("{list}[aria-selected=true]")).await;
    }
    desk.closes().await;
}

#[tokio::test]
async fn a_question_is_answered_by_nothing_that_was_on_its_way() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    relay.agent("Sam").accepts(&handoff).await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.clicks("#tab-everyone").await;
    desk.opens(&handoff).await;
    // All of it before anyone could have read the question.
    let early = "const on = (type, key, code) =>
            document.activeElement.dispatchEvent(new KeyboardEvent(type, {key, code, bubbles: true, cancelable: true}));
        document.dispatchEvent(new KeyboardEvent('keydown', {key: '!', code: 'Digit1', ctrlKey: true, shiftKey: true, cancelable: true}));
        return [on('keydown', ' ', 'Space'), on('keyup', ' ', 'Space'), on('keydown', 'Enter', 'Enter'), on('keydown', 'Tab', 'Tab')]";
    let taken: Vec<bool> = desk.js(early, &[]).await;
    assert_eq!(taken, [false; 4], "the browser does nothing with them");
    desk.sees("dialog.ask [value=no]:focus").await;
    desk.is_asked("Take over from Sam?").await;
    // A key that came down before comes up now.
    let up = "return document.activeElement.dispatchEvent(
        new KeyboardEvent('keyup', {key: ' ', code: 'Space', bubbles: true, cancelable: true}))";
    assert!(!desk.js::<bool>(up, &[]).await);
    desk.types(" ").await;
    desk.misses("dialog.ask").await;
    desk.shows("#conversation-status", "Assigned to Sam").await;
    desk.closes().await;
}

#[tokio::test]
async fn a_conversation_does_not_end_by_keys_that_were_on_their_way() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    // The combination is held, and letters follow.
    let early = "const press = (on, key, more) => on.dispatchEvent(
            new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true, ...more}));
        press(document, '#', {code: 'Digit3', ctrlKey: true, shiftKey: true});
        for (const one of ['Enter', 'y']) press(document.activeElement, one, {});
        press(document.activeElement, 'Enter', {ctrlKey: true});
        return document.querySelector('dialog.ask').open";
    assert!(desk.js::<bool>(early, &[]).await);
    desk.is_asked("End the conversation with Maria Silva?").await;
    desk.types("yes ").await;
    desk.presses(Key::Enter).await;
    let held = "document.activeElement.dispatchEvent(new KeyboardEvent('keydown',
        {key: 'Enter', ctrlKey: true, repeat: true, bubbles: true, cancelable: true}))";
    desk.js::<()>(held, &[]).await;
    desk.sees("dialog.ask").await;
    desk.presses(Key::Escape).await;
    desk.misses("dialog.ask").await;
    desk.shows("#conversation-status", "Assigned to you").await;
    assert!(relay.ada.in_handoff(&conversation));
    desk.combines("2").await;
    desk.shows("#conversation-status", "Waiting for").await;
    desk.closes().await;
}
