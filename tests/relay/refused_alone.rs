//! 401 or 403 to a call about one conversation, as of a filter in front of Ada that doesn't like its words: that call alone
//! has failed, and nobody else waits.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use crate::support::{
    answer::Answer,
    relay::{Relay, Setup},
    settles,
};

/// Long before a refused key would be tried again.
const AT_ONCE: Duration = Duration::from_secs(10);
const WORDS: &str = "Ada answered 403: Forbidden";

/// Two conversations of Alex's, of which the first is filtered from now on where a call is a `method`.
async fn filtered(method: &str) -> (Relay, String, String, String) {
    let relay = Setup::new().with_a_road().start().await;
    let (chat, id) = relay.hand_off().await;
    let (_, other) = relay.hand_off().await;
    for id in [&id, &other] {
        relay.alex().accepts(id).await;
    }
    settles(&(0, 0), || relay.left_over()).await;
    relay.road().forbid(&format!("{method} /api/v2/conversations/{chat}/"));
    (relay, chat, id, other)
}

async fn goes_on(relay: &Relay, other: &str, text: &str) {
    relay.alex().writes(other, text).await;
    let sent = timeout(AT_ONCE, relay.alex().sees(other, text, &["sent", "confirmed"])).await;
    sent.expect("another conversation's message goes on");
    relay.get("/health/ready").await.good(200);
}

#[tokio::test]
async fn a_text_or_a_file_fails_with_adas_words_and_the_next_goes_on() {
    let (relay, _, id, other) = filtered("POST").await;
    let alex = relay.alex();
    alex.writes(&id, "'; DROP TABLE orders; --").await;
    let failed = timeout(AT_ONCE, alex.sees(&id, "'; DROP TABLE orders; --", &["failed"])).await;
    assert_eq!(failed.expect("it fails at once")["delivery"]["error"], WORDS);
    let row = alex.sends(&id, "a.txt", b"text").await;
    let state = async || {
        let rows = alex.rows(&id).await;
        rows.iter().find(|known| known["id"] == row["id"]).unwrap()["delivery"]["error"].clone()
    };
    settles(&json!(WORDS), state).await;
    goes_on(&relay, &other, "Elsewhere").await;
    relay.road().allow_all();
    alex.writes(&id, "The next").await;
    alex.sees(&id, "The next", &["sent", "confirmed"]).await;
    relay.finish().await;
}

#[tokio::test]
async fn an_end_call_is_tried_again_and_holds_nothing_up() {
    let (relay, _, id, other) = filtered("POST").await;
    relay.alex().ends(&id).await;
    goes_on(&relay, &other, "Elsewhere").await;
    let ends = relay.alex().rows(&id).await.into_iter().filter(|row| row["content"]["event"] == "ended");
    assert_eq!(ends.map(|row| row["delivery"]["state"].clone()).collect::<Vec<_>>(), [json!("queued")]);
}

#[tokio::test]
async fn a_list_that_is_filtered_is_said_in_its_thread_alone() {
    let (relay, _, id, other) = filtered("GET").await;
    // An accept has it read.
    relay.alex().act(&id, "release").await.good(200);
    relay.alex().accepts(&id).await;
    let says = async || {
        let rows = relay.alex().rows(&id).await;
        rows.iter()
            .any(|row| row["content"]["body"] == format!("The history could not be read from Ada: {WORDS}"))
    };
    settles(&true, says).await;
    goes_on(&relay, &other, "Elsewhere").await;
}

#[tokio::test]
async fn a_key_that_is_refused_everywhere_is_known_by_one_more_call() {
    let (relay, _, id, other) = filtered("POST").await;
    relay.road().forbid("/api/v2/conversations/");
    for id in [&id, &other] {
        relay.alex().writes(id, "Hello").await;
    }
    let red = async || Answer::to(relay.http.get(format!("{}/health/ready", relay.url))).await.status;
    settles(&503, red).await;
    for id in [&id, &other] {
        relay.alex().sees(id, "Hello", &["queued"]).await;
    }
    let neutral = relay.road().passed().iter().filter(|call| call.contains("handoff-relay-check")).count();
    assert_eq!(neutral, 1);
}
