//! Events in SQLite, by the shortest way there is: one thread writes, and what has come meanwhile shares a commit.

use std::{borrow::Cow, path::Path, thread};

use anyhow::Result;
use rusqlite::{Connection, params};
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

/// The database's file in the folder of the ceiling.
pub const FILE: &str = "ceiling.db";
/// As many in one commit as the relay takes.
const BATCH: usize = 256;
/// How many may wait.
const QUEUE: usize = 4_096;

/// Where events go. Clones are of one journal.
#[derive(Clone)]
pub struct Journal(mpsc::Sender<Arrival>);

struct Arrival {
    svix_id: String,
    conversation: String,
    created_at: String,
    body: String,
    tell: oneshot::Sender<()>,
}

/// What is read of an event: where it belongs, and its place there.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    data: Message<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    conversation_id: Cow<'a, str>,
    #[serde(borrow)]
    created_at: Cow<'a, str>,
}

impl Journal {
    /// A new one in `folder`, and its thread.
    ///
    /// # Errors
    /// SQLite says why.
    pub fn open(folder: &Path) -> Result<Self> {
        let connection = Connection::open(folder.join(FILE))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "CREATE TABLE arrivals (seq INTEGER PRIMARY KEY, svix_id TEXT NOT NULL UNIQUE, \
             conversation TEXT NOT NULL, created_at TEXT NOT NULL, body TEXT NOT NULL)",
        )?;
        let (sender, queue) = mpsc::channel(QUEUE);
        // When a commit fails the thread ends, and nothing more is acknowledged.
        thread::spawn(move || write(&connection, queue));
        Ok(Self(sender))
    }

    /// Keeps an event; gives nothing if it can't be read or kept.
    pub async fn keep(&self, svix_id: &str, body: &[u8]) -> Option<()> {
        let event: Event<'_> = serde_json::from_slice(body).ok()?;
        let (tell, told) = oneshot::channel();
        let arrival = Arrival {
            svix_id: svix_id.to_owned(),
            conversation: event.data.conversation_id.into_owned(),
            created_at: event.data.created_at.into_owned(),
            body: std::str::from_utf8(body).ok()?.to_owned(),
            tell,
        };
        self.0.send(arrival).await.ok()?;
        told.await.ok()
    }
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
