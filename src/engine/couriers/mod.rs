//! The couriers, one for each kind of delivery.
//!
//! If its destination has a queue for permits, a delivery first waits for its turn. Then an attempt begins on the next
//! delivery of its lane. The courier makes the attempt, and the rules settle the outcome.

#![warn(clippy::wildcard_enum_match_arm, reason = "a job that nobody thought of must not compile")]

mod files;
mod platforms;
mod reads;
mod updates;
mod writes;

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Engine, claims::OpenClaims};
use crate::{
    ada::limits::Priority,
    relay::{
        delivery::{Class, Delivery, Destination, Job, Queue, Read},
        id::{AiAgentId, PlatformId},
        rule::Rule,
        rules::{
            attempt::{self, AttemptStart, Step, Turn},
            settle,
        },
    },
    store::StoreError,
};
use reads::Part;

/// How long to wait when the store fails.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long to wait when it fails with a lasting error.
const AFTER_LASTING: Duration = Duration::from_secs(30);

/// How many deliveries of each of an AI Agent's queues are under way or in line at once. Ada's limits let fewer calls
/// be made within one's timeout, so that the first attempts of many hung conversations don't take up all the places.
pub fn places_of(ai_agent: &AiAgentId) -> [(Queue, usize); 6] {
    let writes = |class| Queue { destination: Destination::Writes(ai_agent.clone()), class };
    let reads = |class| Queue { destination: Destination::Reads(ai_agent.clone()), class };
    let updates = Queue { destination: Destination::Updates(ai_agent.clone()), class: Class::Fresh };
    [
        (writes(Class::Fresh), 256),
        (writes(Class::Retries), 96),
        (reads(Class::Fresh), 32),
        (reads(Class::Retries), 32),
        (reads(Class::Strangers), 8),
        (updates, 8),
    ]
}

/// The same of files to fetch.
pub const PLACES_OF_FILES: (Queue, usize) =
    (Queue { destination: Destination::Files, class: Class::Fresh }, 32);

/// The same of a platform. Handoffs whose events it does not take leave places for others.
pub fn places_of_platform(platform: &PlatformId) -> [(Queue, usize); 2] {
    let queue = |class| Queue { destination: Destination::Platform(platform.clone()), class };
    [(queue(Class::Fresh), 32), (queue(Class::Retries), 32)]
}

/// The data that every courier needs.
pub struct Errand<'e> {
    pub engine: &'e Engine,
    /// Renews the claims of attempts under way.
    pub held: &'e Arc<OpenClaims>,
    /// Once it is cancelled, no attempt begins.
    pub stop: &'e CancellationToken,
}

/// Waits for a turn, and carries out the next delivery in the lane of `waits`.
pub async fn carry(errand: &Errand<'_>, waits: Delivery) {
    let turn = Turn { lane: waits.lane(), queue: waits.queue(), holder: errand.held.holder.clone() };
    let could_begin = match &turn.lane.destination {
        Destination::Writes(_) | Destination::Reads(_) | Destination::Updates(_) => {
            to_ada(errand, turn, priority(&waits)).await
        }
        // A download starts again after a restart.
        Destination::Files => {
            errand.stop.run_until_cancelled(files::carry(errand, turn)).await.unwrap_or(Ok(()))
        }
        Destination::Platform(id) => {
            let id = id.clone();
            platforms::carry(errand, turn, &id).await
        }
    };
    let Err(error) = could_begin else { return };
    tracing::error!(delivery.id = %waits.id, error = %error, "an attempt could not begin");
    if let StoreError::Unreadable(_) = error
        && errand.engine.store.set_delivery_apart(&waits.id).await.is_ok()
    {
        return;
    }
    rest(&error, errand.stop).await;
}

async fn to_ada(errand: &Errand<'_>, turn: Turn, first: Priority) -> Result<(), StoreError> {
    let engine = errand.engine;
    // Waiting for a permit is not work under way: a stop ends it.
    let permit = errand.stop.run_until_cancelled(engine.ada(&turn.lane.key).turn(first)).await;
    let Some(permit) = permit else { return Ok(()) };
    // From here on, the store says that Ada may have it.
    let begun = begin(engine, turn).await;
    let Ok(Some(AttemptStart { delivery, step })) = begun else {
        permit.give_back();
        return begun.map(|_| ());
    };
    let _held = errand.held.hold(&delivery.id);
    match step {
        Step::Write { began, call } => writes::carry(engine, permit, delivery, began, call).await,
        Step::Look { from, asks_if_over } => {
            let priority = priority(&delivery);
            reads::carry(errand, permit, priority, delivery, Part { from, asks_if_over }).await;
        }
        Step::Update { what, end_user } => {
            updates::carry(engine, permit, delivery, what, end_user).await;
        }
        // Lanes to Ada have no downloads.
        Step::Fetch { .. } => permit.give_back(),
    }
    Ok(())
}

const fn priority(delivery: &Delivery) -> Priority {
    match (&delivery.job, delivery.class()) {
        (_, Class::Strangers) => Priority::Stranger,
        (Job::Read(Read::Recover { .. }), _) => Priority::Recover,
        (_, Class::Retries) => Priority::Retry,
        (Job::Write(_), Class::Fresh) => Priority::Write,
        (Job::Read(Read::Transcript) | Job::Fetch(_) | Job::Notify(_) | Job::Update(_), Class::Fresh) => {
            Priority::Read
        }
    }
}

/// The lane's next delivery may have changed while it waited; the lane may even be empty.
async fn begin(engine: &Engine, turn: Turn) -> Result<Option<AttemptStart>, StoreError> {
    engine.decide(attempt::begin(turn)).await
}

/// An attempt that could not begin waits for a turn again, after a pause.
async fn rest(error: &StoreError, stop: &CancellationToken) {
    let pause = if error.is_lasting() { AFTER_LASTING } else { AFTER_FAILURE };
    stop.run_until_cancelled(tokio::time::sleep(pause)).await;
}

/// Repeats a decision on the outcome of an attempt until the store has committed it, or has stopped. If the decision
/// panics, it would panic again, so the delivery is removed instead.
async fn patiently<T: Send + 'static>(
    engine: &Engine,
    delivery: &Delivery,
    rule: impl Fn() -> Rule<T>,
) -> Result<T, StoreError> {
    loop {
        match engine.decide(rule()).await {
            Ok(answer) => return Ok(answer),
            Err(error @ (StoreError::Stopped | StoreError::Unreadable(_))) => return Err(error),
            Err(StoreError::Panicked) => {
                if engine.decide(settle::spoiled(delivery.clone())).await.is_ok() {
                    return Err(StoreError::Panicked);
                }
            }
            Err(error) => {
                tracing::error!(handoff.id = %delivery.handoff, error = %error, "the outcome of an attempt could not be stored");
            }
        }
        tokio::time::sleep(AFTER_FAILURE).await;
    }
}
