//! The worker that reads Ada's message lists of open handoffs, for messages whose webhook is missing.
//!
//! It reads every open handoff at the start, after an outage of Ada, and then in slow rotation: a few at a time, and
//! after all other calls. A handoff that an agent opens goes first.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::{Notify, watch};

use super::{
    Engine,
    worker::{StepError, Worker, signal},
};
use crate::{
    relay::{
        handoff::CLOCK_TOLERANCE,
        id::{AiAgentId, DeliveryId, HandoffId},
        rules::recover,
        time::Time,
    },
    store::{HandoffQuery, StatusFilter, StoreError},
};

/// Handoffs of an AI Agent that are read at once.
const AT_ONCE: usize = 4;
/// Handoffs asked of the store at once.
const PAGE: usize = 200;
/// How long to wait for a reading. It may be waiting for a retry, or may have been removed.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// While another relay reads all handoffs, this one looks so often whether it still does.
const LED_BY_ANOTHER: Duration = Duration::from_secs(10);
/// A handoff that an agent has opened is not read again for this long.
const OPENED_AGAIN: Duration = Duration::from_secs(20);

/// Requests for readings.
#[derive(Default)]
pub struct RecoveryRequests {
    wished: Mutex<Requested>,
    news: Notify,
}

#[derive(Default)]
struct Requested {
    opened: VecDeque<HandoffId>,
    /// Since when Ada has not answered, for each AI Agent for which it does not.
    silent_since: BTreeMap<AiAgentId, Time>,
    /// The AI Agents whose outage is over, so that their open handoffs must be read.
    over: BTreeSet<AiAgentId>,
}

impl RecoveryRequests {
    fn lock(&self) -> MutexGuard<'_, Requested> {
        self.wished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An agent has opened this handoff.
    pub fn opened(&self, id: HandoffId) {
        let mut wished = self.lock();
        if wished.opened.len() < PAGE && !wished.opened.contains(&id) {
            wished.opened.push_back(id);
            self.news.notify_one();
        }
    }

    /// A reading has ended, so the next one can begin.
    pub fn reading_ended(&self) {
        self.news.notify_one();
    }

    /// Since when Ada has not answered this AI Agent's calls.
    pub fn silent_since(&self, ai_agent: &AiAgentId) -> Option<Time> {
        self.lock().silent_since.get(ai_agent).copied()
    }

    /// Records whether Ada answered a call for this AI Agent. Returns whether that ends an outage of at least `outage`.
    pub fn heard_from_ada(&self, ai_agent: &AiAgentId, answered: bool, now: Time, outage: Duration) -> bool {
        let mut wished = self.lock();
        if !answered {
            wished.silent_since.entry(ai_agent.clone()).or_insert(now);
            return false;
        }
        let over = wished.silent_since.remove(ai_agent).is_some_and(|since| now.since(since) >= outage);
        if over {
            wished.over.insert(ai_agent.clone());
            self.news.notify_one();
        }
        over
    }
}

/// See the module.
pub struct Recovery {
    engine: Arc<Engine>,
    /// The rotation's position in the store's list; `None` between two rotations.
    place: Option<Cursor>,
    /// When the next rotation begins.
    next_round: Time,
    /// For an AI Agent's messages from before this time, no webhook is expected any more.
    missed_before: BTreeMap<AiAgentId, Time>,
    queue: VecDeque<Wanted>,
    under_way: Vec<(AiAgentId, DeliveryId)>,
    read_lately: VecDeque<(Time, HandoffId)>,
    /// Another copy of the store has taken over.
    another_history: watch::Receiver<()>,
}

/// A handoff to read.
struct Wanted {
    handoff: HandoffId,
    /// Whose it is, once that is known.
    ai_agent: Option<AiAgentId>,
}

struct Cursor {
    status: StatusFilter,
    after: Option<u64>,
}

impl Recovery {
    /// A worker on the engine's store. Messages from before now may have arrived while no process was running.
    pub fn new(engine: Arc<Engine>) -> Self {
        let now = engine.environment.now();
        let another_history = engine.store.signals().history();
        let missed_before = engine.ai_agents().iter().map(|ai_agent| (ai_agent.id().clone(), now)).collect();
        Self {
            engine,
            another_history,
            place: None,
            next_round: now,
            missed_before,
            queue: VecDeque::new(),
            under_way: Vec::new(),
            read_lately: VecDeque::new(),
        }
    }

    async fn settle_finished(&mut self) -> Result<(), StoreError> {
        let mut place = 0;
        while let Some((_, delivery)) = self.under_way.get(place) {
            match self.engine.store.waits_untroubled(delivery).await? {
                true => place += 1,
                false => drop(self.under_way.swap_remove(place)),
            }
        }
        Ok(())
    }

    fn take_wishes(&mut self, now: Time) {
        while self.read_lately.front().is_some_and(|(at, _)| now.since(*at) >= OPENED_AGAIN) {
            self.read_lately.pop_front();
        }
        let engine = Arc::clone(&self.engine);
        let mut wished = engine.recovery_requests.lock();
        for id in wished.opened.drain(..) {
            let is_queued = self.queue.iter().any(|wanted| wanted.handoff == id);
            if !is_queued && !self.read_lately.iter().any(|(_, read)| *read == id) {
                self.queue.push_front(Wanted { handoff: id, ai_agent: None });
            }
        }
        let over = std::mem::take(&mut wished.over);
        drop(wished);
        if !over.is_empty() {
            self.missed_before.extend(over.into_iter().map(|ai_agent| (ai_agent, now)));
            self.begin_round(now);
        }
    }

