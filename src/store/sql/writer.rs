//! Group commit. Use cases queue up; what has gathered runs in one transaction, each in its own savepoint,
//! so that one flush serves many and one failure spoils only its own.

use std::collections::BTreeMap;

use sqlx::{Row as _, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot};

use super::{
    apply::{self, Growth},
    files, forget, outbox,
    ready::Proof,
    replies, sessions, unsigned, view,
};
use crate::{
    relay::{changes::Scope, delivery::Destination, id::DeliveryId, time::Time},
    store::{
        Decided, Decision, Forgotten, Keep, Signals, StoreError,
        files::FileChecks,
        replies::{ReplyChange, ReplyOutcome},
        sessions::SessionChange,
        signals::Touched,
        take,
    },
};

/// How many use cases share one flush at most.
const BATCH: usize = 256;

type Tell<T> = oneshot::Sender<Result<T, StoreError>>;
type Committed = Option<Box<dyn FnOnce() + Send>>;

/// A use case that waits for the writer.
pub enum Job {
    Decide { scope: Box<Scope>, decision: Decision, tell: Tell<()> },
    Renew { renewal: outbox::Renewal, tell: Tell<()> },
    SetApart { unreadable: Vec<DeliveryId>, tell: Tell<()> },
    Forget { now: Time, keep: Keep, tell: Tell<Forgotten> },
    Replies { change: ReplyChange, tell: Tell<ReplyOutcome> },
    Sessions { change: SessionChange, tell: Tell<()> },
    Files { change: FileChecks, tell: Tell<()> },
    Ready { tell: Tell<()> },
}

/// What a job came to. It is told only after the flush.
enum Done {
    Nothing(Tell<()>, Result<(), StoreError>),
    Decided(Tell<()>, Result<Committed, StoreError>),
    Forgot(Tell<Forgotten>, Result<Forgotten, StoreError>),
    Replied(Tell<ReplyOutcome>, Result<ReplyOutcome, StoreError>),
}

/// What the writer knows without asking.
#[derive(Default)]
struct Known {
    /// How much waits: counted when first needed, and again after a failed commit.
    depths: Option<Depths>,
    /// That the disk takes what is written.
    proof: Proof,
    /// What the open transaction has touched.
    touched: Touched,
}

impl Known {
    fn after_a_failure() -> Self {
        Self { proof: Proof::Refuted, ..Self::default() }
    }

