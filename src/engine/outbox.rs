//! The worker through which everything leaves the relay.
//!
//! Deliveries are claimed, tried at once beside each other, and settled. Of each lane only the first is ever
//! under way, so lanes keep their order and don't wait for one another. Each queue has its own places: reads hold
//! up nothing that people write, and what Ada doesn't answer holds up nothing else. What an attempt does is for
//! the rules to say: `docs/effectively-once.md`.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Engine, files};
use crate::{
    ada::{
        answer::Answer,
        api::Says,
        limits::{Permit, Priority},
    },
    relay::{
        delivery::{Delivery, Outgoing, Queue, Task},
        rules::{
            attempt::{self, Step},
            look::{self, Look},
            settle::{self, Attempt},
        },
        time::Time,
    },
    store::StoreError,
};

/// Deliveries under way or in line at once. Ada's limits let fewer calls be made within one's timeout, so that the
/// first attempts of many hung conversations don't take up all the places.
const AT_ONCE: [(Queue, usize); 4] =
    [(Queue::Writes, 256), (Queue::Reads, 32), (Queue::Again, 128), (Queue::Files, 32)];
/// How long a claim lasts: longer than any wait in line and attempt, so that none is tried twice at a time.
/// One that waited for half of it is left for the next claim.
const LEASE: Duration = Duration::from_secs(3_600);
/// How long to wait when the store fails.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// See the module.
pub struct Outbox {
    engine: Arc<Engine>,
    under_way: [JoinSet<()>; AT_ONCE.len()],
}

impl Outbox {
    /// A worker on the engine's store.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, under_way: Default::default() }
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
                    Some(self.engine.environment.now() + AFTER_FAILURE)
                }
            };
            go_on = self.engine.wait(next, &self.engine.outbox_nudge, &stop).await;
        }
        for under_way in &mut self.under_way {
            while let Some(ended) = under_way.join_next().await {
                pass_on_panic(ended);
            }
        }
    }

    /// Tries what is due, without waiting for how it goes, and says when to look again.
    ///
    /// # Errors
    /// The store failed. What was claimed before is under way.
    pub async fn step(&mut self, stop: &CancellationToken) -> Result<Option<Time>, StoreError> {
        let mut next: Option<Time> = None;
        for ((queue, at_once), under_way) in AT_ONCE.into_iter().zip(&mut self.under_way) {
            while let Some(ended) = under_way.try_join_next() {
                pass_on_panic(ended);
            }
            let room = at_once.saturating_sub(under_way.len());
            if room == 0 {
                // The next one to end nudges.
                continue;
            }
            let claimed_at = self.engine.environment.now();
            let due = self.engine.store.claim_due(claimed_at, LEASE, queue, room).await?;
            for delivery in due.items {
                let (engine, stop) = (Arc::clone(&self.engine), stop.clone());
                under_way.spawn(async move {
                    take_turn(&engine, delivery, claimed_at, &stop).await;
                    engine.outbox_nudge.notify_one();
                });
            }
            next = [next, due.next].into_iter().flatten().min();
        }
        Ok(next)
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

async fn take_turn(engine: &Engine, delivery: Delivery, claimed_at: Time, stop: &CancellationToken) {
    if let Task::Fetch { .. } = delivery.task {
        // A fetch is begun anew after a stop.
        stop.run_until_cancelled(files::fetch(engine, delivery)).await;
        return;
    }
    // Waiting in line for Ada is no work under way: a stop ends it, and the delivery stays.
    let turn = engine.ada.turn(priority(&delivery), &delivery.key.conversation);
    let Some(permit) = stop.run_until_cancelled(turn).await else { return };
    if engine.environment.now().since(claimed_at) >= LEASE / 2 {
        return;
    }
    // From here on it is written down that Ada may have it.
    match begin(engine, &delivery).await {
        Ok(Step::Nothing | Step::Fetch { .. }) => {}
        Ok(Step::Upload { began, file }) => files::upload(engine, permit, delivery, began, file).await,
        Ok(Step::Call { began }) => call(engine, permit, delivery, began).await,
        Ok(Step::Look { from }) => read(engine, permit, delivery, from).await,
        Err(error) => {
            tracing::error!(handoff.id = %delivery.handoff, error = %error, "an attempt could not begin");
        }
    }
}

const fn priority(delivery: &Delivery) -> Priority {
    match (&delivery.task, delivery.queue()) {
        (Task::Recover { .. }, _) => Priority::Recover,
        (_, Queue::Writes) => Priority::Write,
        (_, Queue::Reads | Queue::Files) => Priority::Read,
        (_, Queue::Again) => Priority::Again,
    }
}

/// The handoff may have ended while the delivery stood in line: nothing of it may then reach the next one.
pub(super) async fn begin(engine: &Engine, delivery: &Delivery) -> Result<Step, StoreError> {
    patiently(delivery, || {
        let id = delivery.id.clone();
        engine.decide(attempt::scope(&delivery.handoff), move |draft| attempt::begin(draft, &id))
    })
    .await
}

async fn call(engine: &Engine, permit: Permit, delivery: Delivery, began: Time) {
    let conversation = &delivery.key.conversation;
    let Answer { outcome, answered_at } = match &delivery.task {
        Task::Send { what, display_name, .. } => {
            let Some(says) = says(what) else { return };
            engine.ada.send_message(permit, conversation, display_name, says).await
        }
        _ => engine.ada.end_handoff(permit, conversation).await,
    };
    engine.note_outcome(&delivery, outcome.as_ref().err());
    if outcome.is_ok() {
        engine.metrics.delivered(engine.environment.now().since(delivery.queued_at));
    }
    let jitter = engine.environment.jitter();
    let attempt = Arc::new(Attempt { delivery, began, outcome, answered_at, jitter });
    let settled = patiently(&attempt.delivery, || {
        let attempt = Arc::clone(&attempt);
        let scope = settle::scope(&attempt.delivery.handoff, &attempt.delivery);
        engine.decide(scope, move |draft| settle::attempt(draft, &attempt))
    });
    // What can't be noted is in doubt, and stays so.
    drop(settled.await);
}

/// What a message says; `None` for a file that Ada has yet to get.
fn says(what: &Outgoing) -> Option<Says<'_>> {
    match what {
        Outgoing::Text { text } => Some(Says::Text(text)),
        Outgoing::File { file } => file.uploaded.as_ref().map(Says::File),
    }
}

