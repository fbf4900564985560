//! The worker that keeps the banners of those who wait up to date.
//!
//! What a banner shows is out of date soon and matters less than anything else, so its calls are no deliveries: they take a
//! permit behind all others, and what found none within a round is worked out anew in the next.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    Engine,
    worker::{StepError, Worker},
};
use crate::{
    ada::limits::Priority,
    relay::{
        handoff::Handoff,
        id::{AiAgentId, ConversationKey, HandoffId, TeamName},
        rules::banner,
        time::Time,
        waiting_room::{Banner, Shown},
    },
    store::{HandoffQuery, Order, StatusFilter, StoreError},
};

/// How often to look at all who wait, if they are one page; and if they are more.
const EVERY: Duration = Duration::from_secs(2);
const EVERY_FOR_MANY: Duration = banner::BETWEEN;
/// Permits are waited for no longer, before all is worked out anew.
const ROUND: Duration = Duration::from_secs(8);
/// How many handoffs are read at a time.
const PAGE: usize = 200;
/// How many are looked at, the oldest first: Ada's limits leave no calls for more.
const MOST: usize = 2_000;

/// What a banner is to show.
struct Change {
    id: HandoffId,
    key: ConversationKey,
    shown: Shown,
    /// When its last change allowed another one; those go first that have waited longest for it.
    since: Time,
}

/// What a look at those who wait has found.
#[derive(Default)]
struct Look {
    /// How many they are.
    waiting: usize,
    /// How many of each team so far.
    ahead: HashMap<Option<TeamName>, u64>,
    /// How long people wait for each team, where that is shown.
    estimates: HashMap<Option<TeamName>, Option<Duration>>,
    /// The changes that are due, by AI Agent.
    due: BTreeMap<AiAgentId, Vec<Change>>,
}

/// See the module.
pub struct Banners {
    engine: Arc<Engine>,
    stop: CancellationToken,
}

impl Banners {
    /// A worker on the engine's store. Once `stop` is cancelled, it makes no call.
    pub const fn new(engine: Arc<Engine>, stop: CancellationToken) -> Self {
        Self { engine, stop }
    }

    /// Looks at those who wait, the oldest first.
    async fn look(&self, now: Time) -> Result<Look, StoreError> {
        let mut query = HandoffQuery {
            status: Some(StatusFilter::Waiting),
            order: Order::Oldest,
            limit: PAGE,
            ..HandoffQuery::default()
        };
        let mut look = Look::default();
        loop {
            let page = self.engine.store.handoffs(&query).await?;
            // Page by page: what start calls have said may be large.
            self.add(&mut look, page.handoffs, now).await?;
            match page.next {
                Some(next) if look.waiting < MOST => query.after = Some(next),
                _ => break,
            }
        }
        look.due.values_mut().for_each(|changes| changes.sort_by_key(|change| change.since));
        Ok(look)
    }

    async fn add(&self, look: &mut Look, page: Vec<Handoff>, now: Time) -> Result<(), StoreError> {
        let (engine, ai_agents) = (&self.engine, self.engine.ai_agents());
        let Look { waiting, ahead, estimates, due } = look;
        *waiting += page.len();
        for handoff in page {
            let before = ahead.entry(handoff.team.clone()).or_default();
            let place = *before;
            *before += 1;
            let ai_agent = ai_agents.of(&handoff.key.ai_agent);
            let rooms = &ai_agent.policy.waiting_rooms;
            let banner = rooms.of(handoff.route.as_deref(), handoff.team.as_ref()).banner;
            if banner == Banner::Time && !estimates.contains_key(&handoff.team) {
                let estimate = engine.recent_wait(handoff.team.as_ref(), now).await?;
                estimates.insert(handoff.team.clone(), estimate);
            }
            let estimate = estimates.get(&handoff.team).copied().flatten();
            let Some(shown) = banner.shown(place, estimate, now.since(handoff.created_at)) else { continue };
            if handoff.banner_may_show(shown, now) && ai_agents.own(&handoff.key.ai_agent) {
                let since = handoff.banner.map_or(handoff.created_at, |state| state.next_at);
                let Handoff { id, key, .. } = handoff;
                due.entry(ai_agent.id().clone()).or_default().push(Change { id, key, shown, since });
            }
        }
        Ok(())
    }

    /// Makes the changes of one AI Agent, as far as its limits leave permits within the round.
    async fn show(&self, changes: Vec<Change>, until: Instant) -> Result<(), StoreError> {
        for Change { id, key, shown, .. } in changes {
            let ada = self.engine.ada(&key);
            let turn = tokio::time::timeout_at(until, ada.turn(Priority::Banner));
            let Some(Ok(permit)) = self.stop.run_until_cancelled(turn).await else { return Ok(()) };
            match self.engine.decide(banner::begin(id.clone(), shown)).await {
                Ok(true) => {}
                Ok(false) => {
                    permit.give_back();
                    continue;
                }
                Err(error) => {
                    permit.give_back();
                    return Err(error);
                }
            }
            let call = ada.show_banner(permit, &key, shown);
            let Some(answer) = self.stop.run_until_cancelled(call).await else { return Ok(()) };
            if let Err(failure) = answer.outcome {
                tracing::debug!(handoff.id = %id, reason = failure.reason(), "the queue banner was not shown");
                self.engine.decide(banner::failed(id, shown, failure)).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Worker for Banners {
    fn name(&self) -> &'static str {
        "banners"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        if self.engine.ai_agents().waiting_rooms().all(|room| room.banner == Banner::Off) {
            return Ok(None);
        }
        let now = self.engine.environment.now();
        if !self.engine.store.leads().await? {
            return Ok(Some(now + EVERY_FOR_MANY));
        }
        let look = self.look(now).await?;
        let every = if look.waiting < PAGE { EVERY } else { EVERY_FOR_MANY };
        let until = Instant::now() + ROUND;
        let shown = join_all(look.due.into_values().map(|changes| self.show(changes, until))).await;
        shown.into_iter().collect::<Result<(), _>>()?;
        Ok(Some(now + every))
    }
}
