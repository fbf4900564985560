//! The worker through which everything leaves the relay.
//!
//! Deliveries are claimed, tried at once beside each other, and settled. Of each lane only the first is ever
//! under way, so lanes keep their order and don't wait for one another.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    Engine,
    clocked::{jitter, wait},
};
use crate::{
    ada::limits::{Permit, Priority},
    relay::{
        delivery::{Delivery, Failure, Lane, Receipt, Task},
        event::Message,
        rules::{
            settle::{self, Attempt},
            transcript,
        },
        time::Time,
    },
    store::StoreError,
};

/// Deliveries under way at once: enough that a few hundred hung conversations don't hold up the others.
const AT_ONCE: usize = 256;
/// How long a claim lasts: longer than any wait in line and attempt, so that none is tried twice at a time.
/// One that waited for half of it is left for the next claim.
const LEASE: Duration = Duration::from_secs(3_600);
/// How long to wait when the store fails.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// See the module.
pub struct Outbox {
    engine: Arc<Engine>,
    under_way: JoinSet<()>,
}

/// What came of an attempt, by what was tried.
enum Outcome {
    Written { outcome: Result<Receipt, Failure>, answered_at: Option<Time> },
    Listed(Result<Vec<Message>, Failure>),
}

impl Outcome {
    const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Written { outcome: Err(failure), .. } | Self::Listed(Err(failure)) => Some(failure),
            _ => None,
        }
    }
}

impl Outbox {
    /// A worker on the engine's store.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, under_way: JoinSet::new() }
    }

    /// Works until told to stop, then lets finish what is under way. Aborting that is safe: what was not
    /// settled stays in the outbox.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut go_on = true;
        while go_on && !stop.is_cancelled() {
            let next = match self.step(&stop).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(error = %error, "the outbox could not be read");
                    Some(Time::now() + AFTER_FAILURE)
                }
            };
            go_on = wait(next, &self.engine.outbox_nudge, &stop).await;
        }
        while let Some(ended) = self.under_way.join_next().await {
            pass_on_panic(ended);
        }
    }

    /// Tries what is due, without waiting for how it goes, and says when to look again.
    ///
    /// # Errors
    /// The store failed. Nothing was tried.
    pub async fn step(&mut self, stop: &CancellationToken) -> Result<Option<Time>, StoreError> {
        while let Some(ended) = self.under_way.try_join_next() {
            pass_on_panic(ended);
        }
        let room = AT_ONCE.saturating_sub(self.under_way.len());
        if room == 0 {
            // The next one to end nudges.
            return Ok(None);
        }
        let claimed_at = Time::now();
        let due = self.engine.store.claim_due(claimed_at, LEASE, room).await?;
        for delivery in due.items {
            let (engine, stop) = (Arc::clone(&self.engine), stop.clone());
            self.under_way.spawn(async move {
                // Waiting in line for Ada is no work under way: a stop ends it, and the delivery stays.
                let turn = engine.ada.turn(priority(&delivery), &delivery.key.conversation);
                let Some(permit) = stop.run_until_cancelled(turn).await else { return };
                let ours = Time::now().since(claimed_at) < LEASE / 2;
                if ours && still_waits(&engine, &delivery).await {
                    deliver(&engine, permit, delivery).await;
                }
                engine.outbox_nudge.notify_one();
            });
        }
        Ok(due.next)
    }
}

/// A panic in an attempt is a bug: it ends the worker, and with it the process.
fn pass_on_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

const fn priority(delivery: &Delivery) -> Priority {
    match delivery.task.lane() {
        Lane::Ada => Priority::Write,
        Lane::AdaReads => Priority::Read,
    }
}

/// The handoff may have ended while the delivery stood in line: nothing of it may then reach the next one.
async fn still_waits(engine: &Engine, delivery: &Delivery) -> bool {
    loop {
        match engine.store.still_waits(&delivery.id).await {
            Ok(waits) => return waits,
            Err(error) => tracing::error!(error = %error, "the outbox could not be read"),
        }
        tokio::time::sleep(AFTER_FAILURE).await;
    }
}

async fn deliver(engine: &Engine, permit: Permit, delivery: Delivery) {
    let outcome = attempt(engine, permit, &delivery).await;
    let jitter = jitter();
    if let Some(failure) = outcome.failure() {
        tracing::warn!(
            handoff.id = %delivery.handoff,
            attempt = delivery.attempts,
            reason = failure.reason(),
            "delivery to Ada failed"
        );
    }
    if outcome.failure().is_none() {
        engine.metrics.delivered(Time::now().since(delivery.queued_at));
    }
    let outcome = Arc::new(outcome);
    while let Err(error) = settle(engine, &delivery, Arc::clone(&outcome), jitter).await {
        tracing::error!(handoff.id = %delivery.handoff, error = %error, "an outcome could not be noted");
        if matches!(error, StoreError::Stopped) {
            return;
        }
        tokio::time::sleep(AFTER_FAILURE).await;
    }
}

async fn attempt(engine: &Engine, permit: Permit, delivery: &Delivery) -> Outcome {
    let conversation = &delivery.key.conversation;
    let answer = match &delivery.task {
        Task::Send { text, display_name, .. } => {
            engine.ada.send_message(permit, conversation, display_name, text).await
        }
        Task::End { .. } => engine.ada.end_handoff(permit, conversation).await,
        Task::Transcript => {
            return Outcome::Listed(engine.ada.list_messages(permit, conversation).await.outcome);
        }
    };
    Outcome::Written { outcome: answer.outcome, answered_at: answer.answered_at }
}

async fn settle(
    engine: &Engine,
    delivery: &Delivery,
    outcome: Arc<Outcome>,
    jitter: f64,
) -> Result<(), StoreError> {
    let handoff = delivery.handoff.clone();
    match &*outcome {
        Outcome::Written { outcome, answered_at } => {
            let attempt = Attempt {
                delivery: delivery.clone(),
                outcome: outcome.clone(),
                answered_at: *answered_at,
                jitter,
            };
            let scope = settle::scope(&handoff, delivery);
            engine.decide(scope, move |draft| settle::attempt(draft, &attempt)).await
        }
        Outcome::Listed(Ok(messages)) => {
            let (id, messages) = (delivery.id.clone(), messages.clone());
            let scope = transcript::scope(&handoff, &messages);
            engine.decide(scope, move |draft| transcript::merge(draft, &handoff, &id, &messages)).await
        }
        Outcome::Listed(Err(failure)) => {
            let (id, failure) = (delivery.id.clone(), failure.clone());
            let scope = settle::scope(&handoff, delivery);
            engine.decide(scope, move |draft| settle::unread_history(draft, &id, &failure, jitter)).await
        }
    }
}
