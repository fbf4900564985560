//! Two relays on one PostgreSQL: what a webhook costs them beside one relay alone, and a message's way from the webhook of one
//! to a stream on the other.
//!
//! Two servers that share the machine's cores cost more for a webhook than one, whatever they do. So the ceiling is measured in
//! the same way, alone and twice: with half of its connections each, as when the load stays as it is, and with as many each, as when
//! the second one is there for more load.

use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::{
    folder,
    kept::webhooks,
    progress,
    release::{Delays, HANDOFFS, quiet, relay_with_handoffs, to_a_stream},
    server::{self, CONNECTIONS, database},
};
use crate::{
    ceilings::Ceiling,
    child::Child,
    database::Database,
    figures::{Figures, Goal, Row, Unit},
    generator::{Load, Pace},
    measure::{self, Run},
    null_ada::NullAda,
    options::Options,
    relay::Relay,
    webhooks::Ids,
};

/// Webhooks a second, where the way of their messages is measured.
const RATE: u32 = 100;

pub fn run(options: &Options) -> Result<Figures> {
    let (mut of_relays, mut of_ceilings) = (Costs::default(), Costs::default());
    let (mut ways, mut runs) = (Vec::new(), Vec::new());
    for round in 0..options.rounds() {
        progress(&format!(" round {}", round + 1));
        for (server, costs) in [(Server::Relay, &mut of_relays), (Server::G, &mut of_ceilings)] {
            let alone = taken_in(options, round, server, 1, CONNECTIONS)?;
            let halves = taken_in(options, round, server, 2, CONNECTIONS / 2)?;
            let wholes = taken_in(options, round, server, 2, CONNECTIONS)?;
            costs.halves.push(cpu(&halves) / cpu(&alone));
            costs.wholes.push(cpu(&wholes) / cpu(&alone));
            runs.extend([alone, halves, wholes].concat());
        }
        let (way, run) = way(options)?;
        progress(&format!("  from one to the other: p50 {:.2}  p99 {:.2} ms", way.p50, way.p99));
        ways.push(way);
        runs.push(run);
    }
    let say = |what: &str| format!("from one relay's webhook to a stream on another at {RATE}/s: {what}");
    let cost = |servers: &str, each: usize, ratios| {
        let what = "for a kept webhook / of one alone";
        Row::new(format!("CPU of two {servers} {what}: {each} connections each"), Unit::Ratio, ratios)
    };
    let rows = vec![
        cost("relays", CONNECTIONS / 2, of_relays.halves).goal(Goal::AtMost(1.2)),
        cost("G", CONNECTIONS / 2, of_ceilings.halves),
        cost("relays", CONNECTIONS, of_relays.wholes).goal(Goal::AtMost(1.2)),
        cost("G", CONNECTIONS, of_ceilings.wholes),
        Row::new(say("p99"), Unit::Ms, ways.iter().map(|way| way.p99)).goal(Goal::AtMost(50.0)),
        Row::new(say("p50"), Unit::Ms, ways.iter().map(|way| way.p50)),
        Row::new(say("longest"), Unit::Ms, ways.iter().map(|way| way.most)),
    ];
    Ok(Figures { scenario: "cluster".to_owned(), rows, runs })
}

/// What two servers cost for a webhook, beside one alone.
#[derive(Default)]
struct Costs {
    /// With half of its connections each.
    halves: Vec<f64>,
    /// With as many connections each.
    wholes: Vec<f64>,
}

/// What is measured alone and twice.
#[derive(Clone, Copy)]
enum Server {
    Relay,
    G,
}

impl Server {
    fn start(self, options: &Options, folder: &TempDir, database: &Database) -> Result<Child> {
        match self {
            Self::Relay => {
                Ok(Relay::taking_in(options, folder.path(), &[("DATABASE_URL", &*database.url)])?.child)
            }
            Self::G => server::ceiling(Ceiling::G, folder, Some(database)),
        }
    }

    /// What it is called in the report, as one of so many.
    const fn name(self, of: usize) -> &'static str {
        match (self, of) {
            (Self::Relay, 1) => "one relay",
            (Self::Relay, _) => "one of two relays",
            (Self::G, 1) => "one G",
            (Self::G, _) => "one of two G",
        }
    }
}

/// CPU time for a webhook, over all servers.
fn cpu(runs: &[Run]) -> f64 {
    let spent: f64 = runs.iter().map(|run| run.cpu_us * run.requests as f64).sum();
    spent / runs.iter().map(|run| run.requests as f64).sum::<f64>()
}

/// So many servers keep webhooks at once, each over so many connections; what each did.
fn taken_in(
    options: &Options,
    round: usize,
    server: Server,
    servers: usize,
    connections: usize,
) -> Result<Vec<Run>> {
    let database = database(options)?;
    let folders = (0..servers).map(|_| folder(options)).collect::<Result<Vec<_>>>()?;
    let started = folders.iter().map(|folder| server.start(options, folder, &database));
    let started = started.collect::<Result<Vec<_>>>()?;
    let requests = webhooks(options, round, Ids::Ascending)?;
    let seconds = Duration::from_secs_f64(options.seconds());
    let runs = std::thread::scope(|scope| {
        let loads = started.iter().enumerate().map(|(place, child)| {
            let load = Load {
                address: child.address,
                connections,
                requests: &requests,
                from: requests.len() / servers * place,
                again: false,
                pace: Pace::Closed(seconds),
            };
            scope.spawn(move || Ok(measure::run(server.name(servers), child, &load, None)?.0))
        });
        let loads: Vec<_> = loads.collect();
        let joined = loads.into_iter().map(|load| load.join().ok().context("a load died")?);
        joined.collect::<Result<Vec<Run>>>()
    })?;
    runs.iter().for_each(server::say);
    started.into_iter().try_for_each(Child::stop)?;
    Ok(runs)
}

/// From the webhook of one to a stream on the other.
fn way(options: &Options) -> Result<(Delays, Run)> {
    let (database, ada) = (database(options)?, NullAda::start(0)?);
    let folders = [folder(options)?, folder(options)?];
    let quiet = quiet();
    let settings = [("DATABASE_URL", &*database.url), ("DEBOUNCE_MS", &*quiet)];
    let (rate, handoffs) = (options.sized(RATE, 50), options.sized(HANDOFFS, 50));
    let (one, _) = relay_with_handoffs(options, &folders[0], &ada, handoffs, &settings)?;
    let other = Relay::start(options, folders[1].path(), &ada.url, &settings)?;
    other.calm()?;
    let measured = to_a_stream("to another relay", options, rate, handoffs, [&one, &other])?;
    one.child.stop()?;
    other.child.stop()?;
    Ok(measured)
}
