//! The worker that offers waiting handoffs to agents, where the settings say so. One relay does it for all that share the
//! store, so that no agent gets more than they have room for.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{
    Engine,
    worker::{LeftAlone, StepError, Worker},
};
use crate::{
    relay::{
        dispatch::{Assignment, Candidate, Wanted, choose},
        duty::Duty,
        handoff::Handoff,
        routing::{Facts, Member, Offering},
        rules::offer,
        time::Time,
    },
    store::{HandoffQuery, Order, StatusFilter, StoreError},
};

/// While somebody waits: agents come on duty, go away and are gone without a change that agents see.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// While another relay does this: it may end.
const LOOK_FOR_LEADER: Duration = Duration::from_secs(5);
/// What changes within this time is looked at together.
const GATHERED: Duration = Duration::from_millis(100);
/// How many waiting handoffs are looked at, the oldest first.
const MOST: usize = 500;

/// See the module.
pub struct Assigner {
    engine: Arc<Engine>,
    changed: watch::Receiver<u64>,
    settings: watch::Receiver<()>,
    /// When each agent was last offered a handoff by this process.
    offered_at: HashMap<String, Time>,
    left_alone: LeftAlone,
}

impl Assigner {
    /// A worker on the engine's store.
    pub fn new(engine: Arc<Engine>) -> Self {
        let changed = engine.store.signals().feed();
        let settings = engine.replaced.subscribe();
        Self { engine, changed, settings, offered_at: HashMap::new(), left_alone: LeftAlone::default() }
    }

    /// Takes back what was offered in vain, offers what is offered to nobody, and says when to look again.
    async fn look(&mut self, now: Time) -> Result<Option<Time>, StoreError> {
        let duties = self.engine.duties().await?;
        // Offers that stand end by themselves.
        if !duties.values().any(|duty| *duty == Duty::On) {
            return Ok(Some(now + LOOK_AGAIN));
        }
        let waiting = self.waiting().await?;
        if waiting.is_empty() {
            return Ok(None);
        }
        let mut round = Round { duties, loads: self.engine.store.loads().await? };
        let (mut next, mut open) = (None, Vec::new());
        for handoff in waiting {
            match &handoff.dispatch.offer {
                Some(offer) if now < offer.until && self.may_still_have(&handoff, &offer.agent, &round) => {
                    next = next.into_iter().chain([offer.until]).min();
                    round.count(&offer.agent);
                }
                Some(offer) => {
                    let rule = offer::lapse(handoff.id.clone(), offer.agent.clone());
                    let done = self.engine.decide(rule).await;
                    self.left_alone.record(handoff.id.clone(), done, now)?;
                    // The change that agents see wakes the next step.
                    next = Some(now);
                }
                None => open.push(handoff),
            }
        }
        for handoff in open {
            let until = self.offer(&handoff, &mut round, now).await?;
            next = next.into_iter().chain(until).min();
        }
        Ok(next.into_iter().chain([now + LOOK_AGAIN]).min())
    }

    /// The handoffs that are to be offered, the most urgent first, then the oldest.
    async fn waiting(&mut self) -> Result<Vec<Handoff>, StoreError> {
        let query = HandoffQuery {
            status: Some(StatusFilter::Waiting),
            order: Order::Oldest,
            limit: MOST,
            ..HandoffQuery::default()
        };
        let mut waiting = self.engine.store.handoffs(&query).await?.handoffs;
        let now = self.engine.environment.now();
        self.left_alone.limit(now, 0);
        waiting.retain(|handoff| {
            let is_offered = self.offering(handoff).assignment != Assignment::Off;
            (is_offered || handoff.dispatch.offer.is_some()) && !self.left_alone.has(&handoff.id)
        });
        // Those of one priority stay in their order.
        waiting.sort_by_key(|handoff| Reverse(handoff.priority));
        Ok(waiting)
    }

