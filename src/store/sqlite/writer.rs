//! Group commit. Use cases queue up; what has gathered runs in one transaction, each in its own savepoint,
//! so that one flush serves many and one failure spoils only its own.

use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    apply::{self, Applied},
    journal,
    known::Known,
    outbox,
    query::Query,
    ready::WriteProbe,
    recent::Written,
    view,
};
use crate::{
    relay::{changes::Scope, id::ConversationKey},
    store::{
        Decision, DecisionResult, FeedItem, InboxChanges, Signals, StoreError, conversation_of,
        signals::{FeedPosition, TouchedTopics},
        take,
    },
};

/// How many use cases share one flush at most.
const BATCH: usize = 256;
/// After how many events the journal's floor is looked at: at least so many, and a share of what waits, since a look goes
/// through all of that.
const FLOOR_LOOKS: u64 = 1_000;
const FLOOR_SHARE: u64 = 8;

/// A use case that waits for the writer.
pub trait Job: Send {
    /// Does it in one statement, which needs no savepoint. `None` says that it takes more.
    fn run_alone(&mut self, _: &Connection, _: &mut WriterState) -> Option<Result<(), StoreError>> {
        None
    }

    /// Does it, in a savepoint of its own, which is undone with an error.
    fn run(&mut self, connection: &Connection, state: &mut WriterState) -> Result<(), StoreError>;

    /// Its transaction is durable, and nobody is told yet.
    fn committed(&self) {}

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
    fn run(&mut self, connection: &Connection, state: &mut WriterState) -> Result<(), StoreError> {
        if let Some(work) = self.work.take() {
            self.result = work(connection, state);
        }
        copy(&self.result)
    }

    fn tell(self: Box<Self>, lost: Option<&str>) {
        let result = unless_lost(self.result, self.work.is_none(), lost);
        drop(self.tell.send(result));
    }
}

/// Whether something went well, and the same error if not.
pub fn copy<T>(result: &Result<T, StoreError>) -> Result<(), StoreError> {
    result.as_ref().map(drop).map_err(Clone::clone)
}

/// What a job came to whose transaction may be `lost`: then nothing is kept of what it did, or it was never run.
pub fn unless_lost<T>(
    result: Result<T, StoreError>,
    was_run: bool,
    lost: Option<&str>,
) -> Result<T, StoreError> {
    match lost {
        Some(lost) if result.is_ok() || !was_run => Err(StoreError::Unavailable(lost.to_owned())),
        Some(_) | None => result,
    }
}

/// The writer's own.
pub struct WriterState {
    /// What the process knows of the file.
    pub known: Arc<Known>,
    /// A commit has failed since that was read.
    is_stale: bool,
    /// Events since the journal's floor was looked at.
    since_floor: u64,
    /// That the disk takes what is written.
    pub probe: WriteProbe,
    /// What the open transaction has touched.
    touched: TouchedTopics,
    /// What to do once it is durable.
    committed: Vec<Box<dyn FnOnce() + Send>>,
    /// Who is told in which conversations the inbox has changed.
    pub inbox_changes: Arc<InboxChanges>,
    /// Those in which the open transaction has changed it.
    inboxes: Vec<ConversationKey>,
    /// What the open transaction has written of what agents see.
    written: Vec<Written>,
    /// The open transaction has removed some of it.
    forgets: bool,
}

impl WriterState {
    /// Of a writer that has just begun.
    pub fn new(known: Arc<Known>, inbox_changes: Arc<InboxChanges>) -> Self {
        Self {
            known,
            inbox_changes,
            inboxes: Vec::new(),
            written: Vec::new(),
            forgets: false,
            is_stale: false,
            since_floor: 0,
            probe: WriteProbe::default(),
            touched: TouchedTopics::default(),
            committed: Vec::new(),
        }
    }

    fn after_a_failure(&mut self) {
        self.known.recent.forget();
        let new = Self::new(Arc::clone(&self.known), Arc::clone(&self.inbox_changes));
        *self = Self { probe: WriteProbe::Refuted, is_stale: true, ..new };
    }

    pub fn touch(&mut self, touched: TouchedTopics) {
        self.touched = self.touched.and(touched);
    }

    /// The inbox of a conversation changes.
    pub fn changes_inbox(&mut self, key: Option<ConversationKey>) {
        self.inboxes.extend(key);
    }

    /// Something that agents see was written.
    pub fn wrote(&mut self, written: impl IntoIterator<Item = Written>) {
        self.written.extend(written);
    }

    /// Something that agents see was removed.
    pub fn forgets(&mut self) {
        self.forgets = true;
    }

    /// What was open is durable, and nobody is told yet.
    fn before_it_is_told(&mut self, newest: FeedPosition) {
        self.known.recent.committed(self.written.drain(..), newest);
        if std::mem::take(&mut self.forgets) {
            self.known.recent.forget();
        }
    }

    /// What was open is durable.
    fn committed(&mut self) {
        self.known.waiting.lock().committed();
        self.inbox_changes.note(self.inboxes.drain(..));
        self.committed.drain(..).for_each(|committed| committed());
    }

