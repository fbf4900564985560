//! An agent's message to Ada, beside a dead platform for which very many events wait, and without one.

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use rusqlite::{Connection, params};

use super::{
    folder, progress,
    release::{quiet, relay_with_handoffs},
    reply::{self, HANDOFFS},
};
use crate::{
    figures::{Figures, Row, Unit},
    measure::Run,
    null_ada::NullAda,
    options::Options,
    relay::{FILE, NOWHERE, Relay},
};

/// Events that wait for the platform.
const QUEUED: u32 = 100_000;

pub fn run(options: &Options) -> Result<Figures> {
    let (mut p50, mut p99, mut runs) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..options.rounds() {
        progress(&format!(" round {}", round + 1));
        let (without, run) = one(options, None)?;
        runs.push(run);
        let (with, run) = one(options, Some(options.sized(QUEUED, 1_000)))?;
        runs.push(run);
        let at = |delays: &Histogram<u64>, share: f64| delays.value_at_quantile(share) as f64 / 1e3;
        progress(&format!("  without: p50 {:.2}  p99 {:.2} ms", at(&without, 0.5), at(&without, 0.99)));
        progress(&format!("  with:    p50 {:.2}  p99 {:.2} ms", at(&with, 0.5), at(&with, 0.99)));
        p50.push(at(&with, 0.5) / at(&without, 0.5));
        p99.push(at(&with, 0.99) / at(&without, 0.99));
    }
    let say = |what: &str| format!("agent's message to Ada, with a dead platform / without: {what}");
    let rows = vec![Row::new(say("p50"), Unit::Ratio, p50), Row::new(say("p99"), Unit::Ratio, p99)];
    Ok(Figures { scenario: "platform".to_owned(), rows, runs })
}

fn one(options: &Options, queued: Option<u32>) -> Result<(Histogram<u64>, Run)> {
    let (folder, count) = (folder(options)?, reply::count(options));
    let ada = NullAda::start(count)?;
    let quiet = quiet();
    let url = format!("{NOWHERE}/ada");
    let mut settings = vec![("DEBOUNCE_MS", &*quiet)];
    if queued.is_some() {
        settings.extend([
            ("PUBLIC_URL", "https://relay.example"),
            ("PLATFORM_WEBHOOK_URL", &url),
            ("PLATFORM_WEBHOOK_SECRET", "whsec_dGhlLXNlY3JldC1vZi1hLXBsYXRmb3JtIQ=="),
            ("PLATFORM_ALLOW_PRIVATE", "on"),
            ("PLATFORM_MAX_AGE", "24h"),
            ("OUTBOX_LIMIT", "1000000"),
        ]);
    }
    let (relay, handoffs) =
        relay_with_handoffs(options, &folder, &ada, options.sized(HANDOFFS, 20), &settings)?;
    relay.child.stop()?;
    if let Some(queued) = queued {
        multiply(&folder.path().join(FILE), queued).context("events could not be multiplied")?;
    }
    let relay = Relay::start(options, folder.path(), &ada.url, &settings)?;
    let name = if queued.is_some() { "relay, dead platform" } else { "relay, no platform" };
    let (delays, run) = reply::measure(name, &relay, &ada, &handoffs, count)?;
    relay.child.stop()?;
    Ok((delays, run))
}

/// Copies of the events that wait, behind them in their lanes.
fn multiply(file: &std::path::Path, queued: u32) -> Result<()> {
    let connection = Connection::open(file)?;
    let waiting: u32 =
        connection.query_row("SELECT count(*) FROM outbox WHERE is_notice = 1", [], |row| row.get(0))?;
    anyhow::ensure!(waiting > 0, "no event waits");
    let columns = "handoff, lane, ai_agent, conversation, due_at, leased_until, ready_at, queue, holder, expires_at, destination, is_notice";
    let sql = format!(
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1) \
         INSERT INTO outbox (id, doc, is_next, {columns}) \
         SELECT printf('%s-%d', id, n), json_set(doc, '$.id', printf('%s-%d', id, n)), 0, {columns} \
         FROM numbers, (SELECT * FROM outbox WHERE is_notice = 1) ORDER BY n, position"
    );
    connection.execute(&sql, params![queued / waiting])?;
    Ok(())
}
