//! Which history of the database this is. A standby that takes over begins a new one (PostgreSQL calls it a timeline), and may
//! lack what was committed last. So from then on, what was queued before may have been sent already.

use std::sync::{Mutex, PoisonError};

use super::{
    Shared,
    connect::Connections,
    connection::Connection,
    query::{Statement, first, run_together, values},
};
use crate::{
    relay::time::Time,
    store::{
        StoreError,
        signals::{FeedPosition, TouchedTopics},
        unsigned,
    },
};

/// The present timeline: the beginning of the name of the log's newest file.
macro_rules! timeline {
    () => {
        "left(pg_walfile_name(pg_current_wal_lsn()), 8)"
    };
}
/// Since when the present history is known, in a column; null if nobody has noted it.
macro_rules! since {
    () => {
        concat!("(SELECT since FROM history WHERE timeline = ", timeline!(), ")")
    };
}
pub(super) use {since, timeline};

const LOCK: &str = "SELECT pg_advisory_xact_lock(17, 4)";
/// The first history begins with the database: nothing was before.
const NOTE: &str = concat!(
    "INSERT INTO history (id, timeline, since) VALUES (1, ",
    timeline!(),
    ", 0) ON CONFLICT (id) DO UPDATE SET timeline = excluded.timeline, \
     since = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint \
     WHERE history.timeline <> excluded.timeline RETURNING since"
);
/// Numbers that were given in the other history must not be given again: as they are, no stream can go on from them.
const PASS: &str = "UPDATE feed SET last = GREATEST(last, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) RETURNING last";

/// The history that this process knows.
#[derive(Default)]
pub struct History(Mutex<Time>);

impl History {
    fn known(&self) -> Time {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when it is known to be this one, unless it has been all the time.
    pub fn since(&self) -> Option<Time> {
        Some(self.known()).filter(|since| *since > Time::default())
    }

    /// Whether a decision may be committed in this history; `None` is one that nobody has noted. Else it has believed what may
    /// be wrong.
    pub fn is_known(&self, since: Option<Time>) -> bool {
        since.is_some_and(|since| since <= self.known())
    }

    /// Returns whether that is news.
    fn learn(&self, since: Time) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = since > *known;
        *known = since.max(*known);
        is_news
    }
}

/// Notes the present history, if nobody has yet. Gives since when it is known, and the newest number of changes.
async fn note(connections: &Connections) -> Result<(Time, Option<u64>), StoreError> {
    let transaction = connections.begin().await?;
    let noted = async {
        let statements = vec![Statement::new(LOCK, values![]), Statement::new(NOTE, values![])];
        let noted = run_together(transaction.client(), statements).await?;
        let since = noted[1].first().map(|row| row.try_get::<_, i64>(0)).transpose()?;
        let newest = match since {
            Some(since) if since > 0 => first(transaction.client(), PASS, values![]).await?,
            _ => None,
        };
        let newest = newest.map(|row| row.try_get::<_, i64>(0)).transpose()?.map(unsigned);
        let since = match since {
            Some(since) => Some(since),
            None => since_in(transaction.client()).await?,
        };
        Ok((Time::from_micros(since.unwrap_or_default()), newest))
    };
    match noted.await {
        Ok(noted) => transaction.commit().await.map(|()| noted),
        Err(error) => {
            transaction.roll_back().await;
            Err(error)
        }
    }
}

async fn since_in(client: &Connection) -> Result<Option<i64>, StoreError> {
    let sql = concat!("SELECT ", since!());
    Ok(first(client, sql, values![]).await?.map_or(Ok(None), |row| row.try_get(0))?)
}

impl Shared {
    /// Notes the present history, and learns of it.
    pub async fn note_history(&self) -> Result<(), StoreError> {
        let (since, newest) = note(&self.connections).await?;
        if self.history.learn(since) {
            tracing::warn!(
                "another PostgreSQL has taken over: what was queued before is looked for before it is sent"
            );
            self.signals.begins_another_history();
        }
        if let Some(newest) = newest {
            self.signals.committed(TouchedTopics::all(), FeedPosition::At(newest));
        }
        Ok(())
    }
}
