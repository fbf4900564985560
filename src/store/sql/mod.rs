//! The store in SQLite.
//!
//! One connection writes: [`writer`] commits what has gathered, each use case in its savepoint. A small
//! pool reads beside it. A file belongs to one process, which an exclusive lock on `<file>.lock` ensures.

mod apply;
mod backup;
mod compatibility;
mod documents;
mod files;
mod inspect;
mod outbox;
mod purge;
mod read;
mod ready;
mod replies;
mod sessions;
mod verify;
mod view;
mod writer;

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt;
use sqlx::{
    Connection, SqliteConnection, SqlitePool,
    sqlite::{
        SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
    },
};
use tokio::sync::mpsc;

pub use self::{
    backup::{backup, restore},
    inspect::{FileState, inspect},
    verify::{Verification, verify},
};
use self::{inspect::beside, writer::Work};
use super::{
    Copies, Decision, Due, HandoffQuery, LetterPage, Page, PurgeProgress, RetentionPeriods, Signals, Since,
    StatusFilter, Store, StoreError, Unreadable,
    files::{FileChecks, FileOf},
    replies::{CannedReply, ReplyChange, ReplyOutcome},
    sessions::{Digest, Session, SessionChange},
};
use crate::metrics::Depths;
use crate::relay::{
    changes::{DeadLetter, Scope},
    delivery::{Delivery, Queue},
    handoff::Handoff,
    id::{ConversationKey, DeliveryId, HandoffId, HolderId, RowId},
    thread::Row,
    time::Time,
};

/// Readers beside the one writer; agents' reads are short.
const READERS: u32 = 4;
/// Use cases that may wait for the writer before callers wait themselves.
const QUEUE: usize = 1_024;

/// What a burst has made of the write-ahead log is cut back to this, in bytes.
const WAL_LIMIT: &str = "8388608";

/// See the module.
pub struct SqliteStore {
    jobs: mpsc::Sender<Box<dyn writer::Job>>,
    readers: SqlitePool,
    signals: Arc<Signals>,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
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
    /// Gives the store and its writer, which must run for the store to work.
    ///
    /// # Errors
    /// The file can't be opened, isn't a database, or is in use by another process.
    pub async fn open(path: &Path) -> Result<(Self, impl Future<Output = ()> + Send + use<>), StoreError> {
        Self::open_with(path, Copies::Make).await
    }

    /// The same, with or without a copy before a change of the schema.
    ///
    /// # Errors
    /// As [`SqliteStore::open`], or the copy can't be made.
    pub async fn open_with(
        path: &Path,
        copies: Copies,
    ) -> Result<(Self, impl Future<Output = ()> + Send + use<>), StoreError> {
        let named = |error: sqlx::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
        let lock = lock(path)?;
        let mut connection = connect_writer(path, copies).await?;
        let newest = writer::prepare(&mut connection).await.map_err(named)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options(path).read_only(true))
            .await
            .map_err(named)?;
        let pool = readers.clone();
        let (jobs, queue) = mpsc::channel(QUEUE);
        let signals = Arc::new(Signals::new(newest));
        let store = Self { jobs, readers, signals: Arc::clone(&signals) };
        let writing = async move {
            writer::run(connection, queue, &signals, pool).await;
            // The file is ours until the last is written.
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

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
}

/// The one connection that writes, to a file that is there and has the newest schema.
async fn connect_writer(path: &Path, copies: Copies) -> Result<SqliteConnection, StoreError> {
    if path.exists() {
        inspect::check_head(path)?;
    }
    create_private(path)?;
    let writer =
        options(path).auto_vacuum(SqliteAutoVacuum::Incremental).pragma("journal_size_limit", WAL_LIMIT);
    let named =
        |error: &dyn std::error::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    let mut connection = SqliteConnection::connect_with(&writer).await.map_err(|error| named(&error))?;
    compatibility::check(&mut connection, path).await?;
    if copies == Copies::Make {
        backup::before_migration(&mut connection, path).await?;
    }
    let mut migrator = sqlx::migrate!("src/store/migrations");
    // A newer relay may have added what this one needn't know: the check has found that it can live with it.
    let migrations = migrator.set_ignore_missing(true).run(&mut connection).await;
    migrations.map_err(|error| named(&error))?;
    Ok(connection)
}

/// Takes the exclusive lock of a database file.
fn lock(path: &Path) -> Result<File, StoreError> {
    let name = lock_name(path);
    let failed = |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", name.display()));
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&name).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let path = path.display();
            Err(StoreError::Unavailable(format!("{path} is in use by another handoff-relay")))
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn lock_name(path: &Path) -> PathBuf {
    beside(path, ".lock")
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
        self.write(|connection, known| writer::decide(connection, scope, decision, known).boxed()).await
    }

