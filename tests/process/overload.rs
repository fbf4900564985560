//! Ten times what the inbox takes, all at once: the rest is put off, nothing acknowledged is lost, and memory
//! stays where it was.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use crate::{
    ada::Ada,
    moment,
    relay::{Relay, client, folder, said},
    webhooks::Webhook,
};

const INBOX_LIMIT: &str = "2000";
const CONVERSATIONS: usize = 200;
/// In each conversation.
const MESSAGES: usize = 100;
const AT_ONCE: usize = 64;
/// Long enough that the inbox fills meanwhile.
const SETTINGS: [(&str, &str); 5] = [
    ("INBOX_LIMIT", INBOX_LIMIT),
    ("DEBOUNCE_MS", "10000"),
    ("DEBOUNCE_MAX_MS", "10000"),
    ("ADA_RATE_PER_SECOND", "1000"),
    ("ADA_RATE_PER_MINUTE", "10000"),
];
/// More memory than this, in KiB, and something piles up that should not.
const GROWTH: u64 = 64 * 1024;
const SECOND: Duration = Duration::from_secs(1);

/// `scripts/test --test process -- --ignored --nocapture overload`
#[tokio::test]
#[ignore = "takes minutes"]
async fn ten_times_the_inbox_at_once() {
    let (ada, folder) = (Ada::start().await, folder());
    let relay = Relay::start(folder.path(), &ada.url, &SETTINGS).await;
    ada.meets(&relay.url);
    let mut conversations = Vec::new();
    for _ in 0..CONVERSATIONS {
        conversations.push(ada.hands_off().await);
    }
    let mut left = messages(&conversations);
    let before = Sample::of(&relay).await;
    println!("overload: before, {before}");

    let posted = AtomicU64::new(0);
    let mut counts = BTreeMap::new();
    let (samples, ()) = tokio::join!(watch(&relay, &posted), async {
        while !left.is_empty() {
            let again = Instant::now() + Duration::from_secs(5);
            left = post(&relay, left, &mut counts).await;
            if !left.is_empty() {
                moment(again).await;
            }
        }
        posted.store(1, Ordering::Relaxed);
    });
    println!("overload: answers {counts:?}");

    for conversation in &conversations {
        let list = relay.get(&format!("/api/handoffs?conversation_id={conversation}")).await;
        let handoff = list["data"][0]["id"].as_str().unwrap();
        let wanted: Vec<String> = (0..MESSAGES).map(text).collect();
        relay
            .thread_with(handoff, "everything once and in order", |rows| said(rows, "end_user") == wanted)
            .await;
    }
    let after = Sample::of(&relay).await;
    println!("overload: after, {after}");
    assert_eq!(after.ready, 200);
    assert_eq!(counts.keys().copied().collect::<Vec<u16>>(), [200, 503]);
    assert_eq!(counts[&200], CONVERSATIONS * MESSAGES);
    assert!(samples.iter().any(|sample| sample.ready == 503), "health never said that the inbox is full");
    let peak = samples.iter().map(|sample| sample.memory).max().unwrap();
    assert!(peak < before.memory + GROWTH, "{peak} KiB, before {} KiB", before.memory);
}

/// How the relay does.
struct Sample {
    /// Resident, in KiB.
    memory: u64,
    ready: u16,
    /// How long health took to say so.
    took: Duration,
    waiting: Vec<String>,
}

impl std::fmt::Display for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { memory, ready, took, waiting } = self;
        write!(f, "{} MiB, ready {ready} in {took:.0?}, {}", memory / 1024, waiting.join(", "))
    }
}

impl Sample {
    async fn of(relay: &Relay) -> Self {
        let began = Instant::now();
        let ready = relay.status("/health/ready").await;
        let took = began.elapsed();
        Self { memory: relay.process.memory().now, ready, took, waiting: relay.waiting().await }
    }
}

/// Looks every second until all is posted.
async fn watch(relay: &Relay, posted: &AtomicU64) -> Vec<Sample> {
    let mut samples = Vec::new();
    while posted.load(Ordering::Relaxed) == 0 {
        let next = Instant::now() + SECOND;
        let sample = Sample::of(relay).await;
        println!("overload: {sample}");
        samples.push(sample);
        moment(next).await;
    }
    samples
}

/// What the customers write, one line each in turn.
fn messages(conversations: &[String]) -> Vec<Webhook> {
    let began = Timestamp::now();
    let line = |number: usize| {
        let at = began + SignedDuration::from_millis(number as i64);
        conversations.iter().map(move |conversation| Webhook::says_at(conversation, &text(number), at))
    };
    (0..MESSAGES).flat_map(line).collect()
}

fn text(number: usize) -> String {
    format!("message {number}")
}

/// Posts these, as many at once as Ada may, and gives those that were put off.
async fn post(relay: &Relay, webhooks: Vec<Webhook>, counts: &mut BTreeMap<u16, usize>) -> Vec<Webhook> {
    let http = client();
    let answers = stream::iter(webhooks).map(async |webhook| {
        let (status, wait) = webhook.post(&http, &relay.url).await;
        assert_eq!(status == 503, wait.is_some(), "{status} asks to wait: {wait:?}");
        (status, webhook)
    });
    let answers: Vec<(u16, Webhook)> = answers.buffer_unordered(AT_ONCE).collect().await;
    answers.iter().for_each(|(status, _)| *counts.entry(*status).or_default() += 1);
    answers.into_iter().filter(|(status, _)| *status != 200).map(|(_, webhook)| webhook).collect()
}
