//! Secrets: whatever happens, however much is logged, none of them is printed or answered.

use std::time::Duration;

use axum::http::StatusCode;
use reqwest::{Method, RequestBuilder};
use sandbox::FileFault;
use serde_json::{Value, json};

use crate::{
    ada::{API_KEY, Ada, Refusing, START_KEY},
    parcel::Parcel,
    process::Env,
    relay::{Relay, TOKEN, client, folder},
    until,
};

/// What strangers try; it may be the key of something else.
const WRONG: &str = "wrong-key-0123456789";
const WRONG_SECRET: &str = "whsec_d3Jvbmctc2VjcmV0";
/// Parts of them tell as much: the base64 of signing secrets, the URL of a file.
const SECRETS: [&str; 12] = [
    API_KEY,
    START_KEY,
    TOKEN,
    WRONG,
    "whsec_",
    "cHJvY2Vzcy10ZXN0LXNlY3JldA",
    "d3Jvbmctc2VjcmV0",
    "5eCr3tMark",
    "files.example.com",
    "localhost",
    "X-Ada-Signature",
    "X-Ada-Expires",
];
/// Every level of every library.
const ALL: Env<'_> =
    &[("RUST_LOG", "trace"), ("LOG_FORMAT", "json"), ("DEBOUNCE_MS", "50"), ("FILES_ALLOW_PRIVATE", "on")];

#[tokio::test]
async fn nothing_tells_them_when_all_goes_well() {
    let (ada, folder) = (Ada::start().await, folder());
    let relay = Relay::start(folder.path(), &ada.url, ALL).await;
    ada.meets(&relay.url);
    let chat = ada.hands_off().await;
    let id = relay.handoff().await;
    ada.customer_says(&chat, "hello").await;
    relay.gets("msg_file", &file(json!("m-file"), &chat).to_string()).await;
    relay.gets("msg_headless", &file(Value::Null, &chat).to_string()).await;
    relay.gets("msg_broken", &format!("not JSON {}", file(json!("m"), &chat))).await;
    relay.writes(&id, "good morning").await;
    relay
        .thread_with(&id, "an answer and a file", |rows| {
            let confirmed = rows.iter().any(|row| row["delivery"]["state"] == "confirmed");
            confirmed && rows.iter().any(|row| row["content"]["type"] == "file")
        })
        .await;
    tells_nobody(relay, &id).await;
}

/// Both ways, at once, later, and not at all.
#[tokio::test]
async fn nothing_tells_where_files_are() {
    let (ada, folder) = (Ada::start().await, folder());
    let relay = Relay::start(folder.path(), &ada.url, ALL).await;
    ada.meets(&relay.url);
    let chat = ada.hands_off().await;
    let id = relay.handoff().await;
    let parcel = |name| Parcel::new(name, 10_000);
    relay.sends(&id, &parcel("ours.png")).await;
    ada.customer_sends(&chat, &parcel("theirs.png")).await;
    relay.file(&id, "theirs.png", "kept").await;
    ada.sandbox.file_fault_next(FileFault::Status(503));
    ada.customer_sends(&chat, &parcel("later.png")).await;
    relay.file(&id, "later.png", "kept").await;
    ada.sandbox.set_file_expiry(Duration::ZERO);
    ada.customer_sends(&chat, &parcel("expired.png")).await;
    relay.file(&id, "expired.png", "failed").await;
    let mut unreachable = file(json!("m-unreachable"), &chat);
    unreachable["data"]["content"]["url"] = "http://localhost:9/invoice?X-Amz-Signature=5eCr3tMark".into();
    relay.gets("msg_unreachable", &unreachable.to_string()).await;
    relay.gets("msg_file", &file(json!("m-file"), &chat).to_string()).await;
    // The one that came later, the one that expired, and these two.
    relay.process.stderr.logged(4, "a file could not be downloaded").await;
    relay
        .thread_with(&id, "the agent's file arrives", |rows| {
            rows.iter().any(|row| row["delivery"]["state"] == "confirmed")
        })
        .await;
    tells_nobody(relay, &id).await;
}

