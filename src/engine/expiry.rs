//! The worker that fails messages whose time is over, whatever they wait for.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;

use super::{
    Engine,
    worker::{StepError, Worker, if_it_can},
};
use crate::{
    relay::{
        id::HandoffId,
        rules::expiry::{self, LOOK_TIME},
        time::Time,
    },
    store::StoreError,
};

/// Handoffs looked at at once; they share a flush. More than attempts can be under way, which are let finish.
const AT_ONCE: usize = 512;

/// Where some of many could not be done and are left: the same are found again.
const AFTER_LEFT: Duration = Duration::from_secs(1);

/// See the module.
pub struct Expiry {
    engine: Arc<Engine>,
}

impl Expiry {
    /// A worker on the engine's store.
    pub const fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    async fn expire(&self, id: HandoffId) -> Result<(), StoreError> {
        self.engine.decide(expiry::due(id, self.engine.denied_by_ada())).await
    }
}

#[async_trait]
impl Worker for Expiry {
    fn name(&self) -> &'static str {
        "expiry"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        let now = self.engine.environment.now();
        let expired = self.engine.store.expired(now, AT_ONCE).await?;
        let are_more = expired.items.len() == AT_ONCE;
        let done = join_all(expired.items.into_iter().map(|id| self.expire(id))).await;
        let are_left = done.iter().any(Result::is_err);
        done.into_iter().try_for_each(if_it_can)?;
        if are_more {
            return Ok(Some(if are_left { now + AFTER_LEFT } else { now }));
        }
        // What is queued or comes into doubt from now on has so much time at least.
        let least = now + self.engine.policy().send_max_age.min(LOOK_TIME.0);
        let next = self.engine.store.expired(self.engine.environment.now(), AT_ONCE).await?.next;
        Ok(Some(next.map_or(least, |next| next.min(least))))
    }
}
