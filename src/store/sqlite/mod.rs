//! The store in SQLite.
//!
//! One connection writes: [`writer`] commits what has gathered, each use case in its savepoint. A small
//! pool reads beside it. A file belongs to one process, which an exclusive lock on `<file>.lock` ensures.

mod agents;
mod apply;
mod arrive;
mod backup;
mod compatibility;
mod connect;
mod contacts;
mod export;
mod files;
mod handoffs;
mod inspect;
mod journal;
mod known;
mod lock;
mod migrations;
mod open_handoffs;
mod outbox;
mod platforms;
mod purge;
mod query;
mod read;
mod ready;
mod recent;
mod refused_starts;
mod replies;
mod reports;
mod search;
mod sessions;
mod teams;
mod verify;
mod view;
mod waiting;
mod writer;

use std::{collections::BTreeMap, fs::OpenOptions, path::Path, sync::Arc};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

pub use self::{
    backup::{backup, restore},
    export::Export,
    inspect::{FileState, ai_agents_at_work, inspect},
    verify::{Verification, verify},
};
use self::{
    connect::Readers,
    known::Known,
    lock::FileLock,
    ready::OpenFile,
    writer::{Work, WriterState},
};
use super::{
    Arrived, Arriving, Copies, Decision, Due, HandoffQuery, IdleHandoff, IdlePlace, LetterPage, Page,
    PurgeProgress, RetentionPeriods, Signals, Since, StatusFilter, Store, StoreError, Unreadable,
    files::{FileChecks, FileOf},
    platforms::PlatformState,
    replies::{CannedReply, ReplyChange, ReplyOutcome},
    search::IndexProgress,
    sessions::{Digest, Session, SessionChange},
    teams::TeamState,
};
use crate::metrics::Depths;
use crate::relay::{
    changes::{DeadLetter, Scope, View},
    contact::Contact,
    delivery::{Delivery, Queue},
    duty::AgentState,
    handoff::Handoff,
    id::{ConversationKey, DeliveryId, HandoffId, HolderId, RowId, TeamName},
    report::Entry,
    thread::Row,
    time::Time,
};

/// Use cases that may wait for the writer before callers wait themselves.
const QUEUE: usize = 1_024;

/// See the module.
pub struct SqliteStore {
    jobs: mpsc::Sender<Box<dyn writer::Job>>,
    readers: Arc<Readers>,
    known: Arc<Known>,
    signals: Arc<Signals>,
    file: OpenFile,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        // The position is enough to look it up; the text may be a customer's.
        Self::Unreadable(format!("line {}, column {}", error.line(), error.column()))
    }
}

impl SqliteStore {
    /// Opens or creates the file, brings its schema up to date, and frees what a dead process had claimed.
    /// Gives the store and its writer, which must run for the store to work: it starts the thread that writes and ends with it.
    ///
    /// # Errors
    /// The file can't be opened, isn't a database, or is in use by another process.
    pub fn open(path: &Path) -> Result<(Self, impl Future<Output = ()> + Send + use<>), StoreError> {
        Self::open_with(path, Copies::Make)
    }

    /// The same, with or without a copy before a change of the schema.
    ///
    /// # Errors
    /// As [`SqliteStore::open`], or the copy can't be made.
    pub fn open_with(
        path: &Path,
        copies: Copies,
    ) -> Result<(Self, impl Future<Output = ()> + Send + use<>), StoreError> {
        let lock = FileLock::take(path)?;
        let connection = connect::writer(path, copies)?;
        let newest = writer::prepare(&connection).map_err(|error| connect::named(path, &error))?;
        let readers = Arc::new(Readers::open(path)?);
        let known = Arc::new(Known::default());
        known.read(&connection).map_err(|error| connect::named(path, &error))?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        let signals = Arc::new(Signals::new(newest));
        let state = WriterState::new(Arc::clone(&known), Arc::clone(signals.inbox_changes()));
        let file = OpenFile::at(path)?;
        let store = Self { jobs, readers: Arc::clone(&readers), known, signals: Arc::clone(&signals), file };
        let writing = async move {
            let (ended, end) = oneshot::channel();
            // The file is ours until the last is written.
            let write = move || {
                writer::run(&connection, queue, &signals, state, || !ended.is_closed());
                drop(ended.send((connection, lock)));
            };
            let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(write);
            if let Err(error) = thread {
                tracing::error!(error = %error, "the system starts no thread for the store");
                return;
            }
            // Readers first: the writer's connection is the last, and folds the write-ahead log into the file.
            let Ok((connection, lock)) = end.await else { return };
            readers.close().await;
            if let Err((_, error)) = connection.close() {
                tracing::warn!(error = %error, "the database did not close cleanly");
            }
            drop(lock);
        };
        Ok((store, writing))
    }

