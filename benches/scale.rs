//! How the stores bear size: `cargo bench --bench scale`, or `SCALE=10000 cargo bench --bench scale` for less.
//!
//! One conversation with 100,000 events, and 100,000 conversations with one, through the same rules as in the
//! server; beside each the same at a hundredth of the size, as the baseline. Prints a table; asserts nothing.

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
        delivery::{Class, Destination, Queue},
        event::{Event, EventKind, Message},
        id::{AiAgentId, ConversationId, ConversationKey, MessageId},
        platform::PlatformPolicy,
        policy::{Now, Policy},
        rule::Rule,
        rules::{arrive, flush, start},
        thread::{Author, Content, Role},
        time::Time,
        transaction::Transaction,
        values::HandoffValues,
        waiting_room::WaitingRooms,
    },
    settings::Database,
    store::{self, Copies, HandoffQuery, Store},
};
use serde_json::Map;

const IN_FLIGHT: usize = 256;

fn policy() -> Policy {
    Policy {
        timings: Timings {
            quiet: Duration::ZERO,
            cap: Duration::ZERO,
            unknown_hold: Duration::from_secs(30),
        },
        integration: "custom-handoff".to_owned(),
        domain: None,
        inbox_limit: u64::MAX,
        outbox_limit: u64::MAX,
        send_max_age: Duration::from_secs(900),
        began_at: Time::default(),
        recover_after: Duration::from_mins(2),
        waiting_timeout: None,
        idle_timeout: None,
        language: None,
        gone_after: Duration::from_mins(3),
        waiting_rooms: WaitingRooms::default(),
        values: HandoffValues::default(),
        routing: Default::default(),
        platforms: PlatformPolicy::default(),
    }
}

async fn decide<T: Send + 'static>(store: &dyn Store, rule: Rule<T>) -> T {
    let (scope, decide) = rule.into_parts();
    let now = Now { at: Machine.now(), ..Now::default() };
    store::decide(
        store,
        scope,
        move |view| {
            let policy = policy();
            let mut ids: &dyn Environment = &Machine;
            let mut tx = Transaction::new(view, now, &policy, &mut ids);
            let answer = decide(&mut tx);
            (tx.into_write_set(), answer)
        },
        |_| {},
    )
    .await
    .unwrap()
}

fn key(conversation: u32) -> ConversationKey {
    let conversation = ConversationId(format!("conversation-{conversation}"));
    ConversationKey { ai_agent: AiAgentId::from("acme.ada.support"), conversation }
}

/// Events of one conversation come within some minutes, and many say the same.
fn event(number: u32, conversation: u32) -> Event {
    let at = Machine.now();
    let created_at = at + Duration::from_millis(u64::from(number % 300_000));
    let author = Author { role: Role::EndUser, display_name: Some("Maria Silva".into()), avatar: None };
    let content = Content::Text { body: format!("Where is my order? {}", number % 10) };
    Event {
        svix_id: format!("msg_{number}"),
        key: key(conversation),
        timestamp: created_at.floor_millis(),
        received_at: at,
        end_user_id: None,
        channel: None,
        kind: EventKind::Message(Message {
            id: MessageId(format!("m-{number}")),
            created_at,
            author,
            content,
        }),
    }
}

/// Runs `job` for each number, many at once; gives how many a second.
async fn each<F: Future<Output = ()>>(count: u32, job: impl Fn(u32) -> F) -> f64 {
    let begun = Instant::now();
    stream::iter(0..count).map(job).buffer_unordered(IN_FLIGHT).for_each(|()| async {}).await;
    f64::from(count) / begun.elapsed().as_secs_f64()
}

async fn release_all(store: &dyn Store) {
    loop {
        let due = store.due_conversations(Machine.now(), 64).await.unwrap();
        if due.items.is_empty() {
            return;
        }
        let released = due.items.into_iter().map(|key| async move { decide(store, flush::due(key)).await });
        futures_util::future::join_all(released).await;
    }
}

async fn millis<T>(job: impl Future<Output = T>) -> f64 {
    let begun = Instant::now();
    job.await;
    begun.elapsed().as_secs_f64() * 1e3
}

/// What this process holds in memory, in MB.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4 / 1_024
}

async fn run(name: &str, database: &Database, conversations: u32, events: u32) {
    let opened = store::open(database, Copies::Skip, Machine.now()).await.unwrap();
    let writer = opened.writer.map(tokio::spawn);
    let store: Arc<dyn Store> = opened.store;
    let at = &*store;
    let starts = each(conversations, |number| async move {
        decide(at, start::call(key(number), Map::new(), start::Caller::WithKey)).await;
    });
    let starts = starts.await;
    let arrivals = each(events, |number| async move {
        let event = event(number, number % conversations);
        decide(at, arrive::event(event)).await;
    });
    let arrivals = arrivals.await;
    let released = f64::from(events) / (millis(release_all(at)).await / 1e3);
    let page = HandoffQuery { limit: 50, ..HandoffQuery::default() };
    let list = millis(at.handoffs(&page)).await;
    let newest = at.handoffs(&page).await.unwrap().handoffs.remove(0).id;
    let rows = millis(at.rows(&newest, u64::from(events / conversations / 2), 100)).await;
    let one = event(events, 0);
    let one_key = one.key.clone();
    let arrival = millis(decide(at, arrive::event(one))).await;
    let reads = Queue { destination: Destination::Reads(one_key.ai_agent), class: Class::Fresh };
    let due = millis(at.due_deliveries(Machine.now(), &[(reads, 32)])).await;
    println!(
        "{name:<30} {starts:>7.0}/s {arrivals:>7.0}/s {released:>7.0}/s {list:>8.1} {rows:>8.1} {arrival:>8.1} {due:>8.1} {:>6}",
        resident()
    );
    drop(store);
    if let Some(writer) = writer {
        writer.await.unwrap();
    }
}

#[tokio::main]
async fn main() {
    let size: u32 = std::env::var("SCALE").ok().and_then(|size| size.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| Database::Sqlite(folder.path().join(name));
    println!(
        "{:30} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8} {:>6}",
        "", "starts", "arrivals", "released", "list ms", "rows ms", "keep ms", "due ms", "MB"
    );
    let small = size / 100;
    run(&format!("SQLite, 1 x {small} (baseline)"), &file("a"), 1, small).await;
    run(&format!("SQLite, 1 x {size}"), &file("b"), 1, size).await;
    run(&format!("SQLite, {small} x 1 (baseline)"), &file("c"), small, small).await;
    run(&format!("SQLite, {size} x 1"), &file("d"), size, size).await;
    run(&format!("memory, 1 x {size}"), &Database::Memory, 1, size).await;
    run(&format!("memory, {size} x 1"), &Database::Memory, size, size).await;
}