    /// Once what is open is durable, do this.
    pub fn once_committed(&mut self, committed: impl IntoIterator<Item = Box<dyn FnOnce() + Send>>) {
        self.committed.extend(committed);
    }

    /// An event has come into the journal.
    pub fn appended(&mut self) {
        self.since_floor += 1;
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

/// Serves the queue until every store handle is gone, or nobody wants it any more.
pub fn run(
    connection: &Connection,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    signals: &Signals,
    mut state: WriterState,
    is_wanted: impl Fn() -> bool,
) {
    let mut jobs = Vec::with_capacity(BATCH);
    while queue.blocking_recv_many(&mut jobs, BATCH) > 0 && is_wanted() {
        let committed = run_batch(connection, &mut jobs, &mut state);
        if committed.is_ok() {
            let touched = std::mem::take(&mut state.touched);
            let newest = newest(connection, touched);
            state.before_it_is_told(newest);
            signals.committed(touched, newest);
            // What was decided is said last: of one that was kept and one that found no room, the second counts.
            jobs.iter().for_each(|job| job.committed());
            state.committed();
        }
        let lost = committed.as_ref().err().map(String::as_str);
        jobs.drain(..).for_each(|job| job.tell(lost));
    }
}

/// The number of the newest change, if that may have changed.
fn newest(connection: &Connection, touched: TouchedTopics) -> FeedPosition {
    if touched.feed() {
        newest_change(connection).map_or(FeedPosition::Unknown, FeedPosition::At)
    } else {
        FeedPosition::Same
    }
}

fn run_batch(
    connection: &Connection,
    jobs: &mut [Box<dyn Job>],
    state: &mut WriterState,
) -> Result<(), String> {
    let committed = run_all(connection, jobs, state);
    if committed.is_err() {
        state.after_a_failure();
        // SQLite may have rolled back by itself already.
        let _ = connection.run("ROLLBACK", ());
    }
    committed.map_err(|error| match error {
        StoreError::Unavailable(reason) => reason,
        error => error.to_string(),
    })
}

fn run_all(
    connection: &Connection,
    jobs: &mut [Box<dyn Job>],
    state: &mut WriterState,
) -> Result<(), StoreError> {
    connection.run("BEGIN IMMEDIATE", ())?;
    if state.is_stale {
        state.known.read(connection)?;
        state.is_stale = false;
        state.touch(TouchedTopics::inbox());
    }
    let mut spoiled = None;
    for job in jobs {
        // What a lost transaction is lost by is said by the job that failed, and not by the statement that finds it gone.
        match run_one(connection, &mut **job, state) {
            Ok(result) => spoiled = spoiled.or(result.err()),
            Err(error) => return Err(spoiled.unwrap_or(error)),
        }
    }
    if state.since_floor >= FLOOR_LOOKS.max(state.known.waiting.lock().events() / FLOOR_SHARE) {
        state.since_floor = 0;
        journal::raise_floor(connection, &state.known.waiting)?;
    }
    connection.run("COMMIT", ()).map(drop).map_err(|error| spoiled.unwrap_or(error))
}

/// Runs a job, in a savepoint if it needs one, and gives what came of it. The other error says that the transaction itself
/// is lost: SQLite rolls back by itself when the disk is full or fails, and what came before in the batch is gone with it.
fn run_one(
    connection: &Connection,
    job: &mut dyn Job,
    state: &mut WriterState,
) -> Result<Result<(), StoreError>, StoreError> {
    let alone = job.run_alone(connection, state);
    let is_alone = alone.is_some();
    let result = match alone {
        Some(result) => result,
        None => {
            connection.run("SAVEPOINT job", ())?;
            job.run(connection, state)
        }
    };
    if let Err(error) = &result {
        state.probe = WriteProbe::Refuted;
        if connection.is_autocommit() {
            return Err(error.clone());
        }
    }
    if !is_alone {
        if result.is_err() {
            connection.run("ROLLBACK TO job", ())?;
        }
        connection.run("RELEASE job", ())?;
    }
    Ok(result)
}

/// Takes a decision on what it sees, and writes what it changes.
pub fn decide(
    connection: &Connection,
    scope: Scope,
    decision: Decision,
    state: &mut WriterState,
) -> Result<(), StoreError> {
    let known = Arc::clone(&state.known);
    let of = scope.of.clone();
    let (mut view, key) = view::load(connection, &known.waiting, &scope)?;
    view.inbox_depth = known.waiting.lock().events();
    view.queued = known.queued.all();
    let DecisionResult { mut changes, committed } = take(decision, &scope.of, view)?;
    let touched = TouchedTopics::by(&changes);
    let inbox = conversation_of(&changes, &of);
    let Applied { growth, written } = apply::changes(connection, &mut changes)?;
    journal::change(connection, &known.waiting, key.as_ref(), &changes)?;
    for written in &written {
        if let FeedItem::Handoff(handoff) = &written.item {
            known.open.changed(handoff, growth.begun.contains(&handoff.id));
        }
    }
    known.queued.grow(growth.queued);
    state.since_floor += changes.inbox_done.len() as u64;
    state.touch(touched);
    state.changes_inbox(inbox);
    state.wrote(written);
    state.once_committed(committed);
    Ok(())
}

#[cfg(test)]
mod tests;
