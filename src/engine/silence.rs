//! The worker that notices that no webhook comes at all: the endpoint is missing or disabled.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    Engine,
    worker::{StepError, Worker},
};
use crate::{relay::time::Time, store::HandoffQuery};

/// How often to look.
const EVERY: Duration = Duration::from_secs(60);
/// Ada sends something within this time of a start call, if only other conversations' events.
const SILENCE: Duration = Duration::from_secs(120);

/// See the module.
pub struct Silence {
    engine: Arc<Engine>,
}

impl Silence {
    /// A worker on the engine's store.
    pub const fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }
}

#[async_trait]
impl Worker for Silence {
    fn name(&self) -> &'static str {
        "silence"
    }

    /// Warns if the newest handoff began some minutes ago and no verified webhook has come since.
    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        let query = HandoffQuery { limit: 1, ..HandoffQuery::default() };
        let newest = self.engine.store.handoffs(&query).await?.handoffs.into_iter().next();
        let now = self.engine.environment.now();
        let last_webhook = self.engine.metrics.last_webhook();
        if let Some(called_at) = newest.filter(|newest| newest.is_open()).and_then(|newest| newest.called_at())
            // Once: the next look is a minute later.
            && (SILENCE..SILENCE + EVERY).contains(&now.since(called_at))
            && last_webhook.is_none_or(|at| at < called_at)
        {
            tracing::warn!(
                "a handoff began two minutes ago and no webhook has come since: \
                 is the webhook endpoint set up in Ada, with this address and WEBHOOK_SECRET?"
            );
        }
        Ok(Some(now + EVERY))
    }
}
