//! What is measured, one file for each thing. To add one: a file with a `run`, a variant here, a row in
//! `docs/performance.md`.

mod cluster;
mod kept;
mod memory;
mod others;
mod pace;
mod platform;
mod postgres;
mod release;
mod remembered;
mod reply;
mod search;
mod server;
mod start;
mod streams;
mod thread;

use std::{io::Write, path::Path};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::{figures::Figures, options::Options, report};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Webhooks that are kept, over 64 connections: throughput, CPU, bytes written
    Kept,
    /// The acknowledgement's latency at a fixed rate
    Pace,
    /// Webhooks of other integrations
    Others,
    /// From the end of the quiet period to an agent's event stream
    Release,
    /// The same to 200 streams at once
    Streams,
    /// An agent's message, from the API to Ada's door
    Reply,
    /// The same beside a dead platform with 100,000 queued events, and without
    Platform,
    /// Memory: idle, for a waiting handoff, and over time
    Memory,
    /// From start to ready, with a large database
    Start,
    /// Lists and searches over many handoffs
    Search,
    /// A conversation of 100,000 messages beside one of 100
    Thread,
    /// Webhooks that are kept, with many remembered ids
    Remembered,
    /// Webhooks that are kept in PostgreSQL; needs --postgres
    Postgres,
    /// Two relays on one PostgreSQL; needs --postgres
    Cluster,
}

impl Scenario {
    fn run(self, options: &Options) -> Result<Figures> {
        match self {
            Self::Kept => kept::run(options),
            Self::Pace => pace::run(options),
            Self::Others => others::run(options),
            Self::Release => release::run(options),
            Self::Streams => streams::run(options),
            Self::Reply => reply::run(options),
            Self::Platform => platform::run(options),
            Self::Memory => memory::run(options),
            Self::Start => start::run(options),
            Self::Search => search::run(options),
            Self::Thread => thread::run(options),
            Self::Remembered => remembered::run(options),
            Self::Postgres => postgres::run(options),
            Self::Cluster => cluster::run(options),
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Runs what was asked for, and reports.
///
/// # Errors
/// Something could not be measured. What was measured before it has been reported.
pub fn run_all(options: &Options) -> Result<()> {
    options.check()?;
    options.relay()?;
    let all = Scenario::value_variants().iter().copied();
    let mut wanted = if options.only.is_empty() { all.collect() } else { options.only.clone() };
    if options.only.is_empty() && options.postgres.is_none() {
        wanted.retain(|scenario| !matches!(scenario, Scenario::Postgres | Scenario::Cluster));
    }
    std::fs::create_dir_all(&options.out)
        .with_context(|| format!("{} can't be made", options.out.display()))?;
    let mut all = Vec::new();
    let mut failure = None;
    for scenario in wanted {
        let name = scenario.name();
        progress(&format!("{name} ..."));
        match scenario.run(options).with_context(|| format!("{name} could not be measured")) {
            Ok(figures) => all.push(figures),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    report::write(options, &all)?;
    failure.map_or(Ok(()), Err)
}

/// Says what the bench is doing, for whoever waits for it.
fn progress(what: &str) {
    // Without anybody to read it, it is not needed.
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// A folder for a server. It is where the report goes: the system's folder may be in memory, where a flush is free.
fn folder(options: &Options) -> Result<tempfile::TempDir> {
    let out = options.out.canonicalize()?;
    Ok(tempfile::Builder::new().prefix("server-").tempdir_in(out)?)
}

/// Whether all that was acknowledged has been kept.
fn is_kept(server: &str, folder: &Path, acknowledged: u64, kept: u64) -> Result<()> {
    anyhow::ensure!(
        acknowledged == kept,
        "{server} acknowledged {acknowledged} webhooks and has kept {kept}, in {}",
        folder.display()
    );
    Ok(())
}
