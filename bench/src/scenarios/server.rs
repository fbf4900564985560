//! A server under load, ceiling or relay, in a folder of its own.

use std::{fs::File, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};
use clap::ValueEnum;
use tempfile::TempDir;

use super::{folder, is_kept, progress};
use crate::{
    ceilings::{Ceiling, journal},
    child::Child,
    database::Database,
    generator::{Load, Pace},
    measure::{self, Run},
    options::Options,
    relay::{FILE, Relay},
    webhooks::Requests,
};

/// What the goals are about.
pub const CONNECTIONS: usize = 64;
/// An open loop must never wait for a connection that a slow answer holds.
const OPEN_CONNECTIONS: usize = 512;
/// This part of the measured time comes before it, and is not counted.
const WARM_UP: f64 = 0.1;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// One that does only what must be done.
    Ceiling(Ceiling),
    /// The relay, which only takes in.
    Relay,
    /// The same on PostgreSQL.
    Postgres,
    /// The same while somebody else leaves a transaction open.
    PostgresBesideIdle,
}

/// What is sent to it.
#[derive(Clone, Copy)]
pub struct Webhooks<'a> {
    /// The webhooks.
    pub requests: &'a Requests,
    /// They may come more than once.
    pub again: bool,
}

impl Server {
    /// What it is called in the report.
    pub fn name(self) -> String {
        match self {
            Self::Ceiling(which) => {
                which.to_possible_value().map_or_else(String::new, |value| value.get_name().to_uppercase())
            }
            Self::Relay => "relay".to_owned(),
            Self::Postgres => "relay on PostgreSQL".to_owned(),
            Self::PostgresBesideIdle => "beside an idle one".to_owned(),
        }
    }

    /// These servers in another order each round: none is always measured behind the same one.
    pub fn in_turn<const N: usize>(mut servers: [Self; N], round: usize) -> [Self; N] {
        servers.rotate_left(round % N);
        servers
    }

    /// Measures a closed loop for so many seconds, on a new server.
    ///
    /// # Errors
    /// The server fails, or has not kept what it acknowledged.
    pub fn closed(self, options: &Options, webhooks: Webhooks<'_>) -> Result<Run> {
        let seconds = Duration::from_secs_f64(options.seconds());
        self.measure(options, webhooks, &folder(options)?, CONNECTIONS, Pace::Closed(seconds), None)
    }

    /// The same, with a copy of the database that is in `from`.
    ///
    /// # Errors
    /// The same.
    pub fn closed_from(self, options: &Options, webhooks: Webhooks<'_>, from: &Path) -> Result<Run> {
        let seconds = Duration::from_secs_f64(options.seconds());
        let folder = folder(options)?;
        let copy = folder.path().join(FILE);
        std::fs::copy(from.join(FILE), &copy).context("the database can't be copied")?;
        // What the system has not written yet, it would write while the server waits for the disk.
        File::open(&copy).and_then(|copy| copy.sync_all()).context("the copy can't be synced")?;
        self.measure(options, webhooks, &folder, CONNECTIONS, Pace::Closed(seconds), None)
    }

    /// Measures an open loop, on a new server.
    ///
    /// # Errors
    /// The same.
    pub fn open(self, options: &Options, webhooks: Webhooks<'_>, rate: f64) -> Result<Run> {
        let seconds = Duration::from_secs_f64(options.seconds());
        self.measure(
            options,
            webhooks,
            &folder(options)?,
            OPEN_CONNECTIONS,
            Pace::Open(rate, seconds),
            Some(rate),
        )
    }

