//! The relay goes and comes back.

use crate::{chat, desk::Desk, support::relay::Relay};

#[tokio::test]
async fn a_restart_loses_and_doubles_nothing() {
    let mut relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.writes("Before").await;
    desk.has_message("Before", "confirmed").await;

    relay.stop().await;
    relay.ada.customer_says(&conversation, "Is anybody there?").await.unwrap();
    desk.shows("#banner", "No connection to the relay.").await;
    desk.shows("#composer-reason", "No connection. Your draft is kept.").await;
    desk.clicks("#composer-text").await;
    desk.types("After").await;

    relay.start_again_there().await;
    desk.misses("#banner").await;
    desk.misses("#composer-reason").await;
    desk.has_message("Before", "confirmed").await;
    desk.shows("#messages .bubble", "Is anybody there?").await;
    desk.clicks("#composer-send").await;
    desk.has_message("After", "confirmed").await;
    desk.reads(&chat(&relay, &conversation)).await;
    let (_, other) = relay.hand_off().await;
    desk.sees(&crate::desk::row(&other)).await;
    desk.closes_after(&["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET"])
        .await;
}
