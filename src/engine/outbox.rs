//! The worker through which everything leaves the relay.
//!
//! Deliveries are claimed, tried at once beside each other, and settled. Of each lane only the first is ever
//! under way, so lanes keep their order and don't wait for one another. Each queue has its own places: reads hold
//! up nothing that people write, and what Ada doesn't answer holds up nothing else. What an attempt does is for
//! the rules to say: `docs/effectively-once.md`.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    Engine, files,
    worker::{StepError, Worker, signal},
};
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
    signal: watch::Receiver<()>,
    under_way: JoinSet<Queue>,
    counts: HashMap<Queue, usize>,
    stop: CancellationToken,
}

impl Outbox {
    /// A worker on the engine's store. Once `stop` is cancelled nothing is begun. Aborting what is under way is safe: what
    /// was not settled stays in the outbox.
    pub fn new(engine: Arc<Engine>, stop: CancellationToken) -> Self {
        let signal = engine.store.signals().outbox();
        Self { engine, signal, under_way: JoinSet::new(), counts: HashMap::new(), stop }
    }

    fn ended(&mut self, ended: Result<Queue, tokio::task::JoinError>) {
        match ended {
            Ok(queue) => *self.counts.entry(queue).or_default() -= 1,
            Err(error) => pass_on_panic(error),
        }
    }
}

#[async_trait]
impl Worker for Outbox {
    fn name(&self) -> &'static str {
        "outbox"
    }

    /// Tries what is due, without waiting for how it goes.
    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        while let Some(ended) = self.under_way.try_join_next() {
            self.ended(ended);
        }
        let mut next: Option<Time> = None;
        for (queue, at_once) in AT_ONCE {
            let count = self.counts.entry(queue).or_default();
            let room = at_once.saturating_sub(*count);
            if room == 0 {
                // The next one to end wakes.
                continue;
            }
            let claimed_at = self.engine.environment.now();
            let due = self.engine.store.claim_due(claimed_at, LEASE, queue, room).await?;
            *count += due.items.len();
            for delivery in due.items {
                let (engine, stop) = (Arc::clone(&self.engine), self.stop.clone());
                self.under_way.spawn(async move {
                    take_turn(&engine, delivery, claimed_at, &stop).await;
                    queue
                });
            }
            next = [next, due.next].into_iter().flatten().min();
        }
        Ok(next)
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
        while let Some(ended) = self.under_way.join_next().await {
            self.ended(ended);
        }
    }
}

/// A panic in an attempt is a bug: it ends the worker, and with it the process.
fn pass_on_panic(error: tokio::task::JoinError) {
    if error.is_panic() {
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
