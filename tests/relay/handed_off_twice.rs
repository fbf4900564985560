//! The same conversation, handed off again.

use serde_json::json;
use tokio::time::Instant;

use crate::support::{
    agent::Agent,
    events::{from_now, handoff_ends, says_at},
    past_the_doubt,
    relay::{Relay, Setup},
    settles, soon,
};

async fn newest(alex: &Agent, chat: &str) -> String {
    alex.handoffs_of(chat).await[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn twice_in_order_gives_two_threads() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let began = Instant::now();
    let (chat, first) = relay.hand_off().await;
    relay.ada.customer_says(&chat, "In the first").await.unwrap();
    alex.writes(&first, "Answer to the first").await;
    alex.sees(&first, "Answer to the first", &["confirmed"]).await;
    past_the_doubt(began).await;
    alex.ends(&first).await;
    soon("the AI Agent is back", relay.ada.until(|ada| !ada.in_handoff(&chat))).await;
    settles(&json!("confirmed"), || async {
        alex.rows(&first).await.last().unwrap()["delivery"]["state"].clone()
    })
    .await;

    relay.ada.start_handoff(&chat, json!({})).await.unwrap();
    let second = newest(&alex, &chat).await;
    assert_ne!(second, first);
    relay.ada.customer_says(&chat, "In the second").await.unwrap();
    settles(&json!(1), || async { alex.handoff(&second).await["unread"].clone() }).await;
    assert!(alex.reads(&second).await.contains(&"In the second".to_owned()));
    assert!(!alex.reads(&first).await.contains(&"In the second".to_owned()));
    assert_eq!(alex.handoffs_of(&chat).await.len(), 2);
    relay.finish().await;
}

/// The same conversation handed off twice, with the first end's event lost: two threads, nothing of the
/// first goes into the second.
#[tokio::test]
async fn nothing_queued_for_the_first_reaches_the_second_though_its_end_was_never_told() {
    let relay = Setup::new().with_a_road().start().await;
    let alex = relay.alex();
    let (chat, first) = relay.hand_off().await;
    alex.writes(&first, "Before").await;
    alex.sees(&first, "Before", &["confirmed"]).await;

    // Ada doesn't answer; Alex writes, gives up, and ends. Neither reaches Ada.
    relay.road().close();
    alex.writes(&first, "Never sent").await;
    alex.writes(&first, "Nor this").await;
    alex.ends(&first).await;
    // Meanwhile Ada ends the handoff, and nobody hears of it.
    relay.ada.set_webhooks(false);
    relay.ada.ada_ends_handoff(&chat).await.unwrap();
    relay.ada.customer_says(&chat, "Hello, machine").await.unwrap();
    relay.ada.set_webhooks(true);

    relay.ada.start_handoff(&chat, json!({})).await.unwrap();
    relay.road().reopen();
    let second = newest(&alex, &chat).await;
    assert_ne!(second, first);
    for text in ["Never sent", "Nor this"] {
        let row = alex.sees(&first, text, &["failed"]).await;
        let error = row["delivery"]["error"].as_str().unwrap();
        assert!(error.contains("a new handoff of this conversation began"), "{error}");
    }
    assert_eq!(alex.rows(&first).await.last().unwrap()["delivery"]["state"], "sent");

    relay.ada.customer_says(&chat, "A person, please").await.unwrap();
    alex.writes(&second, "After").await;
    alex.sees(&second, "After", &["confirmed"]).await;
    settles(&true, || async { alex.reads(&second).await.contains(&"A person, please".to_owned()) }).await;
    let seen: Vec<String> = relay
        .ada
        .messages(&chat)
        .iter()
        .filter(|said| said.role == sandbox::Role::HumanAgent)
        .map(|said| said.text().unwrap().to_owned())
        .collect();
    assert_eq!(seen, ["Before", "After"]);
    assert!(relay.ada.in_handoff(&chat), "the first's end did not end the second");
    let (read_first, read_second) = (alex.reads(&first).await, alex.reads(&second).await);
    for text in ["After", "A person, please", "Hello, machine"] {
        assert!(!read_first.contains(&text.to_owned()), "{text} is not the first's");
    }
    for text in ["Never sent", "Nor this"] {
        assert!(!read_second.contains(&text.to_owned()), "{text} is not the second's");
    }
    assert_eq!(alex.handoffs_of(&chat).await.len(), 2);
    relay.finish().await;
}

/// What comes late goes where it belongs, and changes no state.
#[tokio::test]
async fn events_of_the_first_that_come_during_the_second_join_the_first() {
    // Nobody calls to start, so that the events alone say when each handoff was.
    let relay = Setup::new().set("UNKNOWN_HOLD_MS", "0").start().await;
    let alex = relay.alex();
    let seconds_ago = |seconds: i64| from_now(-seconds * 1_000);
    let (one, end) = (seconds_ago(60), seconds_ago(30));
    relay.gets(&says_at("c", "One", one)).await;
    let first = alex.handoff_of("c").await["id"].as_str().unwrap().to_owned();
    relay.gets(&handoff_ends("c", end)).await;
    assert_eq!(alex.sees_the_end(&first).await["ended_by"], "ada");
    relay.gets(&says_at("c", "Two", seconds_ago(20))).await;
    settles(&2, || async { alex.handoffs_of("c").await.len() }).await;
    let second = newest(&alex, "c").await;

    relay.gets(&says_at("c", "Forgotten", seconds_ago(40))).await;
    relay.gets(&handoff_ends("c", end)).await;
    settles(&json!(true), || async {
        let rows = alex.rows(&first).await;
        rows.into_iter().find(|row| row["content"]["body"] == "Forgotten").unwrap_or_default()["late"].clone()
    })
    .await;
    assert_eq!(alex.reads(&first).await, ["One", "Forgotten"]);
    assert_eq!(alex.reads(&second).await, ["Two"]);
    assert_eq!(alex.handoff(&first).await["status"], "ended");
    assert_eq!(alex.handoff(&second).await["status"], "waiting");
    assert_eq!(alex.handoffs_of("c").await.len(), 2);
    relay.finish().await;
}
