//! The worker that returns handoffs to the queue whose agents are gone.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    Engine,
    worker::{LeftAlone, StepError, Worker},
};
use crate::{
    relay::{contact, duty::AgentState, handoff::Handoff, id::PlatformId, rules::absence, time::Time},
    store::{HandoffQuery, Order, StatusFilter, StoreError},
};

/// How often to look, at most.
const EVERY: Duration = Duration::from_secs(30);
/// After a longer gap between two looks, this process does not know who was there meanwhile.
const LONGEST_GAP: Duration = Duration::from_secs(120);
/// Handoffs that are read at once.
const PAGE: usize = 100;

/// See the module.
pub struct Absence {
    engine: Arc<Engine>,
    watch: Option<Watch>,
    left_alone: LeftAlone,
}

/// For how long this process has seen who is there.
#[derive(Clone, Copy)]
struct Watch {
    began: Time,
    last: Time,
}

impl Absence {
    /// A worker on the engine's store.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, watch: None, left_alone: LeftAlone::default() }
    }

    /// When signs of agents began to be seen without a gap. While the relay or its store was away, nobody could give any.
    fn watched_since(&mut self, now: Time) -> Time {
        let goes_on = |watch: &Watch| watch.last <= now && now.since(watch.last) <= LONGEST_GAP;
        let known = self.watch.filter(goes_on).map_or(now, |watch| watch.began);
        let began = self.engine.signs.failed_at().map_or(known, |failed_at| known.max(failed_at));
        self.watch = Some(Watch { began, last: now });
        began
    }

    async fn look(&mut self, now: Time) -> Result<(), StoreError> {
        let states = self.engine.store.agents().await?;
        for agent in self.engine.store.loads().await?.into_keys() {
            if self.is_gone(&agent, &states, now) {
                self.give_back_all(&agent, now).await?;
            }
        }
        Ok(())
    }

    /// Whether an agent is gone, or has left the settings. Platforms know themselves who works in them, as long as they
    /// can be reached.
    fn is_gone(&self, agent: &str, states: &[AgentState], now: Time) -> bool {
        let policy = self.engine.policy();
        if contact::is_in_connect(agent) {
            return self.is_dead(&contact::platform());
        }
        if let Some(platform) = policy.routing.services.get(agent) {
            return self.is_dead(platform);
        }
        if !policy.routing.members.iter().any(|member| member.name == agent) {
            return true;
        }
        let state = states.iter().find(|state| state.name == agent);
        state.is_none_or(|state| state.is_gone(now, policy.gone_after))
    }

    /// Whether a platform is not in the settings, is disabled, or has taken nothing for long.
    fn is_dead(&self, platform: &PlatformId) -> bool {
        self.engine.platforms.find(platform).is_none_or(|platform| {
            let health = platform.circuit.health();
            health.disabled.is_some() || health.open_since.is_some()
        })
    }

    async fn give_back_all(&mut self, agent: &str, now: Time) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let query = HandoffQuery {
                status: Some(StatusFilter::Active),
                agent: Some(agent.to_owned()),
                order: Order::Oldest,
                after,
                limit: PAGE,
                ..HandoffQuery::default()
            };
            let page = self.engine.store.handoffs(&query).await?;
            for handoff in &page.handoffs {
                self.give_back(handoff, agent, now).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn give_back(&mut self, handoff: &Handoff, agent: &str, now: Time) -> Result<(), StoreError> {
        if handoff.unanswered.is_none() || self.left_alone.has(&handoff.id) {
            return Ok(());
        }
        tracing::debug!(handoff.id = %handoff.id, agent, "the agent of a handoff is gone");
        let grace = self.engine.policy().gone_after;
        let rule = absence::give_back(handoff.id.clone(), agent.to_owned(), grace);
        let done = self.engine.decide(rule).await;
        self.left_alone.record(handoff.id.clone(), done, now)
    }
}

#[async_trait]
impl Worker for Absence {
    fn name(&self) -> &'static str {
        "absence"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        let now = self.engine.environment.now();
        let gone_after = self.engine.policy().gone_after;
        let began = self.watched_since(now);
        if now.since(began) >= gone_after && self.engine.store.leads().await? {
            let looked = self.look(now).await;
            if looked.is_err() {
                self.watch = None;
            }
            looked?;
        }
        Ok(Some(now + EVERY.min(gone_after / 4)))
    }
}