    fn touch(&mut self, touched: Touched) {
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
    let seed = "INSERT INTO sqlite_sequence (name, seq) SELECT 'changes', $1 \
                WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'changes')";
    sqlx::query(seed).bind(Time::now().as_micros()).execute(&mut *connection).await?;
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
    mut queue: mpsc::Receiver<Job>,
    signals: &Signals,
    readers: SqlitePool,
) {
    let mut jobs = Vec::with_capacity(BATCH);
    let mut known = Known::default();
    while queue.recv_many(&mut jobs, BATCH).await > 0 {
        let batch = std::mem::take(&mut jobs);
        let (done, committed) = run_batch(&mut connection, batch, &mut known).await;
        let touched = std::mem::take(&mut known.touched);
        if committed.is_ok() {
            signals.committed(touched, newest_change(&mut connection).await.ok());
        }
        for job in done {
            tell(job, &committed);
        }
    }
    readers.close().await;
    if let Err(error) = sqlx::Connection::close(connection).await {
        tracing::warn!(error = %error, "the database did not close cleanly");
    }
}

fn tell(done: Done, committed: &Result<(), String>) {
    let lost = |text: &String| StoreError::Unavailable(text.clone());
    // Whoever asked may have gone.
    match done {
        Done::Nothing(tell, result) => {
            drop(tell.send(result.and_then(|()| committed.as_ref().copied().map_err(lost))));
        }
        Done::Decided(tell, result) => {
            let result = result.and_then(|then| committed.as_ref().map(|()| then).map_err(lost));
            drop(tell.send(result.map(|then| then.into_iter().for_each(|then| then()))));
        }
        Done::Forgot(tell, result) => {
            drop(tell.send(result.and_then(|step| committed.as_ref().map(|()| step).map_err(lost))));
        }
        Done::Replied(tell, result) => {
            drop(tell.send(result.and_then(|outcome| committed.as_ref().map(|()| outcome).map_err(lost))));
        }
    }
}

async fn run_batch(
    connection: &mut SqliteConnection,
    jobs: Vec<Job>,
    known: &mut Known,
) -> (Vec<Done>, Result<(), String>) {
    let mut done = Vec::with_capacity(jobs.len());
    if let Err(error) = execute(connection, "BEGIN IMMEDIATE").await {
        *known = Known::after_a_failure();
        let error = error.to_string();
        done.extend(jobs.into_iter().map(|job| fail(job, &error)));
        return (done, Err(error));
    }
    let mut lost = None;
    for job in jobs {
        match &lost {
            None => {
                let (job, whole) = run_one(connection, job, known).await;
                done.push(job);
                lost = whole.err();
            }
            Some(error) => done.push(fail(job, error)),
        }
    }
    let committed = match lost {
        None => execute(connection, "COMMIT").await.map_err(|error| error.to_string()),
        Some(error) => Err(error),
    };
    if committed.is_err() {
        *known = Known::after_a_failure();
        // SQLite may have rolled back by itself already.
        let _ = execute(connection, "ROLLBACK").await;
    }
    (done, committed)
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(sql).execute(&mut *connection).await.map(|_| ())
}

/// Runs a job in a savepoint. The error says that the transaction itself is lost: SQLite rolls back by itself
/// when the disk is full or fails, and what came before in the batch is gone with it.
async fn run_one(
    connection: &mut SqliteConnection,
    job: Job,
    known: &mut Known,
) -> (Done, Result<(), String>) {
    if let Err(error) = execute(connection, "SAVEPOINT job").await {
        let error = error.to_string();
        return (fail(job, &error), Err(error));
    }
    let (done, good) = match job {
        Job::Decide { scope, decision, tell } => {
            let result = decide(connection, &scope, decision, known).await;
            let good = result.is_ok();
            (Done::Decided(tell, result), good)
        }
        Job::SetApart { unreadable, tell } => {
            let result = outbox::set_apart(connection, &unreadable).await;
            let good = result.is_ok();
            (Done::Nothing(tell, result), good)
        }
        Job::Renew { renewal, tell } => {
            let result = outbox::renew(connection, &renewal).await;
            let good = result.is_ok();
            (Done::Nothing(tell, result), good)
        }
        Job::Forget { now, keep, tell } => {
            let result = forget::step(connection, now, &keep).await;
            let good = result.is_ok();
            (Done::Forgot(tell, result), good)
        }
        Job::Ready { tell } => {
            let result = known.proof.renew(connection).await;
            let good = result.is_ok();
            (Done::Nothing(tell, result), good)
        }
        Job::Replies { change, tell } => {
            let result = replies::change(connection, change).await;
            let good = result.is_ok();
            (Done::Replied(tell, result), good)
        }
        Job::Sessions { change, tell } => {
            known.touch(Touched::by_session(&change));
            let result = sessions::change(connection, change).await;
            let good = result.is_ok();
            (Done::Nothing(tell, result), good)
        }
        Job::Files { change, tell } => {
            let result = files::change(connection, change).await;
            let good = result.is_ok();
            (Done::Nothing(tell, result), good)
        }
    };
    if !good {
        known.proof = Proof::Refuted;
    }
    let undone = if good { Ok(()) } else { execute(connection, "ROLLBACK TO job").await };
    let closed = match undone {
        Ok(()) => execute(connection, "RELEASE job").await,
        Err(error) => Err(error),
    };
    (done, closed.map_err(|error| error.to_string()))
}

fn fail(job: Job, error: &str) -> Done {
    let error = StoreError::Unavailable(error.to_owned());
    match job {
        Job::Forget { tell, .. } => Done::Forgot(tell, Err(error)),
        Job::Replies { tell, .. } => Done::Replied(tell, Err(error)),
        Job::Decide { tell, .. } => Done::Decided(tell, Err(error)),
        Job::Renew { tell, .. }
        | Job::SetApart { tell, .. }
        | Job::Sessions { tell, .. }
        | Job::Files { tell, .. }
        | Job::Ready { tell } => Done::Nothing(tell, Err(error)),
    }
}

async fn decide(
    connection: &mut SqliteConnection,
    scope: &Scope,
    decision: Decision,
    known: &mut Known,
) -> Result<Committed, StoreError> {
    let mut view = view::load(connection, scope).await?;
    let mut depths = match known.depths.clone() {
        Some(depths) => depths,
        None => count_depths(connection).await?,
    };
    (view.inbox_depth, view.queued) = (depths.inbox, depths.queued.clone());
    let Decided { changes, committed } = take(decision, &scope.of, view)?;
    let touched = Touched::by(&changes);
    depths.grow(apply::changes(connection, changes).await?);
    known.depths = Some(depths);
    known.touch(touched);
    Ok(committed)
}

#[cfg(test)]
mod tests;
