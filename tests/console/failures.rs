//! A message that Ada refuses.

use sandbox::{Call, Fault};

use crate::{chat, desk::Desk, support::relay::Relay};

#[tokio::test]
async fn a_refused_message_is_sent_again_or_dropped() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    let refusal = Fault::Status { status: 400, retry_after: None };

    relay.ada.fault_next(Call::SendMessage, refusal);
    desk.writes("First").await;
    desk.has_message("First", "failed").await;
    desk.shows(".failure p", "400").await;
    assert!(!chat(&relay, &conversation).contains(&"First".to_owned()));
    desk.clicks("[data-action=retry]").await;
    desk.has_message("First", "confirmed").await;
    desk.misses(".failure").await;

    relay.ada.fault_next(Call::SendMessage, refusal);
    desk.writes("Second").await;
    desk.has_message("Second", "failed").await;
    desk.clicks("[data-action=drop]").await;
    desk.has_message("Second", "dropped").await;
    desk.misses(".failure").await;
    desk.writes("Third").await;
    desk.has_message("Third", "confirmed").await;

    let said = chat(&relay, &conversation);
    assert_eq!(said[said.len() - 2..], ["First", "Third"]);
    desk.closes().await;
}
