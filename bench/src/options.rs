//! The command line.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};

use crate::{ceilings::Ceiling, scenarios::Scenario};

/// Measures the relay beside ceilings. Prints a table, and writes figures.json and figures.svg.
#[derive(Debug, Parser)]
#[command(name = "handoff-relay-bench", version)]
pub struct Options {
    /// Measure only this; may be given several times
    #[arg(long, value_name = "NAME", value_enum)]
    pub only: Vec<Scenario>,
    /// How long each server is measured in each round
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How often the servers take turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Measure everything for a moment, which shows that the bench works; the figures mean nothing
    #[arg(long)]
    pub smoke: bool,
    /// Where figures.json and figures.svg are written
    #[arg(long, default_value = "target/bench")]
    pub out: PathBuf,
    /// The relay's binary, if it is not beside this one
    #[arg(long)]
    relay: Option<PathBuf>,
    /// Any database of a PostgreSQL server on which databases may be made, for `postgres` and `cluster`, which are measured only with it, and for `search`
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
    /// How many handoffs the prepared database of `start` has
    #[arg(long)]
    handoffs: Option<u32>,
    /// How many ids the prepared databases of `start` and `remembered` have; 10 million take minutes
    #[arg(long)]
    ids: Option<u32>,
    /// How long `memory` watches the relay under 1,000 webhooks a second
    #[arg(long, default_value_t = 0)]
    pub flat_minutes: u32,
    /// What the bench starts itself as
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the bench starts itself as.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve as a ceiling
    #[command(hide = true)]
    Ceiling {
        /// Which
        which: Ceiling,
        /// Where it may write
        folder: PathBuf,
    },
}

impl Options {
    /// How long each server is measured in each round.
    pub const fn seconds(&self) -> f64 {
        if self.smoke { 0.2 } else { self.seconds }
    }

    /// How often the servers take turns.
    pub const fn rounds(&self) -> usize {
        if self.smoke { 1 } else { self.rounds }
    }

    /// `usual`, or as much as shows that it works.
    pub const fn sized(&self, usual: u32, smoke: u32) -> u32 {
        if self.smoke { smoke } else { usual }
    }

    /// How many handoffs a prepared database has.
    pub fn handoffs(&self) -> u32 {
        self.handoffs.unwrap_or_else(|| self.sized(1_000, 50))
    }

    /// How many ids a prepared database remembers.
    pub fn ids(&self) -> u32 {
        self.ids.unwrap_or_else(|| self.sized(100_000, 1_000))
    }

    /// Refuses what can't be measured.
    ///
    /// # Errors
    /// Which option is wrong.
    pub fn check(&self) -> Result<()> {
        ensure!(self.rounds >= 1, "--rounds must be at least 1");
        // Requests are signed beforehand for all servers of a round, and a signature is good for five minutes.
        ensure!((0.1..=60.0).contains(&self.seconds), "--seconds must be from 0.1 to 60");
        Ok(())
    }

    /// The relay's binary.
    ///
    /// # Errors
    /// There is none.
    pub fn relay(&self) -> Result<PathBuf> {
        let beside = || Ok(std::env::current_exe()?.with_file_name("handoff-relay"));
        let path = self.relay.clone().map_or_else(beside, Ok::<_, std::io::Error>)?;
        path.canonicalize().with_context(|| {
            format!("{} is not there: build it with cargo build -p handoff-relay", path.display())
        })
    }
}
