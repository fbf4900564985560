//! The worker that purges data whose retention period is over.

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

/// How often old data is purged.
const EVERY: Duration = Duration::from_secs(3_600);
/// The pause between two steps, for other use cases.
const BETWEEN_STEPS: Duration = Duration::from_millis(50);
/// While another relay purges, this one looks so often whether it still does.
const LED_BY_ANOTHER: Duration = Duration::from_mins(1);
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
        if !self.engine.store.leads().await? {
            return Ok(Some(now + LED_BY_ANOTHER));
        }
        let old = self.engine.store.purge(now, &self.keep).await?;
        // Includes the files of threads that have just been purged.
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
