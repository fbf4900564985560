//! Decisions of this process about one conversation take turns before they ask for a connection. So those of a busy
//! conversation keep no connections from others, and a process that stands still has one transaction alone that others must
//! wait for.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use tokio::{
    sync::{Mutex, MutexGuard},
    time::timeout,
};

use crate::{
    relay::changes::{Of, Scope},
    store::StoreError,
};

/// Conversations that share a turn now and then wait for each other, and nothing else.
const TURNS: usize = 256;

/// The turns of a process.
pub struct Turns {
    turns: Vec<Mutex<()>>,
    hasher: RandomState,
    /// How long a decision waits for its turn at most.
    patience: Duration,
}

impl Turns {
    /// With this patience.
    pub fn new(patience: Duration) -> Self {
        let turns = std::iter::repeat_with(Mutex::default).take(TURNS).collect();
        Self { turns, hasher: RandomState::new(), patience }
    }

    /// The turn of a decision, until it is dropped. What is about no conversation needs none.
    ///
    /// # Errors
    /// It does not come in time.
    pub async fn of(&self, scope: &Scope) -> Result<Option<MutexGuard<'_, ()>>, StoreError> {
        let hash = match &scope.of {
            Of::Conversation(key) if key.conversation.as_str().is_empty() => return Ok(None),
            Of::Conversation(key) => self.hasher.hash_one((key.ai_agent.as_str(), key.conversation.as_str())),
            Of::Handoff(id) => self.hasher.hash_one(id.as_str()),
        };
        let turn = &self.turns[hash as usize % TURNS];
        let waited = timeout(self.patience, turn.lock()).await;
        waited.map(Some).map_err(|_| {
            let patience = self.patience.as_secs();
            StoreError::Unavailable(format!("other decisions about the conversation have taken {patience} s"))
        })
    }
}
