//! Group commit. Use cases queue up; what has gathered runs in one transaction, each in its own savepoint,
//! so that one flush serves many and one failure spoils only its own.

use std::collections::BTreeMap;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    apply::{self, Growth},
    outbox,
    query::Query,
    ready::WriteProbe,
    view,
};
use crate::{
    relay::{changes::Scope, delivery::Destination},
    store::{Decision, DecisionResult, Signals, StoreError, signals::TouchedTopics, take},
};

/// How many use cases share one flush at most.
const BATCH: usize = 256;

/// A use case that waits for the writer.
pub trait Job: Send {
    /// Does it, in a savepoint of its own. Says whether that is to be kept.
    fn run(&mut self, connection: &Connection, known: &mut WriterState) -> bool;

    /// Tells whoever asked what it came to; `lost` says why nothing of its transaction is kept, if so. Whoever asked may
    /// have gone.
    fn tell(self: Box<Self>, lost: Option<&str>);
}

/// What a use case does: to the database, and to what the writer knows.
pub trait Work<T>: FnOnce(&Connection, &mut WriterState) -> Result<T, StoreError> + Send {}

impl<T, W> Work<T> for W where W: FnOnce(&Connection, &mut WriterState) -> Result<T, StoreError> + Send {}

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

impl<T: Send, W: Work<T>> Job for PendingWrite<T, W> {
    fn run(&mut self, connection: &Connection, known: &mut WriterState) -> bool {
        if let Some(work) = self.work.take() {
            self.result = work(connection, known);
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
pub fn prepare(connection: &Connection) -> Result<u64, StoreError> {
    outbox::void_claims(connection)?;
    // Change numbers start high, so that those of a deleted database look old to its successor.
    let seed = "INSERT INTO sqlite_sequence (name, seq) SELECT 'changes', CAST(unixepoch('subsec') * 1000000 AS INTEGER) \
                WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'changes')";
    connection.run(seed, ())?;
    newest_change(connection)
}

fn newest_change(connection: &Connection) -> Result<u64, StoreError> {
    connection.number("SELECT seq FROM sqlite_sequence WHERE name = 'changes'", ())
}

fn count_depths(connection: &Connection) -> Result<Depths, StoreError> {
    let inbox = connection.number("SELECT COUNT(*) FROM inbox", ())?;
    Ok(Depths { inbox, queued: outbox::depths(connection)? })
}

/// Serves the queue until every store handle is gone, or nobody wants it any more.
pub fn run(
    connection: &Connection,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    signals: &Signals,
    is_wanted: impl Fn() -> bool,
) {
    let mut jobs = Vec::with_capacity(BATCH);
    let mut known = WriterState::default();
    while queue.blocking_recv_many(&mut jobs, BATCH) > 0 && is_wanted() {
        let committed = run_batch(connection, &mut jobs, &mut known);
        if committed.is_ok() {
            let touched = std::mem::take(&mut known.touched);
            signals.committed(touched, newest_change(connection).ok());
            known.committed.drain(..).for_each(|committed| committed());
        }
        let lost = committed.as_ref().err().map(String::as_str);
        jobs.drain(..).for_each(|job| job.tell(lost));
    }
}

fn run_batch(
    connection: &Connection,
    jobs: &mut [Box<dyn Job>],
    known: &mut WriterState,
) -> Result<(), String> {
    let committed = run_all(connection, jobs, known);
    if committed.is_err() {
        *known = WriterState::after_a_failure();
        // SQLite may have rolled back by itself already.
        let _ = connection.run("ROLLBACK", ());
    }
    committed.map_err(|error| error.to_string())
}

fn run_all(
    connection: &Connection,
    jobs: &mut [Box<dyn Job>],
    known: &mut WriterState,
) -> Result<(), StoreError> {
    connection.run("BEGIN IMMEDIATE", ())?;
    for job in jobs {
        run_one(connection, &mut **job, known)?;
    }
    connection.run("COMMIT", ()).map(drop)
}

/// Runs a job in a savepoint. The error says that the transaction itself is lost: SQLite rolls back by itself
/// when the disk is full or fails, and what came before in the batch is gone with it.
fn run_one(connection: &Connection, job: &mut dyn Job, known: &mut WriterState) -> Result<(), StoreError> {
    connection.run("SAVEPOINT job", ())?;
    if !job.run(connection, known) {
        known.probe = WriteProbe::Refuted;
        connection.run("ROLLBACK TO job", ())?;
    }
    connection.run("RELEASE job", ()).map(drop)
}

/// Takes a decision on what it sees, and writes what it changes.
pub fn decide(
    connection: &Connection,
    scope: Scope,
    decision: Decision,
    known: &mut WriterState,
) -> Result<(), StoreError> {
    let mut view = view::load(connection, &scope)?;
    let mut depths = match known.depths.clone() {
        Some(depths) => depths,
        None => count_depths(connection)?,
    };
    (view.inbox_depth, view.queued) = (depths.inbox, depths.queued.clone());
    let DecisionResult { changes, committed } = take(decision, &scope.of, view)?;
    let touched = TouchedTopics::by(&changes);
    depths.grow(apply::changes(connection, changes)?);
    known.depths = Some(depths);
    known.touch(touched);
    known.committed.extend(committed);
    Ok(())
}

#[cfg(test)]
mod tests;
