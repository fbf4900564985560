//! The worker that lets events leave the inbox when their conversation has been quiet.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::Engine;
use crate::{
    relay::{id::ConversationKey, rules::release, time::Time},
    store::StoreError,
};

/// Conversations released at once; they share a flush.
const AT_ONCE: usize = 64;
/// How long to wait when the store fails.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// See the module.
pub struct Releaser {
    engine: Arc<Engine>,
}

impl Releaser {
    /// A worker on the engine's store.
    pub const fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    /// Works until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut go_on = true;
        while go_on && !stop.is_cancelled() {
            let next = match self.step().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(error = %error, "events could not leave the inbox");
                    Some(self.engine.environment.now() + AFTER_FAILURE)
                }
            };
            go_on = self.engine.wait(next, &self.engine.release_nudge, &stop).await;
        }
    }

    /// Releases what is due, and says when something will be.
    ///
    /// # Errors
    /// The store failed. What was not released stays due.
    pub async fn step(&self) -> Result<Option<Time>, StoreError> {
        let due = self.engine.store.due_conversations(self.engine.environment.now(), AT_ONCE).await?;
        let released = join_all(due.items.into_iter().map(|key| self.release(key))).await;
        released.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(due.next)
    }

    async fn release(&self, key: ConversationKey) -> Result<(), StoreError> {
        let scope = release::scope(&key);
        let conversation = key.conversation.clone();
        let released = self.engine.decide(scope, move |draft| release::due(draft, &key)).await?;
        released.waits.iter().for_each(|wait| self.engine.metrics.debounced(*wait));
        if released.set_aside > 0 {
            tracing::warn!(
                conversation.id = %conversation,
                events = released.set_aside,
                "events set aside: they belong to no handoff"
            );
        }
        tracing::debug!(
            conversation.id = %conversation,
            events.left = released.left,
            events.held = released.held,
            "inbox released"
        );
        Ok(())
    }
}
