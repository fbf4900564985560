//! Lists and searches over many handoffs, each asked for by itself. With `--postgres` also in PostgreSQL, into which the same
//! data is moved as an operator moves it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use serde_json::Value;

use super::{folder, progress};
use crate::{
    database::Database,
    figures::{Figures, Goal, Row, Unit},
    generator::latencies,
    http::call,
    null_ada::NullAda,
    options::Options,
    prepared::{self, Size},
    relay::{Relay, as_agent},
    webhooks::{Ids, scrambled},
};

/// Messages in each thread.
const MESSAGES: u32 = 5;
/// The index of what was there takes so long at most.
const FILLED: Duration = Duration::from_mins(20);
/// What is asked for, by a number, of so many handoffs.
type Query = fn(u64, u32) -> String;
const QUERIES: [(&str, Query); 7] = [
    ("a message's own number", |n, handoffs| {
        format!("q=needle-{}-{};", n % u64::from(handoffs) + 1, n % 5 + 1)
    }),
    ("a word of few messages", |n, _| format!("q=%20{:x}%20", n % 60_000 + 4_096)),
    ("words of all messages", |_, _| "q=my%20order".to_owned()),
    ("what is nowhere", |n, _| format!("q=nowhere%20{n}")),
    ("two characters", |n, _| format!("q={:02x}", n % 256)),
    ("an agent's own list", |n, _| format!("agent=Agent%20{}", n % 50)),
    ("an agent's open handoffs", |n, _| format!("agent=Agent%20{}&status=active", n % 50)),
];

pub fn run(options: &Options) -> Result<Figures> {
    let handoffs = options.handoffs();
    let folder = folder(options)?;
    progress(&format!(" a database with {handoffs} handoffs of {MESSAGES} messages ..."));
    prepared::make(options, folder.path(), Size { handoffs, ids: 0 }, Ids::Ascending)?;
    prepared::add_messages(folder.path(), MESSAGES)?;
    let database = options.postgres.as_deref().map(Database::new).transpose()?;
    // Before the index is filled: that is measured in both.
    if let Some(database) = &database {
        progress("  moves to PostgreSQL ...");
        Relay::moves(options, folder.path(), &database.url)?;
    }
    let mut rows = searches(options, folder.path(), "", None)?;
    if let Some(database) = &database {
        rows.extend(searches(options, folder.path(), " in PostgreSQL", Some(database))?);
    }
    Ok(Figures { scenario: "search".to_owned(), rows, runs: Vec::new() })
}

/// What a relay with this database shows; without one, with the file in the folder.
fn searches(options: &Options, folder: &Path, place: &str, database: Option<&Database>) -> Result<Vec<Row>> {
    let handoffs = options.handoffs();
    let began = Instant::now();
    let settings: Vec<_> = database.iter().map(|database| ("DATABASE_URL", &*database.url)).collect();
    // It reads the message lists of open handoffs at its start, and again and again where nobody answers.
    let ada = NullAda::start(0)?;
    let relay = Relay::start(options, folder, &ada.url, &settings)?;
    // The oldest comes last.
    while ask(&relay, "q=needle-1-1;")?.1 == 0 {
        ensure!(began.elapsed() < FILLED, "the index is not filled in time");
        std::thread::sleep(Duration::from_millis(50));
    }
    let filled = began.elapsed();
    progress(&format!("  filled{place} in {:.1} s", filled.as_secs_f64()));
    relay.calm()?;
    if let Some(database) = database {
        database.tidy()?;
    }
    let name = format!("start until old handoffs are in the index{place}");
    let mut rows = vec![Row::new(name, Unit::Ms, [filled.as_secs_f64() * 1e3])];
    let number = options.sized(400, 5);
    for (name, query) in QUERIES {
        let times = times(&relay, options.rounds(), number, |n| query(n, handoffs))?;
        let at = |share: f64| times.iter().map(move |times| times.value_at_quantile(share) as f64 / 1e3);
        let say = |what: &str| format!("{name}, of {handoffs} handoffs{place}: {what}");
        let p99 = Row::new(say("p99"), Unit::Ms, at(0.99)).goal(Goal::AtMost(10.0));
        progress(&format!("  {name}{place}: p50 {:.2}  p99 {:.2} ms", median(at(0.5)), median(at(0.99))));
        rows.extend([p99, Row::new(say("p50"), Unit::Ms, at(0.5))]);
    }
    relay.child.stop()?;
    Ok(rows)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    crate::figures::Spread::of(values).median
}

/// How long each question took, in rounds.
fn times(
    relay: &Relay,
    rounds: usize,
    number: u32,
    query: impl Fn(u64) -> String,
) -> Result<Vec<Histogram<u64>>> {
    let round = |round: usize| {
        let mut times = latencies()?;
        for n in 0..number {
            let took = ask(relay, &query(scrambled(round as u64 * 1_000_000 + u64::from(n))))?.0;
            times.saturating_record(took.as_micros() as u64);
        }
        Ok(times)
    };
    (0..rounds).map(round).collect()
}

/// How long a list took, and how many handoffs it has.
fn ask(relay: &Relay, query: &str) -> Result<(Duration, usize)> {
    let began = Instant::now();
    let answer = call(relay.child.address, "GET", &format!("/api/handoffs?{query}"), &as_agent(), "")?;
    let took = began.elapsed();
    let answer: Value = serde_json::from_str(&answer)?;
    Ok((took, answer["data"].as_array().context("a list has no data")?.len()))
}
