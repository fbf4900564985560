//! What an agent has begun to write.

use serde_json::json;

use crate::{desk::Desk, support::relay::Relay};

#[tokio::test]
async fn a_draft_survives_a_reload_and_another_conversation() {
    let relay = Relay::start().await;
    let (_, one) = relay.hand_off().await;
    let (_, other) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    let draft = "return document.getElementById('composer-text').value";
    desk.accepts(&one).await;
    desk.types("To the first").await;
    desk.accepts(&other).await;
    desk.comes_to(draft, json!("")).await;
    desk.types("To the second").await;
    desk.reloads().await;
    desk.comes_to(draft, json!("To the second")).await;
    desk.clicks("#tab-mine").await;
    desk.opens(&one).await;
    desk.comes_to(draft, json!("To the first")).await;
    desk.writes(", sent").await;
    desk.has_message("To the first, sent", "confirmed").await;
    desk.reloads().await;
    desk.shows("#messages .bubble", "To the first, sent").await;
    desk.comes_to(draft, json!("")).await;
    desk.closes().await;
}
