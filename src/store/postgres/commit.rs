//! A commit whose answer is lost: the database is asked what became of it.
//!
//! It knows transactions by numbers. A server that dies forgets the numbers of those that it had not on its disk, and gives
//! them to others. So its word counts only if it has not died in between. That is known by a table that is empty after
//! a crash (`server_life`, which is not logged), and by when the server was started.

use std::time::Duration;

use super::{
    Shared,
    connect::Transaction,
    connection::Connection,
    history::{since, timeline},
    query::{first, run, values},
};
use crate::{relay::time::Time, store::StoreError};

/// The database is asked so often, and so often again, what became of a commit whose answer was lost.
const ASKED: u32 = 20;
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// The life of the server.
macro_rules! life {
    () => {
        "(SELECT name || ' ' || pg_postmaster_start_time()::text FROM server_life)"
    };
}

/// Another PostgreSQL has taken over while a decision was made.
const TAKEN_OVER: &str = "another PostgreSQL has taken over";

/// How the server knows a transaction.
struct Known {
    number: String,
    life: String,
}

/// Gives the life of the server a name, if it has none.
pub async fn name_life(client: &Connection) -> Result<(), StoreError> {
    let sql = "INSERT INTO server_life (id, name) SELECT 1, gen_random_uuid()::text \
               WHERE NOT EXISTS (SELECT 1 FROM server_life) ON CONFLICT DO NOTHING";
    run(client, sql, values![]).await.map(drop)
}

/// Commits. An error may mean that it is not known whether it was.
pub async fn surely(shared: &Shared, transaction: Transaction) -> Result<(), StoreError> {
    let (known, since) = known(transaction.client()).await?;
    if known.as_ref().is_some_and(|_| !shared.history.is_known(since)) {
        transaction.roll_back().await;
        shared.note_history().await?;
        return Err(StoreError::Unavailable(TAKEN_OVER.to_owned()));
    }
    let Err(error) = transaction.commit().await else { return Ok(()) };
    let Some(known) = known else { return Err(error) };
    for _ in 0..ASKED {
        match shared.outcome_of(&known).await {
            Ok(Some(outcome)) if outcome == "committed" => return Ok(()),
            // It is being undone or committed, or the database is not there.
            Ok(Some(outcome)) if outcome == "in progress" => {}
            Err(_) => {}
            Ok(_) => return Err(error),
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
    Err(error)
}

/// How the server knows the transaction of `client`, if it has written anything; and since when its history is known.
async fn known(client: &Connection) -> Result<(Option<Known>, Option<Time>), StoreError> {
    let sql = concat!("SELECT pg_current_xact_id_if_assigned()::text, ", life!(), ", ", since!());
    let Some(row) = first(client, sql, values![]).await? else { return Ok((None, None)) };
    let (number, life) = (row.try_get::<_, Option<String>>(0)?, row.try_get::<_, Option<String>>(1)?);
    let since: Option<i64> = row.try_get(2)?;
    let known = number.map(|number| Known { number, life: life.unwrap_or_default() });
    Ok((known, since.map(Time::from_micros)))
}

impl Shared {
    /// What became of a transaction: `committed`, `aborted`, `in progress`, or nothing if the server can't know.
    async fn outcome_of(&self, known: &Known) -> Result<Option<String>, StoreError> {
        let client = self.connections.get().await?;
        let sql = concat!("SELECT CASE WHEN $2 = ", life!(), " THEN pg_xact_status($1::text::xid8) END");
        let row = first(&client, sql, values![known.number.as_str(), known.life.as_str()]).await?;
        Ok(row.map_or(Ok(None), |row| row.try_get(0))?)
    }
}
