//! A conversation ends.

use serde_json::json;
use thirtyfour::Key;
use tokio::time::Instant;

use crate::{
    desk::Desk,
    relay::chat,
    support::{
        past_the_doubt,
        relay::{Relay, Setup},
        soon,
    },
};

#[tokio::test]
async fn an_agent_ends_it_after_a_question() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.writes("Goodbye.").await;

    desk.clicks("#conversation-actions [data-action=end]").await;
    desk.shows("dialog.ask h2", "End the conversation with Maria Silva?").await;
    desk.clicks("dialog.ask button[value=no]").await;
    desk.misses("dialog").await;
    desk.sees("#conversation[data-status=active]").await;
    assert!(relay.ada.in_handoff(&conversation));

    desk.clicks("#conversation-actions [data-action=end]").await;
    desk.confirms("End the conversation with Maria Silva?").await;
    desk.shows("#conversation-status", "You ended it").await;
    desk.shows("#composer-reason", "You can no longer write to the customer").await;
    desk.misses("#conversation-actions button").await;
    soon("Ada's end", relay.ada.until(|ada| !ada.in_handoff(&conversation))).await;
    assert!(
        chat(&relay, &conversation).contains(&"Goodbye.".to_owned()),
        "what was written before still went"
    );
    desk.has_message("Goodbye.", "confirmed").await;
    desk.shows("#messages .line", "You ended the conversation").await;
    desk.clicks("#tab-ended").await;
    desk.sees(&crate::desk::row(&handoff)).await;
    desk.closes().await;
}

#[tokio::test]
async fn an_agent_says_what_came_of_it_and_goes_on_to_the_next() {
    let relay = Setup::new().set("OUTCOMES", "solved, called back").start().await;
    let (_, handoff) = relay.hand_off().await;
    let (_, next) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.clicks("#conversation-actions [data-action=end]").await;
    desk.sees("dialog.ask[data-ready] input:focus").await;
    assert_eq!(desk.texts("dialog.ask .chip").await, ["Not said", "1\nSolved", "2\nCalled back"]);
    // Enter alone confirms nothing.
    desk.types("2").await;
    desk.presses(Key::Enter).await;
    desk.sees("dialog.ask input[value='called back']:checked").await;
    desk.clicks("#end-note").await;
    desk.types("Calls again on Monday.").await;
    desk.presses(Key::Control + Key::Enter).await;
    desk.shows("#conversation-status", "You ended it · Called back").await;
    desk.shows("#messages .entry[data-kind=note]", "Calls again on Monday.").await;
    assert_eq!(relay.alex().handoff(&handoff).await["outcome"], "called back");
    desk.clicks("#toasts [data-action=next]").await;
    desk.sees(&format!("#conversation[data-handoff-id='{next}']")).await;
    desk.closes().await;
}

#[tokio::test]
async fn without_outcomes_there_is_nothing_to_choose_from() {
    let relay = Setup::new().set("OUTCOMES", "off").start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.clicks("#conversation-actions [data-action=end]").await;
    desk.sees("dialog.ask #end-note").await;
    desk.misses("dialog.ask .chip").await;
    desk.confirms("End the conversation").await;
    desk.shows("#conversation-status", "You ended it").await;
    desk.misses("#toasts [data-action=next]").await;
    assert_eq!(relay.alex().handoff(&handoff).await["outcome"], json!(null));
    desk.closes().await;
}

#[tokio::test]
async fn a_customer_ends_it() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let began = Instant::now();
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.types("What about").await;
    past_the_doubt(began).await;
    relay.ada.customer_ends_chat(&conversation).await.unwrap();
    desk.sees("#conversation[data-status=ended]").await;
    desk.shows("#conversation-status", "Maria Silva ended it").await;
    desk.shows("#messages .line", "Maria Silva ended the conversation").await;
    desk.shows("#composer-reason", "Maria Silva ended it. You can no longer write to the customer").await;
    desk.misses("#composer-text").await;
    desk.closes().await;
}

#[tokio::test]
async fn a_note_outlives_a_refused_end_and_a_slip_of_the_mouse() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let began = Instant::now();
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.clicks("#conversation-actions [data-action=end]").await;
    desk.clicks("#end-note").await;
    desk.types("Calls again on Monday.").await;
    // Who selects text may let go beside the dialog.
    desk.drags_from("#end-note", 5.0, 5.0).await;
    desk.comes_to("return document.getElementById('end-note').value", json!("Calls again on Monday.")).await;
    past_the_doubt(began).await;
    relay.ada.customer_ends_chat(&conversation).await.unwrap();
    desk.sees("#conversation[data-status=ended]").await;
    desk.clicks("#end-note").await;
    desk.presses(Key::Control + Key::Enter).await;
    desk.shows("#toasts", "This handoff has ended.").await;
    desk.sees("#composer[data-mode=note] #composer-text:focus").await;
    desk.comes_to("return document.getElementById('composer-text').value", json!("Calls again on Monday."))
        .await;
    desk.presses(Key::Enter).await;
    desk.shows("#messages .entry[data-kind=note]", "Calls again on Monday.").await;
    desk.closes_after(&["status of 409"]).await;
}

impl Desk {
    /// Presses the mouse's button in the middle of an element, and lets it go elsewhere.
    async fn drags_from(&self, css: &str, x: f64, y: f64) {
        let middle =
            "const {x, y, width, height} = document.querySelector(arguments[0]).getBoundingClientRect();
            return [x + width / 2, y + height / 2]";
        let from: [f64; 2] = self.js(middle, &[json!(css)]).await;
        for (kind, [x, y]) in [("mousePressed", from), ("mouseMoved", [x, y]), ("mouseReleased", [x, y])] {
            let mouse =
                json!({"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1});
            self.devtools("Input.dispatchMouseEvent", mouse).await;
        }
    }
}
