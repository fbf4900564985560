//! The worker that fails messages that are too old, whatever they are waiting for.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;

use super::{
    Engine,
    worker::{LeftAlone, StepError, Worker},
};
use crate::{
    relay::{
        id::HandoffId,
        rules::{
            expiry::{self, LOOK_TIME},
            notify,
        },
        time::Time,
    },
    store::StoreError,
};

/// The number of handoffs per step; they share a flush. Higher than the number of possible attempts, which may finish.
const AT_ONCE: usize = 512;

/// Where the same are found again: their message is one that can't be read.
const AFTER_THE_SAME: Duration = Duration::from_secs(1);

/// See the module.
pub struct Expiry {
    engine: Arc<Engine>,
    left_alone: LeftAlone,
    /// The first handoff of the previous step.
    first: Option<HandoffId>,
}

impl Expiry {
    /// A worker on the engine's store.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, left_alone: LeftAlone::default(), first: None }
    }

    async fn expire(&self, id: HandoffId) -> (HandoffId, Result<(), StoreError>) {
        let due = async {
            // First what needs nothing of the conversation, which may be unreadable.
            self.engine.decide(notify::expire(id.clone(), self.engine.environment.now())).await?;
            self.engine.decide(expiry::due(id.clone(), self.engine.denied_by_ada())).await
        };
        let done = due.await;
        (id, done)
    }
}

#[async_trait]
impl Worker for Expiry {
    fn name(&self) -> &'static str {
        "expiry"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        let now = self.engine.environment.now();
        let limit = self.left_alone.limit(now, AT_ONCE);
        let expired = self.engine.store.expired(now, limit).await?;
        let are_more = expired.items.len() == limit;
        let due: Vec<HandoffId> = expired.items.into_iter().filter(|id| !self.left_alone.has(id)).collect();
        let are_the_same = !due.is_empty() && due.first() == self.first.as_ref();
        self.first = due.first().cloned();
        let done = join_all(due.into_iter().map(|id| self.expire(id))).await;
        for (id, done) in done {
            self.left_alone.record(id, done, now)?;
        }
        if are_more {
            return Ok(Some(if are_the_same { now + AFTER_THE_SAME } else { now }));
        }
        // Messages that are queued or come into doubt from now on have at least this much time.
        let least = now + self.engine.policy().send_max_age.min(LOOK_TIME.0);
        let next = self.engine.store.expired(self.engine.environment.now(), AT_ONCE).await?.next;
        Ok(Some(next.map_or(least, |next| next.min(least))))
    }
}