    fn measure(
        self,
        options: &Options,
        webhooks: Webhooks<'_>,
        folder: &TempDir,
        connections: usize,
        pace: Pace,
        rate: Option<f64>,
    ) -> Result<Run> {
        let running = self.start(options, folder)?;
        let Webhooks { requests, again } = webhooks;
        let address = running.child().address;
        let warm_up = Pace::Closed(Duration::from_secs_f64(options.seconds() * WARM_UP));
        let load = Load { address, connections: 8, requests, from: 0, again, pace: warm_up };
        let warm = load.send().with_context(|| format!("{} did not warm up", self.name()))?;
        let load = Load { connections, from: warm.next, pace, ..load };
        let (run, outcome) = measure::run(&self.name(), running.child(), &load, rate)?;
        if !again {
            let kept = running.kept(folder)?;
            if let Some(kept) = kept {
                is_kept(&self.name(), folder.path(), warm.accepted + outcome.accepted, kept)?;
            }
        }
        running.stop()?;
        say(&run);
        Ok(run)
    }

    fn start(self, options: &Options, folder: &TempDir) -> Result<Running> {
        match self {
            Self::Ceiling(Ceiling::G) => {
                let database = database(options)?;
                Ok(Running::Batches(ceiling(Ceiling::G, folder, Some(&database))?, database))
            }
            Self::Ceiling(which) => Ok(Running::Ceiling(which, ceiling(which, folder, None)?)),
            Self::Relay => Ok(Running::Relay(Relay::taking_in(options, folder.path(), &[])?, None)),
            Self::Postgres | Self::PostgresBesideIdle => {
                let mut database = database(options)?;
                if self == Self::PostgresBesideIdle {
                    database.leave_a_transaction_open()?;
                }
                let more = [("DATABASE_URL", &*database.url)];
                Ok(Running::Relay(Relay::taking_in(options, folder.path(), &more)?, Some(database)))
            }
        }
    }
}

/// Starts a ceiling in a folder of its own, on this database if it is the one with PostgreSQL.
///
/// # Errors
/// It does not start.
pub fn ceiling(which: Ceiling, folder: &TempDir, database: Option<&Database>) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    let name = which.to_possible_value().context("a ceiling has no name")?;
    command.arg("ceiling").arg(name.get_name()).arg(folder.path());
    let settings: Vec<_> = database.iter().map(|database| ("DATABASE_URL", database.url.clone())).collect();
    Child::start(command, folder.path(), &settings)
}

/// A line for whoever waits.
pub fn say(run: &Run) {
    let Run { server, per_second, p50_ms, p99_ms, cpu_us, written, .. } = run;
    let warnings = run.warnings.join("; ");
    progress(&format!(
        "  {server:<22} {per_second:>8.0}/s   p50 {p50_ms:>8.2}  p99 {p99_ms:>8.2} ms   {cpu_us:>7.1} µs   {written:>8.0} B   {warnings}"
    ));
}

/// A new database, where `--postgres` says.
///
/// # Errors
/// There is none.
pub fn database(options: &Options) -> Result<Database> {
    Database::new(options.postgres.as_deref().context("it needs --postgres")?)
}

enum Running {
    Ceiling(Ceiling, Child),
    /// The ceiling with PostgreSQL.
    Batches(Child, Database),
    /// Its database, if that is PostgreSQL.
    Relay(Relay, Option<Database>),
}

impl Running {
    const fn child(&self) -> &Child {
        match self {
            Self::Ceiling(_, child) | Self::Batches(child, _) => child,
            Self::Relay(relay, _) => &relay.child,
        }
    }

    /// How many webhooks it has kept, if it keeps any.
    fn kept(&self, folder: &TempDir) -> Result<Option<u64>> {
        match self {
            Self::Ceiling(Ceiling::D, _) => journal::count(folder.path()).map(Some),
            Self::Ceiling(..) => Ok(None),
            Self::Batches(_, database) => database.number("SELECT count(*) FROM arrivals").map(Some),
            Self::Relay(_, Some(database)) => {
                database.number("SELECT count(*) FROM journal WHERE doc <> ''").map(Some)
            }
            Self::Relay(relay, None) => relay.inbox().map(Some),
        }
    }

    fn stop(self) -> Result<()> {
        match self {
            Self::Ceiling(_, child) | Self::Batches(child, _) => child.stop(),
            Self::Relay(relay, _) => relay.child.stop(),
        }
    }
}
