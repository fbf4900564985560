//! The worker that times out handoffs that have been idle for too long.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;

use super::{
    Engine,
    worker::{LeftAlone, StepError, Worker},
};
use crate::{
    relay::{id::HandoffId, rules::time_out, time::Time},
    store::{StatusFilter, StoreError},
};

/// The number of handoffs per step; they share a flush.
const AT_ONCE: usize = 64;
/// When to look again: a handoff that is returned to the queue may be due at once.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// See the module.
pub struct TimeOuts {
    engine: Arc<Engine>,
    left_alone: LeftAlone,
}

impl TimeOuts {
    /// A worker on the engine's store.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, left_alone: LeftAlone::default() }
    }

    async fn time_out(&self, id: HandoffId) -> (HandoffId, Result<(), StoreError>) {
        tracing::debug!(handoff.id = %id, "handoff idle for too long");
        (id.clone(), self.engine.decide(time_out::due(id)).await)
    }
}

#[async_trait]
impl Worker for TimeOuts {
    fn name(&self) -> &'static str {
        "timeouts"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        let engine = Arc::clone(&self.engine);
        let policy = engine.policy();
        let (mut next, mut failed): (Option<Time>, Result<(), StoreError>) = (None, Ok(()));
        for (status, timeout) in
            [(StatusFilter::Waiting, &policy.waiting_timeout), (StatusFilter::Active, &policy.idle_timeout)]
        {
            let Some(timeout) = timeout else { continue };
            let now = engine.environment.now();
            let limit = self.left_alone.limit(now, AT_ONCE);
            let idle = engine.store.idle_handoffs(status, now - timeout.after, limit).await?;
            let due = idle.items.into_iter().filter(|id| !self.left_alone.has(id));
            let done = join_all(due.map(|id| self.time_out(id))).await;
            for (id, done) in done {
                failed = failed.and(self.left_alone.record(id, done, now));
            }
            let at = idle.next.unwrap_or(now) + timeout.after;
            next = [next, Some(at), Some(now + LOOK_AGAIN)].into_iter().flatten().min();
        }
        failed?;
        Ok(next)
    }
}
