//! A commit whose answer is lost: the database is asked what became of it.
//!
//! It knows transactions by numbers. A server that dies forgets the numbers of those that it had not on its disk, and gives
//! them to others. So its word counts only if it has not died in between. That is known by a table that is empty after
//! a crash (`server_life`, which is not logged), and by when the server was started.

use std::time::Duration;

use tokio_postgres::Client;

use super::{
    Shared,
    connect::Transaction,
    query::{first, run, values},
};
use crate::store::StoreError;

/// The database is asked so often, and so often again, what became of a commit whose answer was lost.
const ASKED: u32 = 20;
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// The life of the server.
macro_rules! life {
    () => {
        "(SELECT name || ' ' || pg_postmaster_start_time()::text FROM server_life)"
    };
}

/// How the server knows a transaction.
struct Known {
    number: String,
    life: String,
}

/// Gives the life of the server a name, if it has none.
pub async fn name_life(client: &Client) -> Result<(), StoreError> {
    let sql = "INSERT INTO server_life (id, name) SELECT 1, gen_random_uuid()::text \
               WHERE NOT EXISTS (SELECT 1 FROM server_life) ON CONFLICT DO NOTHING";
    run(client, sql, values![]).await.map(drop)
}

/// Commits. An error may mean that it is not known whether it was.
pub async fn surely(shared: &Shared, transaction: Transaction) -> Result<(), StoreError> {
    let known = known(transaction.client()).await?;
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

/// How the server knows the transaction of `client`, if it has written anything.
async fn known(client: &Client) -> Result<Option<Known>, StoreError> {
    let sql = concat!("SELECT pg_current_xact_id_if_assigned()::text, ", life!());
    let Some(row) = first(client, sql, values![]).await? else { return Ok(None) };
    let (number, life) = (row.try_get::<_, Option<String>>(0)?, row.try_get::<_, Option<String>>(1)?);
    Ok(number.zip(life).map(|(number, life)| Known { number, life }))
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