    async fn due_conversations(&self, now: Time, limit: usize) -> Result<Due<ConversationKey>, StoreError> {
        read::due_conversations(&self.readers, now, limit).await
    }

    async fn idle_handoffs(
        &self,
        status: StatusFilter,
        until: Time,
        limit: usize,
    ) -> Result<Due<HandoffId>, StoreError> {
        read::idle_handoffs(&self.readers, status, until, limit).await
    }

    async fn due_deliveries(
        &self,
        now: Time,
        queue: &Queue,
        limit: usize,
    ) -> Result<Due<Delivery>, StoreError> {
        let (due, unreadable) = outbox::due(&self.readers, now, queue, limit).await?;
        if !unreadable.is_empty() {
            self.write(|connection, _| outbox::set_apart(connection, unreadable).boxed()).await?;
        }
        Ok(due)
    }

    async fn expired(&self, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError> {
        outbox::expired(&self.readers, now, limit).await
    }

    async fn renew_claims(
        &self,
        holder: &HolderId,
        deliveries: Vec<DeliveryId>,
        until: Time,
    ) -> Result<(), StoreError> {
        let renewal = outbox::Renewal { holder: holder.clone(), deliveries, until };
        self.write(|connection, _| outbox::renew(connection, renewal).boxed()).await
    }

    async fn waits_untroubled(&self, delivery: &DeliveryId) -> Result<bool, StoreError> {
        read::waits_untroubled(&self.readers, delivery).await
    }

    async fn handoff(&self, id: &HandoffId) -> Result<Option<Handoff>, StoreError> {
        read::handoff(&self.readers, id).await
    }

    async fn handoffs(&self, query: &HandoffQuery) -> Result<Page, StoreError> {
        read::handoffs(&self.readers, query).await
    }

    async fn rows(&self, id: &HandoffId, after: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        read::rows(&self.readers, id, after, limit).await
    }

    async fn row(&self, id: &RowId) -> Result<Option<Row>, StoreError> {
        read::row(&self.readers, id).await
    }

    async fn changes_since(&self, after: u64, limit: usize) -> Result<Since, StoreError> {
        read::changes_since(&self.readers, after, limit).await
    }

    async fn dead_letters(&self, after: Option<u64>, limit: usize) -> Result<LetterPage, StoreError> {
        read::dead_letters(&self.readers, after, limit).await
    }

    async fn dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StoreError> {
        read::dead_letter(&self.readers, id).await
    }

    async fn canned_replies(&self) -> Result<Vec<CannedReply>, StoreError> {
        replies::all(&self.readers).await
    }

    async fn change_replies(&self, change: ReplyChange) -> Result<ReplyOutcome, StoreError> {
        self.write(|connection, _| replies::change(connection, change).boxed()).await
    }

    async fn session(&self, id: &Digest) -> Result<Option<Session>, StoreError> {
        sessions::one(&self.readers, id).await
    }

    async fn change_sessions(&self, change: SessionChange) -> Result<(), StoreError> {
        self.write(|connection, known| sessions::change(connection, known, change).boxed()).await
    }

    async fn due_file_checks(&self, now: Time, limit: usize) -> Result<Vec<FileOf>, StoreError> {
        files::due(&self.readers, now, limit).await
    }

    async fn change_file_checks(&self, change: FileChecks) -> Result<(), StoreError> {
        self.write(|connection, _| files::change(connection, change).boxed()).await
    }

    async fn set_apart(&self, key: &ConversationKey, until: Time) -> Result<(), StoreError> {
        let key = key.clone();
        self.write(move |connection, _| outbox::set_conversation_apart(connection, key, until).boxed()).await
    }

    async fn set_delivery_apart(&self, id: &DeliveryId) -> Result<(), StoreError> {
        let ids = vec![id.clone()];
        self.write(|connection, _| outbox::set_apart(connection, ids).boxed()).await
    }

    async fn unreadable(&self) -> Result<Unreadable, StoreError> {
        outbox::unreadable(&self.readers).await
    }

    async fn depths(&self) -> Result<Depths, StoreError> {
        read::depths(&self.readers).await
    }

    async fn purge(&self, now: Time, keep: &RetentionPeriods) -> Result<PurgeProgress, StoreError> {
        let keep = *keep;
        self.write(move |connection, _| purge::step(connection, now, keep).boxed()).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.write(|connection, known| known.probe.renew(connection).boxed()).await
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }
}

/// SQLite's integers are signed; ours that get there are small.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
