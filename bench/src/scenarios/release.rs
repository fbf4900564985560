//! From the end of the quiet period to an agent's event stream: what an agent waits for.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{folder, progress, server};
use crate::{
    figures::{Figures, Goal, Row, Unit},
    generator::{Load, Outcome, Pace, latencies},
    http::until,
    measure,
    null_ada::NullAda,
    options::Options,
    relay::Relay,
    stream::Stream,
    webhooks::{Ids, OURS, Webhooks},
};

/// Webhooks a second.
pub const RATE: u32 = 1_000;
/// Over so many handoffs.
pub const HANDOFFS: u32 = 500;
/// Shorter than a conversation is silent between two messages, so that each is released by itself.
pub const QUIET: Duration = Duration::from_millis(400);

/// The delays of one round, in milliseconds.
pub struct Delays {
    pub p50: f64,
    pub p99: f64,
    pub most: f64,
}

pub fn run(options: &Options) -> Result<Figures> {
    let rate = options.sized(RATE, 100);
    let handoffs = options.sized(HANDOFFS, 50);
    let (mut delays, mut runs) = (Vec::new(), Vec::new());
    for round in 0..options.rounds() {
        progress(&format!(" round {}", round + 1));
        let (delay, run) = one(options, rate, handoffs)?;
        progress(&format!("  beyond the quiet period: p50 {:.2}  p99 {:.2} ms", delay.p50, delay.p99));
        delays.push(delay);
        runs.push(run);
    }
    let say = |what: &str| format!("release to an agent's stream at {rate}/s, {handoffs} handoffs: {what}");
    let p99 = Row::new(say("p99"), Unit::Ms, delays.iter().map(|delay| delay.p99)).goal(Goal::AtMost(10.0));
    let rows = vec![
        p99,
        Row::new(say("p50"), Unit::Ms, delays.iter().map(|delay| delay.p50)),
        Row::new(say("longest"), Unit::Ms, delays.iter().map(|delay| delay.most)),
        Row::new("CPU a released message", Unit::Us, runs.iter().map(|run| run.cpu_us)),
        Row::new("bytes written a released message", Unit::Bytes, runs.iter().map(|run| run.written)),
    ];
    Ok(Figures { scenario: "release".to_owned(), rows, runs })
}

/// The quiet period, as a setting.
pub fn quiet() -> String {
    QUIET.as_millis().to_string()
}

/// A relay with so many handoffs at a null Ada, which has done what a start makes it do.
pub fn relay_with_handoffs(
    options: &Options,
    folder: &tempfile::TempDir,
    ada: &NullAda,
    handoffs: u32,
    settings: &[(&str, &str)],
) -> Result<(Relay, Vec<String>)> {
    let relay = Relay::start(options, folder.path(), &ada.url, settings)?;
    let ids = (0..handoffs).map(|number| relay.hands_off(number)).collect::<Result<Vec<_>>>()?;
    relay.calm()?;
    Ok((relay, ids))
}

fn one(options: &Options, rate: u32, handoffs: u32) -> Result<(Delays, measure::Run)> {
    let folder = folder(options)?;
    let ada = NullAda::start(0)?;
    let (relay, _) = relay_with_handoffs(options, &folder, &ada, handoffs, &[("DEBOUNCE_MS", &quiet())])?;
    let measured = to_a_stream("relay, released", options, rate, handoffs, [&relay, &relay])?;
    relay.child.stop()?;
    Ok(measured)
}

/// Webhooks come to one relay, and their messages are looked for on a stream of another, or of the same.
///
/// # Errors
/// A relay fails, or a message never comes.
pub fn to_a_stream(
    name: &str,
    options: &Options,
    rate: u32,
    handoffs: u32,
    [from, to]: [&Relay; 2],
) -> Result<(Delays, measure::Run)> {
    let seconds = Duration::from_secs_f64(options.seconds().max(1.0));
    let rate = f64::from(rate);
    let count = (rate * seconds.as_secs_f64()) as u32;
    let webhooks =
        Webhooks { count, series: 1, conversations: handoffs, integration: OURS, ids: Ids::Ascending };
    let requests = webhooks.requests()?;
    let stream = Stream::open(to.child.address, requests.len())?;
    let load = Load {
        address: from.child.address,
        connections: 256,
        requests: &requests,
        from: 0,
        again: false,
        pace: Pace::Open(rate, seconds),
    };
    let (run, outcome) = measure::run_until(name, &from.child, &load, Some(rate), |outcome| {
        let all = until("every message reaches the stream", Duration::from_millis(10), || {
            ensure!(stream.resets() == 0, "the stream was told to load anew: what it skipped has no time");
            Ok((stream.count() >= outcome.next).then_some(()))
        });
        all.with_context(|| format!("{} of {} messages reached the stream", stream.count(), outcome.next))
    })?;
    server::say(&run);
    Ok((delays(&outcome, rate, &stream)?, run))
}

fn delays(outcome: &Outcome, rate: f64, stream: &Stream) -> Result<Delays> {
    let mut delays = latencies()?;
    for number in 0..outcome.next {
        let released = due(outcome.began, number, rate) + QUIET;
        let seen =
            stream.time(number).with_context(|| format!("message {number} never reached the stream"))?;
        delays.saturating_record(seen.saturating_duration_since(released).as_micros() as u64);
    }
    ensure!(!delays.is_empty(), "no message reached the stream");
    let at = |share: f64| delays.value_at_quantile(share) as f64 / 1e3;
    Ok(Delays { p50: at(0.5), p99: at(0.99), most: at(1.0) })
}

/// When a request of an open loop should leave.
pub fn due(began: Instant, number: usize, rate: f64) -> Instant {
    began + Duration::from_secs_f64(number as f64 / rate)
}
