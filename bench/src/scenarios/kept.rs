//! Webhooks that are kept, as fast as they are acknowledged.

use anyhow::Result;

use super::{
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

/// No server here acknowledges more in a second.
const MOST_PER_SECOND: f64 = 100_000.0;

/// Webhooks for one round of a closed loop, each with an id that no other round has.
///
/// # Errors
/// They can't be signed.
pub fn webhooks(options: &Options, round: usize, ids: Ids) -> Result<crate::webhooks::Requests> {
    let most = if options.smoke { MOST_PER_SECOND / 5.0 } else { MOST_PER_SECOND };
    let count = (options.seconds() * most) as u32;
    Webhooks { count, series: round as u32 + 1, conversations: 1_000, integration: OURS, ids }.requests()
}

pub fn run(options: &Options) -> Result<Figures> {
    let mut rounds = Vec::new();
    for round in 0..options.rounds() {
        progress(&format!(" round {}", round + 1));
        let requests = webhooks(options, round, Ids::Ascending)?;
        let all = [Ceiling::A, Ceiling::B, Ceiling::D].map(Server::Ceiling);
        let servers = Server::in_turn([all[0], all[1], all[2], Server::Relay], round);
        let mut runs = Vec::new();
        for server in servers {
            runs.push(server.closed(options, Sent { requests: &requests, again: false })?);
        }
        rounds.push(runs);
    }
    let ratio = |of: &'static str, figure: fn(&Run) -> f64| ratios(&rounds, "relay", of, figure);
    let relay = |figure: fn(&Run) -> f64| of(&rounds, "relay", figure);
    let rows = vec![
        Row::new("kept webhooks, 64 connections: relay / D", Unit::Ratio, ratio("D", |run| run.per_second))
            .goal(Goal::AtLeast(0.90)),
        Row::new("CPU a kept webhook: relay / D", Unit::Ratio, ratio("D", |run| run.cpu_us))
            .goal(Goal::AtMost(1.2)),
        Row::new("bytes written a kept webhook: relay / D", Unit::Ratio, ratio("D", |run| run.written))
            .goal(Goal::AtMost(1.3)),
        Row::new(
            "p99 of the acknowledgement, closed loop: relay / D",
            Unit::Ratio,
            ratio("D", |run| run.p99_ms),
        ),
        Row::new("kept webhooks", Unit::PerSecond, relay(|run| run.per_second)),
        Row::new("CPU a kept webhook", Unit::Us, relay(|run| run.cpu_us)),
        Row::new("bytes written a kept webhook", Unit::Bytes, relay(|run| run.written)),
        Row::new("ceiling D / ceiling A", Unit::Ratio, ratios(&rounds, "D", "A", |run| run.per_second)),
        Row::new("ceiling B / ceiling A", Unit::Ratio, ratios(&rounds, "B", "A", |run| run.per_second)),
    ];
    Ok(Figures { scenario: "kept".to_owned(), rows, runs: rounds.concat() })
}

/// A figure of one server over that of another, within each round.
pub fn ratios(rounds: &[Vec<Run>], server: &str, other: &str, figure: fn(&Run) -> f64) -> Vec<f64> {
    let find = |runs: &[Run], name: &str| runs.iter().find(|run| run.server == name).map(figure);
    let ratio = |runs: &Vec<Run>| Some(find(runs, server)? / find(runs, other)?);
    rounds.iter().filter_map(ratio).collect()
}

/// A figure of one server, of each round.
pub fn of(rounds: &[Vec<Run>], server: &str, figure: fn(&Run) -> f64) -> Vec<f64> {
    rounds.iter().flatten().filter(|run| run.server == server).map(figure).collect()
}
