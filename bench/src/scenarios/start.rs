//! From the start of the process to being ready, with a large database.

use anyhow::Result;

use super::{folder, progress};
use crate::{
    figures::{Figures, Goal, Row, Unit},
    options::Options,
    prepared::{self, Size},
    relay::Relay,
    webhooks::Ids,
};

/// The goal is about this size.
const GOAL: Size = Size { handoffs: 100_000, ids: 10_000_000 };

pub fn run(options: &Options) -> Result<Figures> {
    let size = Size { handoffs: options.handoffs(), ids: options.ids() };
    let (full, empty) = (folder(options)?, folder(options)?);
    progress(&format!(" a database with {} handoffs and {} ids ...", size.handoffs, size.ids));
    prepared::make(options, full.path(), size, Ids::Ascending)?;
    let (mut millis, mut resident, mut of_empty) = (Vec::new(), Vec::new(), Vec::new());
    // The first start makes the file.
    Relay::taking_in(options, empty.path(), &[])?.child.stop()?;
    for _ in 0..options.rounds() {
        let (relay, took) = Relay::timed_start(options, empty.path())?;
        of_empty.push(took.as_secs_f64() * 1e3);
        relay.child.stop()?;
        let (relay, took) = Relay::timed_start(options, full.path())?;
        millis.push(took.as_secs_f64() * 1e3);
        resident.push(relay.child.usage()?.resident as f64 / 1_024.0);
        relay.child.stop()?;
    }
    let of = format!("with {} handoffs and {} ids", size.handoffs, size.ids);
    let mut start = Row::new(format!("start to ready, {of}"), Unit::Ms, millis);
    let is_goals = size.handoffs >= GOAL.handoffs && size.ids >= GOAL.ids;
    start = if is_goals {
        start.goal(Goal::AtMost(200.0))
    } else {
        start.note("the goal of 200 ms is about --handoffs 100000 --ids 10000000")
    };
    let rows = vec![
        start,
        Row::new("start to ready, small", Unit::Ms, of_empty),
        Row::new(format!("memory when ready, {of}"), Unit::Mb, resident),
    ];
    Ok(Figures { scenario: "start".to_owned(), rows, runs: Vec::new() })
}
