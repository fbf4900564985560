//! The worker that purges what has been kept long enough.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    Engine,
    worker::{StepError, Worker},
};
use crate::{
    relay::time::Time,
    store::{PurgeProgress, RetentionPeriods},
};

/// How often the store is purged of what is old.
const EVERY: Duration = Duration::from_secs(3_600);
/// Between two steps of it others have the store to themselves.
const BETWEEN_STEPS: Duration = Duration::from_millis(50);
/// When to try again to remove files.
const FILES_AGAIN: Duration = Duration::from_secs(30);

/// See the module.
pub struct Retention {
    engine: Arc<Engine>,
    keep: RetentionPeriods,
}

impl Retention {
    /// A worker on the engine's store.
    pub const fn new(engine: Arc<Engine>, keep: RetentionPeriods) -> Self {
        Self { engine, keep }
    }
}

#[async_trait]
impl Worker for Retention {
    fn name(&self) -> &'static str {
        "retention"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        let now = self.engine.environment.now();
        let old = self.engine.store.purge(now, &self.keep).await?;
        // Those of the threads that have just gone, too.
        let pause = match self.engine.purge_files().await {
            Ok(files) if [old, files].contains(&PurgeProgress::Part) => BETWEEN_STEPS,
            Ok(_) => EVERY,
            Err(error) => {
                tracing::warn!(error = %error, "unreferenced files could not be removed");
                FILES_AGAIN
            }
        };
        Ok(Some(self.engine.environment.now() + pause))
    }
}
