//! The worker that keeps the index of a search up to date: what is new within a second, and beside that what was there before
//! the index.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{
    Engine,
    worker::{StepError, Worker},
};
use crate::{relay::time::Time, store::search::IndexProgress};

/// Entries in a step: few, since what comes in meanwhile waits for them.
const AT_ONCE: usize = 25;
/// What comes within this time is written together.
const GATHERED: Duration = Duration::from_millis(400);

/// See the module.
pub struct Indexing {
    engine: Arc<Engine>,
    changed: watch::Receiver<u64>,
    is_filling: bool,
}

impl Indexing {
    /// A worker on the engine's store.
    pub fn new(engine: Arc<Engine>) -> Self {
        let changed = engine.store.signals().feed();
        Self { engine, changed, is_filling: false }
    }

    fn say(&mut self, progress: IndexProgress) {
        let is_filling = match progress {
            IndexProgress::All => false,
            IndexProgress::Filling => true,
            IndexProgress::Part => self.is_filling,
        };
        match (std::mem::replace(&mut self.is_filling, is_filling), is_filling) {
            (false, true) => {
                tracing::info!("older handoffs come into the search index; until then a search misses some")
            }
            (true, false) => tracing::info!("the search index has all handoffs"),
            _ => {}
        }
    }
}

#[async_trait]
impl Worker for Indexing {
    fn name(&self) -> &'static str {
        "search index"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        self.changed.borrow_and_update();
        let began = self.engine.environment.now();
        let progress = self.engine.store.index(AT_ONCE).await?;
        self.say(progress);
        let now = self.engine.environment.now();
        // Others have the store for as long as this step had it.
        Ok((progress != IndexProgress::All).then(|| now + now.since(began)))
    }

    async fn woken(&mut self) {
        if self.changed.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(GATHERED).await;
    }
}