    /// Whether an agent is there, and would be offered this handoff now: they may have left its team.
    fn may_still_have(&self, handoff: &Handoff, agent: &str, round: &Round) -> bool {
        let policy = self.engine.policy();
        let member = policy.routing.members.iter().find(|member| member.name == agent);
        round.is_on_duty(agent) && member.is_some_and(|member| member.is_offered(handoff.team.as_ref()))
    }

    fn offering(&self, handoff: &Handoff) -> Offering {
        self.engine.policy().routing.offering(handoff.team.as_ref())
    }

    /// Offers a handoff to somebody, if there is one, and says until when.
    async fn offer(
        &mut self,
        handoff: &Handoff,
        round: &mut Round,
        now: Time,
    ) -> Result<Option<Time>, StoreError> {
        let Offering { assignment, timeout } = self.offering(handoff);
        let engine = Arc::clone(&self.engine);
        let members = &engine.policy().routing.members;
        let language = self.language(handoff, members, now).await?;
        let wanted = Wanted {
            team: handoff.team.as_ref(),
            language: language.as_deref(),
            passed_by: &handoff.dispatch.passed_by,
        };
        let candidates = round.candidates(members, &self.offered_at);
        let Some(agent) = choose(assignment, wanted, &candidates) else { return Ok(None) };
        let rule = offer::make(handoff.id.clone(), agent.to_owned(), timeout);
        let made = match engine.decide(rule).await {
            Ok(made) => made,
            Err(error) => {
                self.left_alone.record(handoff.id.clone(), Err(error), now)?;
                false
            }
        };
        if !made {
            return Ok(None);
        }
        tracing::debug!(handoff.id = %handoff.id, agent, "offered");
        round.count(agent);
        self.offered_at.insert(agent.to_owned(), now);
        Ok(Some(now + timeout))
    }

    /// The customer's language, if that matters. Lists are without the fields of start calls.
    async fn language(
        &self,
        handoff: &Handoff,
        members: &[Member],
        now: Time,
    ) -> Result<Option<String>, StoreError> {
        if members.iter().all(|member| member.languages.is_none()) {
            return Ok(None);
        }
        let whole = self.engine.store.handoff(&handoff.id).await?;
        Ok(whole.and_then(|handoff| {
            let policy = self.engine.policy_of(&handoff.key);
            let (ai_agent, context) = (&handoff.key.ai_agent, &handoff.context);
            Facts { ai_agent, context, language: policy.language.as_deref(), now }.language()
        }))
    }
}

/// Who is there, and what they have to do.
struct Round {
    duties: HashMap<String, Duty>,
    loads: BTreeMap<String, u64>,
}

impl Round {
    fn is_on_duty(&self, agent: &str) -> bool {
        self.duties.get(agent) == Some(&Duty::On)
    }

    /// An agent has one more.
    fn count(&mut self, agent: &str) {
        *self.loads.entry(agent.to_owned()).or_default() += 1;
    }

    fn candidates<'a>(
        &self,
        members: &'a [Member],
        offered_at: &HashMap<String, Time>,
    ) -> Vec<Candidate<'a>> {
        let on_duty = members.iter().filter(|member| self.is_on_duty(&member.name));
        on_duty
            .map(|member| Candidate {
                member,
                load: self.loads.get(&member.name).copied().unwrap_or_default(),
                offered_at: offered_at.get(&member.name).copied(),
            })
            .collect()
    }
}

#[async_trait]
impl Worker for Assigner {
    fn name(&self) -> &'static str {
        "assignment"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        self.changed.borrow_and_update();
        self.settings.borrow_and_update();
        if !self.engine.policy().routing.offers() {
            return Ok(None);
        }
        let now = self.engine.environment.now();
        if !self.engine.store.leads().await? {
            return Ok(Some(now + LOOK_FOR_LEADER));
        }
        Ok(self.look(now).await?)
    }

    async fn woken(&mut self) {
        let offers = self.engine.policy().routing.offers();
        let woken = tokio::select! {
            woken = self.settings.changed() => woken,
            woken = self.changed.changed(), if offers => woken,
        };
        if woken.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(GATHERED).await;
    }
}
