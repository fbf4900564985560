//! The worker that starts all deliveries.
//!
//! Due deliveries wait for Ada's limits, unclaimed. When a turn has come, one decision claims the next delivery of the
//! lane and begins an attempt on it; the claim is renewed during the attempt. So lanes keep their order and don't wait
//! for one another. Each queue has its own places, so reads don't delay messages, and unanswered calls delay no others.
//! The rules decide what an attempt does (`docs/effectively-once.md`), and a [courier](super::couriers) does it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{
    Engine,
    claims::OpenClaims,
    couriers::{self, Errand},
    worker::{StepError, Worker, signal},
};
use crate::{
    relay::{
        delivery::{Delivery, Destination, Queue},
        id::{DeliveryId, HolderId},
        rules::attempt::LEASE,
        time::Time,
    },
    store::{Due, StoreError},
};

/// How often claims are renewed: two renewals may fail.
const RENEW_EVERY: Duration = Duration::from_secs(3);

/// See the module.
pub struct Outbox {
    engine: Arc<Engine>,
    signal: watch::Receiver<()>,
    held: Arc<OpenClaims>,
    renew_at: Time,
    /// The running tasks, each with the delivery for which it was started.
    under_way: JoinSet<DeliveryId>,
    in_line_for: HashMap<DeliveryId, Queue>,
    has_met_what_was_left: bool,
    stop: CancellationToken,
}

impl Outbox {
    /// A worker on the engine's store. Once `stop` is cancelled, no attempt begins. Aborting attempts is safe:
    /// deliveries that are not settled stay in the outbox.
    pub fn new(engine: Arc<Engine>, stop: CancellationToken) -> Self {
        let signal = engine.store.signals().outbox();
        let holder = HolderId(engine.environment.new_id());
        let held = Arc::new(OpenClaims::new(holder));
        let (under_way, in_line_for, renew_at) = (JoinSet::new(), HashMap::new(), Time::default());
        Self { engine, signal, held, renew_at, under_way, in_line_for, has_met_what_was_left: false, stop }
    }

    fn ended(&mut self, ended: Result<DeliveryId, JoinError>) {
        match ended {
            Ok(id) => drop(self.in_line_for.remove(&id)),
            Err(error) => pass_on_panic(error),
        }
    }

    async fn renew(&mut self) -> Result<(), StoreError> {
        let now = self.engine.environment.now();
        let deliveries = self.held.ids();
        let was_set_back = self.renew_at.since(now) > RENEW_EVERY;
        if (now < self.renew_at && !was_set_back) || deliveries.is_empty() {
            return Ok(());
        }
        self.engine.store.renew_claims(&self.held.holder, deliveries, now + LEASE).await?;
        self.renew_at = now + RENEW_EVERY;
        Ok(())
    }

    /// Each AI Agent and each platform has places of its own.
    fn places(&self) -> Vec<(Queue, usize)> {
        let ids = self.engine.ai_agents().ids();
        let of_platforms =
            self.engine.platforms.iter().flat_map(|platform| couriers::places_of_platform(&platform.id));
        let of_ai_agents = ids.iter().flat_map(couriers::places_of);
        of_ai_agents.chain([couriers::PLACES_OF_FILES]).chain(of_platforms).collect()
    }

    /// Deliveries for an AI Agent that is no longer in the settings are carried out too. Decisions find those of its
    /// handoffs, and this function finds those from an earlier process.
    async fn meet_what_was_left(&mut self) -> Result<(), StoreError> {
        if !self.has_met_what_was_left {
            let left = self.engine.store.depths().await?.queued;
            left.keys().filter_map(Destination::ai_agent).for_each(|id| self.engine.ai_agents().meet(id));
            self.has_met_what_was_left = true;
        }
        Ok(())
    }

    /// Starts due deliveries, as far as their queues have places. Returns when the next one will be due.
    async fn line_up(&mut self) -> Result<Option<Time>, StoreError> {
        // If a queue has no room, the next attempt to end wakes this worker.
        let mut queues = self.places();
        queues.retain(|(queue, at_once)| self.room(queue, *at_once) > 0);
        // The result includes those that are waiting for a turn already.
        let due = self.engine.store.due_deliveries(self.engine.environment.now(), &queues).await?;
        let next =
            queues.iter().zip(due).filter_map(|((queue, at_once), due)| self.start(queue, *at_once, due));
        Ok(next.min())
    }

    /// How many more deliveries of a queue may be in line or under way.
    fn room(&self, queue: &Queue, at_once: usize) -> usize {
        at_once.saturating_sub(self.in_line_for.values().filter(|of| *of == queue).count())
    }

    /// Starts deliveries of a queue, and returns when the next one will be due.
    fn start(&mut self, queue: &Queue, at_once: usize, due: Due<Delivery>) -> Option<Time> {
        let mut room = self.room(queue, at_once);
        // There are more than were asked for, so the next one is due already. The next attempt to end looks for it.
        let next = due.next.filter(|_| due.items.len() < at_once);
        for delivery in due.items {
            if room == 0 {
                return None;
            }
            if self.in_line_for.contains_key(&delivery.id) || self.held.contains(&delivery.id) {
                continue;
            }
            room -= 1;
            self.in_line_for.insert(delivery.id.clone(), queue.clone());
            let (engine, held, stop) = (Arc::clone(&self.engine), Arc::clone(&self.held), self.stop.clone());
            self.under_way.spawn(async move {
                let id = delivery.id.clone();
                couriers::carry(&Errand { engine: &engine, held: &held, stop: &stop }, delivery).await;
                id
            });
        }
        next
    }
}

#[async_trait]
impl Worker for Outbox {
    fn name(&self) -> &'static str {
        "outbox"
    }

    /// Starts an attempt, without waiting for its outcome.
    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        while let Some(ended) = self.under_way.try_join_next() {
            self.ended(ended);
        }
        self.meet_what_was_left().await?;
        self.renew().await?;
        let renewal = (!self.under_way.is_empty()).then_some(self.engine.environment.now() + RENEW_EVERY);
        let due = self.line_up().await?;
        Ok([renewal, due].into_iter().flatten().min())
    }

    async fn woken(&mut self) {
        let ended = tokio::select! {
            biased;
            () = signal(&mut self.signal) => return,
            Some(ended) = self.under_way.join_next() => ended,
        };
        self.ended(ended);
    }

    async fn finish(&mut self) {
        while !self.under_way.is_empty() {
            if let Ok(Some(ended)) = tokio::time::timeout(RENEW_EVERY, self.under_way.join_next()).await {
                self.ended(ended);
            } else if let Err(error) = self.renew().await {
                tracing::error!(error = %error, "claims could not be renewed");
            }
        }
    }
}

/// A panic in an attempt is a bug: it ends the worker, and with it the process.
fn pass_on_panic(error: tokio::task::JoinError) {
    if error.is_panic() {
        std::panic::resume_unwind(error.into_panic());
    }
}
