//! A handoff from its start to its end, as the relay sees it: the start call and the webhooks.

mod common;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{Ada, KEY, SECRET, human_says, soon};
use hmac::{Hmac, KeyInit, Mac};
use sandbox::Role;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

fn is(event: &Value, kind: &str) -> bool {
    event["type"] == kind
}

fn last_text(ada: &Ada, id: &str) -> String {
    ada.sandbox.messages(id).last().and_then(|message| message.text().map(str::to_owned)).unwrap_or_default()
}

#[tokio::test]
async fn asking_for_a_person_starts_the_handoff() {
    let ada = Ada::start().await;
    let id = ada.sandbox.open_conversation();
    assert_eq!(id.len(), 24);
    ada.sandbox.customer_says(&id, "Can I talk to a person?").await.expect("said");
    assert!(ada.sandbox.in_handoff(&id));
    let starts = ada.relay.starts();
    assert_eq!(starts.len(), 1);
    let start = &starts[0];
    assert_eq!(start.header("authorization"), "Bearer start-key");
    assert_eq!(start.json()["conversation_id"], json!(id));
    assert_eq!(start.json()["first_name"], "Maria");

    let before = ada.sandbox.messages(&id).len();
    ada.sandbox.customer_says(&id, "Hello?").await.expect("said");
    assert_eq!(ada.sandbox.messages(&id).len(), before + 1, "the AI Agent is paused");
    let ours = |event: &Value| event["data"]["handoff_integration"] == "custom-handoff";
    let events = ada.relay.wait_for(1, ours).await;
    assert_eq!(events[0].json()["data"]["content"]["body"], "Hello?");
    assert_eq!(events[0].json()["data"]["author"]["display_name"], "Maria Silva");
}

#[tokio::test]
async fn a_refused_start_takes_the_error_fallback() {
    let ada = Ada::start().await;
    let id = ada.sandbox.open_conversation();
    ada.relay.answer_starts(&[503]);
    assert_eq!(
        ada.sandbox.start_handoff(&id, json!({ "account_number": "7" })).await.expect("a status"),
        503
    );
    assert!(!ada.sandbox.in_handoff(&id));
    assert!(last_text(&ada, &id).contains("can't reach our team"));

    ada.sandbox.set_targets("http://127.0.0.1:9/".to_owned(), "http://127.0.0.1:9/".to_owned());
    assert_eq!(ada.sandbox.start_handoff(&id, json!({})).await.expect("a status"), 0);
    assert!(!ada.sandbox.in_handoff(&id));
}

#[tokio::test]
async fn what_a_person_writes_comes_back_signed() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let (status, body) = ada.post(&format!("{id}/messages/"), &human_says("Hi, I'm Alex")).await;
    assert_eq!(status, 201);
    let by_person = |event: &Value| event["data"]["author"]["role"] == "human_agent";
    let echo = ada.relay.wait_for(1, by_person).await.remove(0);
    assert_eq!(echo.json()["data"]["message_id"], body["id"]);
    assert_eq!(echo.json()["timestamp"], body["created_at"]);

    let key = STANDARD.decode(&SECRET["whsec_".len()..]).expect("base64");
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).expect("a key");
    mac.update(format!("{}.{}.", echo.header("svix-id"), echo.header("svix-timestamp")).as_bytes());
    mac.update(&echo.body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(echo.header("svix-signature"), expected);
    assert_eq!(ada.sandbox.messages(&id).last().map(|message| message.role), Some(Role::HumanAgent));
}

#[tokio::test]
async fn a_webhook_that_failed_comes_again_under_the_same_id() {
    let ada = Ada::start().await;
    ada.relay.answer_webhooks(&[500; 3]);
    ada.sandbox.open_conversation();
    let created = |event: &Value| is(event, "v1.conversation.created");
    let greeting = |event: &Value| is(event, "v1.conversation.message");
    // Two events share three failures, as many as one may have: five attempts, each event under one id.
    let all = ada.relay.wait_for(5, |_| true).await;
    assert_eq!(all.len(), 5);
    for kind in [&created as &dyn Fn(&Value) -> bool, &greeting] {
        let mut ids: Vec<_> =
            all.iter().filter(|event| kind(&event.json())).map(|event| event.header("svix-id")).collect();
        ids.dedup();
        assert_eq!(ids.len(), 1);
        assert!(ids[0].starts_with("msg_"));
    }
}

#[tokio::test]
async fn an_event_is_lost_after_its_last_retry() {
    let ada = Ada::start().await;
    let id = ada.sandbox.open_conversation();
    ada.relay.wait_for(2, |_| true).await;
    ada.sandbox.set_webhooks(false);
    ada.sandbox.customer_says(&id, "lost").await.expect("said");
    ada.sandbox.set_webhooks(true);
    ada.sandbox.customer_says(&id, "kept").await.expect("said");
    let events = ada.relay.wait_for(4, |_| true).await;
    assert!(!events.iter().any(|event| event.json()["data"]["content"]["body"] == "lost"));
}

#[tokio::test]
async fn every_end_is_told() {
    let ada = Ada::start().await;
    let ended = |event: &Value| is(event, "v1.conversation.handoff.ended");

    let by_relay = ada.handed_off().await;
    let (status, body) = ada.post(&format!("{by_relay}/end-handoff"), &json!({})).await;
    assert_eq!((status, body["message"].is_string()), (200, true));
    assert_eq!(last_text(&ada, &by_relay), "I'm back if you need anything else.");

    let by_ada = ada.handed_off().await;
    ada.sandbox.ada_ends_handoff(&by_ada).await.expect("ended");
    assert!(!ada.sandbox.in_handoff(&by_ada));

    let by_customer = ada.handed_off().await;
    ada.sandbox.customer_ends_chat(&by_customer).await.expect("ended");
    assert!(ada.sandbox.customer_says(&by_customer, "Hello?").await.is_err());

    ada.relay.wait_for(3, ended).await;
    let over = ada.relay.wait_for(1, |event| is(event, "v1.conversation.ended")).await.remove(0).json();
    assert_eq!(over["data"]["conversation_id"], json!(by_customer));
    assert_eq!(over["data"]["ended_by"]["role"], "end_user");
    assert!(over["data"].get("handoff_integration").is_none());
}

#[tokio::test]
async fn stopping_ends_retries_and_serving_again_keeps_conversations() {
    let ada = Ada::start_with(vec![Duration::from_secs(3600)]).await;
    ada.relay.answer_webhooks(&[500; 2]);
    let id = ada.sandbox.open_conversation();
    ada.relay.wait_for(2, |_| true).await;
    ada.stop.cancel();
    soon("the end", ada.served).await.expect("no panic").expect("no error");

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/api/v2/conversations/{id}/", listener.local_addr().expect("an address"));
    let stop = CancellationToken::new();
    let served = tokio::spawn({
        let (sandbox, stop) = (ada.sandbox.clone(), stop.clone());
        async move { sandbox.serve(listener, stop).await }
    });
    let answer = soon("an answer", ada.http.get(url).bearer_auth(KEY).send()).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    stop.cancel();
    soon("the end", served).await.expect("no panic").expect("no error");
}
