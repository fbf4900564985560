//! An agent's message, from the API to Ada's door.

use std::time::Duration;

use anyhow::{Context, Result};
use hdrhistogram::Histogram;

use super::{
    folder, progress,
    release::{due, quiet, relay_with_handoffs},
    server,
};
use crate::{
    figures::{Figures, Goal, Row, Unit},
    generator::{Load, Pace, latencies},
    http::until,
    measure::{self, Run},
    null_ada::NullAda,
    options::Options,
    relay::{Relay, agents_message},
    webhooks::{MARK, Requests},
};

/// Messages a second: below what the limits for Ada allow in a minute.
const RATE: f64 = 100.0;
pub const HANDOFFS: u32 = 100;

pub fn run(options: &Options) -> Result<Figures> {
    let (mut p50, mut p99, mut runs) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..options.rounds() {
        progress(&format!(" round {}", round + 1));
        let (delays, run) = one(options)?;
        let at = |share: f64| delays.value_at_quantile(share) as f64 / 1e3;
        p50.push(at(0.5));
        p99.push(at(0.99));
        progress(&format!("  to Ada's door: p50 {:.2}  p99 {:.2} ms", at(0.5), at(0.99)));
        runs.push(run);
    }
    let say = |what: &str| format!("agent's message to Ada's door at {RATE:.0}/s: {what}");
    let rows = vec![
        Row::new(say("p99"), Unit::Ms, p99).goal(Goal::AtMost(4.0)),
        Row::new(say("p50"), Unit::Ms, p50),
        Row::new("CPU an agent's message", Unit::Us, runs.iter().map(|run| run.cpu_us)),
        Row::new("bytes written an agent's message", Unit::Bytes, runs.iter().map(|run| run.written)),
    ];
    Ok(Figures { scenario: "reply".to_owned(), rows, runs })
}

fn one(options: &Options) -> Result<(Histogram<u64>, Run)> {
    let folder = folder(options)?;
    let count = count(options);
    let ada = NullAda::start(count)?;
    let (relay, handoffs) = relay_with_handoffs(
        options,
        &folder,
        &ada,
        options.sized(HANDOFFS, 20),
        &[("DEBOUNCE_MS", &quiet())],
    )?;
    let measured = measure("relay, agents' messages", &relay, &ada, &handoffs, count)?;
    relay.child.stop()?;
    Ok(measured)
}

/// Sends `count` messages to a relay's handoffs. Gives how long each took to reach Ada.
pub fn measure(
    name: &str,
    relay: &Relay,
    ada: &NullAda,
    handoffs: &[String],
    count: usize,
) -> Result<(Histogram<u64>, Run)> {
    let seconds = count as f64 / RATE;
    // The first message accepts a handoff, which makes the relay read Ada's list.
    let first = Requests::of(handoffs.iter().map(|handoff| agents_message(handoff, "Hello, this is Alex.")));
    let address = relay.child.address;
    let pace = Pace::Closed(Duration::from_secs(30));
    let load = Load { address, connections: 4, requests: &first, from: 0, again: false, pace };
    load.send()?;
    relay.calm()?;

    let texts = handoffs.iter().cycle().take(count).enumerate();
    let requests = Requests::of(
        texts.map(|(number, handoff)| agents_message(handoff, &format!("It is on its way. {MARK}{number};"))),
    );
    let pace = Pace::Open(RATE, Duration::from_secs_f64(seconds));
    let load = Load { address, connections: 64, requests: &requests, from: 0, again: false, pace };
    let (run, outcome) = measure::run_until(name, &relay.child, &load, Some(RATE), |outcome| {
        until("every message reaches Ada", Duration::from_millis(10), || {
            Ok((0..outcome.next).all(|number| ada.arrival(number).is_some()).then_some(()))
        })
    })?;
    server::say(&run);
    let mut delays = latencies()?;
    for number in 0..outcome.next {
        let arrival = ada.arrival(number).with_context(|| format!("message {number} never reached Ada"))?;
        let delay = arrival.saturating_duration_since(due(outcome.began, number, RATE));
        delays.saturating_record(delay.as_micros() as u64);
    }
    Ok((delays, run))
}

/// How many messages fit into a measurement.
pub fn count(options: &Options) -> usize {
    (RATE * options.seconds().max(0.5)) as usize
}
