//! The latency of the acknowledgement when webhooks come at a fixed rate, measured from when they should have left.

use anyhow::Result;

use super::{
    kept::{of, ratios},
    progress,
    server::{Server, Webhooks as Sent},
};
use crate::{
    ceilings::Ceiling,
    figures::{Figures, Goal, Row, Unit},
    measure::Run,
    options::Options,
    webhooks::{Ids, OURS, Webhooks},
};

/// The goal's rate, and lower ones for a relay that can't hold it.
const RATES: [u32; 4] = [5_000, 2_500, 1_000, 500];
/// For the warm-up, which comes as fast as it is answered.
const WARM_UP_PER_SECOND: f64 = 10_000.0;

pub fn run(options: &Options) -> Result<Figures> {
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for usual in RATES {
        let rate = options.sized(usual, usual / 10);
        let rounds = at(options, rate)?;
        let is_held = rounds.iter().flatten().all(|run| run.is_held);
        let say = |what: &str| format!("p99 of the acknowledgement at {rate}/s: {what}");
        let p99 = |server: &str| of(&rounds, server, |run| run.p99_ms);
        let mut row =
            Row::new(say("relay / D"), Unit::Ratio, ratios(&rounds, "relay", "D", |run| run.p99_ms));
        if usual == RATES[0] {
            row = row.goal(Goal::AtMost(1.3));
        }
        if let Some(note) = unheld(&rounds) {
            row = row.note(note);
        }
        rows.push(row);
        rows.push(Row::new(say("relay"), Unit::Ms, p99("relay")));
        rows.push(Row::new(say("D"), Unit::Ms, p99("D")));
        all.extend(rounds.concat());
        if is_held || options.smoke {
            break;
        }
    }
    Ok(Figures { scenario: "pace".to_owned(), rows, runs: all })
}

fn at(options: &Options, rate: u32) -> Result<Vec<Vec<Run>>> {
    let rate = f64::from(rate);
    let mut rounds = Vec::new();
    for round in 0..options.rounds() {
        progress(&format!(" round {} at {rate}/s", round + 1));
        let count = (options.seconds() * (rate + WARM_UP_PER_SECOND)) as u32;
        let webhooks = Webhooks {
            count,
            series: round as u32 + 1,
            conversations: 1_000,
            integration: OURS,
            ids: Ids::Ascending,
        };
        let requests = webhooks.requests()?;
        let mut runs = Vec::new();
        for server in Server::in_turn([Server::Ceiling(Ceiling::D), Server::Relay], round) {
            runs.push(server.open(options, Sent { requests: &requests, again: false }, rate)?);
        }
        rounds.push(runs);
    }
    Ok(rounds)
}

/// Which servers could not hold the rate, and what they reached.
fn unheld(rounds: &[Vec<Run>]) -> Option<String> {
    let unheld = rounds.iter().flatten().filter(|run| !run.is_held);
    let unheld: Vec<String> =
        unheld.map(|run| format!("{} served {:.0}/s only", run.server, run.per_second)).collect();
    (!unheld.is_empty()).then(|| format!("not held: {}", unheld.join(", ")))
}
