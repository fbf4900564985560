//! The worker through which everything leaves the relay.
//!
//! What is due stands in line for Ada's limits, unclaimed. Whose turn has come claims the next delivery of its lane and
//! begins an attempt on it, in one decision; the claim is renewed while the attempt lasts. So lanes keep their order and
//! don't wait for one another. Each queue has its own places: reads hold up nothing that people write, and what Ada
//! doesn't answer holds up nothing else. What an attempt does is for the rules to say: `docs/effectively-once.md`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};
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
        id::{DeliveryId, HolderId},
        rule::Rule,
        rules::{
            attempt::{self, Begun, LEASE, Step, Turn},
            look::{self, Look},
            settle::{self, Attempt},
        },
        time::Time,
    },
    store::StoreError,
};

/// Deliveries under way or in line at once. Ada's limits let fewer calls be made within one's timeout, so that the
/// first attempts of many hung conversations don't take up all the places.
const AT_ONCE: [(Queue, usize); 5] = [
    (Queue::Writes, 256),
    (Queue::Reads, 32),
    (Queue::Again, 128),
    (Queue::Strangers, 8),
    (Queue::Files, 32),
];
/// How often claims are renewed: two renewals may fail.
const RENEW_EVERY: Duration = Duration::from_secs(3);
/// How long to wait when the store fails.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long to wait when a rule panics, which it does again.
const AFTER_PANIC: Duration = Duration::from_secs(30);

/// See the module.
pub struct Outbox {
    engine: Arc<Engine>,
    signal: watch::Receiver<()>,
    held: Arc<Held>,
    renew_at: Time,
    /// Each with the delivery that it was in line for.
    under_way: JoinSet<DeliveryId>,
    in_line_for: HashMap<DeliveryId, Queue>,
    stop: CancellationToken,
}

/// What this process has claimed.
pub struct Held {
    /// Who this process is.
    pub holder: HolderId,
    /// By how many attempts: one that was overtaken may not be over yet.
    deliveries: Mutex<BTreeMap<DeliveryId, usize>>,
}

impl Held {
    fn deliveries(&self) -> MutexGuard<'_, BTreeMap<DeliveryId, usize>> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the claim on a delivery renewed until this is dropped.
    pub fn hold(self: &Arc<Self>, id: &DeliveryId) -> Hold {
        *self.deliveries().entry(id.clone()).or_default() += 1;
        Hold { held: Arc::clone(self), id: id.clone() }
    }
}

/// An attempt is under way.
pub struct Hold {
    held: Arc<Held>,
    id: DeliveryId,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut deliveries = self.held.deliveries();
        if let Some(count) = deliveries.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                deliveries.remove(&self.id);
            }
        }
    }
}

impl Outbox {
    /// A worker on the engine's store. Once `stop` is cancelled nothing is begun. Aborting what is under way is safe: what
    /// was not settled stays in the outbox.
    pub fn new(engine: Arc<Engine>, stop: CancellationToken) -> Self {
        let signal = engine.store.signals().outbox();
        let holder = HolderId(engine.environment.new_id());
        let held = Arc::new(Held { holder, deliveries: Mutex::default() });
        let (under_way, in_line_for, renew_at) = (JoinSet::new(), HashMap::new(), Time::default());
        Self { engine, signal, held, renew_at, under_way, in_line_for, stop }
    }

    fn ended(&mut self, ended: Result<DeliveryId, JoinError>) {
        match ended {
            Ok(id) => drop(self.in_line_for.remove(&id)),
            Err(error) => pass_on_panic(error),
        }
    }

    async fn renew(&mut self) -> Result<(), StoreError> {
        let now = self.engine.environment.now();
        let deliveries: Vec<DeliveryId> = self.held.deliveries().keys().cloned().collect();
        let was_set_back = self.renew_at.since(now) > RENEW_EVERY;
        if (now < self.renew_at && !was_set_back) || deliveries.is_empty() {
            return Ok(());
        }
        self.engine.store.renew_claims(&self.held.holder, deliveries, now + LEASE).await?;
        self.renew_at = now + RENEW_EVERY;
        Ok(())
    }

