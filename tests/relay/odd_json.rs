//! Half letters, numbers that none can be and bottomless lists, in what nobody reads and in what somebody does.

use sandbox::{Call, Dial, Fault};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    answer::Answer,
    events::{Webhook, customer_says},
    eventually, past_the_doubt,
    relay::{Relay, START_KEY},
};

fn odd() -> Dial {
    Dial { oddities: true, ..Dial::default() }
}

#[tokio::test]
async fn they_cost_no_message_no_history_and_no_end() {
    let relay = Relay::start().await;
    relay.ada.set_dial(odd());
    let chat = relay.ada.open_conversation();
    for text in ["One", "Two", "Three"] {
        relay.ada.customer_says(&chat, text).await.unwrap();
    }
    relay.ada.start_handoff(&chat, json!({})).await.unwrap();
    let id = relay.alex().handoff_of(&chat).await["id"].as_str().unwrap().to_owned();
    let alex = relay.alex();
    eventually("the history", || async {
        let said = alex.reads(&id).await;
        ["One", "Two", "Three"].iter().all(|text| said.contains(&(*text).to_owned())).then_some(())
    })
    .await;
    let rows = alex.rows(&id).await;
    let unreadable: Vec<&Value> =
        rows.iter().filter(|row| row["content"]["original_type"] == "unreadable").collect();
    assert!(!unreadable.is_empty());
    assert_eq!(unreadable[0]["content"]["error"], "`content.body` is missing");
    let transcript = alex.get(&format!("/handoffs/{id}/transcript")).await;
    assert!(transcript.text().contains("[unreadable: `content.body` is missing]"), "{}", transcript.text());

    relay.ada.customer_says(&chat, "By webhook").await.unwrap();
    eventually("the webhook's words", || async {
        alex.reads(&id).await.contains(&"By webhook".to_owned()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_message_in_doubt_is_found_among_them() {
    let relay = Relay::start().await;
    relay.ada.set_dial(odd());
    let (chat, id) = relay.hand_off().await;
    let began = Instant::now();
    relay.ada.set_webhooks(false);
    relay.ada.fault_next(Call::SendMessage, Fault::StoredThenStatus(500));
    relay.alex().accepts(&id).await;
    relay.alex().writes(&id, "Once").await;
    relay.alex().sees(&id, "Once", &["sent"]).await;
    let said = relay.ada.messages(&chat);
    assert_eq!(said.iter().filter(|message| message.text() == Some("Once")).count(), 1);
    past_the_doubt(began).await;
    relay.ada.set_webhooks(true);
    relay.ada.ada_ends_handoff(&chat).await.unwrap();
    assert_eq!(relay.alex().sees_the_end(&id).await["ended_by"], "ada");
    assert_eq!(relay.alex().dead_letters().await, Vec::<Value>::new());
}

#[tokio::test]
async fn half_a_letter_in_what_is_read_becomes_a_whole_one() {
    let relay = Relay::start().await;
    let body = r#"{"conversation_id":"c","half":"a\ud83d","deep":[[[[1]]]],"large":1e999,"long":12345678901234567890123}"#;
    let call = relay.http.post(format!("{}/handoffs/start", relay.url)).bearer_auth(START_KEY);
    let started = Answer::to(call.body(body)).await.good(200);
    let id = started["handoff_id"].as_str().unwrap();
    let context = json!({
        "half": "a\u{fffd}", "deep": [[[[1]]]], "large": "1e999", "long": "12345678901234567890123",
    });
    assert_eq!(relay.alex().handoff(id).await["context"], context);

    let event = customer_says("c", "hel|lo").to_string().replace("hel|lo", r"hel\ud83dlo");
    Webhook::new("msg_half", event).post(&relay).await.good(200);
    relay.alex().comes_to_read(id, &["hel\u{fffd}lo"]).await;
    let written = relay
        .alex()
        .request("POST", &format!("/handoffs/{id}/notes"))
        .header("content-type", "application/json");
    let note = Answer::to(written.body(r#"{"text":"\ude00 noted"}"#)).await.good(201);
    assert_eq!(note["content"]["body"], "\u{fffd} noted");
}
