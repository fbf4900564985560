//! How many webhooks a second can be kept durably: `cargo bench --bench inbox`.
//!
//! The same arrivals, kept by the same rule, in four ways: SQLite with many in flight (which is how they
//! come, and what group commit is for), SQLite one at a time (the baseline: a flush for each), and both in
//! memory. Prints a table; asserts nothing.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark fails loudly and prints"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use handoff_relay::{
    environment::{Environment, Machine},
    relay::{
        buffer::Timings,
        event::{Event, EventKind, Message},
        id::{AiAgentId, ConversationId, ConversationKey, MessageId, NewIds},
        policy::{Now, Policy},
        rules::arrive,
        thread::{Author, Content, Role},
        time::Time,
        transaction::Transaction,
    },
    settings::Database,
    store::{self, Copies, Store},
};

const ARRIVALS: u32 = 5_000;
const ONE_BY_ONE: u32 = 500;
const IN_FLIGHT: usize = 256;
const CONVERSATIONS: u32 = 100;

struct NoIds;

impl NewIds for NoIds {
    fn next(&mut self) -> String {
        unreachable!("an arrival that is buffered makes no id")
    }
}

fn policy() -> Policy {
    Policy {
        timings: Timings {
            quiet: Duration::from_millis(1_500),
            cap: Duration::from_secs(5),
            unknown_hold: Duration::from_secs(30),
        },
        integration: "custom-handoff".to_owned(),
        inbox_limit: u64::from(ARRIVALS) * 2,
        outbox_limit: u64::from(ARRIVALS) * 2,
        send_max_age: Duration::from_secs(900),
        began_at: Time::default(),
        recover_after: Duration::from_mins(2),
        waiting_timeout: None,
        idle_timeout: None,
    }
}

fn event(number: u32) -> Event {
    let conversation = ConversationId(format!("conversation-{}", number % CONVERSATIONS));
    let at = Machine.now();
    Event {
        svix_id: format!("msg_{number}"),
        key: ConversationKey { ai_agent: AiAgentId::from("acme.ada.support"), conversation },
        timestamp: at.floor_millis(),
        received_at: at,
        end_user_id: None,
        kind: EventKind::Message(Message {
            id: MessageId(format!("message-{number}")),
            created_at: at,
            author: Author { role: Role::EndUser, display_name: Some("Maria Silva".into()), avatar: None },
            content: Content::Text { body: "Where is my order? I have been waiting for a week.".into() },
        }),
    }
}

async fn keep(store: Arc<dyn Store>, policy: Arc<Policy>, number: u32) -> Duration {
    let begun = Instant::now();
    let event = event(number);
    let (scope, decide) = arrive::event(event).into_parts();
    let now = Now { at: Machine.now(), ..Now::default() };
    store::decide(
        &*store,
        scope,
        move |view| {
            let mut ids = NoIds;
            let mut tx = Transaction::new(view, now, &policy, &mut ids);
            let arrival = decide(&mut tx);
            (tx.into_write_set(), arrival)
        },
        |_| {},
    )
    .await
    .unwrap();
    begun.elapsed()
}

async fn run(name: &str, database: &Database, arrivals: u32, in_flight: usize) {
    let opened = store::open(database, Copies::Skip, Machine.now()).await.unwrap();
    let writer = opened.writer.map(tokio::spawn);
    let (store, policy) = (opened.store, Arc::new(policy()));
    let begun = Instant::now();
    let kept = stream::iter(0..arrivals)
        .map(|number| keep(Arc::clone(&store), Arc::clone(&policy), number))
        .buffer_unordered(in_flight);
    let mut latencies: Vec<Duration> = kept.collect().await;
    let took = begun.elapsed();
    latencies.sort();
    let at = |share: f64| latencies[(f64::from(arrivals - 1) * share) as usize].as_secs_f64() * 1e3;
    let rate = f64::from(arrivals) / took.as_secs_f64();
    println!(
        "{name:<28} {rate:>9.0}/s   p50 {:>8.2} ms   p99 {:>8.2} ms   {arrivals} arrivals, {in_flight} in flight",
        at(0.5),
        at(0.99)
    );
    drop(store);
    if let Some(writer) = writer {
        writer.await.unwrap();
    }
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| Database::Sqlite(folder.path().join(name));
    run("SQLite, group commit", &file("many.db"), ARRIVALS, IN_FLIGHT).await;
    run("SQLite, one by one (baseline)", &file("single.db"), ONE_BY_ONE, 1).await;
    run("memory", &Database::Memory, ARRIVALS, IN_FLIGHT).await;
    run("memory, one by one", &Database::Memory, ARRIVALS, 1).await;
}
