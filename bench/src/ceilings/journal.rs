//! Events in SQLite, by the shortest way there is: one thread writes, and what has come meanwhile shares a commit.

use std::{path::Path, thread};

use anyhow::Result;
use rusqlite::{Connection, params};
use tokio::sync::mpsc;

use super::arrival::Arrival;

/// The database's file in the folder of the ceiling.
pub const FILE: &str = "ceiling.db";
/// As many in one commit as the relay takes.
const BATCH: usize = 256;
/// A new one in `folder`, and its thread.
///
/// # Errors
/// SQLite says why.
pub fn open(folder: &Path, queue: mpsc::Receiver<Arrival>) -> Result<()> {
    let connection = Connection::open(folder.join(FILE))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "CREATE TABLE arrivals (seq INTEGER PRIMARY KEY, svix_id TEXT NOT NULL UNIQUE, \
         conversation TEXT NOT NULL, created_at TEXT NOT NULL, body TEXT NOT NULL)",
    )?;
    // When a commit fails the thread ends, and nothing more is acknowledged.
    thread::spawn(move || write(&connection, queue));
    Ok(())
}

fn write(connection: &Connection, mut queue: mpsc::Receiver<Arrival>) -> Result<()> {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.blocking_recv_many(&mut batch, BATCH) > 0 {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut insert = connection.prepare_cached(
            "INSERT INTO arrivals (svix_id, conversation, created_at, body) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO NOTHING",
        )?;
        for Arrival { svix_id, conversation, created_at, body, .. } in &batch {
            insert.execute(params![svix_id, conversation, created_at, body])?;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        for arrival in batch.drain(..) {
            // Whoever asked may have gone.
            let _ = arrival.tell.send(());
        }
    }
    Ok(())
}

/// How many events the ceiling in `folder` has kept.
///
/// # Errors
/// SQLite says why.
pub fn count(folder: &Path) -> Result<u64> {
    let connection = Connection::open(folder.join(FILE))?;
    let count: i64 = connection.query_row("SELECT count(*) FROM arrivals", [], |row| row.get(0))?;
    Ok(count.try_into()?)
}
