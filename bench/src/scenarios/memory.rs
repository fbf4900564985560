//! What the relay has in memory: idle, for each waiting handoff, and over time.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{
    folder, progress,
    release::{HANDOFFS, QUIET, RATE},
    server,
};
use crate::{
    figures::{Figures, Goal, Row, Unit},
    generator::{Load, Pace},
    measure,
    null_ada::NullAda,
    options::Options,
    relay::{Relay, start_call},
    webhooks::{Ids, OURS, Requests, Webhooks},
};

/// Handoffs that come first, so that what is allocated once has been: SQLite's page caches, above all.
const FIRST: u32 = 3_000;
/// Handoffs over which memory is shared out.
const THEN: u32 = 10_000;
/// A relay is looked at when it has been left alone for so long: its allocator gives back what is free after a second.
const SETTLED: Duration = Duration::from_secs(4);
/// The part of a long watch that is sent at once: signatures are good for five minutes.
const PART: Duration = Duration::from_secs(60);

pub fn run(options: &Options) -> Result<Figures> {
    let folder = folder(options)?;
    let ada = NullAda::start(0)?;
    let quiet = QUIET.as_millis().to_string();
    let relay = Relay::start(options, folder.path(), &ada.url, &[("DEBOUNCE_MS", &quiet)])?;
    let resident = || {
        std::thread::sleep(if options.smoke { Duration::ZERO } else { SETTLED });
        Ok::<_, anyhow::Error>(relay.child.usage()?.resident as f64)
    };
    let idle = resident()?;
    let (first, then) = (options.sized(FIRST, 20), options.sized(THEN, 50));
    hand_off(&relay, 0, first)?;
    let before = resident()?;
    hand_off(&relay, first, first + then)?;
    let each = (resident()? - before) * 1_024.0 / f64::from(then);
    progress(&format!("  idle {:.1} MB, a waiting handoff {each:.0} B", idle / 1_024.0));
    let mut rows = vec![
        Row::new("memory, idle", Unit::Mb, [idle / 1_024.0]).goal(Goal::AtMost(20.0)),
        Row::new("memory of a waiting handoff, its inbox empty", Unit::Bytes, [each])
            .goal(Goal::AtMost(1_000.0))
            .note(format!("over {then} handoffs; what the allocator keeps is in it")),
    ];
    if options.flat_minutes > 0 {
        rows.push(flat(options, &relay)?);
    }
    relay.child.stop()?;
    Ok(Figures { scenario: "memory".to_owned(), rows, runs: Vec::new() })
}

fn hand_off(relay: &Relay, from: u32, to: u32) -> Result<()> {
    let requests = Requests::of((from..to).map(start_call));
    let pace = Pace::Closed(Duration::from_secs(60));
    let load = Load {
        address: relay.child.address,
        connections: 4,
        requests: &requests,
        from: 0,
        again: false,
        pace,
    };
    measure::run("relay, start calls", &relay.child, &load, None)?;
    relay.calm()
}

/// How memory grows under load, from the end of the first minute on.
fn flat(options: &Options, relay: &Relay) -> Result<Row> {
    let mut after_first = None;
    let began = Instant::now();
    for minute in 0..=options.flat_minutes {
        let webhooks = Webhooks {
            count: RATE * PART.as_secs() as u32,
            series: minute + 1,
            conversations: HANDOFFS,
            integration: OURS,
            ids: Ids::Ascending,
        };
        let requests = webhooks.requests()?;
        let pace = Pace::Open(f64::from(RATE), PART);
        let load = Load {
            address: relay.child.address,
            connections: 256,
            requests: &requests,
            from: 0,
            again: false,
            pace,
        };
        let (run, _) = measure::run("relay, over time", &relay.child, &load, Some(f64::from(RATE)))?;
        server::say(&run);
        progress(&format!("  {:>5.0} s: {:.1} MB", began.elapsed().as_secs_f64(), run.resident_mb));
        after_first.get_or_insert(run.resident_mb);
    }
    let end = relay.child.usage()?.resident as f64 / 1_024.0;
    let growth = end - after_first.unwrap_or(end);
    let what = format!("memory: growth in {} min at {RATE}/s", options.flat_minutes);
    Ok(Row::new(what, Unit::Mb, [growth]).note(format!("{end:.1} MB at the end")))
}
