//! Bodies that never end, from whoever knows an address: nobody waits behind them.

use std::time::Duration;

use handoff_relay::doors::Limits;
use serde_json::json;

use crate::support::{
    agent::Agent,
    answer::Answer,
    events::{customer_says, from_now, shows_at},
    eventually,
    raw::{Hanging, Raw},
    relay::{Relay, Setup, token_of},
};

const MIB: usize = 1 << 20;

/// No body is too late while a test looks.
fn patient() -> Setup {
    Setup::new().with_limits(Limits { body_deadline: Duration::from_hours(1), ..Limits::default() })
}

fn post(path: &str) -> Raw {
    Raw::new("POST", path)
}

/// So many bytes, and one that never comes.
fn without_the_last_byte(request: Raw, bytes: usize) -> Raw {
    request.unfinished(vec![b' '; bytes], bytes + 1)
}

/// A webhook that may be Ada's, for all one can know before its end.
fn unsigned(bytes: usize) -> Raw {
    let now = jiff::Timestamp::now().as_second().to_string();
    let webhook = post("/webhooks/message").header("svix-id", "msg_1").header("svix-timestamp", now);
    without_the_last_byte(webhook.header("svix-signature", "v1,c2lnbmF0dXJl"), bytes)
}

/// Many bodies, first large ones, then such as fit in between.
async fn fill(request: impl Fn(usize) -> Raw, url: &str) -> Vec<Hanging> {
    let mut strangers = Vec::new();
    for (bytes, count) in [(MIB / 4 - 1, 280), (16_000, 300), (1_000, 100)] {
        strangers.push(request(bytes).hang(url, count));
        strangers.last_mut().unwrap().are_done(count).await;
    }
    strangers
}

async fn comes_to_read(agent: &Agent, id: &str, words: &str) {
    let reads = || async { agent.reads(id).await.iter().any(|text| text == words).then_some(()) };
    eventually("the customer's words", reads).await;
}

/// Every door lets in who belongs there.
async fn all_doors_are_open(relay: &Relay) {
    let (conversation, id) = relay.hand_off().await;
    let alex = relay.alex();
    alex.accepts(&id).await;
    relay.gets(&customer_says(&conversation, "Hello?")).await;
    alex.writes(&id, "Here I am").await;
    comes_to_read(&alex, &id, "Hello?").await;
    let token = json!({ "token": token_of("Sam") });
    Answer::to(relay.http.post(format!("{}/api/session", relay.agents_url)).json(&token)).await.good(200);
}

#[tokio::test]
async fn endless_large_webhooks_shut_no_door() {
    let relay = patient().start().await;
    let mut strangers = unsigned(10 * MIB - 1).hang(&relay.url, 6);
    strangers.have_sent(40 * MIB).await;
    let _more = fill(unsigned, &relay.url).await;
    all_doors_are_open(&relay).await;
    // Ada's own large ones get the places of those that are slow.
    let (conversation, id) = relay.hand_off().await;
    let text = "long".repeat(100_000);
    let content = json!({ "type": "text", "body": text });
    relay.gets(&shows_at(&conversation, "large", from_now(0), content)).await;
    comes_to_read(&relay.alex(), &id, &text).await;
}

#[tokio::test]
async fn many_endless_bodies_shut_no_door() {
    let relay = patient().set("HANDOFF_AUTH_KEY", "off").start().await;
    let start = |bytes| without_the_last_byte(post("/handoffs/start"), bytes);
    let message = |bytes| {
        let request = post("/api/handoffs/x/messages").bearer(token_of("Sam"));
        without_the_last_byte(request, bytes)
    };
    let mut strangers = fill(unsigned, &relay.url).await;
    all_doors_are_open(&relay).await;
    strangers.extend(fill(start, &relay.url).await);
    all_doors_are_open(&relay).await;
    strangers.extend(fill(message, &relay.agents_url).await);
    all_doors_are_open(&relay).await;
    strangers.push(without_the_last_byte(post("/api/session"), 16_000).hang(&relay.agents_url, 100));
    all_doors_are_open(&relay).await;
}
