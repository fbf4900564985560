//! From the end of the quiet period to many agents' event streams at once.

use std::time::Duration;

use anyhow::{Context, Result};
use hdrhistogram::Histogram;

use super::{
    folder, progress,
    release::{QUIET, due, quiet, relay_with_handoffs},
    server,
};
use crate::{
    audience::{self, Audience},
    figures::{Figures, Goal, Row, Unit},
    generator::{Load, Outcome, Pace, latencies},
    http::until,
    measure::{self, Run},
    null_ada::NullAda,
    options::Options,
    relay::{agent_tokens, as_one_of},
    webhooks::{Ids, OURS, Webhooks},
};

/// How many streams are open.
const STREAMS: u32 = 200;
/// Webhooks a second.
const RATE: u32 = 200;
/// Over so many handoffs: each is silent for longer than the quiet period between two messages.
const HANDOFFS: u32 = 100;
/// An agent may have 64.
const OF_ONE_AGENT: u32 = 50;
/// Half a core, at this rate.
const CPU_US: f64 = 500_000.0 / RATE as f64;

pub fn run(options: &Options) -> Result<Figures> {
    let streams = options.sized(STREAMS, 4);
    let (mut delays, mut runs) = (Vec::new(), Vec::new());
    for round in 0..options.rounds() {
        progress(&format!(" round {}", round + 1));
        let (delay, run) = one(options, streams)?;
        let at = |share: f64| delay.value_at_quantile(share) as f64 / 1e3;
        progress(&format!("  beyond the quiet period: p50 {:.2}  p99 {:.2} ms", at(0.5), at(0.99)));
        delays.push([at(0.5), at(0.99), at(1.0)]);
        runs.push(run);
    }
    let say = |what: &str| format!("release to {streams} streams at {RATE}/s: {what}");
    let of = |place: usize| delays.iter().map(move |delay| delay[place]);
    let rows = vec![
        Row::new(say("p99"), Unit::Ms, of(1)).goal(Goal::AtMost(20.0)),
        Row::new(say("p50"), Unit::Ms, of(0)),
        Row::new(say("longest"), Unit::Ms, of(2)),
        Row::new(format!("CPU a message to {streams} streams"), Unit::Us, runs.iter().map(|run| run.cpu_us))
            .goal(Goal::AtMost(CPU_US)),
    ];
    Ok(Figures { scenario: "streams".to_owned(), rows, runs })
}

fn one(options: &Options, streams: u32) -> Result<(Histogram<u64>, Run)> {
    let (folder, ada) = (folder(options)?, NullAda::start(0)?);
    let tokens = agent_tokens(streams.div_ceil(OF_ONE_AGENT));
    let settings = [("DEBOUNCE_MS", &*quiet()), ("AGENT_TOKENS", &*tokens)];
    let (relay, _) = relay_with_handoffs(options, &folder, &ada, HANDOFFS, &settings)?;
    let seconds = Duration::from_secs_f64(options.seconds().max(1.0));
    let count = (f64::from(RATE) * seconds.as_secs_f64()) as u32;
    let webhooks =
        Webhooks { count, series: 1, conversations: HANDOFFS, integration: OURS, ids: Ids::Ascending };
    let requests = webhooks.requests()?;
    let headers: Vec<String> = (0..streams).map(|number| as_one_of(number / OF_ONE_AGENT)).collect();
    let audience = Audience::open(relay.child.address, &headers, requests.len())?;
    let pace = Pace::Open(f64::from(RATE), seconds);
    let address = relay.child.address;
    let load = Load { address, connections: 64, requests: &requests, from: 0, again: false, pace };
    let all = |outcome: &Outcome| outcome.next * headers.len();
    let name = format!("relay, {streams} streams");
    let (run, outcome) = measure::run_until(&name, &relay.child, &load, Some(f64::from(RATE)), |outcome| {
        until("every message reaches every stream", Duration::from_millis(10), || {
            audience::is_whole(&audience.seen(), all(outcome))
        })
        .with_context(|| format!("{} of {} came", audience.seen().count, all(outcome)))
    })?;
    server::say(&run);
    let mut delays = latencies()?;
    for (number, times) in audience.seen().times.iter().enumerate().take(outcome.next) {
        let released = due(outcome.began, number, f64::from(RATE)) + QUIET;
        for time in times.iter().flatten() {
            delays.saturating_record(time.saturating_duration_since(released).as_micros() as u64);
        }
    }
    relay.child.stop()?;
    Ok((delays, run))
}
