//! The worker that times out handoffs that have been idle for too long.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;

use super::{
    AiAgents, Engine,
    worker::{LeftAlone, StepError, Worker},
};
use crate::{
    relay::{
        id::HandoffId,
        policy::{Policy, Timeout, Timeouts},
        rules::time_out,
        time::Time,
    },
    store::{IdleHandoff, IdlePlace, StatusFilter, StoreError},
};

/// The number of handoffs per step; they share a flush.
const AT_ONCE: usize = 64;
/// When to look again: a handoff that is returned to the queue may be due at once.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// See the module.
pub struct TimeOuts {
    engine: Arc<Engine>,
    left_alone: LeftAlone,
}

impl TimeOuts {
    /// A worker on the engine's store.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, left_alone: LeftAlone::default() }
    }

    /// Times out some of those that are due, and says when to look again. None of these is due before `shortest` is over.
    async fn look(
        &mut self,
        engine: &Engine,
        ai_agents: &AiAgents,
        status: StatusFilter,
        shortest: Duration,
    ) -> Result<Time, StepError> {
        let now = engine.environment.now();
        let limit = self.left_alone.limit(now, AT_ONCE);
        let (mut after, mut next): (Option<IdlePlace>, Option<Time>) = (None, None);
        loop {
            let idle = engine.store.idle_handoffs(status, now - shortest, after, limit).await?;
            let mut due = Vec::new();
            for handoff in &idle.items {
                let Some(at) = times_out_at(&ai_agents.of(&handoff.ai_agent).policy, status, handoff) else {
                    continue;
                };
                if at > now {
                    next = next.into_iter().chain([at]).min();
                } else if !self.left_alone.has(&handoff.id) {
                    due.push(handoff.id.clone());
                }
            }
            if !due.is_empty() {
                self.time_out_all(due, now).await?;
                return Ok(now);
            }
            let Some(since) = idle.next else { return Ok(next.unwrap_or(now + shortest)) };
            after = idle.items.last().map(|last| last.place);
            if since > now - shortest {
                return Ok(next.into_iter().chain([since + shortest]).min().unwrap_or(now));
            }
        }
    }

    async fn time_out_all(&mut self, due: Vec<HandoffId>, now: Time) -> Result<(), StoreError> {
        let done = join_all(due.into_iter().map(|id| self.time_out(id))).await;
        let mut failed = Ok(());
        for (id, done) in done {
            failed = failed.and(self.left_alone.record(id, done, now));
        }
        failed
    }

    async fn time_out(&self, id: HandoffId) -> (HandoffId, Result<(), StoreError>) {
        tracing::debug!(handoff.id = %id, "handoff idle for too long");
        (id.clone(), self.engine.decide(time_out::due(id)).await)
    }
}

fn times_out_at(policy: &Policy, status: StatusFilter, idle: &IdleHandoff) -> Option<Time> {
    let timeouts = policy.timeouts(idle.route.as_deref(), idle.team.as_ref());
    Some(idle.place.since + timeout(timeouts, status)?.after)
}

fn shortest(policy: &Policy, status: StatusFilter) -> Option<Duration> {
    Some(timeout(policy.shortest_timeouts(), status)?.after)
}

const fn timeout(timeouts: Timeouts<'_>, status: StatusFilter) -> Option<&Timeout> {
    match status {
        StatusFilter::Waiting => timeouts.waiting,
        StatusFilter::Active => timeouts.idle,
        StatusFilter::Ended => None,
    }
}

#[async_trait]
impl Worker for TimeOuts {
    fn name(&self) -> &'static str {
        "timeouts"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        let engine = Arc::clone(&self.engine);
        let ai_agents = engine.ai_agents();
        let mut next = None;
        for status in [StatusFilter::Waiting, StatusFilter::Active] {
            let shortest = ai_agents.iter().filter_map(|ai_agent| shortest(&ai_agent.policy, status)).min();
            let Some(shortest) = shortest else { continue };
            let at = self.look(&engine, &ai_agents, status, shortest).await?;
            next = next.into_iter().chain([at, engine.environment.now() + LOOK_AGAIN]).min();
        }
        Ok(next)
    }
}
