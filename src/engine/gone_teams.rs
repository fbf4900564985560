//! The worker that moves the open handoffs of teams that have left the settings, once the settings are known.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{
    Engine,
    worker::{LeftAlone, StepError, Worker, signal},
};
use crate::{
    relay::{id::TeamName, rules::team_gone, time::Time},
    store::StoreError,
};

/// More than there are at a time.
const MANY: usize = 1_000_000;

/// See the module.
pub struct GoneTeams {
    engine: Arc<Engine>,
    settings: watch::Receiver<()>,
    /// The settings in force have been looked at.
    is_done: bool,
    left_alone: LeftAlone,
}

impl GoneTeams {
    /// A worker on the engine's store.
    pub fn new(engine: Arc<Engine>) -> Self {
        let settings = engine.replaced.subscribe();
        Self { engine, settings, is_done: false, left_alone: LeftAlone::default() }
    }

    async fn move_all(&mut self, now: Time) -> Result<(), StoreError> {
        let policy = self.engine.policy();
        let known: BTreeSet<&TeamName> = policy.routing.teams.iter().map(|team| &team.name).collect();
        for entry in self.engine.store.open_entries(MANY).await? {
            if let Some(team) = entry.team.filter(|team| !known.contains(team)) {
                tracing::info!(handoff.id = %entry.id, %team, "the team of a handoff has left the settings");
                let done = self.engine.decide(team_gone::move_on(entry.id.clone())).await;
                self.left_alone.record(entry.id, done, now)?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Worker for GoneTeams {
    fn name(&self) -> &'static str {
        "gone teams"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        if !self.is_done {
            self.settings.mark_unchanged();
            self.move_all(self.engine.environment.now()).await?;
            self.is_done = true;
        }
        Ok(None)
    }

    async fn woken(&mut self) {
        signal(&mut self.settings).await;
        self.is_done = false;
    }
}
