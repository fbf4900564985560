//! The worker that moves events from the inbox to their threads once their conversation has been quiet.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::sync::watch;

use super::{
    Engine,
    worker::{StepError, Worker, signal},
};
use crate::{
    relay::{id::ConversationKey, rules::flush, time::Time},
    store::StoreError,
};

/// The number of conversations per step; they share a flush of the disk.
const AT_ONCE: usize = 64;
/// When a conversation that can't be read is tried again.
const AFTER_UNREADABLE: Duration = Duration::from_secs(60);

/// See the module.
pub struct Flusher {
    engine: Arc<Engine>,
    inbox: watch::Receiver<()>,
}

impl Flusher {
    /// A worker on the engine's store.
    pub fn new(engine: Arc<Engine>) -> Self {
        let inbox = engine.store.signals().inbox();
        Self { engine, inbox }
    }

    async fn flush(&self, key: ConversationKey) -> Result<(), StoreError> {
        let conversation = key.conversation.clone();
        let flushed = match self.engine.decide(flush::due(key.clone())).await {
            Err(StoreError::Panicked) => return self.flush_one_by_one(key).await,
            Err(StoreError::Unreadable(reason)) => return self.set_apart(&key, &reason).await,
            flushed => flushed?,
        };
        flushed.waits.iter().for_each(|wait| self.engine.metrics.debounced(*wait));
        if flushed.set_aside > 0 {
            tracing::warn!(
                conversation.id = %conversation,
                events = flushed.set_aside,
                "events became dead letters, which have the reason"
            );
        }
        tracing::debug!(
            conversation.id = %conversation,
            events.left = flushed.left,
            events.held = flushed.held,
            "inbox flushed"
        );
        Ok(())
    }
}

impl Flusher {
    /// A handoff of the conversation can't be read: its events wait, and hold up no other conversation.
    async fn set_apart(&self, key: &ConversationKey, reason: &str) -> Result<(), StoreError> {
        tracing::error!(
            conversation.id = %key.conversation,
            reason,
            "a handoff of the conversation can't be read; the conversation's events wait"
        );
        self.engine.store.set_apart(key, self.engine.environment.now() + AFTER_UNREADABLE).await
    }

    /// A rule panics on one of the events: it becomes a dead letter, and the others continue.
    async fn flush_one_by_one(&self, key: ConversationKey) -> Result<(), StoreError> {
        for id in self.engine.decide(flush::in_order(key.clone())).await? {
            match self.engine.decide(flush::one_alone(key.clone(), id.clone())).await {
                Err(StoreError::Panicked) => {}
                flushed => {
                    flushed?;
                    continue;
                }
            }
            tracing::error!(svix.id = id, "an event became a dead letter: a rule panicked");
            self.engine.decide(flush::set_aside(key.clone(), id)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Worker for Flusher {
    fn name(&self) -> &'static str {
        "inbox"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        let due = self.engine.store.due_conversations(self.engine.environment.now(), AT_ONCE).await?;
        let flushed = join_all(due.items.into_iter().map(|key| self.flush(key))).await;
        flushed.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(due.next)
    }

    async fn woken(&mut self) {
        signal(&mut self.inbox).await;
    }
}
