//! The door for Ada's webhooks.

use serde_json::{Value, json};

use crate::support::{
    answer::Answer,
    events::{Webhook, customer_says},
    relay::{INTEGRATION, OTHER_SECRET, Relay, Setup},
    settles,
};

const PATHS: [&str; 2] = ["/webhooks/message", "/webhooks/events"];

#[tokio::test]
async fn both_paths_both_header_families_and_both_secrets_bring_a_message_in() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let before = relay.alex().reads(&handoff).await.len();
    let mut expected = Vec::new();
    for path in PATHS {
        for family in ["svix", "webhook"] {
            for secret in [crate::support::relay::SECRET, OTHER_SECRET] {
                let text = format!("{path} {family} {}", expected.len());
                let event = customer_says(&conversation, &text).to_string();
                let id = format!("msg_{}", expected.len());
                let webhook = Webhook { path, family, secret, ..Webhook::new(&id, event) };
                assert_eq!(webhook.post(&relay).await.good(200), json!({ "status": "ok" }));
                expected.push(text);
            }
        }
    }
    settles(&expected, || async {
        relay.alex().reads(&handoff).await.into_iter().filter(|text| text.starts_with('/')).collect()
    })
    .await;
    assert!(before <= 1, "only the greeting was there");
    relay.finish().await;
}

#[tokio::test]
async fn while_a_secret_is_rotated_one_good_signature_of_several_will_do() {
    let relay = Relay::start().await;
    let webhook = Webhook::new("msg_1", customer_says("c", "hello").to_string());
    let signatures = format!("v1,AAAA v2,BBBB {}", webhook.signature());
    Answer::to(webhook.request_signed(&relay, &signatures)).await.good(200);
}

#[tokio::test]
async fn signed_garbage_is_taken_and_set_aside_once() {
    let relay = Relay::start().await;
    let mut headless = customer_says("c", "hello");
    headless["data"]["message_id"] = Value::Null;
    let letters = [
        ("msg_1", "not JSON at all".to_owned(), "the body is not a JSON object"),
        ("msg_2", String::new(), "the body is not a JSON object"),
        ("msg_3", "{}".to_owned(), "`type` is missing"),
        ("msg_4", headless.to_string(), "`message_id` is missing"),
    ];
    for (id, body, _) in &letters {
        for _ in 0..2 {
            Webhook::new(id, body.clone()).post(&relay).await.good(200);
        }
    }
    let listed = relay.alex().dead_letters().await;
    assert_eq!(listed.len(), 4, "{listed:?}");
    for (letter, (id, body, reason)) in listed.iter().rev().zip(&letters) {
        assert_eq!(letter["svix_id"], *id);
        assert_eq!(letter["reason"], *reason);
        assert_eq!(letter["bytes"], body.len());
        assert!(letter["at"].as_str().unwrap().ends_with('Z'));
    }
    assert_eq!(relay.alex().list("").await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_is_not_for_us_is_accepted_and_ignored() {
    let relay = Setup::new().set("UNKNOWN_HOLD_MS", "0").set("DEBOUNCE_MS", "0").start().await;
    let mut for_the_ai = customer_says("c1", "hello");
    for_the_ai["data"]["handoff_integration"] = Value::Null;
    let mut for_another = customer_says("c2", "hello");
    for_another["data"]["handoff_integration"] = json!("zendesk_chat");
    let events = [
        json!({ "type": "v1.audit_log.emitted", "data": 7 }),
        json!({ "type": "v2.something.new", "data": { "handoff_integration": INTEGRATION } }),
        json!({ "type": "v1.end_user.created" }),
        for_the_ai,
        for_another,
    ];
    for event in &events {
        relay.gets(event).await;
    }
    // One of ours behind them is adopted at once, so the others had their turn.
    relay.gets(&customer_says("ours", "hello")).await;
    relay.alex().handoff_of("ours").await;
    assert_eq!(relay.alex().list("").await.len(), 1);
    assert_eq!(relay.alex().dead_letters().await, Vec::<Value>::new());
}

#[tokio::test]
async fn another_integration_in_a_conversation_of_ours_is_warned_of_once() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let mut foreign = customer_says(&chat, "hello");
    foreign["data"]["handoff_integration"] = json!("zendesk-of-this-test");
    for number in 0..3 {
        relay.gets_as(&format!("msg_{number}"), &foreign).await;
    }
    let log = crate::support::log::lines();
    let warnings: Vec<&str> = log.lines().filter(|line| line.contains("zendesk-of-this-test")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("WARN") && warnings[0].contains("HANDOFF_INTEGRATION"), "{warnings:?}");
    assert!(!relay.alex().reads(&id).await.contains(&"hello".to_owned()));
    relay.finish().await;
}

#[tokio::test]
async fn a_full_inbox_asks_ada_to_come_back() {
    let relay = Setup::new()
        .set("INBOX_LIMIT", "3")
        .set("DEBOUNCE_MS", "60000")
        .set("DEBOUNCE_MAX_MS", "60000")
        .start()
        .await;
    relay.hand_off().await;
    for number in 0..3 {
        relay.gets_as(&format!("msg_{number}"), &customer_says("c", &number.to_string())).await;
    }
    let refused = Webhook::new("msg_3", customer_says("d", "3").to_string());
    let answer = refused.post(&relay).await;
    assert_eq!(answer.problem(503), "too many events are waiting to be processed; try again");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
    let detail = relay.get("/health/ready").await.problem(503);
    assert_eq!(detail, "the inbox is full: webhooks are refused for now");
    // What is known is still answered for, and what was refused is not taken for known.
    relay.gets_as("msg_1", &customer_says("c", "1")).await;
    refused.post(&relay).await.problem(503);
    relay.alex().get("/handoffs").await.good(200);
}

#[tokio::test]
async fn with_two_addresses_each_has_its_own_doors_alone() {
    let relay = Setup::new().two_doors().start().await;
    let (conversation, handoff) = relay.hand_off().await;
    assert_ne!(relay.url, relay.agents_url);
    for path in [
        "/api/handoffs",
        "/api/openapi.json",
        "/api/docs",
        "/api/events",
        "/metrics",
        &format!("/api/handoffs/{handoff}"),
    ] {
        relay.get(path).await.problem(404);
    }
    relay.get("/health/live").await.good(200);
    relay.gets(&customer_says(&conversation, "hello")).await;
    for path in ["/handoffs/start", "/webhooks/start-handoff", "/webhooks/message", "/webhooks/events"] {
        Answer::to(relay.http.post(format!("{}{path}", relay.agents_url))).await.problem(404);
    }
    relay.alex().get("/handoffs").await.good(200);
    settles(&true, || async { relay.alex().reads(&handoff).await.contains(&"hello".to_owned()) }).await;
    relay.finish().await;
}
