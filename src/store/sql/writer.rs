//! Group commit. Use cases queue up; what has gathered runs in one transaction, each in its own savepoint,
//! so that one flush serves many and one failure spoils only its own.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sqlx::{Row as _, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot};

use super::{
    apply::{self, Growth},
    outbox,
    ready::WriteProbe,
    unsigned, view,
};
use crate::{
    relay::{changes::Scope, delivery::Destination},
    store::{Decision, DecisionResult, Signals, StoreError, signals::TouchedTopics, take},
};

/// How many use cases share one flush at most.
const BATCH: usize = 256;

/// A use case that waits for the writer.
#[async_trait]
pub trait Job: Send {
    /// Does it, in a savepoint of its own. Says whether that is to be kept.
    async fn run(&mut self, connection: &mut SqliteConnection, known: &mut WriterState) -> bool;

    /// Tells whoever asked what it came to; `lost` says why nothing of its transaction is kept, if so. Whoever asked may
    /// have gone.
    fn tell(self: Box<Self>, lost: Option<&str>);
}

/// What a use case does: to the database, and to what the writer knows.
pub trait Work<T>:
    for<'c> FnOnce(&'c mut SqliteConnection, &'c mut WriterState) -> BoxFuture<'c, Result<T, StoreError>> + Send
{
}

impl<T, W> Work<T> for W where
    W: for<'c> FnOnce(&'c mut SqliteConnection, &'c mut WriterState) -> BoxFuture<'c, Result<T, StoreError>>
        + Send
{
}

struct PendingWrite<T, W> {
    work: Option<W>,
    result: Result<T, StoreError>,
    tell: oneshot::Sender<Result<T, StoreError>>,
}

/// A job that does `work`, and where what it came to is told.
pub fn job<T: Send + 'static>(
    work: impl Work<T> + 'static,
) -> (Box<dyn Job>, oneshot::Receiver<Result<T, StoreError>>) {
    let (tell, told) = oneshot::channel();
    (Box::new(PendingWrite { work: Some(work), result: Err(StoreError::Stopped), tell }), told)
}

#[async_trait]
impl<T: Send, W: Work<T>> Job for PendingWrite<T, W> {
    async fn run(&mut self, connection: &mut SqliteConnection, known: &mut WriterState) -> bool {
        if let Some(work) = self.work.take() {
            self.result = work(connection, known).await;
        }
        self.result.is_ok()
    }

    fn tell(self: Box<Self>, lost: Option<&str>) {
        let was_run = self.work.is_none();
        let result = match lost {
            Some(lost) if self.result.is_ok() || !was_run => Err(StoreError::Unavailable(lost.to_owned())),
            Some(_) | None => self.result,
        };
        drop(self.tell.send(result));
    }
}

/// What the writer knows without asking.
#[derive(Default)]
pub struct WriterState {
    /// How much waits: counted when first needed, and again after a failed commit.
    depths: Option<Depths>,
    /// That the disk takes what is written.
    pub probe: WriteProbe,
    /// What the open transaction has touched.
    touched: TouchedTopics,
    /// What to do once it is durable.
    committed: Vec<Box<dyn FnOnce() + Send>>,
}

impl WriterState {
    fn after_a_failure() -> Self {
        Self { probe: WriteProbe::Refuted, ..Self::default() }
    }

    pub fn touch(&mut self, touched: TouchedTopics) {
        self.touched = self.touched.and(touched);
    }
}

/// Events in the inbox, deliveries for each destination.
#[derive(Clone)]
struct Depths {
    inbox: u64,
    queued: BTreeMap<Destination, u64>,
}

impl Depths {
    fn grow(&mut self, growth: Growth) {
        self.inbox = self.inbox.saturating_add_signed(growth.inbox);
        for (destination, by) in growth.queued {
            let queued = self.queued.entry(destination).or_default();
            *queued = queued.saturating_add_signed(by);
        }
        self.queued.retain(|_, queued| *queued > 0);
    }
}

/// Frees the claims of a dead process and gives the number of the newest change.
pub async fn prepare(connection: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    outbox::void_claims(connection).await?;
    // Change numbers start high, so that those of a deleted database look old to its successor.
    let seed = "INSERT INTO sqlite_sequence (name, seq) SELECT 'changes', CAST(unixepoch('subsec') * 1000000 AS INTEGER) \
                WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'changes')";
    sqlx::query(seed).execute(&mut *connection).await?;
    newest_change(connection).await
}

