//! Webhooks that are kept in PostgreSQL. The database's own CPU time is nobody's here: relay and ceiling use it alike.

use anyhow::Result;

use super::{
    kept::{of, ratios, webhooks},
    progress,
    server::{Server, Webhooks},
};
use crate::{
    ceilings::Ceiling,
    figures::{Figures, Goal, Row, Unit},
    options::Options,
    webhooks::Ids,
};

const RELAY: &str = "relay on PostgreSQL";
const BESIDE: &str = "beside an idle one";

pub fn run(options: &Options) -> Result<Figures> {
    let mut rounds = Vec::new();
    for round in 0..options.rounds() {
        progress(&format!(" round {}", round + 1));
        let requests = webhooks(options, round, Ids::Ascending)?;
        let servers = [Server::Ceiling(Ceiling::G), Server::Postgres, Server::PostgresBesideIdle];
        let mut runs = Vec::new();
        for server in Server::in_turn(servers, round) {
            runs.push(server.closed(options, Webhooks { requests: &requests, again: false })?);
        }
        rounds.push(runs);
    }
    let rows = vec![
        Row::new(
            "kept in PostgreSQL, 64 connections: relay / G",
            Unit::Ratio,
            ratios(&rounds, RELAY, "G", |run| run.per_second),
        )
        .goal(Goal::AtLeast(0.80)),
        Row::new(
            "the same beside somebody's open transaction / without it",
            Unit::Ratio,
            ratios(&rounds, BESIDE, RELAY, |run| run.per_second),
        )
        .goal(Goal::AtLeast(0.90)),
        Row::new("kept in PostgreSQL", Unit::PerSecond, of(&rounds, RELAY, |run| run.per_second)),
        Row::new("CPU of the relay for one", Unit::Us, of(&rounds, RELAY, |run| run.cpu_us)),
        Row::new(
            "p99 of the acknowledgement: relay / G",
            Unit::Ratio,
            ratios(&rounds, RELAY, "G", |run| run.p99_ms),
        ),
    ];
    Ok(Figures { scenario: "postgres".to_owned(), rows, runs: rounds.concat() })
}
