//! The worker through which everything leaves the relay.
//!
//! Deliveries are claimed, tried at once beside each other, and settled. Of each lane only the first is ever
//! under way, so lanes keep their order and don't wait for one another.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    Engine,
    clocked::{jitter, wait},
};
use crate::{
    relay::{
        backoff,
        delivery::{Delivery, Failure, Receipt, Task},
        event::Message,
        rules::{
            settle::{self, Attempt, DENIED_PAUSE},
            transcript,
        },
        time::Time,
    },
    store::StoreError,
};

/// Deliveries under way at once: enough that a few hundred hung conversations don't hold up the others.
const AT_ONCE: usize = 256;
/// How long a claim lasts. Longer than any attempt, so that none is tried twice at a time.
const LEASE: Duration = Duration::from_secs(600);
/// How long to wait when the store fails.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Whether Ada takes our calls at present.
#[derive(Default)]
pub struct Gate(Mutex<GateState>);

#[derive(Default)]
struct GateState {
    closed_until: Option<Time>,
    denied: Option<String>,
}

impl Gate {
    /// Why Ada refuses our key, if it does.
    pub fn denied(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).denied.clone()
    }

    /// Until when nothing should be sent, and how much may be tried then.
    fn limits(&self) -> (Option<Time>, usize) {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (state.closed_until, if state.denied.is_some() { 1 } else { AT_ONCE })
    }

    /// Learns from an outcome. 429 and a refused key concern every lane of the AI Agent.
    fn learn(&self, failure: Option<&Failure>, attempts: u32, jitter: f64, now: Time) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = match failure {
            Some(Failure::Throttled { retry_after, .. }) => {
                Some(retry_after.unwrap_or_else(|| backoff::delay(attempts, jitter)))
            }
            Some(Failure::Denied(reason)) => {
                if state.denied.is_none() {
                    tracing::error!(reason, "Ada refuses ADA_API_KEY; nothing is sent until it does not");
                }
                state.denied = Some(reason.clone());
                Some(DENIED_PAUSE)
            }
            Some(Failure::Unclear(_)) => None,
            None | Some(Failure::NoHandoff(_) | Failure::Refused(_)) => {
                state.denied = None;
                None
            }
        };
        if let Some(pause) = pause {
            state.closed_until = state.closed_until.max(Some(now + pause));
        }
    }
}

/// See the module.
pub struct Outbox {
    engine: Arc<Engine>,
    gate: Arc<Gate>,
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
    /// A worker on the engine's store, and what it finds out about Ada.
    pub fn new(engine: Arc<Engine>) -> (Self, Arc<Gate>) {
        let gate = Arc::new(Gate::default());
        (Self { engine, gate: Arc::clone(&gate), under_way: JoinSet::new() }, gate)
    }

    /// Works until told to stop, then lets finish what is under way. Aborting that is safe: what was not
    /// settled stays in the outbox.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut go_on = true;
        while go_on && !stop.is_cancelled() {
            let next = match self.step().await {
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
    pub async fn step(&mut self) -> Result<Option<Time>, StoreError> {
        while let Some(ended) = self.under_way.try_join_next() {
            pass_on_panic(ended);
        }
        let (closed_until, most) = self.gate.limits();
        let now = Time::now();
        if let Some(until) = closed_until.filter(|until| *until > now) {
            return Ok(Some(until));
        }
        let room = most.saturating_sub(self.under_way.len());
        if room == 0 {
            // The next one to end nudges.
            return Ok(None);
        }
        let due = self.engine.store.claim_due(now, LEASE, room).await?;
        for delivery in due.items {
            let (engine, gate) = (Arc::clone(&self.engine), Arc::clone(&self.gate));
            self.under_way.spawn(async move {
                deliver(&engine, &gate, delivery).await;
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

async fn deliver(engine: &Engine, gate: &Gate, delivery: Delivery) {
    let outcome = attempt(engine, &delivery).await;
    let jitter = jitter();
    gate.learn(outcome.failure(), delivery.attempts, jitter, Time::now());
    if let Some(failure) = outcome.failure() {
        tracing::warn!(
            handoff.id = %delivery.handoff,
            attempt = delivery.attempts,
            reason = failure.reason(),
            "delivery to Ada failed"
        );
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

async fn attempt(engine: &Engine, delivery: &Delivery) -> Outcome {
    let conversation = &delivery.key.conversation;
    let answer = match &delivery.task {
        Task::Send { text, display_name, .. } => {
            engine.ada.send_message(conversation, display_name, text).await
        }
        Task::End { .. } => engine.ada.end_handoff(conversation).await,
        Task::Transcript => return Outcome::Listed(engine.ada.list_messages(conversation).await.outcome),
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
