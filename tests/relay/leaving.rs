//! Callers that are gone before they are answered: what they brought goes its way all the same, and at once.

use std::{future::Future, time::Duration};

use serde_json::json;
use tokio::time::timeout;

use crate::support::{
    LOOK_AGAIN,
    browser::Browser,
    events::{Webhook, customer_says},
    raw::Raw,
    relay::{Relay, token_of},
};

/// Long before a worker looks by itself.
const AT_ONCE: Duration = Duration::from_secs(10);
/// What has not been kept by then was lost with its connection.
const KEPT_WITHIN: Duration = Duration::from_secs(3);

/// How long callers stay: some leave while what they brought is being kept.
fn stays() -> impl Iterator<Item = (usize, Duration)> {
    (0..12).map(|step| Duration::from_micros(step * 400)).enumerate()
}

async fn until<A: Future<Output = bool>>(holds: impl Fn() -> A) {
    while !holds().await {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_reaches_its_thread_though_its_sender_left() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let mut kept = 0;
    for (number, stay) in stays() {
        let text = format!("Number {number}");
        let webhook = Webhook::new(&format!("msg_{number}"), customer_says(&chat, &text).to_string());
        let raw = Raw::new("POST", webhook.path)
            .header("svix-id", &webhook.id)
            .header("svix-timestamp", webhook.signed_at.to_string())
            .header("svix-signature", webhook.signature())
            .body(webhook.body);
        raw.send_and_leave(&relay.url, stay).await;
        if timeout(KEPT_WITHIN, until(async || relay.left_over().await.1 > 0)).await.is_ok() {
            kept += 1;
            let reads = until(async || relay.alex().reads(&id).await.contains(&text));
            timeout(AT_ONCE, reads).await.expect("it is in the thread");
        }
    }
    assert!(kept > 0);
    relay.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_ada_though_its_agent_left() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (_, id) = relay.hand_off().await;
    alex.accepts(&id).await;
    let mut kept = 0;
    for (number, stay) in stays() {
        let text = format!("Number {number}");
        let message = Raw::new("POST", format!("/api/handoffs/{id}/messages"))
            .bearer(token_of("Alex"))
            .header("content-type", "application/json")
            .body(json!({ "text": text }).to_string());
        message.send_and_leave(&relay.agents_url, stay).await;
        if timeout(KEPT_WITHIN, until(async || alex.reads(&id).await.contains(&text))).await.is_ok() {
            kept += 1;
            let sent = alex.sees(&id, &text, &["sent", "confirmed"]);
            timeout(AT_ONCE, sent).await.expect("Ada has it");
        }
    }
    assert!(kept > 0);
    relay.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_close_though_the_page_that_signed_out_is_gone() {
    let relay = Relay::start().await;
    let mut ended = 0;
    for (_, stay) in stays() {
        let mut browser = Browser::new(relay.http.clone(), &relay.agents_url);
        browser.signs_in(&json!({ "token": token_of("Alex") })).await.good(200);
        let mut stream = browser.stream().await;
        let sign_out = Raw::new("DELETE", "/api/session")
            .header("cookie", browser.cookie.clone().unwrap())
            .header("sec-fetch-site", "same-origin");
        sign_out.send_and_leave(&relay.agents_url, stay).await;
        if timeout(KEPT_WITHIN, until(async || relay.sessions().await == 0)).await.is_ok() {
            ended += 1;
            let end = timeout(AT_ONCE, stream.next()).await;
            assert!(end.expect("the stream closes").is_none());
        }
        browser.signs_out().await;
    }
    assert!(ended > 0);
    relay.finish().await;
}
