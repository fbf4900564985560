//! The database dies, and a standby takes over that lacks what was committed last.

use sandbox::{Call, Fault};
use serde_json::Value;

use super::{Database, cut_off::is_ready};
use crate::{
    ada::Ada,
    postgres::{self, Server},
    relay::{Relay, folder, said},
    road::Road,
    until,
};

/// A standby beside a database, and the road over which the relay reaches whichever is meant.
struct Pair {
    database: Database,
    standby: Server,
    name: String,
    road: Road,
}

impl Pair {
    async fn start() -> Self {
        let database = Database::start().await;
        let standby = database.server.standby();
        let road = Road::to(database.server.folder()).await;
        let name = database.direct.rsplit_once('/').unwrap().1.split('?').next().unwrap().to_owned();
        Self { database, standby, name, road }
    }

    /// Waits until the standby has everything; what comes from now on it does not get.
    async fn falls_behind(&self) {
        let client = postgres::connect(&self.database.direct).await;
        let newest: String = client.query_one("SELECT pg_current_wal_lsn()::text", &[]).await.unwrap().get(0);
        let standby = postgres::connect(&self.standby.url(&self.name)).await;
        let has = format!("SELECT COALESCE(pg_last_wal_replay_lsn() >= '{newest}', FALSE)");
        until("the standby has all", async || {
            standby.query_one(&has, &[]).await.unwrap().get::<_, bool>(0).then_some(())
        })
        .await;
        standby.batch_execute("ALTER SYSTEM SET primary_conninfo = ''").await.unwrap();
        standby.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        until("it follows nobody", async || {
            let receivers = "SELECT count(*) FROM pg_stat_wal_receiver";
            (standby.query_one(receivers, &[]).await.unwrap().get::<_, i64>(0) == 0).then_some(())
        })
        .await;
    }

    async fn fails_over(&self) {
        self.database.server.kill("KILL");
        let standby = postgres::connect(&self.standby.url("postgres")).await;
        standby.query_one("SELECT pg_promote()", &[]).await.unwrap();
        self.road.leads_to(self.standby.folder());
    }
}

/// An agent's messages and what became of them.
fn answers(rows: &[Value]) -> Vec<(&str, &str)> {
    let ours = rows.iter().filter(|row| row["source"] == "agent");
    ours.map(|row| (row["content"]["body"].as_str().unwrap(), row["delivery"]["state"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn what_a_standby_lacks_is_found_at_ada_and_nothing_is_sent_twice() {
    let (ada, pair, folder) = (Ada::start().await, Pair::start().await, folder());
    let settings =
        [("DATABASE_URL", &*pair.road.url(&pair.name)), ("DEBOUNCE_MS", "50"), ("LOG_FORMAT", "json")];
    let relay = Relay::start(folder.path(), &ada.url, &settings).await;
    ada.meets(&relay.url);
    let chat = ada.hands_off().await;
    let handoff = relay.handoff().await;
    relay.writes(&handoff, "one").await;
    let customer_has = async |texts: &[&str]| {
        let what = format!("{texts:?} at the customer's");
        until(&what, async || (ada.agents_said(&chat) == texts).then_some(())).await;
    };
    customer_has(&["one"]).await;

    // The standby has two messages that wait, and not that they were sent. The first has Ada ask for patience.
    let patience = Fault::Status { status: 429, retry_after: Some(4) };
    ada.sandbox.fault_next(Call::SendMessage, patience);
    relay.writes(&handoff, "two").await;
    relay.writes(&handoff, "three").await;
    until("Ada has refused", async || {
        ada.sandbox.calls().iter().any(|call| call.status == 429).then_some(())
    })
    .await;
    relay
        .thread_with(&handoff, "both wait", |rows| {
            answers(rows)[1..] == [("two", "queued"), ("three", "queued")]
        })
        .await;
    pair.falls_behind().await;
    customer_has(&["one", "two", "three"]).await;
    ada.customer_says(&chat, "Is anybody there?").await;
    relay
        .thread_with(&handoff, "all are sent", |rows| {
            answers(rows).iter().all(|(_, state)| *state == "confirmed") && said(rows, "end_user").len() == 1
        })
        .await;

    pair.fails_over().await;
    let after = |rows: &[Value]| {
        let asked = rows.iter().find(|row| row["author"]["role"] == "end_user");
        asked.is_some_and(|row| row["source"] == "recovered")
            && answers(rows).iter().all(|(_, state)| *state == "sent" || *state == "confirmed")
    };
    is_ready(&relay).await;
    let rows = relay.thread_with(&handoff, "the relay has found out", after).await;
    assert_eq!(answers(&rows).iter().map(|(text, _)| *text).collect::<Vec<_>>(), ["one", "two", "three"]);
    assert_eq!(said(&rows, "end_user"), ["Is anybody there?"]);
    relay.writes(&handoff, "four").await;
    customer_has(&["one", "two", "three", "four"]).await;
    relay.stops_well().await;
}