async fn newest_change(connection: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    let row = sqlx::query("SELECT seq FROM sqlite_sequence WHERE name = 'changes'");
    Ok(unsigned(row.fetch_one(&mut *connection).await?.get(0)))
}

async fn count_depths(connection: &mut SqliteConnection) -> Result<Depths, sqlx::Error> {
    let row = sqlx::query("SELECT COUNT(*) FROM inbox").fetch_one(&mut *connection).await?;
    Ok(Depths { inbox: unsigned(row.get(0)), queued: outbox::depths(connection).await? })
}

/// Serves the queue until every store handle is gone, then closes the database: readers first, so that the
/// writer's connection is the last and folds the write-ahead log into the file.
pub async fn run(
    mut connection: SqliteConnection,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    signals: &Signals,
    readers: SqlitePool,
) {
    let mut jobs = Vec::with_capacity(BATCH);
    let mut known = WriterState::default();
    while queue.recv_many(&mut jobs, BATCH).await > 0 {
        let batch = std::mem::take(&mut jobs);
        let (done, committed) = run_batch(&mut connection, batch, &mut known).await;
        if committed.is_ok() {
            let touched = std::mem::take(&mut known.touched);
            signals.committed(touched, newest_change(&mut connection).await.ok());
            known.committed.drain(..).for_each(|committed| committed());
        }
        let lost = committed.as_ref().err().map(String::as_str);
        done.into_iter().for_each(|job| job.tell(lost));
    }
    readers.close().await;
    if let Err(error) = sqlx::Connection::close(connection).await {
        tracing::warn!(error = %error, "the database did not close cleanly");
    }
}

async fn run_batch(
    connection: &mut SqliteConnection,
    mut jobs: Vec<Box<dyn Job>>,
    known: &mut WriterState,
) -> (Vec<Box<dyn Job>>, Result<(), String>) {
    let committed = run_all(connection, &mut jobs, known).await;
    if committed.is_err() {
        *known = WriterState::after_a_failure();
        // SQLite may have rolled back by itself already.
        let _ = execute(connection, "ROLLBACK").await;
    }
    (jobs, committed.map_err(|error| error.to_string()))
}

async fn run_all(
    connection: &mut SqliteConnection,
    jobs: &mut [Box<dyn Job>],
    known: &mut WriterState,
) -> Result<(), sqlx::Error> {
    execute(connection, "BEGIN IMMEDIATE").await?;
    for job in jobs {
        run_one(connection, &mut **job, known).await?;
    }
    execute(connection, "COMMIT").await
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(sql).execute(&mut *connection).await.map(|_| ())
}

/// Runs a job in a savepoint. The error says that the transaction itself is lost: SQLite rolls back by itself
/// when the disk is full or fails, and what came before in the batch is gone with it.
async fn run_one(
    connection: &mut SqliteConnection,
    job: &mut dyn Job,
    known: &mut WriterState,
) -> Result<(), sqlx::Error> {
    execute(connection, "SAVEPOINT job").await?;
    if !job.run(connection, known).await {
        known.probe = WriteProbe::Refuted;
        execute(connection, "ROLLBACK TO job").await?;
    }
    execute(connection, "RELEASE job").await
}

/// Takes a decision on what it sees, and writes what it changes.
pub async fn decide(
    connection: &mut SqliteConnection,
    scope: Scope,
    decision: Decision,
    known: &mut WriterState,
) -> Result<(), StoreError> {
    let mut view = view::load(connection, &scope).await?;
    let mut depths = match known.depths.clone() {
        Some(depths) => depths,
        None => count_depths(connection).await?,
    };
    (view.inbox_depth, view.queued) = (depths.inbox, depths.queued.clone());
    let DecisionResult { changes, committed } = take(decision, &scope.of, view)?;
    let touched = TouchedTopics::by(&changes);
    depths.grow(apply::changes(connection, changes).await?);
    known.depths = Some(depths);
    known.touch(touched);
    known.committed.extend(committed);
    Ok(())
}

#[cfg(test)]
mod tests;
