//! Who calls Ada dies, stands still, or is cut off from the database: another instance takes over, and what the first does
//! late does not count.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use super::Database;
use crate::{
    ada::Ada,
    moment,
    relay::{Relay, folder},
    road::Road,
    until,
};

/// A message waits no longer than this for another instance.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(12);
/// Longer than any lease.
const CUT_OFF_FOR: Duration = Duration::from_secs(30);

/// Ada, and the second of two instances. The first has the line: it has sent something when this one was not there yet.
struct Second {
    ada: Ada,
    database: Database,
    road: Road,
    _folder: tempfile::TempDir,
    relay: Relay,
    chat: String,
    handoff: String,
}

/// The first has its own road to the database.
async fn two() -> (Relay, Second) {
    let (ada, database, folder) = (Ada::start().await, Database::start().await, folder());
    let road = Road::to(database.server.folder()).await;
    let (by_road, directly) = (road.url("test_0"), database.url.clone());
    let settings = |url| [("DATABASE_URL", url), ("DEBOUNCE_MS", "50"), ("LOG_FORMAT", "json")];
    let first = Relay::start(folder.path(), &ada.url, &settings(&by_road)).await;
    ada.meets(&first.url);
    let chat = ada.hands_off().await;
    let handoff = first.handoff().await;
    first.writes(&handoff, "one").await;
    let relay = Relay::start(folder.path(), &ada.url, &settings(&directly)).await;
    let second = Second { relay, ada, database, road, _folder: folder, chat, handoff };
    second.customer_has(&["one"]).await;
    (first, second)
}

impl Second {
    async fn customer_has(&self, texts: &[&str]) {
        let what = format!("{texts:?} at the customer's");
        until(&what, async || (self.ada.agents_said(&self.chat) == texts).then_some(())).await;
    }

    /// An agent writes at it, and the customer has it, soon enough. It may be told to try again: what the first has begun about
    /// the conversation is undone one after another.
    async fn takes_over(&self, after: &str) {
        let began = Instant::now();
        until("it is taken", async || {
            let path = format!("/api/handoffs/{}/messages", self.handoff);
            let request = self.relay.request(Method::POST, &path).header("idempotency-key", "two");
            let status = request.json(&json!({"text": "two"})).send().await.unwrap().status().as_u16();
            assert!(status == 202 || status == 503, "{status}");
            (status == 202).then_some(())
        })
        .await;
        self.customer_has(&["one", "two"]).await;
        let took = began.elapsed();
        println!("cluster: {after} another instance sent a message after {took:.1?}");
        assert!(took < TAKEN_OVER_WITHIN, "{took:?}");
    }
}

pub(super) async fn is_ready(relay: &Relay) {
    until("it is ready", async || (health(relay).await == Some(200)).then_some(())).await;
}

async fn is_not_ready(relay: &Relay) {
    until("it is not ready", async || (health(relay).await == Some(503)).then_some(())).await;
}

/// What it answers, if it does.
async fn health(relay: &Relay) -> Option<u16> {
    let answer = relay.request(Method::GET, "/health/ready").send().await.ok()?;
    Some(answer.status().as_u16())
}

#[tokio::test]
async fn if_the_one_that_calls_ada_dies_another_takes_over() {
    let (first, second) = two().await;
    first.process.kill().await;
    second.takes_over("after a death").await;
    second.relay.stops_well().await;
}

#[tokio::test]
async fn if_the_one_that_calls_ada_stops_another_takes_over() {
    let (first, second) = two().await;
    first.stops_well().await;
    second.takes_over("after a stop").await;
    second.relay.stops_well().await;
}

#[tokio::test]
async fn if_the_one_that_calls_ada_stands_still_another_takes_over() {
    let (first, second) = two().await;
    first.process.signal("STOP");
    second.takes_over("beside one that stood still").await;
    first.process.signal("CONT");
    is_ready(&first).await;
    first.writes(&second.handoff, "three").await;
    second.customer_has(&["one", "two", "three"]).await;
    first.stops_well().await;
    second.relay.stops_well().await;
}

#[tokio::test]
async fn if_the_one_that_calls_ada_is_cut_off_another_takes_over() {
    let (first, second) = two().await;
    let began = Instant::now();
    second.road.hangs();
    // It was asked for this before it knew.
    let late = async {
        let path = format!("/api/handoffs/{}/messages", second.handoff);
        let late = first.request(Method::POST, &path).json(&json!({"text": "late"}));
        late.send().await.unwrap().status().is_success()
    };
    let meanwhile = async {
        is_not_ready(&first).await;
        second.takes_over("beside one that was cut off").await;
        moment(began + CUT_OFF_FOR).await;
        second.road.opens();
        is_ready(&first).await;
    };
    let (is_kept, ()) = tokio::join!(late, meanwhile);
    first.writes(&second.handoff, "three").await;
    let late: &[&str] = if is_kept { &["late"] } else { &[] };
    second.customer_has(&[&["one", "two"], late, &["three"]].concat()).await;
    first.stops_well().await;
    second.relay.stops_well().await;
}

/// Nobody has to start a relay again because its database was.
#[tokio::test]
async fn health_says_that_the_database_is_gone_and_that_it_is_back() {
    let (first, second) = two().await;
    for signal in ["QUIT", "KILL"] {
        second.database.server.kill(signal);
        is_not_ready(&first).await;
        is_not_ready(&second.relay).await;
        second.database.server.start_again();
        let began = Instant::now();
        is_ready(&first).await;
        is_ready(&second.relay).await;
        println!("cluster: ready {:.1?} after the database was started again", began.elapsed());
    }
    second.takes_over("after the database was started again").await;
    first.stops_well().await;
    second.relay.stops_well().await;
}
