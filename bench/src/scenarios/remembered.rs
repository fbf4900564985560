//! Webhooks that are kept, with many remembered ids: in the order of time, as Svix makes them, and at random.

use anyhow::{Context, Result};

use super::{
    folder, kept, progress,
    server::{Server, Webhooks as Sent},
};
use crate::{
    figures::{Figures, Goal, Row, Unit},
    measure::Run,
    options::Options,
    prepared::{self, Size},
    webhooks::Ids,
};

/// The goals are about so many.
const GOAL: u32 = 10_000_000;
/// What the others stand beside.
const EMPTY: &str = "empty store";

pub fn run(options: &Options) -> Result<Figures> {
    let ids = options.ids();
    let kinds = [("time-ordered", Ids::Ascending), ("random", Ids::Random)];
    let mut prepared = Vec::new();
    for (name, kind) in kinds {
        progress(&format!(" a database with {ids} {name} ids ..."));
        let folder = folder(options)?;
        prepared::make(options, folder.path(), Size { handoffs: 0, ids }, kind)?;
        prepared.push(folder);
    }
    let mut rounds = Vec::new();
    for round in 0..options.rounds() {
        progress(&format!(" round {}", round + 1));
        let mut runs = Vec::new();
        let requests = kept::webhooks(options, round, Ids::Ascending)?;
        let run = Server::Relay.closed(options, Sent { requests: &requests, again: false })?;
        runs.push(Run { server: EMPTY.to_owned(), ..run });
        for ((name, kind), from) in kinds.iter().zip(&prepared) {
            let requests = kept::webhooks(options, round, *kind)?;
            let sent = Sent { requests: &requests, again: false };
            let run = Server::Relay.closed_from(options, sent, from.path()).context(*name)?;
            runs.push(Run { server: (*name).to_owned(), ..run });
        }
        rounds.push(runs);
    }
    let row = |name: &str, goal: f64| {
        let what = format!("kept webhooks with {ids} {name} ids: to an empty store");
        let row = Row::new(what, Unit::Ratio, kept::ratios(&rounds, name, EMPTY, |run| run.per_second));
        if ids >= GOAL {
            row.goal(Goal::AtLeast(goal))
        } else {
            row.note(format!("the goal of {goal} is about --ids {GOAL}"))
        }
    };
    let written = |name: &str| {
        let what = format!("bytes written a kept webhook with {ids} {name} ids");
        Row::new(what, Unit::Bytes, kept::of(&rounds, name, |run| run.written))
    };
    let rows = vec![row("time-ordered", 0.8), row("random", 0.3), written("time-ordered"), written("random")];
    Ok(Figures { scenario: "remembered".to_owned(), rows, runs: rounds.concat() })
}
