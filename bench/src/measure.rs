//! One measurement: a load, what the server has used for it, and what else the machine did.

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::{
    child::Child,
    generator::{Load, Outcome},
    machine::Moment,
};

/// An open loop that is served at less than this share of its rate is not held.
const HELD: f64 = 0.98;

/// What one server did in one round.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Which server, and what was asked of it.
    pub server: String,
    /// Requests that were acknowledged.
    pub requests: u64,
    /// So many a second.
    pub per_second: f64,
    /// Latency, in milliseconds.
    pub p50_ms: f64,
    /// The same.
    pub p90_ms: f64,
    /// The same.
    pub p99_ms: f64,
    /// The server's CPU time for a request, user and system, in microseconds.
    pub cpu_us: f64,
    /// Bytes that the server has caused to be written for a request.
    pub written: f64,
    /// The server's memory at the end, in MB.
    pub resident_mb: f64,
    /// Whether an open loop was served at its rate.
    pub is_held: bool,
    /// The generator's share of one core.
    pub generator: f64,
    /// What makes these figures doubtful.
    pub warnings: Vec<String>,
}

/// Sends a load to a server and measures it. Everything must be accepted: refusals are quick, and measure nothing.
///
/// # Errors
/// The server fails, or refuses something.
pub fn run(name: &str, server: &Child, load: &Load<'_>, rate: Option<f64>) -> Result<(Run, Outcome)> {
    run_until(name, server, load, rate, |_| Ok(()))
}

/// The same, where the server is not done when it has answered: what it uses until `done` returns counts, too.
///
/// # Errors
/// The same, or what `done` says.
pub fn run_until(
    name: &str,
    server: &Child,
    load: &Load<'_>,
    rate: Option<f64>,
    done: impl FnOnce(&Outcome) -> Result<()>,
) -> Result<(Run, Outcome)> {
    let (before, moment) = (server.usage()?, Moment::now()?);
    let outcome = load.send().map_err(|error| error.context(server.failure("failed under load")))?;
    if let (refused, Some(answer)) = &outcome.refused {
        ensure!(*refused == 0, "{name} refused {refused} requests: {answer}");
    }
    ensure!(outcome.accepted > 0, "{name} has answered nothing");
    done(&outcome)?;
    let after = server.usage()?;
    let cpu = after.cpu.saturating_sub(before.cpu);
    let took = outcome.took.as_secs_f64().max(1e-6);
    let requests = outcome.accepted as f64;
    let generator = outcome.cpu.as_secs_f64() / took;
    let at = |share: f64| outcome.latencies.value_at_quantile(share) as f64 / 1e3;
    let run = Run {
        server: name.to_owned(),
        requests: outcome.accepted,
        per_second: requests / took,
        p50_ms: at(0.5),
        p90_ms: at(0.9),
        p99_ms: at(0.99),
        cpu_us: cpu.as_secs_f64() * 1e6 / requests,
        written: after.written.saturating_sub(before.written) as f64 / requests,
        resident_mb: after.resident as f64 / 1_024.0,
        is_held: outcome.unsent == 0 && rate.is_none_or(|rate| requests / took >= rate * HELD),
        generator,
        warnings: moment.warnings(cpu, generator)?,
    };
    Ok((run, outcome))
}
