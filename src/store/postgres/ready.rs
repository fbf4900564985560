//! Whether what arrives can be kept. Once a write has failed, or one takes long, that is tried: where the disk is full, or no
//! connection can be made for what arrives, a database answers everything else.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot};

use super::{Shared, connect, connection::Connection, privileges};
use crate::store::StoreError;

/// What arrives is kept in less.
const LONG: Duration = Duration::from_secs(2);
/// Who asks at the same time waits.
const ASKED: usize = 16;
/// As many bytes as a large event has, and nothing that could be made smaller.
const WRITE: &str = "INSERT INTO journal (svix_id, at, ai_agent, conversation, sort_time, sort_created, sort_id, received_at, \
        counted, doc) \
    SELECT 'ready ' || gen_random_uuid(), 0, '', '', 0, 0, '', 0, TRUE, string_agg(md5(random()::text), '') \
    FROM generate_series(1, 2048)";

/// A write is to be tried, and told of.
pub type Trial = oneshot::Sender<Result<(), StoreError>>;

/// What is known of writes.
pub struct Writes {
    have_failed: AtomicBool,
    /// Since when one is under way that keeps what has arrived.
    keeps_since: Mutex<Option<Instant>>,
    trials: mpsc::Sender<Trial>,
}

impl Writes {
    /// Of those that have been made, nothing; and what is to be tried.
    pub fn new() -> (Self, mpsc::Receiver<Trial>) {
        let (trials, tried) = mpsc::channel(ASKED);
        (Self { have_failed: AtomicBool::new(false), keeps_since: Mutex::default(), trials }, tried)
    }

    /// What has arrived is kept from now on.
    pub fn begin(&self) {
        *self.keeps_since.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// It is kept, or not.
    pub fn end(&self, is_kept: bool) {
        *self.keeps_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.have_failed.store(!is_kept, Ordering::Relaxed);
    }

    /// A decision could not be written, for whatever reason.
    pub fn failed(&self) {
        self.have_failed.store(true, Ordering::Relaxed);
    }

    fn are_doubtful(&self) -> bool {
        let since = *self.keeps_since.lock().unwrap_or_else(PoisonError::into_inner);
        self.have_failed.load(Ordering::Relaxed) || since.is_some_and(|since| since.elapsed() > LONG)
    }

    async fn try_one(&self) -> Result<(), StoreError> {
        let (tell, told) = oneshot::channel();
        self.trials.send(tell).await.map_err(|_| StoreError::Stopped)?;
        told.await.map_err(|_| StoreError::Stopped)?
    }
}

/// See [`Store::ready`](crate::store::Store::ready).
pub async fn ready(shared: &Shared) -> Result<(), StoreError> {
    privileges::check(&*shared.connections.get().await?).await?;
    if shared.writes.are_doubtful() { shared.writes.try_one().await } else { Ok(()) }
}

/// Writes something, and undoes it.
pub async fn try_to_write(client: &Connection) -> Result<(), StoreError> {
    let written = client.batch(&format!("{}; {WRITE}", connect::BEGIN)).await;
    let undone = client.batch("ROLLBACK").await;
    Ok(written.and(undone)?)
}
