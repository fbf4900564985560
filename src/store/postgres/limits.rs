//! How long PostgreSQL may take, and what follows if it takes longer.

use std::time::Duration;

use tokio::sync::watch;

use crate::settings::Postgres;

/// An answer may take so much longer than PostgreSQL may work for it.
const ON_THE_WAY: Duration = Duration::from_secs(2);

/// How long a statement may take, and how long it may wait for other transactions. 0 is no limit, as in PostgreSQL.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    statement: Duration,
    lock: Duration,
}

impl Limits {
    /// For what takes as long as it takes.
    pub const NONE: Self = Self { statement: Duration::ZERO, lock: Duration::ZERO };

    /// Those of the settings.
    pub const fn of(settings: &Postgres) -> Self {
        Self { statement: settings.statement_timeout, lock: settings.lock_timeout }
    }

    /// The statements that have PostgreSQL keep to them: `set` is `SET` for a session, and `SET LOCAL` for a transaction.
    pub fn set(self, set: &str) -> String {
        let (statement, lock) = (self.statement.as_millis(), self.lock.as_millis());
        format!("{set} statement_timeout = {statement}; {set} lock_timeout = {lock}")
    }

    /// When an answer has not come by then, none will.
    pub fn answer(self) -> Option<Duration> {
        (!self.statement.is_zero()).then(|| self.statement + ON_THE_WAY)
    }
}

/// How often connections have gone silent: once for all that were made since the last time. What one of them has met, the others
/// may meet, too, as they lead to the same server.
#[derive(Clone, Debug, Default)]
pub struct Silences(watch::Sender<u64>);

impl Silences {
    /// So far.
    pub fn number(&self) -> u64 {
        *self.0.borrow()
    }

    /// A connection that was made after so many has gone silent. Returns whether it is the first of them.
    pub fn note(&self, made_after: u64) -> bool {
        self.0.send_if_modified(|number| {
            let is_first = *number == made_after;
            *number += u64::from(is_first);
            is_first
        })
    }

    /// Returns at the next one.
    pub async fn next(&self) {
        drop(self.0.subscribe().changed().await);
    }
}
