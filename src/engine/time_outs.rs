//! The worker that lets no one wait for ever: handoffs that have been idle for too long time out.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Engine;
use crate::{
    relay::{id::HandoffId, rules::time_out, time::Time},
    store::{StatusFilter, StoreError},
};

/// Handoffs looked at at once; they share a flush.
const AT_ONCE: usize = 64;
/// How long to wait when the store fails.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// See the module.
pub struct TimeOuts {
    engine: Arc<Engine>,
}

impl TimeOuts {
    /// A worker on the engine's store.
    pub const fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    /// Works until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        // What begins to wait can't be due before the next look.
        let never = Notify::new();
        let mut go_on = true;
        while go_on && !stop.is_cancelled() {
            let next = match self.step().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(error = %error, "handoffs could not time out");
                    Some(self.engine.environment.now() + AFTER_FAILURE)
                }
            };
            go_on = self.engine.wait(next, &never, &stop).await;
        }
    }

    /// Does what is due, and says when something may be.
    ///
    /// # Errors
    /// The store failed. What has not timed out stays due.
    pub async fn step(&self) -> Result<Option<Time>, StoreError> {
        let policy = &self.engine.policy;
        let mut next: Option<Time> = None;
        for (status, timeout) in
            [(StatusFilter::Waiting, &policy.waiting_timeout), (StatusFilter::Active, &policy.idle_timeout)]
        {
            let Some(timeout) = timeout else { continue };
            let now = self.engine.environment.now();
            let idle = self.engine.store.idle_handoffs(status, now - timeout.after, AT_ONCE).await?;
            let done = join_all(idle.items.into_iter().map(|id| self.time_out(id))).await;
            done.into_iter().collect::<Result<Vec<()>, _>>()?;
            let at = idle.next.unwrap_or(now) + timeout.after;
            next = [next, Some(at)].into_iter().flatten().min();
        }
        Ok(next)
    }

    async fn time_out(&self, id: HandoffId) -> Result<(), StoreError> {
        tracing::debug!(handoff.id = %id, "idle for too long");
        self.engine.decide(time_out::scope(&id), move |draft| time_out::due(draft, &id)).await
    }
}
