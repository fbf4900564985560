//! The relay goes and comes back.

use serde_json::json;

use crate::{desk::Desk, relay::chat, support::relay::Relay};

/// What a browser says while the relay is away.
pub const AWAY: &[&str] =
    &["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "status of 404"];

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

    relay.comes_back().await;
    desk.misses("#banner").await;
    desk.misses("#composer-reason").await;
    desk.has_message("Before", "confirmed").await;
    desk.shows("#messages .bubble", "Is anybody there?").await;
    desk.clicks("#composer-send").await;
    desk.has_message("After", "confirmed").await;
    desk.reads(&chat(&relay, &conversation)).await;
    let (_, other) = relay.hand_off().await;
    desk.sees(&crate::desk::row(&other)).await;
    desk.closes_after(AWAY).await;
}

/// The stream goes on where it was, so that nothing else has the page load anew.
#[tokio::test]
async fn what_could_not_be_loaded_is_loaded_when_the_relay_is_back() {
    let mut relay = Relay::start().await;
    let (conversation, one) = relay.hand_off().await;
    relay.ada.customer_says(&conversation, "Where is my parcel?").await.unwrap();
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.shows(&format!("{} .preview", crate::desk::row(&one)), "Where is my parcel?").await;
    relay.stop().await;
    desk.shows("#banner", "No connection to the relay.").await;
    desk.opens(&one).await;
    desk.shows("#thread-state", "The messages could not be loaded.").await;
    relay.comes_back().await;
    desk.shows("#messages .bubble", "Where is my parcel?").await;
    desk.misses("#thread-state").await;

    // The same of a conversation that the page knows nothing of, and of a list.
    relay.stop().await;
    desk.shows("#banner", "No connection to the relay.").await;
    desk.clicks("#tab-ended").await;
    desk.shows("#queue-failed", "The list could not be loaded.").await;
    desk.js::<()>("location.hash = '#/c/gone'", &[]).await;
    desk.shows("#thread-state", "The conversation could not be loaded.").await;
    // It is asked for again and again, and whoever searches meanwhile goes on searching.
    desk.clicks("#search").await;
    let seen =
        "return performance.getEntriesByType('resource').filter(({name}) => name.includes('gone')).length";
    let asked: usize = desk.js(seen, &[]).await;
    desk.until("another try", async || (desk.js::<usize>(seen, &[]).await > asked).then_some(())).await;
    desk.comes_to("return document.activeElement.id", json!("search")).await;
    relay.comes_back().await;
    desk.shows("#thread-state", "This conversation no longer exists.").await;
    desk.comes_to("return document.activeElement.id", json!("search")).await;
    desk.shows("#queue-empty", "No conversations have ended yet").await;
    desk.closes_after(AWAY).await;
}
