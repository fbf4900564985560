//! Which agents are there.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Engine;
use crate::{
    relay::{
        duty::{AgentState, Duty},
        time::Time,
    },
    store::StoreError,
};

/// A sign is stored only if the last stored one is older than this, so that not every call costs a flush.
const STORED_EVERY: Duration = Duration::from_mins(1);

/// The signs of agents that this process has stored last.
#[derive(Default)]
pub struct Signs(Mutex<Stored>);

#[derive(Default)]
struct Stored {
    at: HashMap<String, Time>,
    failed_at: Option<Time>,
}

impl Signs {
    /// Whether a sign of now is to be stored, which is done `every` so often; then it counts as stored.
    fn is_due(&self, agent: &str, now: Time, every: Duration) -> bool {
        let mut stored = self.lock();
        if stored.at.get(agent).is_some_and(|at| now.since(*at) < every) {
            return false;
        }
        stored.at.insert(agent.to_owned(), now);
        true
    }

    /// That sign could not be stored: the next one is to be.
    fn record_failure(&self, agent: &str, now: Time) {
        let mut stored = self.lock();
        stored.at.remove(agent);
        stored.failed_at = Some(now);
    }

    /// When a sign was lost last.
    pub fn failed_at(&self) -> Option<Time> {
        self.lock().failed_at
    }

    fn lock(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// There is a sign of an agent: a call, or an event stream that is open.
    pub async fn saw(&self, agent: &str) {
        let now = self.environment.now();
        let every = STORED_EVERY.min(self.policy().gone_after / 3);
        if self.signs.is_due(agent, now, every) && self.store.agent_seen(agent.to_owned(), now).await.is_err()
        {
            self.signs.record_failure(agent, now);
            tracing::debug!(agent, "that an agent is there could not be stored");
        }
    }

    /// An agent says whether they take handoffs.
    ///
    /// # Errors
    /// The store can't be written.
    pub async fn set_away(&self, agent: &str, is_away: bool) -> Result<(), StoreError> {
        self.store.set_away(agent.to_owned(), is_away, self.environment.now()).await
    }

    /// Whether agents take handoffs, by name. Who is not among them was never seen.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn duties(&self) -> Result<HashMap<String, Duty>, StoreError> {
        let now = self.environment.now();
        let gone_after = self.policy().gone_after;
        let duty = |state: AgentState| {
            let duty = state.duty(now, gone_after);
            (state.name, duty)
        };
        Ok(self.store.agents().await?.into_iter().map(duty).collect())
    }
}
