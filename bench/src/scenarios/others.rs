//! Webhooks of other integrations: an endpoint gets those of all, and has nothing to do with most.

use anyhow::Result;

use super::{
    kept::{of, ratios},
    progress,
    server::{Server, Webhooks as Sent},
};
use crate::{
    ceilings::Ceiling,
    figures::{Figures, Goal, Row, Unit},
    options::Options,
    webhooks::{Ids, OTHER, Webhooks},
};

/// So many different ones, again and again: nobody remembers them.
const COUNT: u32 = 20_000;

pub fn run(options: &Options) -> Result<Figures> {
    let mut rounds = Vec::new();
    for round in 0..options.rounds() {
        progress(&format!(" round {}", round + 1));
        let webhooks = Webhooks {
            count: options.sized(COUNT, 1_000),
            series: round as u32 + 1,
            conversations: 1_000,
            integration: OTHER,
            ids: Ids::Ascending,
        };
        let requests = webhooks.requests()?;
        let mut runs = Vec::new();
        for server in Server::in_turn([Server::Ceiling(Ceiling::B), Server::Relay], round) {
            runs.push(server.closed(options, Sent { requests: &requests, again: true })?);
        }
        rounds.push(runs);
    }
    let what = "webhooks of other integrations: relay / B";
    let rows = vec![
        Row::new(what, Unit::Ratio, ratios(&rounds, "relay", "B", |run| run.per_second))
            .goal(Goal::AtLeast(0.95)),
        Row::new(
            "CPU a webhook of others: relay / B",
            Unit::Ratio,
            ratios(&rounds, "relay", "B", |run| run.cpu_us),
        ),
        Row::new(
            "webhooks of other integrations",
            Unit::PerSecond,
            of(&rounds, "relay", |run| run.per_second),
        ),
    ];
    Ok(Figures { scenario: "others".to_owned(), rows, runs: rounds.concat() })
}