    /// Has the writer do this: all of it or nothing, and durable when this returns.
    async fn write<T: Send + 'static>(&self, work: impl Work<T> + 'static) -> Result<T, StoreError> {
        let (job, told) = writer::job(work);
        self.jobs.send(job).await.map_err(|_| StoreError::Stopped)?;
        told.await.map_err(|_| StoreError::Stopped)?
    }
}

/// Customers' words are nobody else's on this machine.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let failed = |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    options.open(path).map(drop).map_err(failed)
}

#[async_trait]
impl Store for SqliteStore {
    async fn decide(&self, scope: Scope, decision: Decision) -> Result<(), StoreError> {
        self.write(|connection, state| writer::decide(connection, scope, decision, state)).await
    }

    async fn view(&self, scope: Scope) -> Result<View, StoreError> {
        let known = Arc::clone(&self.known);
        self.readers.read(move |connection| view::load_beside(connection, &known.waiting, &scope)).await
    }

    async fn arrive(&self, arriving: Arriving) -> Result<Arrived, StoreError> {
        let (job, back) = arrive::job(arriving)?;
        self.jobs.send(job).await.map_err(|_| StoreError::Stopped)?;
        arrive::outcome(back).await
    }

    async fn due_conversations(&self, now: Time, limit: usize) -> Result<Due<ConversationKey>, StoreError> {
        Ok(self.known.waiting.lock().due(now, limit))
    }

    async fn waiting_conversations(&self, limit: usize) -> Result<Vec<ConversationKey>, StoreError> {
        Ok(self.known.waiting.lock().conversations(limit))
    }

    fn may_wait(&self, key: &ConversationKey) -> bool {
        self.known.waiting.lock().may_have(key)
    }

    async fn idle_handoffs(
        &self,
        status: StatusFilter,
        until: Time,
        after: Option<IdlePlace>,
        limit: usize,
    ) -> Result<Due<IdleHandoff>, StoreError> {
        self.readers
            .read(move |connection| read::idle_handoffs(connection, status, until, after, limit))
            .await
    }

    async fn due_deliveries(
        &self,
        now: Time,
        queues: &[(Queue, usize)],
    ) -> Result<Vec<Due<Delivery>>, StoreError> {
        let queues = queues.to_vec();
        let (due, unreadable) =
            self.readers.read(move |connection| outbox::due(connection, now, &queues)).await?;
        if !unreadable.is_empty() {
            self.write(|connection, _| outbox::set_apart(connection, unreadable)).await?;
        }
        Ok(due)
    }

