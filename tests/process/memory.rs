//! Large files, both ways: they pass through the relay, and memory stays where it was.

use std::{future::Future, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, future::join_all};
use reqwest::Method;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use crate::{
    ada::Ada,
    parcel::{Parcel, hex},
    process::Env,
    relay::{Relay, folder},
};

const SETTINGS: Env<'_> = &[
    ("FILES_ALLOW_PRIVATE", "on"),
    ("ADA_TIMEOUT_MS", "120000"),
    ("ADA_RATE_PER_SECOND", "1000"),
    ("ADA_RATE_PER_MINUTE", "10000"),
];
const LENGTH: usize = 49 << 20;
const AT_ONCE: usize = 8;
/// For one file at a time, in KiB.
const GROWTH: u64 = 20 * 1024;
/// For all of them at once: a part of each is in memory.
const GROWTH_AT_ONCE: u64 = 60 * 1024;

/// `scripts/test --test process -- --ignored --nocapture memory`
// The stand-in digests whole files at a time, and must not hold up the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
#[ignore = "takes a minute, and two gigabytes of disk"]
async fn large_files_pass_through_and_memory_stays() {
    // Made first, which takes longer than a connection may be idle.
    let large = Parcel::new("large.png", LENGTH);
    let (ada, folder) = (Ada::start().await, folder());
    let relay = Arc::new(Relay::start(folder.path(), &ada.url, SETTINGS).await);
    ada.meets(&relay.url);
    let (mut chats, ada) = (Vec::new(), Arc::new(ada));
    for _ in 0..AT_ONCE {
        chats.push(Chat::begin(&ada, &relay).await);
    }
    // What the first use of anything takes is not to be counted.
    let small = Parcel::new("small.png", 1 << 20);
    chats[0].agent_sends(&small).await;
    chats[0].customer_sends(&Parcel::new("small-too.png", 1 << 20)).await;

    let (ours, theirs) = (large.named("ours.png"), large.named("theirs.png"));
    measured(&relay, "an agent's 49 MB", GROWTH, chats[0].agent_sends(&ours)).await;
    measured(&relay, "a customer's 49 MB", GROWTH, chats[0].customer_sends(&theirs)).await;
    // What the allocator keeps of the first time is used again by the second.
    for time in ["first", "second"] {
        let all = async {
            let mut under_way = JoinSet::new();
            for (n, chat) in chats.iter().cloned().enumerate() {
                let ours = large.named(&format!("ours-{time}-{n}.png"));
                let theirs = large.named(&format!("theirs-{time}-{n}.png"));
                let other = chat.clone();
                under_way.spawn(async move { chat.agent_sends(&ours).await });
                under_way.spawn(async move { other.customer_sends(&theirs).await });
            }
            under_way.join_all().await;
        };
        measured(&relay, &format!("eight of each at once, the {time} time"), GROWTH_AT_ONCE, all).await;
    }
    let stalled = async {
        // Each has begun; as much as its connection holds is on its way.
        let held: Vec<_> =
            join_all(chats.iter().enumerate().map(|(n, chat)| chat.stalls(format!("ours-first-{n}.png"))))
                .await;
        assert_eq!(held.len(), AT_ONCE);
    };
    measured(&relay, "eight downloads that nobody reads", GROWTH_AT_ONCE, stalled).await;
}

/// Prints how much memory there was before, at most, and after.
async fn measured(relay: &Relay, what: &str, growth: u64, work: impl Future<Output = ()>) {
    let before = relay.process.memory().now;
    relay.process.forget_peak();
    work.await;
    let after = relay.process.memory();
    let mib = |kib: u64| kib as f64 / 1024.0;
    println!(
        "memory: {what}: {:.1} MiB before, {:.1} at most, {:.1} after",
        mib(before),
        mib(after.peak),
        mib(after.now)
    );
    assert!(after.peak < before + growth, "{what}");
}

#[derive(Clone)]
struct Chat {
    ada: Arc<Ada>,
    relay: Arc<Relay>,
    conversation: String,
    handoff: String,
}

impl Chat {
    async fn begin(ada: &Arc<Ada>, relay: &Arc<Relay>) -> Self {
        let conversation = ada.hands_off().await;
        let list = relay.get(&format!("/api/handoffs?conversation_id={conversation}")).await;
        let handoff = list["data"][0]["id"].as_str().unwrap().to_owned();
        Self { ada: Arc::clone(ada), relay: Arc::clone(relay), conversation, handoff }
    }

    /// Until the customer has it.
    async fn agent_sends(&self, file: &Parcel) {
        self.relay.sends(&self.handoff, file).await;
        let arrived = |rows: &[Value]| {
            let row = rows.iter().find(|row| row["content"]["filename"] == file.name.as_str());
            row.is_some_and(|row| row["delivery"]["state"] == "confirmed")
        };
        self.relay.thread_with(&self.handoff, &file.name, arrived).await;
        let sent = self.ada.sandbox.files_sent_to(&self.conversation);
        let sent = sent.iter().find(|sent| sent.filename == file.name).unwrap();
        assert_eq!(sent.sha256, file.sha256);
    }

    /// Until an agent has it.
    async fn customer_sends(&self, file: &Parcel) {
        self.ada.customer_sends(&self.conversation, file).await;
        let mut bytes = self.begins_to_read(&file.name).await.bytes_stream();
        let mut digest = Sha256::new();
        while let Some(piece) = bytes.next().await {
            digest.update(piece.unwrap());
        }
        assert_eq!(hex(&digest.finalize()), file.sha256);
    }

    /// An agent asks for it, and reads nothing but its beginning.
    async fn stalls(&self, name: String) -> (Bytes, reqwest::Response) {
        let mut answer = self.begins_to_read(&name).await;
        (answer.chunk().await.unwrap().unwrap(), answer)
    }

    async fn begins_to_read(&self, name: &str) -> reqwest::Response {
        let row = self.relay.file(&self.handoff, name, "kept").await;
        let url = row["content"]["url"].as_str().unwrap();
        let answer = self.relay.request(Method::GET, url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer
    }
}
