//! A disk that is full, and one that takes no writes at all: what was acknowledged stays, the rest is put off,
//! and the same process goes on when the disk does.
//!
//! The system's limit on the size of files stands in for the disk: it can be changed while the process runs, on
//! any Linux and by anybody. A little more than the log has fills the disk; at 0 every write is refused, as on a
//! file system that has become read-only.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    ada::{Ada, NOWHERE},
    process::{Process, log_line},
    relay::{Relay, folder, said, settings},
    soon, until,
    webhooks::Webhook,
};

const BRIEF: [(&str, &str); 2] = [("DEBOUNCE_MS", "50"), ("DEBOUNCE_MAX_MS", "200")];
/// What a disk has left when it begins to be full, in bytes.
const LEFT: u64 = 64 * 1024;
/// Far more webhooks than fit there.
const MANY: usize = 500;

#[tokio::test]
async fn a_full_disk_puts_off_what_comes_and_loses_nothing() {
    let mut story = Story::begin().await;
    story.fill_the_disk();
    story.writes_until_refused().await;
    story.nothing_is_taken().await;
    story.goes_on_when_the_disk_does().await;
}

#[tokio::test]
async fn a_disk_that_takes_no_writes_puts_off_what_comes_and_loses_nothing() {
    let mut story = Story::begin().await;
    story.relay.process.limit_files(Some(0));
    // Though nobody writes.
    story.health_becomes(503).await;
    story.nothing_is_taken().await;
    story.writes_until_refused().await;
    assert_eq!(story.acknowledged.len(), 3, "not one more");
    story.goes_on_when_the_disk_does().await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_sudden_end_on_a_full_disk() {
    let mut story = Story::begin().await;
    story.fill_the_disk();
    story.writes_until_refused().await;
    let took = story.acknowledged.len();
    assert!(took > 3, "some fit in what was left");
    story.dies_and_has_it_all().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_written_at_the_start_is_named() {
    let (folder, settings) = (folder(), settings(NOWHERE));
    let env: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let ended = Process::start_on_a_small_disk(folder.path(), Some(0), &env).ended().await;
    assert_eq!(ended.code, Some(1), "{:#?}", ended.stderr);
    let lines: Vec<Value> = ended.stderr.iter().filter_map(|line| log_line(line)).collect();
    let error = lines.last().unwrap()["message"].as_str().unwrap();
    assert!(error.starts_with("DATABASE_URL: the store is not available: handoffs.db: "), "{error}");
    ended.never_says(&[]);
}

/// A relay with one handoff, what the customer wrote there, and what became of that.
struct Story {
    folder: tempfile::TempDir,
    ada: Ada,
    relay: Relay,
    http: reqwest::Client,
    conversation: String,
    handoff: String,
    began: Timestamp,
    acknowledged: Vec<String>,
    refused: Vec<Webhook>,
}

impl Story {
    async fn begin() -> Self {
        let (ada, folder) = (Ada::start().await, folder());
        let relay = Relay::start_on_a_small_disk(folder.path(), &ada.url, &BRIEF).await;
        ada.meets(&relay.url);
        let conversation = ada.hands_off().await;
        let handoff = relay.handoff().await;
        let mut story = Self {
            folder,
            ada,
            relay,
            http: crate::relay::client(),
            conversation,
            handoff,
            began: Timestamp::now(),
            acknowledged: Vec::new(),
            refused: Vec::new(),
        };
        for _ in 0..3 {
            assert!(story.customer_writes().await);
        }
        assert_eq!(story.relay.status("/health/ready").await, 200);
        story
    }

    fn fill_the_disk(&self) {
        let log = std::fs::metadata(self.folder.path().join("handoffs.db-wal")).unwrap();
        self.relay.process.limit_files(Some(log.len() + LEFT));
    }

    /// Whether that was taken. Each message is a millisecond later than the one before.
    async fn customer_writes(&mut self) -> bool {
        let number = self.acknowledged.len() + self.refused.len();
        let at = self.began + jiff::SignedDuration::from_millis(number as i64);
        let webhook = Webhook::says_at(&self.conversation, &format!("message {number}"), at);
        match webhook.post(&self.http, &self.relay.url).await {
            (200, _) => self.acknowledged.push(webhook.text.clone()),
            (503, Some(_)) => self.refused.push(webhook),
            other => panic!("{other:?}"),
        }
        self.refused.is_empty()
    }

    async fn writes_until_refused(&mut self) {
        for _ in 0..MANY {
            if !self.customer_writes().await {
                return;
            }
        }
        panic!("the disk never fills");
    }

    /// Whatever would have to be written is refused, and health says why; what is there can be read.
    async fn nothing_is_taken(&self) {
        assert_eq!(self.relay.status("/health/ready").await, 503);
        assert_eq!(self.relay.status("/health/live").await, 200);
        let path = format!("/api/handoffs/{}/messages", self.handoff);
        let write = self.relay.request(Method::POST, &path).json(&json!({ "text": "lost?" }));
        assert_eq!(soon("an answer", write.send()).await.unwrap().status(), 503);
        let other = self.ada.sandbox.open_conversation();
        assert_eq!(self.ada.sandbox.start_handoff(&other, json!({})).await.unwrap(), 503);
        self.relay.get(&path).await;
        self.relay.handoff().await;
    }

    async fn goes_on_when_the_disk_does(mut self) {
        self.relay.process.limit_files(None);
        until("a green light", || async { (self.relay.status("/health/ready").await == 200).then_some(()) })
            .await;
        for webhook in std::mem::take(&mut self.refused) {
            assert_eq!(webhook.post(&self.http, &self.relay.url).await.0, 200);
            self.acknowledged.push(webhook.text);
        }
        assert!(self.customer_writes().await);
        self.relay.writes(&self.handoff, "and an answer").await;
        self.has_it_all(&self.relay).await;
        until("the answer arrives", || async {
            (self.ada.agents_said(&self.conversation) == ["and an answer"]).then_some(())
        })
        .await;
        self.dies_and_has_it_all().await;
    }

    async fn health_becomes(&self, status: u16) {
        let ask = || async { (self.relay.status("/health/ready").await == status).then_some(()) };
        until("another light", ask).await;
    }

    async fn dies_and_has_it_all(self) {
        let Self { folder, ada, relay, handoff, acknowledged, .. } = self;
        relay.process.kill().await;
        let relay = Relay::start(folder.path(), &ada.url, &BRIEF).await;
        let all = |rows: &[Value]| said(rows, "end_user") == acknowledged;
        relay.thread_with(&handoff, "what was acknowledged", all).await;
    }

    async fn has_it_all(&self, relay: &Relay) {
        let all = |rows: &[Value]| said(rows, "end_user") == self.acknowledged;
        relay.thread_with(&self.handoff, "everything once and in order", all).await;
    }
}