    async fn expired(&self, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError> {
        self.readers.read(move |connection| outbox::expired(connection, now, limit)).await
    }

    async fn renew_claims(
        &self,
        holder: &HolderId,
        deliveries: Vec<DeliveryId>,
        until: Time,
    ) -> Result<(), StoreError> {
        let renewal = outbox::Renewal { holder: holder.clone(), deliveries, until };
        self.write(|connection, _| outbox::renew(connection, renewal)).await
    }

    async fn waits_untroubled(&self, delivery: &DeliveryId) -> Result<bool, StoreError> {
        let delivery = delivery.clone();
        self.readers.read(move |connection| read::waits_untroubled(connection, &delivery)).await
    }

    fn has_open_handoff(&self, conversation: &str) -> bool {
        self.known.open.has(conversation)
    }

    async fn handoff(&self, id: &HandoffId) -> Result<Option<Handoff>, StoreError> {
        let id = id.clone();
        self.readers.read(move |connection| read::handoff(connection, &id)).await
    }

    async fn handoffs(&self, query: &HandoffQuery) -> Result<Page, StoreError> {
        let query = query.clone();
        self.readers.read(move |connection| read::handoffs(connection, &query)).await
    }

    async fn index(&self, limit: usize) -> Result<IndexProgress, StoreError> {
        let known = Arc::clone(&self.known);
        let step = self.readers.read(move |connection| search::next_step(connection, &known.recent, limit));
        let step = step.await?;
        match step {
            Some(step) => self.write(move |connection, _| search::write(connection, &step)).await,
            None => Ok(IndexProgress::All),
        }
    }

    async fn rows(&self, id: &HandoffId, after: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        let id = id.clone();
        self.readers.read(move |connection| read::rows(connection, &id, after, limit)).await
    }

    async fn row(&self, id: &RowId) -> Result<Option<Row>, StoreError> {
        let id = id.clone();
        self.readers.read(move |connection| read::row(connection, &id)).await
    }

    async fn changes_since(&self, after: u64, limit: usize) -> Result<Since, StoreError> {
        if let Some(since) = self.known.recent.since(after, limit) {
            return Ok(since);
        }
        self.readers.read(move |connection| read::changes_since(connection, after, limit)).await
    }

    async fn dead_letters(&self, after: Option<u64>, limit: usize) -> Result<LetterPage, StoreError> {
        self.readers.read(move |connection| read::dead_letters(connection, after, limit)).await
    }

    async fn dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StoreError> {
        let id = id.to_owned();
        self.readers.read(move |connection| read::dead_letter(connection, &id)).await
    }

    async fn canned_replies(&self) -> Result<Vec<CannedReply>, StoreError> {
        self.readers.read(replies::all).await
    }

    async fn change_replies(&self, change: ReplyChange) -> Result<ReplyOutcome, StoreError> {
        self.write(|connection, state| replies::change(connection, state, change)).await
    }

    async fn contact(&self, handoff: &HandoffId) -> Result<Option<Contact>, StoreError> {
        let handoff = handoff.clone();
        self.readers.read(move |connection| contacts::one(connection, &handoff)).await
    }

    async fn handoff_of_contact(&self, contact: &str) -> Result<Option<HandoffId>, StoreError> {
        let contact = contact.to_owned();
        self.readers.read(move |connection| contacts::handoff_of(connection, &contact)).await
    }

    async fn due_contacts(&self, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError> {
        self.readers.read(move |connection| contacts::due(connection, now, limit)).await
    }

    async fn open_contacts(
        &self,
        after: Option<&HandoffId>,
        limit: usize,
    ) -> Result<Vec<HandoffId>, StoreError> {
        let after = after.cloned();
        self.readers.read(move |connection| contacts::open(connection, after.as_ref(), limit)).await
    }

    async fn platforms(&self) -> Result<Vec<PlatformState>, StoreError> {
        self.readers.read(platforms::all).await
    }

    async fn put_platform(&self, state: PlatformState) -> Result<(), StoreError> {
        self.write(move |connection, _| platforms::put(connection, &state)).await
    }

    async fn teams(&self) -> Result<Vec<TeamState>, StoreError> {
        self.readers.read(teams::all).await
    }

    async fn put_team(&self, state: TeamState) -> Result<(), StoreError> {
        self.write(move |connection, _| teams::put(connection, &state)).await
    }

    async fn waiting(&self, team: Option<TeamName>, up_to: Option<HandoffId>) -> Result<u64, StoreError> {
        self.readers.read(move |connection| teams::waiting(connection, team.as_ref(), up_to.as_ref())).await
    }

    async fn loads(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        self.readers.read(agents::loads).await
    }

    async fn open_entries(&self, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.readers.read(move |connection| reports::open(connection, limit)).await
    }

    async fn entries_begun(&self, from: Time, until: Time, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.readers.read(move |connection| reports::begun(connection, from, until, limit)).await
    }

    async fn agents(&self) -> Result<Vec<AgentState>, StoreError> {
        self.readers.read(agents::all).await
    }

    async fn agent_seen(&self, name: String, at: Time) -> Result<(), StoreError> {
        self.write(move |connection, _| agents::seen(connection, &name, at)).await
    }

    async fn set_away(&self, name: String, is_away: bool, at: Time) -> Result<(), StoreError> {
        self.write(move |connection, _| agents::set_away(connection, &name, is_away, at)).await
    }

    async fn session(&self, id: &Digest) -> Result<Option<Session>, StoreError> {
        let id = id.clone();
        self.readers.read(move |connection| sessions::one(connection, &id)).await
    }

    async fn change_sessions(&self, change: SessionChange) -> Result<(), StoreError> {
        self.write(|connection, state| sessions::change(connection, state, change)).await
    }

    async fn due_file_checks(&self, now: Time, limit: usize) -> Result<Vec<FileOf>, StoreError> {
        self.readers.read(move |connection| files::due(connection, now, limit)).await
    }

    async fn change_file_checks(&self, change: FileChecks) -> Result<(), StoreError> {
        self.write(|connection, _| files::change(connection, change)).await
    }

    async fn set_apart(&self, key: &ConversationKey, until: Time) -> Result<(), StoreError> {
        self.known.waiting.lock().set_apart(key, until);
        Ok(())
    }

    async fn set_delivery_apart(&self, id: &DeliveryId) -> Result<(), StoreError> {
        let ids = vec![id.clone()];
        self.write(|connection, _| outbox::set_apart(connection, ids)).await
    }

    async fn unreadable(&self) -> Result<Unreadable, StoreError> {
        let deliveries = self.readers.read(outbox::unreadable).await?;
        Ok(Unreadable { deliveries, conversations: self.known.waiting.lock().apart() })
    }

    async fn depths(&self) -> Result<Depths, StoreError> {
        let known = Arc::clone(&self.known);
        self.readers.read(move |connection| read::depths(connection, &known)).await
    }

    async fn purge(&self, now: Time, keep: &RetentionPeriods) -> Result<PurgeProgress, StoreError> {
        let keep = *keep;
        self.write(move |connection, state| purge::step(connection, state, now, keep)).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.file.is_there()?;
        self.write(|connection, state| state.probe.renew(connection)).await
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }
}
