//! `handoff-relay migrate`: what a stopped relay has kept in SQLite goes into PostgreSQL.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use handoff_relay::{
    settings::{Database, Postgres},
    store::migrate::{Moved, Step, migrate},
};

use crate::{WRONG_SETTINGS, complain, print, tell};

/// How often progress is shown.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// From where to where.
#[derive(clap::Args)]
pub struct Given {
    /// The database of the stopped relay: sqlite://PATH
    #[arg(long, value_name = "URL")]
    from: String,
    /// An empty database: postgres://USER:PASSWORD@HOST/DATABASE. Other users of this machine see the command line of a
    /// process, and not its environment
    #[arg(long, value_name = "URL", env = "MIGRATE_TO", hide_env_values = true)]
    to: String,
    /// What has no place is not repeated: it may have a password.
    #[arg(hide = true)]
    rest: Vec<String>,
}

/// Moves everything.
pub async fn run(given: Given) -> ExitCode {
    let (from, to) = match places(&given) {
        Ok(places) => places,
        Err(wrong) => return complain(&wrong, WRONG_SETTINGS),
    };
    tell(&format!("moving {} to {}", from.display(), to.name()));
    match migrate(&from, &to, &mut progress()).await {
        Ok(moved) => {
            sum_up(&from, &to, &moved);
            ExitCode::SUCCESS
        }
        Err(error) => complain(&error.to_string(), 1),
    }
}

fn places(given: &Given) -> Result<(PathBuf, Box<Postgres>), String> {
    if !given.rest.is_empty() {
        return Err("migrate takes --from URL and --to URL, and nothing else".to_owned());
    }
    let from = Database::parse(&given.from).map_err(|wrong| format!("--from {wrong}"))?;
    let to = Database::parse(&given.to).map_err(|wrong| format!("--to {wrong}"))?;
    match (from, to) {
        (Database::Sqlite(from), Database::Postgres(to)) => Ok((from, to)),
        _ => Err("migrate moves from SQLite to PostgreSQL alone: --from must be sqlite://PATH, and --to \
                  postgres://USER:PASSWORD@HOST/DATABASE"
            .to_owned()),
    }
}

fn progress() -> impl FnMut(Step) {
    let (mut shown, shows) = (Instant::now(), std::io::stderr().is_terminal());
    move |step| match step {
        Step::Written { rows, of } if shows && shown.elapsed() >= SHOW_EVERY => {
            shown = Instant::now();
            tell(&format!("{rows} of {of} rows"));
        }
        Step::Compares(table) if shows => tell(&format!("comparing {table}")),
        Step::Written { .. } | Step::Compares(_) => {}
    }
}

fn sum_up(from: &Path, to: &Postgres, moved: &Moved) {
    let (from, to) = (from.display(), to.name());
    print(&format!(
        "{from} is moved to {to}, and every table was compared: {} handoffs with {} messages, {} waiting deliveries, \
         {} dead letters, {} rows in all",
        moved.of("handoffs"),
        moved.of("thread_rows"),
        moved.of("outbox"),
        moved.of("dead_letters"),
        moved.rows()
    ));
    print(&format!(
        "Set DATABASE_URL to the new database and start the relay. Keep {from} as a backup, and start no relay on it: \
         it would send what waits once more. The files of conversations stay where they are (FILES_URL)."
    ));
}
