//! The worker that tells customers who wait for an agent the texts of their AI Agent, team or route.
//!
//! The first text of those who begin to wait is queued with what makes them wait. This worker finds the others, and what
//! came due while no process ran. The store knows what each was told, so that a text is told once, by whichever relay.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;

use super::{
    AiAgents, Engine,
    worker::{LeftAlone, StepError, Worker},
};
use crate::{
    relay::{id::HandoffId, rules::waiting_text, time::Time},
    store::{IdleHandoff, StatusFilter, StoreError},
};

/// How many handoffs are read at a time.
const PAGE: usize = 256;
/// How many are told at once; they share a flush.
const AT_ONCE: usize = 64;
/// When to look again: somebody may have begun to wait since.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Many come due one after another; they are told together.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// What is known of somebody who waits: since when, and the time of the latest text that they were told.
type Known = (Time, Option<Duration>);

/// See the module.
pub struct WaitingTexts {
    engine: Arc<Engine>,
    left_alone: LeftAlone,
    /// Spares a decision on each handoff at each step. The store knows better.
    known: BTreeMap<HandoffId, Known>,
}

impl WaitingTexts {
    /// A worker on the engine's store.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, left_alone: LeftAlone::default(), known: BTreeMap::new() }
    }

    /// Everybody who waits, longest first.
    async fn waiting(&self, now: Time) -> Result<Vec<IdleHandoff>, StoreError> {
        let mut all: Vec<IdleHandoff> = Vec::new();
        loop {
            let after = all.last().map(|last| last.place);
            let page = self.engine.store.idle_handoffs(StatusFilter::Waiting, now, after, PAGE).await?;
            let is_last = page.items.len() < PAGE;
            all.extend(page.items);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Gives when the first of them is told something again.
    async fn tell_all(
        &mut self,
        ai_agents: &AiAgents,
        due: &[IdleHandoff],
        now: Time,
    ) -> Result<Option<Time>, StoreError> {
        let engine = Arc::clone(&self.engine);
        let tell = |id: HandoffId| engine.decide(waiting_text::due(id));
        let (mut next, mut failed) = (None, Ok(()));
        for some in due.chunks(AT_ONCE) {
            let told = join_all(some.iter().map(|one| tell(one.id.clone()))).await;
            for (one, told) in some.iter().zip(told) {
                if let Ok(up_to) = &told {
                    self.known.insert(one.id.clone(), (one.place.since, *up_to));
                    next = next.into_iter().chain(text_due(ai_agents, one, *up_to)).min();
                }
                failed = failed.and(self.left_alone.record(one.id.clone(), told.map(drop), now));
            }
        }
        failed.map(|()| next)
    }
}

/// When somebody is told the text after `told`, if there is one.
fn text_due(ai_agents: &AiAgents, one: &IdleHandoff, told: Option<Duration>) -> Option<Time> {
    let rooms = &ai_agents.of(&one.ai_agent).policy.waiting_rooms;
    let text = rooms.of(one.route.as_deref(), one.team.as_ref()).text_after(told)?;
    Some(one.place.since + text.after)
}

#[async_trait]
impl Worker for WaitingTexts {
    fn name(&self) -> &'static str {
        "waiting texts"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        let engine = Arc::clone(&self.engine);
        let (ai_agents, now) = (engine.ai_agents(), engine.environment.now());
        if ai_agents.waiting_rooms().all(|room| room.texts.is_empty()) {
            return Ok(None);
        }
        if !engine.store.leads().await? {
            return Ok(Some(now + LOOK_AGAIN));
        }
        let waiting = self.waiting(now).await?;
        let mut next = now + LOOK_AGAIN;
        let mut due = Vec::new();
        self.left_alone.limit(now, 0);
        let mut known = std::mem::take(&mut self.known);
        for one in waiting {
            let told = known.remove(&one.id).filter(|(since, _)| *since == one.place.since);
            let up_to = told.and_then(|(_, up_to)| up_to);
            if let Some(at) = text_due(&ai_agents, &one, up_to) {
                if at > now {
                    next = next.min(at);
                } else if !self.left_alone.has(&one.id) {
                    due.push(one.clone());
                }
            }
            self.known.extend(told.map(|told| (one.id, told)));
        }
        let of_told = self.tell_all(&ai_agents, &due, now).await?;
        Ok(Some(of_told.map_or(next, |at| next.min(at)).max(now + BETWEEN_LOOKS)))
    }
}
