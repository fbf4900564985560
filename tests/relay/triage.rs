//! What the agent API tells of those who wait, so that agents can choose.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{
    events::{customer_says, says_at},
    eventually,
    relay::{Relay, Setup},
    settles,
};

const SORRY: &str = "Sorry, nobody is free.";

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

async fn hears(relay: &Relay, id: &str, words: &str) {
    eventually(words, async || relay.alex().reads(id).await.contains(&words.to_owned()).then_some(())).await;
}

/// The same in a single answer and in a list.
async fn everywhere(relay: &Relay, id: &str, field: &str) -> Value {
    let alex = relay.alex();
    let one = alex.handoff(id).await[field].clone();
    let list = alex.list("limit=200").await;
    let listed = list.iter().find(|handoff| handoff["id"] == id).unwrap();
    assert_eq!(listed[field], one);
    one
}

#[tokio::test]
async fn a_handoff_says_why_somebody_waits_since_when_and_how_long_yet() {
    let relay = Setup::new().set("WAITING_TIMEOUT", "10m").start().await;
    let (chat, id) = relay.hand_off().await;
    let alex = relay.alex();
    let began = time(&everywhere(&relay, &id, "created_at").await);
    assert_eq!(time(&everywhere(&relay, &id, "deadline").await), began + jiff::SignedDuration::from_mins(10));
    assert_eq!(everywhere(&relay, &id, "channel").await, Value::Null);
    assert_eq!(time(&everywhere(&relay, &id, "waiting_for_answer_since").await), began);
    assert_eq!(everywhere(&relay, &id, "missed").await, Value::Null);

    relay.ada.customer_says(&chat, "Where is my parcel?").await.unwrap();
    hears(&relay, &id, "Where is my parcel?").await;
    let mut event = customer_says(&chat, "It is late");
    event["data"]["channel"] = json!({ "modality": "sms", "capabilities": { "markdown": true } });
    relay.gets(&event).await;
    hears(&relay, &id, "It is late").await;
    assert_eq!(everywhere(&relay, &id, "channel").await, json!({ "modality": "sms", "markdown": true }));

    alex.writes(&id, "Let me look").await;
    let words = everywhere(&relay, &id, "last_end_user_message").await;
    assert_eq!(
        (&words["content"]["body"], &words["author"]["role"]),
        (&json!("It is late"), &json!("end_user"))
    );
    for field in ["deadline", "waiting_for_answer_since"] {
        assert_eq!(everywhere(&relay, &id, field).await, Value::Null, "{field}");
    }
    let at = Timestamp::now();
    relay.gets(&says_at(&chat, "And?", at)).await;
    hears(&relay, &id, "And?").await;
    let since = time(&everywhere(&relay, &id, "waiting_for_answer_since").await);
    assert_eq!(since.as_millisecond(), at.as_millisecond());
    relay.finish().await;
}

#[tokio::test]
async fn who_was_missed_is_listed_with_what_they_were_told() {
    let setup = Setup::new().set("WAITING_TIMEOUT", "1s").set("WAITING_TIMEOUT_TEXT", SORRY);
    let relay = setup.start().await;
    let alex = relay.alex();
    let (_, solved) = relay.hand_off().await;
    alex.writes(&solved, "Hello").await;
    alex.post(&format!("/handoffs/{solved}/end"), &json!({})).await.good(200);
    let (_, missed) = relay.hand_off().await;
    let ended = alex.sees_the_end(&missed).await;
    assert_eq!(ended["missed"]["told"], SORRY);
    assert_eq!(ended["missed"]["at"], ended["ended_at"]);
    assert_eq!(ended["waiting_for_answer_since"], Value::Null);
    let ids = |list: Vec<Value>| list.iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(alex.list("status=missed").await), [json!(missed)]);
    assert_eq!(ids(alex.list("status=ended").await), [json!(missed), json!(solved)]);
    relay.finish().await;
}

#[tokio::test]
async fn handoffs_of_a_customer_are_found_by_their_id() {
    let relay = Relay::start().await;
    let (first, second, other) =
        (relay.ada.open_conversation(), relay.ada.open_conversation(), relay.ada.open_conversation());
    for (chat, user) in [(&first, "maria"), (&second, "maria"), (&other, "jonas")] {
        assert_eq!(relay.ada.start_handoff(chat, json!({})).await.unwrap(), 200);
        let mut event = customer_says(chat, "Hello");
        event["data"]["end_user_id"] = json!(user);
        relay.gets(&event).await;
    }
    let of = async |user: &str| {
        let list = relay.alex().list(&format!("end_user={user}")).await;
        list.iter().map(|one| one["conversation_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    eventually("all three", async || {
        let found = (of("maria").await, of("jonas").await);
        (found == (vec![second.clone(), first.clone()], vec![other.clone()])).then_some(())
    })
    .await;
    settles(&Vec::new(), || of("nobody")).await;
    relay.finish().await;
}

#[tokio::test]
async fn the_session_names_the_fields_that_lists_show() {
    let relay = Setup::new().set("CONSOLE_FIELDS", " topic, order number ").start().await;
    assert_eq!(relay.alex().get("/session").await.good(200)["fields"], json!(["topic", "order number"]));
    let off = Setup::new().set("CONSOLE_FIELDS", "off").start().await;
    assert_eq!(off.alex().get("/session").await.good(200)["fields"], json!([]));
}
