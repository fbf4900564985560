//! The worker that lets no one wait for ever: handoffs that have been idle for too long time out.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;

use super::{
    Engine,
    worker::{StepError, Worker, if_it_can},
};
use crate::{
    relay::{id::HandoffId, rules::time_out, time::Time},
    store::{StatusFilter, StoreError},
};

/// Handoffs looked at at once; they share a flush.
const AT_ONCE: usize = 64;
/// Look again after this time: what is given back to the queue may have waited for long.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// See the module.
pub struct TimeOuts {
    engine: Arc<Engine>,
}

impl TimeOuts {
    /// A worker on the engine's store.
    pub const fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    async fn time_out(&self, id: HandoffId) -> Result<(), StoreError> {
        tracing::debug!(handoff.id = %id, "idle for too long");
        if_it_can(self.engine.decide(time_out::due(id)).await)
    }
}

#[async_trait]
impl Worker for TimeOuts {
    fn name(&self) -> &'static str {
        "timeouts"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        let policy = self.engine.policy();
        let (mut next, mut failed): (Option<Time>, Result<(), StoreError>) = (None, Ok(()));
        for (status, timeout) in
            [(StatusFilter::Waiting, &policy.waiting_timeout), (StatusFilter::Active, &policy.idle_timeout)]
        {
            let Some(timeout) = timeout else { continue };
            let now = self.engine.environment.now();
            let idle = self.engine.store.idle_handoffs(status, now - timeout.after, AT_ONCE).await?;
            let done = join_all(idle.items.into_iter().map(|id| self.time_out(id))).await;
            failed = failed.and(done.into_iter().collect::<Result<(), _>>());
            let at = idle.next.unwrap_or(now) + timeout.after;
            next = [next, Some(at), Some(now + LOOK_AGAIN)].into_iter().flatten().min();
        }
        failed?;
        Ok(next)
    }
}
