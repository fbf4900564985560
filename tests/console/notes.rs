//! What agents write for each other.

use serde_json::json;
use thirtyfour::Key;

use crate::{chat, desk::Desk, support::relay::Relay};

#[tokio::test]
async fn a_note_stays_among_agents() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.clicks("#composer-modes [data-mode=note]").await;
    desk.shows("#composer-send", "Add note").await;
    desk.types("She is a *very* good customer.").await;
    desk.clicks("#composer-modes [data-mode=reply]").await;
    desk.comes_to("return document.getElementById('composer-text').value", json!("")).await;
    desk.clicks("#composer-modes [data-mode=note]").await;
    desk.presses(Key::Enter).await;
    let note = "#messages .entry[data-kind=note]";
    desk.shows(note, "She is a very good customer.").await;
    desk.shows(note, "only your team sees it").await;

    relay.alex().post(&format!("/handoffs/{handoff}/notes"), &json!({"text": "So I hear."})).await.good(201);
    desk.shows(note, "So I hear.").await;
    relay.alex().ends(&handoff).await;
    desk.sees("#conversation[data-status=ended]").await;
    desk.clicks("#composer-modes [data-mode=note]").await;
    desk.types("Asked twice.").await;
    desk.presses(Key::Enter).await;
    desk.shows(note, "Asked twice.").await;
    let said = chat(&relay, &conversation);
    assert!(!said.iter().any(|text| text.contains("customer.") || text.contains("hear")), "{said:?}");
    desk.closes().await;
}