#[tokio::test]
async fn nothing_tells_them_when_ada_refuses() {
    let words = r#"{"errors":[{"type":"x","message":"Not with this key"}]}"#;
    for status in [401, 422, 500] {
        let (ada, folder) = (Refusing::saying(StatusCode::from_u16(status).unwrap(), words).await, folder());
        let relay = Relay::start(folder.path(), &ada.url, ALL).await;
        start(&relay, START_KEY).await;
        let id = relay.handoff().await;
        relay.writes(&id, "good morning").await;
        let answered = format!("status=\"{status}\"");
        until("a refusal of Ada's", || async {
            let metrics = relay.request(Method::GET, "/metrics").send().await.unwrap();
            metrics
                .text()
                .await
                .unwrap()
                .lines()
                .any(|line| line.contains("ada_calls") && line.contains(&answered))
                .then_some(())
        })
        .await;
        tells_nobody(relay, &id).await;
    }
}

/// Neither answers nor log lines hold one.
async fn tells_nobody(relay: Relay, id: &str) {
    let mut requests = requests(&relay, id);
    for row in relay.thread(id).await.iter().filter(|row| row["content"]["type"] == "file") {
        let path = format!("/api/handoffs/{id}/messages/{}", row["id"].as_str().unwrap());
        requests.push((format!("{row}"), relay.request(Method::GET, &format!("{path}/file"))));
        requests.push((format!("{row} again"), relay.request(Method::POST, &format!("{path}/retry"))));
    }
    for (what, request) in requests {
        let answer = request.send().await.unwrap();
        let head = format!("{:?}", answer.headers());
        let body = answer.text().await.unwrap();
        for secret in SECRETS {
            assert!(!head.contains(secret) && !body.contains(secret), "{secret} in {what}: {head} {body}");
        }
    }
    let (ended, _) = relay.process.stopped().await;
    let said = |word: &str| ended.stderr.iter().any(|line| line.contains(word));
    for word in ["\"level\":\"TRACE\"", "\"level\":\"DEBUG\"", "webhook refused", "reqwest"] {
        assert!(said(word), "nothing was logged of {word}");
    }
    ended.never_says(&SECRETS);
}

/// What can be asked, and asked wrongly.
fn requests(relay: &Relay, id: &str) -> Vec<(String, RequestBuilder)> {
    let thread = format!("/api/handoffs/{id}");
    let paths = [
        "/api/handoffs",
        &thread,
        &format!("{thread}/messages"),
        &format!("{thread}/transcript"),
        "/api/dead-letters",
        "/metrics",
        "/health/ready",
        "/api/openapi.json",
    ];
    let mut requests = Vec::new();
    for path in paths {
        requests.push((path.to_owned(), relay.request(Method::GET, path)));
        requests.push((
            format!("{path}, wrong token"),
            client().get(format!("{}{path}", relay.url)).bearer_auth(WRONG),
        ));
    }
    let event = file(json!("m"), "chat").to_string();
    let start = |key: &str, body: &str| {
        client().post(format!("{}/handoffs/start", relay.url)).bearer_auth(key).body(body.to_owned())
    };
    let message = relay.request(Method::POST, &format!("{thread}/messages"));
    let credentials = format!(r#"{{"text": 1, "token": "{TOKEN}"}}"#);
    requests.extend([
        ("a wrong start key".to_owned(), start(WRONG, "{}")),
        ("a broken start".to_owned(), start(START_KEY, &format!("{{\"key\": {START_KEY}"))),
        ("a wrong webhook".to_owned(), relay.webhook("msg_wrong", &event, WRONG_SECRET)),
        ("a broken message".to_owned(), message.body(credentials)),
        (
            "a token in the query".to_owned(),
            relay.request(Method::GET, &format!("/api/handoffs?limit={TOKEN}")),
        ),
        ("a token in the path".to_owned(), relay.request(Method::GET, &format!("/api/{TOKEN}"))),
    ]);
    requests
}

/// A customer's file.
fn file(message_id: Value, conversation: &str) -> Value {
    let url = "https://files.example.com/invoice?X-Amz-Signature=5eCr3tMark";
    json!({
        "type": "v1.conversation.message", "timestamp": "2026-11-21T04:30:00.123Z",
        "data": {
            "message_id": message_id, "conversation_id": conversation,
            "handoff_integration": "custom-handoff", "author": { "role": "end_user" },
            "content": { "type": "file", "url": url, "mime_type": "text/plain", "filename": "a.txt" }
        }
    })
}

async fn start(relay: &Relay, key: &str) {
    let request = client().post(format!("{}/handoffs/start", relay.url)).bearer_auth(key);
    let answer = request.json(&json!({ "conversation_id": "chat" })).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}
