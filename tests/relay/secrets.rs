//! What must stay inside.

use serde_json::{Value, json};

use crate::support::{
    events::{from_now, shows_at},
    log,
    relay::{API_KEY, OTHER_SECRET, Relay, SECRET, START_KEY},
    settles,
};

/// A presigned URL is a key to a customer's file. At this address there is nothing, and nobody is asked for it.
const PRESIGNED: &str = "https://192.0.2.7/invoice?X-Amz-Signature=5eCr3tMark";

#[tokio::test]
async fn a_presigned_url_never_leaves_the_store() {
    let mut relay = Relay::start().await;
    let alex = relay.alex();
    let mut stream = alex.stream(None).await.ready().await;
    let (chat, id) = relay.hand_off().await;
    let content = json!({ "type": "file", "url": PRESIGNED, "mime_type": "application/pdf", "filename": "invoice.pdf" });
    relay.gets(&shows_at(&chat, "file", from_now(0), content.clone())).await;
    // One that can't be used, one whose handoff is unknown and too old, one of a type to come.
    let mut headless = shows_at(&chat, "headless", from_now(0), content.clone());
    headless["data"]["message_id"] = Value::Null;
    relay.gets(&headless).await;
    relay.gets(&shows_at("ancient", "old", from_now(-15 * 24 * 3_600_000), content.clone())).await;
    let album = json!({ "type": "album", "url": PRESIGNED, "files": [content] });
    relay.gets(&shows_at(&chat, "album", from_now(1), album)).await;
    stream.until(|event| event.kind == "message" && event.data["content"]["type"] == "unknown").await;

    settles(&2, || async { alex.dead_letters().await.len() }).await;
    let row = alex.sees_file(&id, "invoice.pdf", "failed").await;
    assert_eq!((&row["content"]["size"], &row["content"]["url"]), (&Value::Null, &Value::Null));
    let mut answers = vec![stream.raw.clone()];
    for path in [
        "/handoffs".to_owned(),
        "/handoffs?q=5eCr3tMark".to_owned(),
        format!("/handoffs/{id}"),
        format!("/handoffs/{id}/messages"),
        format!("/handoffs/{id}/transcript"),
        "/dead-letters".to_owned(),
    ] {
        answers.push(alex.get(&path).await.text().to_owned());
    }
    answers.push(relay.get("/metrics").await.text().to_owned());
    let mut replay = alex.stream(Some(&(stream.last_id - 5).to_string())).await;
    replay.next().await;
    answers.push(replay.raw.clone());
    relay.stop().await;
    answers.push(log::lines());
    for answer in &answers {
        assert!(!answer.is_empty());
        assert!(!answer.contains("5eCr3tMark") && !answer.contains("192.0.2.7"), "{answer}");
    }
    assert!(answers[0].contains("invoice.pdf"), "the stream has told of the file");
}

#[tokio::test]
async fn nobody_keeps_what_agents_get() {
    let relay = Relay::start().await;
    let (_, id) = relay.hand_off().await;
    let alex = relay.alex();
    let of_it = ["", "/messages", "/transcript", "/ledger"].map(|rest| format!("/handoffs/{id}{rest}"));
    let others =
        ["/handoffs", "/agents", "/teams", "/canned-replies", "/dead-letters", "/session", "/platforms"];
    for path in of_it.iter().map(String::as_str).chain(others) {
        assert_eq!(alex.get(path).await.header("cache-control"), "no-store", "{path}");
    }
    assert_eq!(alex.get("/handoffs/none").await.header("cache-control"), "no-store");
    relay.finish().await;
}

#[tokio::test]
async fn keys_tokens_and_customers_words_are_not_logged() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (chat, id) = relay.hand_off().await;
    relay
        .gets(&shows_at(&chat, "m", from_now(0), json!({ "type": "text", "body": "my card is 4711-0815" })))
        .await;
    settles(&true, || async { alex.reads(&id).await.contains(&"my card is 4711-0815".to_owned()) }).await;
    alex.writes(&id, "noted: 4711-0816").await;
    alex.sees(&id, "noted: 4711-0816", &["confirmed"]).await;
    relay.get("/api/handoffs").await.problem(401);
    relay.finish().await;
    let lines = log::lines();
    assert!(lines.contains("handoff started"), "there is a log");
    for secret in [API_KEY, START_KEY, SECRET, OTHER_SECRET, "token-of-alex-0123456789", "4711-081"] {
        assert!(!lines.contains(secret.trim_start_matches("whsec_")), "{secret} is in the log");
    }
}