    /// Has those that are due stand in line, as far as their queue has places. Gives when the next will be due.
    async fn line_up(&mut self, queue: Queue, at_once: usize) -> Result<Option<Time>, StoreError> {
        let in_line = self.in_line_for.values().filter(|of| **of == queue).count();
        let mut room = at_once.saturating_sub(in_line);
        if room == 0 {
            // The next one to end wakes.
            return Ok(None);
        }
        // Those in line are due as well.
        let due = self.engine.store.due_deliveries(self.engine.environment.now(), queue, at_once).await?;
        // Of more than were asked for the next is due already: whoever ends has it looked for.
        let next = due.next.filter(|_| due.items.len() < at_once);
        for delivery in due.items {
            if room == 0 {
                return Ok(None);
            }
            if self.in_line_for.contains_key(&delivery.id)
                || self.held.deliveries().contains_key(&delivery.id)
            {
                continue;
            }
            room -= 1;
            self.in_line_for.insert(delivery.id.clone(), queue);
            let (engine, held, stop) = (Arc::clone(&self.engine), Arc::clone(&self.held), self.stop.clone());
            self.under_way.spawn(async move {
                let id = delivery.id.clone();
                stand_in_line(&engine, &held, delivery, &stop).await;
                id
            });
        }
        Ok(next)
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
        self.renew().await?;
        let mut next = (!self.under_way.is_empty()).then_some(self.engine.environment.now() + RENEW_EVERY);
        for (queue, at_once) in AT_ONCE {
            let due = self.line_up(queue, at_once).await?;
            next = [next, due].into_iter().flatten().min();
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

async fn stand_in_line(engine: &Engine, held: &Arc<Held>, delivery: Delivery, stop: &CancellationToken) {
    let turn = Turn { lane: delivery.lane(), queue: delivery.queue(), holder: held.holder.clone() };
    if turn.queue == Queue::Files {
        // A fetch is begun anew after a stop.
        let fetched = stop.run_until_cancelled(files::fetch(engine, held, turn)).await;
        return rest(fetched.unwrap_or(Ok(None)), stop).await;
    }
    // Waiting in line for Ada is no work under way: a stop ends it.
    let permit = stop.run_until_cancelled(engine.ada.turn(priority(&delivery))).await;
    let Some(permit) = permit else { return };
    // From here on it is written down that Ada may have it.
    let begun = begin(engine, turn).await;
    let Ok(Some(Begun { delivery, step })) = begun else {
        permit.give_back();
        return rest(begun, stop).await;
    };
    let _held = held.hold(&delivery.id);
    match step {
        Step::Fetch { .. } => {}
        Step::Upload { began, file } => files::upload(engine, permit, delivery, began, file).await,
        Step::Call { began } => call(engine, permit, delivery, began).await,
        Step::Look { from } => read(engine, permit, delivery, from).await,
    }
}

const fn priority(delivery: &Delivery) -> Priority {
    match (&delivery.task, delivery.queue()) {
        (_, Queue::Strangers) => Priority::Stranger,
        (Task::Recover { .. }, _) => Priority::Recover,
        (_, Queue::Writes) => Priority::Write,
        (_, Queue::Reads | Queue::Files) => Priority::Read,
        (_, Queue::Again) => Priority::Again,
    }
}

/// What the lane's next delivery is may have changed while it stood in line, also to none.
pub(super) async fn begin(engine: &Engine, turn: Turn) -> Result<Option<Begun>, StoreError> {
    engine.decide(attempt::begin(turn)).await
}

/// What could not begin stands in line again, but not at once.
async fn rest(begun: Result<Option<Begun>, StoreError>, stop: &CancellationToken) {
    let Err(error) = begun else { return };
    tracing::error!(error = %error, "an attempt could not begin");
    let pause = if matches!(error, StoreError::Panicked) { AFTER_PANIC } else { AFTER_FAILURE };
    stop.run_until_cancelled(tokio::time::sleep(pause)).await;
}

async fn call(engine: &Engine, permit: Permit, delivery: Delivery, began: Time) {
    let conversation = &delivery.key.conversation;
    let Answer { outcome, answered_at } = match &delivery.task {
        Task::Send { what, display_name, .. } => {
            let Some(says) = says(what) else { return permit.give_back() };
            engine.ada.send_message(permit, conversation, display_name, says).await
        }
        Task::End { .. } => engine.ada.end_handoff(permit, conversation).await,
        Task::Transcript | Task::Recover { .. } | Task::Fetch { .. } => return permit.give_back(),
    };
    engine.note_outcome(&delivery, outcome.as_ref().err());
    if outcome.is_ok() {
        engine.metrics.delivered(engine.environment.now().since(delivery.queued_at));
    }
    let jitter = engine.environment.jitter();
    let attempt = Arc::new(Attempt { delivery, began, outcome, answered_at, jitter });
    let settled = patiently(engine, &attempt.delivery, || settle::attempt(Arc::clone(&attempt)));
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
        let permit = engine.ada.turn(priority).await;
        let status = engine.ada.is_over(permit, conversation).await;
        engine.note_outcome(&delivery, status.outcome.as_ref().err());
        answered_at = status.answered_at.or(answered_at);
        is_over = status.outcome == Ok(true);
    }
    let jitter = engine.environment.jitter();
    let look = Arc::new(Look { delivery, from, outcome, is_over, answered_at, jitter });
    let settled = patiently(engine, &look.delivery, || look::settle(Arc::clone(&look)));
    // What can't be noted is read again.
    drop(settled.await);
    engine.wishes.reading_ended();
}

/// Repeats a decision on the outcome of an attempt until the store takes it, or has stopped. One that panics would do so
/// again: the delivery is taken out of the way instead.
pub(super) async fn patiently<T: Send + 'static>(
    engine: &Engine,
    delivery: &Delivery,
    rule: impl Fn() -> Rule<T>,
) -> Result<T, StoreError> {
    loop {
        match engine.decide(rule()).await {
            Ok(answer) => return Ok(answer),
            Err(StoreError::Stopped) => return Err(StoreError::Stopped),
            Err(StoreError::Panicked) => {
                if engine.decide(settle::spoiled(delivery.clone())).await.is_ok() {
                    return Err(StoreError::Panicked);
                }
            }
            Err(error) => {
                tracing::error!(handoff.id = %delivery.handoff, error = %error, "an attempt could not be noted");
            }
        }
        tokio::time::sleep(AFTER_FAILURE).await;
    }
}