async fn read(engine: &Engine, permit: Permit, delivery: Delivery, from: Option<String>) {
    let (conversation, priority) = (&delivery.key.conversation, priority(&delivery));
    let answer = engine.ada.list_messages(permit, priority, conversation, from.as_deref()).await;
    let Answer { outcome, mut answered_at } = answer;
    engine.note_outcome(&delivery, outcome.as_ref().err());
    let read_all = outcome.as_ref().is_ok_and(|listed| !listed.more);
    let mut is_over = false;
    if let (Task::Recover { .. }, true) = (&delivery.task, read_all) {
        let permit = engine.ada.turn(priority, conversation).await;
        let status = engine.ada.is_over(permit, conversation).await;
        engine.note_outcome(&delivery, status.outcome.as_ref().err());
        answered_at = status.answered_at.or(answered_at);
        is_over = status.outcome == Ok(true);
    }
    let jitter = engine.environment.jitter();
    let look = Arc::new(Look { delivery, from, outcome, is_over, answered_at, jitter });
    let settled = patiently(&look.delivery, || {
        let look = Arc::clone(&look);
        engine.decide(look::scope(&look), move |draft| look::settle(draft, &look))
    });
    // What can't be noted is read again.
    drop(settled.await);
    engine.recovery_nudge.notify_one();
}

/// Repeats a decision until the store takes it, or has stopped.
pub(super) async fn patiently<T, F: Future<Output = Result<T, StoreError>>>(
    delivery: &Delivery,
    decide: impl Fn() -> F,
) -> Result<T, StoreError> {
    loop {
        match decide().await {
            Ok(answer) => return Ok(answer),
            Err(StoreError::Stopped) => return Err(StoreError::Stopped),
            Err(error) => {
                tracing::error!(handoff.id = %delivery.handoff, error = %error, "an attempt could not be noted");
            }
        }
        tokio::time::sleep(AFTER_FAILURE).await;
    }
}
