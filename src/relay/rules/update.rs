//! Values for Ada: metavariables of the end user, and metadata of the conversation; and the end user's profile, which Ada has.
//! Whatever comes of them disturbs nothing else.

use std::{sync::Arc, time::Duration};

use super::values;
use crate::relay::{
    backoff,
    changes::Scope,
    context::is_unfilled,
    delivery::{Delivery, Failure, Job, Update},
    handoff::{Handoff, Profile},
    id::HandoffId,
    rule::Rule,
    transaction::Transaction,
};

/// The field of a start call that has the end user's id, until an event brings it.
const END_USER: &str = "ada_user_id";
/// How long values are tried.
const TRIED_FOR: Duration = Duration::from_hours(24);
/// How often it is looked whether the end user's id is known by now. The event that brings it says so, too.
const LOOK_AGAIN: Duration = Duration::from_mins(1);
/// The events of a handoff that was over soon may come later than its end.
const LAST_EVENTS: Duration = Duration::from_mins(2);

/// How setting values went.
#[derive(Clone, Debug, PartialEq)]
pub enum UpdateOutcome {
    /// Ada has them.
    Done,
    /// Ada has told who the end user is.
    Told(Profile),
    /// Nobody knows yet whose they are.
    Nobody,
    /// Not done.
    Failed(Failure),
}

/// An attempt and its outcome.
#[derive(Clone, Debug)]
pub struct UpdateAttempt {
    /// The delivery, as it was before this attempt, but with its fence.
    pub delivery: Delivery,
    /// How it went.
    pub outcome: UpdateOutcome,
    /// Drawn anew for each attempt, 0 to 1.
    pub jitter: f64,
}

/// Ada's id of a handoff's end user, if it is known.
pub(super) fn end_user(tx: &Transaction<'_>, handoff: &HandoffId) -> Option<String> {
    tx.find_handoff(handoff).and_then(|index| end_user_of(&tx.view.handoffs[index]))
}

fn end_user_of(handoff: &Handoff) -> Option<String> {
    let told = || {
        let id = handoff.context.get(END_USER)?.as_str()?.trim();
        (!id.is_empty() && !is_unfilled(id)).then(|| id.to_owned())
    };
    handoff.end_user.id.clone().or_else(told)
}

/// Ada's id of a handoff's end user has become known: what waits for it is due.
pub(super) fn end_user_is_known(tx: &mut Transaction<'_>, handoff: usize) {
    let (id, now) = (tx.view.handoffs[handoff].id.clone(), tx.now.at);
    let waits = |queued: &Delivery| {
        let needs_id =
            matches!(queued.job, Job::Update(Update::UpdateEndUser { .. } | Update::HandoffToEndUser));
        needs_id && queued.handoff == id && queued.claim.is_none() && queued.due_at > now
    };
    let waiting: Vec<usize> =
        (0..tx.view.outbox.len()).filter(|index| waits(&tx.view.outbox[*index])).collect();
    for index in waiting {
        tx.change_delivery(index).due_at = now;
    }
}

fn record(tx: &mut Transaction<'_>, handoff: &HandoffId, profile: &Profile) {
    if let Some(index) = tx.find_handoff(handoff) {
        let mut end_user = tx.view.handoffs[index].end_user.clone();
        end_user.record_profile(profile.clone(), &tx.view.handoffs[index].context);
        if end_user != tx.view.handoffs[index].end_user {
            tx.change_handoff(index).end_user = end_user;
        }
    }
}

/// Settles an attempt. What Ada refuses, or doesn't take for a day, is given up; so is what waits for the id of an end
/// user when the handoff is over.
pub fn settle(attempt: Arc<UpdateAttempt>) -> Rule<()> {
    Rule::new(Scope::attempted(&attempt.delivery), move |tx| {
        let Some(index) = tx.find_attempted(&attempt.delivery) else { return };
        let delivery = &tx.view.outbox[index];
        let age = tx.now.at.since(delivery.queued_at);
        let is_old = age >= TRIED_FOR;
        let is_over = tx.find_handoff(&delivery.handoff).is_none_or(|at| !tx.view.handoffs[at].is_open());
        let wait = match &attempt.outcome {
            UpdateOutcome::Done => None,
            UpdateOutcome::Told(profile) => {
                record(tx, &attempt.delivery.handoff, profile);
                None
            }
            UpdateOutcome::Nobody if end_user(tx, &delivery.handoff).is_some() => Some(Duration::ZERO),
            UpdateOutcome::Nobody => (!is_over || age < LAST_EVENTS).then_some(LOOK_AGAIN),
            UpdateOutcome::Failed(
                Failure::NoHandoff(_) | Failure::UnknownConversation(_) | Failure::Refused(_),
            ) => None,
            UpdateOutcome::Failed(Failure::Throttled { retry_after, .. }) => Some(
                retry_after.unwrap_or_default().max(backoff::file_delay(delivery.attempts, attempt.jitter)),
            ),
            UpdateOutcome::Failed(Failure::Denied(_) | Failure::Unreached(_) | Failure::Unclear(_)) => {
                Some(backoff::file_delay(delivery.attempts, attempt.jitter))
            }
        };
        match wait.filter(|_| !is_old) {
            Some(wait) => {
                let due_at = tx.now.at + wait;
                tx.put_back(index).due_at = due_at;
            }
            None => drop(tx.finish_delivery(index)),
        }
        values::attempted(tx, &attempt.delivery.handoff);
    })
}
