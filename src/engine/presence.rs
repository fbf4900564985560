//! Which agents are there.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
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
pub struct Signs(Mutex<HashMap<String, Time>>);

impl Signs {
    /// Whether a sign of now is to be stored; then it counts as stored.
    fn is_due(&self, agent: &str, now: Time) -> bool {
        let mut stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if stored.get(agent).is_some_and(|at| now.since(*at) < STORED_EVERY) {
            return false;
        }
        stored.insert(agent.to_owned(), now);
        true
    }
}

impl Engine {
    /// There is a sign of an agent: a call, or an event stream that is open.
    pub async fn saw(&self, agent: &str) {
        let now = self.environment.now();
        if self.signs.is_due(agent, now) && self.store.agent_seen(agent.to_owned(), now).await.is_err() {
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
        let duty = |state: AgentState| {
            let duty = state.duty(now);
            (state.name, duty)
        };
        Ok(self.store.agents().await?.into_iter().map(duty).collect())
    }
}
