//! Counts an AI Agent's calls in the store, where several relays share it.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::{
    ada::limits::{CountedCall, SharedCount},
    relay::id::AiAgentId,
    store::Store,
};

/// See the module.
pub struct CallsInStore {
    store: Arc<dyn Store>,
    ai_agent: AiAgentId,
    /// The newest call of another relay that this one has heard of. Held while a call is counted: it hears of each once.
    known: Mutex<u64>,
}

impl CallsInStore {
    /// Of this AI Agent.
    pub fn new(store: Arc<dyn Store>, ai_agent: AiAgentId) -> Self {
        Self { store, ai_agent, known: Mutex::default() }
    }
}

#[async_trait]
impl SharedCount for CallsInStore {
    async fn count(&self) -> Option<CountedCall> {
        let mut known = self.known.lock().await;
        match self.store.count_call(&self.ai_agent, *known).await {
            Ok(calls) => {
                *known = calls.known;
                Some(CountedCall { number: calls.number, others: calls.others })
            }
            Err(error) => {
                tracing::error!(error = %error, "a call to Ada can't be counted, and waits");
                None
            }
        }
    }

    async fn take_back(&self, call: CountedCall) {
        if let Err(error) = self.store.take_back_call(call.number).await {
            tracing::warn!(error = %error, "a call to Ada counts that was not made");
        }
    }
}
