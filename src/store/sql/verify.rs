//! Whether a database is whole: SQLite's own check, and what always holds between what it keeps.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, Row as _, SqliteConnection};

use super::{backup::open_to_read, documents::doc, signed, unsigned};
use crate::{
    relay::{
        delivery::Delivery,
        handoff::Handoff,
        id::{HandoffId, RowId},
        ledger::Ledger,
        thread::{Bytes, Content, Row},
    },
    store::StoreError,
};

/// So many faults are told; a file with more is beyond reading.
const MOST: usize = 100;

/// What was found.
#[derive(Debug, Default)]
pub struct Verification {
    /// How many handoffs there are.
    pub handoffs: u64,
    /// How many rows their threads have.
    pub rows: u64,
    /// How many deliveries wait.
    pub deliveries: u64,
    /// The files that should be there, with their sizes.
    pub files: Vec<(HandoffId, RowId, u64)>,
    /// What is wrong, a sentence each; the first hundred.
    pub faults: Vec<String>,
    /// SQLite's own check failed: parts of the file are lost.
    pub is_damaged: bool,
}

impl Verification {
    fn fault(&mut self, sentence: String) {
        if self.faults.len() < MOST {
            self.faults.push(sentence);
        }
    }
}

/// Looks through the database at `path` as it stands at one moment, also while a relay has it open. `progress` is told how
/// many handoffs of how many have been looked at.
///
/// # Errors
/// It can't be opened.
pub async fn verify(
    path: &Path,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Verification, StoreError> {
    let mut connection = open_to_read(path).await?;
    let mut found = Verification::default();
    own_check(&mut connection, &mut found).await;
    // What SQLite can't read nobody can.
    found.is_damaged = !found.faults.is_empty();
    if !found.is_damaged {
        let mut moment = connection.begin().await?;
        handoffs(&mut moment, &mut found, progress).await?;
        strays(&mut moment, &mut found).await?;
        deliveries(&mut moment, &mut found).await?;
        drop(moment);
    }
    connection.close().await?;
    Ok(found)
}

/// SQLite's own check. Where the damage is such that it breaks off, it is made table by table.
async fn own_check(connection: &mut SqliteConnection, found: &mut Verification) {
    if let Err(error) = integrity(connection, found, "PRAGMA integrity_check").await {
        found.fault(format!("SQLite: {error}"));
        let tables =
            sqlx::query("SELECT name, rootpage FROM sqlite_schema WHERE type = 'table' ORDER BY rootpage");
        for table in tables.fetch_all(&mut *connection).await.unwrap_or_default() {
            let (Ok(name), Ok(page)) = (table.try_get::<String, _>(0), table.try_get::<i64, _>(1)) else {
                continue;
            };
            let check = format!("PRAGMA integrity_check('{}')", name.replace('\'', "''"));
            if let Err(error) = integrity(connection, found, &check).await {
                found.fault(format!("the table {name}, which begins on page {page}, can't be read: {error}"));
            }
        }
    }
}

async fn integrity(
    connection: &mut SqliteConnection,
    found: &mut Verification,
    check: &str,
) -> Result<(), sqlx::Error> {
    let lines = sqlx::query(AssertSqlSafe(check)).fetch_all(connection).await?;
    let lines = lines.iter().filter_map(|line| line.try_get::<String, _>(0).ok());
    lines.filter(|line| line != "ok").for_each(|line| found.fault(format!("SQLite: {line}")));
    Ok(())
}

async fn handoffs(
    connection: &mut SqliteConnection,
    found: &mut Verification,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), StoreError> {
    let all: i64 = sqlx::query_scalar("SELECT count(*) FROM handoffs").fetch_one(&mut *connection).await?;
    let mut after = 0_i64;
    let next = "SELECT doc, id, position FROM handoffs WHERE position > $1 ORDER BY position LIMIT 1";
    while let Some(row) = sqlx::query(next).bind(after).fetch_optional(&mut *connection).await? {
        after = row.try_get(2)?;
        found.handoffs += 1;
        progress(found.handoffs, unsigned(all));
        let id = HandoffId(row.try_get(1)?);
        match doc::<Handoff>(&row) {
            Ok(handoff) => thread(connection, found, &id, &handoff).await?,
            Err(error) => found.fault(format!("handoff {id} can't be read: {error}")),
        }
    }
    Ok(())
}

/// A thread's numbers, and its account.
async fn thread(
    connection: &mut SqliteConnection,
    found: &mut Verification,
    id: &HandoffId,
    handoff: &Handoff,
) -> Result<(), StoreError> {
    let rows = sqlx::query("SELECT doc, id, seq FROM thread_rows WHERE handoff = $1 ORDER BY seq");
    let rows = rows.bind(id.as_str()).fetch_all(&mut *connection).await?;
    let mut account =
        Ledger { taken: handoff.ledger.taken, duplicates: handoff.ledger.duplicates, ..Ledger::default() };
    let mut is_whole = true;
    for stored in &rows {
        found.rows += 1;
        let row_id = RowId(stored.try_get(1)?);
        match doc::<Row>(stored) {
            Ok(row) => {
                if row.id != row_id || row.handoff != *id || signed(row.seq) != stored.try_get::<i64, _>(2)? {
                    found.fault(format!(
                        "row {row_id} of handoff {id} stands under another id, handoff or number"
                    ));
                }
                account = account.and(&Ledger::of(&row));
                if let Content::File { bytes: Bytes::Kept { size }, .. } = row.content {
                    found.files.push((id.clone(), row_id, size));
                }
            }
            Err(error) => {
                is_whole = false;
                found.fault(format!("row {row_id} of handoff {id} can't be read: {error}"));
            }
        }
    }
    let last = rows.last().map_or(Ok(0), |row| row.try_get(2))?;
    if last > signed(handoff.last_seq) {
        found.fault(format!("handoff {id} has a row {last}, and its last number is {}", handoff.last_seq));
    }
    if is_whole && account != handoff.ledger {
        found.fault(format!(
            "the account of handoff {id} differs from its rows: {:?}, and they make {account:?}",
            handoff.ledger
        ));
    }
    if handoff.ledger.lost() > 0 {
        found.fault(format!("handoff {id} has lost {} messages", handoff.ledger.lost()));
    }
    Ok(())
}

/// What belongs to nothing.
async fn strays(connection: &mut SqliteConnection, found: &mut Verification) -> Result<(), StoreError> {
    for (what, sql) in [
        ("rows", "SELECT count(*) FROM thread_rows WHERE handoff NOT IN (SELECT id FROM handoffs)"),
        ("deliveries", "SELECT count(*) FROM outbox WHERE handoff NOT IN (SELECT id FROM handoffs)"),
        ("ids of Ada's", "SELECT count(*) FROM row_ids WHERE row_id NOT IN (SELECT id FROM thread_rows)"),
    ] {
        let strays: i64 = sqlx::query_scalar(sql).fetch_one(&mut *connection).await?;
        if strays > 0 {
            found.fault(format!("{strays} {what} belong to nothing"));
        }
    }
    Ok(())
}

/// Each delivery has the row that it is about.
async fn deliveries(connection: &mut SqliteConnection, found: &mut Verification) -> Result<(), StoreError> {
    let waiting = sqlx::query("SELECT doc, id, handoff FROM outbox ORDER BY position");
    for stored in waiting.fetch_all(&mut *connection).await? {
        found.deliveries += 1;
        let id: String = stored.try_get(1)?;
        let delivery: Delivery = match doc(&stored) {
            Ok(delivery) => delivery,
            Err(error) => {
                found.fault(format!("delivery {id} can't be read: {error}"));
                continue;
            }
        };
        if delivery.handoff.as_str() != stored.try_get::<&str, _>(2)? {
            found.fault(format!("delivery {id} stands in another handoff's lane"));
        }
        let Some(row) = delivery.job.row() else { continue };
        let known = sqlx::query("SELECT 1 FROM thread_rows WHERE id = $1 AND handoff = $2");
        let known = known.bind(row.as_str()).bind(delivery.handoff.as_str());
        if known.fetch_optional(&mut *connection).await?.is_none() {
            found.fault(format!("delivery {id} is about row {row}, which is not there"));
        }
    }
    Ok(())
}