    fn begin_round(&mut self, now: Time) {
        self.place = Some(Cursor { status: StatusFilter::Active, after: None });
        self.next_round = now + self.engine.policy().recover_after;
    }

    /// Whether another handoff of this AI Agent may be read. One that does not answer takes no places of the others.
    fn has_room(&self, ai_agent: &AiAgentId) -> bool {
        self.under_way.iter().filter(|(of, _)| of == ai_agent).count() < AT_ONCE
    }

    /// The place in the queue of the next handoff to read, and whose it is: one that an agent has opened, else the next
    /// of the rotation. It stays the next until it is removed from the queue.
    async fn next(&mut self) -> Result<Option<(usize, AiAgentId)>, StoreError> {
        let mut place = 0;
        while self.engine.ai_agents().iter().any(|ai_agent| self.has_room(ai_agent.id())) {
            if place == self.queue.len() {
                if !self.load().await? {
                    return Ok(None);
                }
                continue;
            }
            match self.owner(place).await? {
                Some(ai_agent) if self.has_room(&ai_agent) => return Ok(Some((place, ai_agent))),
                Some(_) => place += 1,
                None => drop(self.queue.remove(place)),
            }
        }
        Ok(None)
    }

    /// Whose handoff has this place in the queue; `None` if there is no such handoff any more.
    async fn owner(&mut self, place: usize) -> Result<Option<AiAgentId>, StoreError> {
        let Some(wanted) = self.queue.get_mut(place) else { return Ok(None) };
        if wanted.ai_agent.is_none() {
            let found = self.engine.store.handoff(&wanted.handoff).await?;
            wanted.ai_agent = found.map(|found| self.engine.ai_agents().of(&found.key.ai_agent).id().clone());
        }
        Ok(wanted.ai_agent.clone())
    }

    /// Queues a page of the rotation. Gives whether there was another one.
    async fn load(&mut self) -> Result<bool, StoreError> {
        let Some(Cursor { status, after }) = self.place else {
            return Ok(false);
        };
        let query = HandoffQuery { status: Some(status), after, limit: PAGE, ..HandoffQuery::default() };
        let page = self.engine.store.handoffs(&query).await?;
        let queued: HashSet<HandoffId> = self.queue.iter().map(|wanted| wanted.handoff.clone()).collect();
        let new = page.handoffs.into_iter().filter(|handoff| !queued.contains(&handoff.id));
        let ai_agents = self.engine.ai_agents();
        self.queue.extend(new.map(|handoff| Wanted {
            ai_agent: Some(ai_agents.of(&handoff.key.ai_agent).id().clone()),
            handoff: handoff.id,
        }));
        self.place = match (page.next, status) {
            (Some(next), status) => Some(Cursor { status, after: Some(next) }),
            (None, StatusFilter::Active) => Some(Cursor { status: StatusFilter::Waiting, after: None }),
            (None, _) => None,
        };
        Ok(true)
    }
}

#[async_trait]
impl Worker for Recovery {
    fn name(&self) -> &'static str {
        "recovery"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        let now = self.engine.environment.now();
        self.settle_finished().await?;
        self.take_wishes(now);
        if self.another_history.has_changed().unwrap_or_default() {
            self.another_history.mark_unchanged();
            // Our idea of Ada's clock may be behind.
            let ai_agents = self.engine.ai_agents();
            let missed = ai_agents.iter().map(|known| (known.id().clone(), now + CLOCK_TOLERANCE));
            self.missed_before = missed.collect();
            (self.place, self.next_round) = (None, now);
        }
        if self.place.is_none() && self.next_round <= now {
            if self.engine.store.leads().await? {
                self.begin_round(now);
            } else {
                self.next_round = now + LED_BY_ANOTHER;
            }
        }
        while let Some((place, ai_agent)) = self.next().await? {
            let id = self.queue[place].handoff.clone();
            let missed_before = self.missed_before.get(&ai_agent).copied();
            let queued = self.engine.decide(recover::open_handoff(id.clone(), missed_before));
            let queued = match queued.await {
                // It would fail again, and block the others.
                Err(error) if error.is_lasting() => None,
                queued => queued?,
            };
            self.queue.remove(place);
            if let Some(delivery) = queued {
                self.under_way.push((ai_agent, delivery));
                self.read_lately.push_back((now, id));
            }
        }
        let busy = !self.under_way.is_empty() || self.place.is_some();
        Ok(Some(if busy { now + LOOK_AGAIN } else { self.next_round }))
    }

    async fn woken(&mut self) {
        tokio::select! {
            () = self.engine.recovery_requests.news.notified() => {}
            () = signal(&mut self.another_history) => self.another_history.mark_changed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_long_silence_has_all_read() {
        const OUTAGE: Duration = Duration::from_secs(120);
        let at = |seconds: i64| Time::from_millis(seconds * 1_000);
        let recovery_requests = RecoveryRequests::default();
        let of = |ai_agent: &str, answered, seconds| {
            recovery_requests.heard_from_ada(&ai_agent.into(), answered, at(seconds), OUTAGE)
        };
        let hears = |answered, seconds| of("a", answered, seconds);
        assert!(!hears(true, 0), "nothing was wrong");
        assert!(!hears(false, 10) && !hears(false, 100) && !hears(true, 129), "119 s");
        assert!(
            !hears(false, 130) && recovery_requests.lock().over.is_empty(),
            "it counts from the first call without an answer"
        );
        assert!(
            !of("b", true, 260) && recovery_requests.silent_since(&"a".into()) == Some(at(130)),
            "another one's"
        );
        assert!(hears(true, 261) && !recovery_requests.lock().over.is_empty());
        assert!(!hears(true, 500), "once");
    }
}
