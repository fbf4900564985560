//! What came of an attempt to deliver something to Ada.

use std::time::Duration;

use super::{ending, message::forget_delivery};
use crate::relay::{
    backoff,
    changes::{Of, Scope},
    delivery::{Delivery, Failure, Lane, Receipt, Task},
    draft::{Draft, NewRow, system},
    handoff::{AdaEnd, EndedBy, Status},
    id::{DeliveryId, HandoffId},
    thread::{Content, Sending, Source},
    time::Time,
};

/// Ada may not have acted on our answer to its start call for so long; until then its "not in a handoff"
/// is asked again.
pub const START_GRACE: Duration = Duration::from_secs(10);
/// How often a refused key is tried again.
pub const DENIED_PAUSE: Duration = Duration::from_secs(30);

/// An attempt and its outcome.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The delivery, as it was claimed.
    pub delivery: Delivery,
    /// How it went.
    pub outcome: Result<Receipt, Failure>,
    /// The `Date` of Ada's answer.
    pub answered_at: Option<Time>,
    /// Drawn anew for each attempt, 0 to 1.
    pub jitter: f64,
}

/// What [`attempt`] needs to see.
pub fn scope(handoff: &HandoffId, delivery: &Delivery) -> Scope {
    let mut scope = Scope::new(Of::Handoff(handoff.clone()));
    scope.with_outbox = true;
    scope.rows = delivery.task.row().cloned().into_iter().collect();
    scope
}

/// Settles an attempt on a message or an end call.
pub fn attempt(draft: &mut Draft<'_>, attempt: &Attempt) {
    let Some(place) = draft.find_delivery(&attempt.delivery.id) else {
        return settle_withdrawn(draft, attempt);
    };
    match &attempt.outcome {
        Ok(receipt) => {
            draft.finish_delivery(place);
            succeeded(draft, attempt, receipt);
        }
        Err(failure) => failed(draft, place, attempt, failure),
    }
}

/// The delivery was taken back while it was under way (the handoff ended, the echo came). If it got
/// through all the same, its row says so.
fn settle_withdrawn(draft: &mut Draft<'_>, attempt: &Attempt) {
    let (Ok(receipt), Task::Send { row, .. }) = (&attempt.outcome, &attempt.delivery.task) else { return };
    succeeded(draft, attempt, receipt);
    // An agent may have asked for it again meanwhile.
    if let Some(place) = draft.find_row(row) {
        forget_delivery(draft, place);
    }
}

fn succeeded(draft: &mut Draft<'_>, attempt: &Attempt, receipt: &Receipt) {
    match &attempt.delivery.task {
        Task::Send { row, .. } => {
            let Some(place) = draft.find_row(row) else { return };
            draft.change_row(place, |row| {
                row.attempted = true;
                row.ids.answer = receipt.message_id.clone();
                if row.sending != Some(Sending::Confirmed) {
                    row.sending = Some(Sending::Sent);
                }
                if let (Some(created_at), false) = (receipt.created_at, row.created_by_ada) {
                    row.created_at = created_at;
                    row.created_by_ada = true;
                    row.at = created_at.floor_millis();
                }
            });
        }
        Task::End { .. } => end_settled(draft, attempt),
        Task::Transcript => {}
    }
}

/// Our end call has been answered, or the end was there before it.
fn end_settled(draft: &mut Draft<'_>, attempt: &Attempt) {
    let Task::End { row } = &attempt.delivery.task else { return };
    draft.mark(row, Sending::Sent);
    let Some(handoff) = draft.find_handoff(&attempt.delivery.handoff) else { return };
    let at = attempt.answered_at.unwrap_or(draft.now.by_ada());
    if draft.view.handoffs[handoff].end_is_unsettled()
        && let Status::Ended(end) = &mut draft.change_handoff(handoff).status
    {
        end.ada = AdaEnd::Dated { at };
    }
}

fn failed(draft: &mut Draft<'_>, place: usize, attempt: &Attempt, failure: &Failure) {
    let wait = backoff::delay(attempt.delivery.attempts, attempt.jitter);
    match failure {
        Failure::NoHandoff(reason) => no_handoff(draft, place, attempt, reason, wait),
        Failure::Refused(reason) => refused(draft, place, reason, wait),
        Failure::Throttled { reason, retry_after } => {
            again(draft, place, reason, retry_after.unwrap_or(wait));
        }
        Failure::Denied(reason) => again(draft, place, reason, DENIED_PAUSE),
        Failure::Unclear(reason) => again(draft, place, reason, wait),
    }
}

/// "Not in a handoff" ends the handoff here too; after our own end call it is what we wanted.
fn no_handoff(draft: &mut Draft<'_>, place: usize, attempt: &Attempt, reason: &str, wait: Duration) {
    let Some(handoff) = draft.find_handoff(&attempt.delivery.handoff) else { return };
    let called = draft.view.handoffs[handoff].called_at();
    if called.is_some_and(|called| draft.now.at.since(called) < START_GRACE) {
        return again(draft, place, reason, wait);
    }
    if matches!(attempt.delivery.task, Task::End { .. }) {
        draft.finish_delivery(place);
        end_settled(draft, attempt);
        // After an attempt with an unknown outcome it may have been our own call that ended it.
        if attempt.delivery.attempts == 1 {
            ending::was_by(draft, handoff, EndedBy::Ada);
        }
        return;
    }
    let at = attempt.answered_at.unwrap_or(draft.now.by_ada());
    if draft.view.handoffs[handoff].is_open() {
        ending::over(draft, handoff, EndedBy::Ada, AdaEnd::Dated { at }, reason);
        return;
    }
    if draft.view.handoffs[handoff].end_is_unsettled()
        && let Status::Ended(end) = &mut draft.change_handoff(handoff).status
    {
        end.ada = AdaEnd::Dated { at };
        ending::was_by(draft, handoff, EndedBy::Ada);
    }
    ending::clear_outbox(draft, handoff, reason);
}

/// This delivery can never succeed: the next one goes on. An end call is repeated all the same.
fn refused(draft: &mut Draft<'_>, place: usize, reason: &str, wait: Duration) {
    match draft.view.outbox[place].task.clone() {
        Task::Send { row, .. } => {
            draft.finish_delivery(place);
            note_attempt(draft, &row);
            draft.mark(&row, Sending::failed(reason));
        }
        Task::End { .. } => again(draft, place, reason, wait.max(DENIED_PAUSE)),
        Task::Transcript => {
            let handoff = draft.view.outbox[place].handoff.clone();
            draft.finish_delivery(place);
            if let Some(handoff) = draft.find_handoff(&handoff) {
                say_unread_history(draft, handoff, reason);
            }
        }
    }
}

/// Tries again after `wait`, unless the message has waited too long: then it fails, and those queued behind
/// it with it, lest they arrive out of order.
fn again(draft: &mut Draft<'_>, place: usize, reason: &str, wait: Duration) {
    let delivery = &draft.view.outbox[place];
    if let Task::Send { row, .. } = &delivery.task {
        let (row, queued_at, owner) = (row.clone(), delivery.queued_at, delivery.handoff.clone());
        note_attempt(draft, &row);
        if draft.now.at.since(queued_at) >= draft.policy.send_max_age {
            return give_up(draft, &owner, reason);
        }
    }
    let due_at = draft.now.at + wait;
    draft.change_delivery(place).due_at = due_at;
}

fn note_attempt(draft: &mut Draft<'_>, row: &crate::relay::id::RowId) {
    if let Some(place) = draft.find_row(row)
        && !draft.view.rows[place].attempted
    {
        draft.change_row(place, |row| row.attempted = true);
    }
}

fn give_up(draft: &mut Draft<'_>, owner: &HandoffId, reason: &str) {
    let first = format!("could not be sent in time: {reason}");
    let mut next = first.as_str();
    while let Some((place, row)) = first_message(draft, owner) {
        draft.finish_delivery(place);
        draft.mark(&row, Sending::failed(next));
        next = "a message before this one could not be sent";
    }
}

fn first_message(draft: &Draft<'_>, owner: &HandoffId) -> Option<(usize, crate::relay::id::RowId)> {
    draft.view.outbox.iter().enumerate().find_map(|(place, delivery)| match &delivery.task {
        Task::Send { row, .. } if delivery.handoff == *owner => Some((place, row.clone())),
        _ => None,
    })
}

/// Settles a failed attempt to read the message list. A read ends nothing.
pub fn unread_history(draft: &mut Draft<'_>, id: &DeliveryId, failure: &Failure, jitter: f64) {
    let Some(place) = draft.find_delivery(id) else { return };
    debug_assert!(draft.view.outbox[place].task.lane() == Lane::AdaReads);
    let attempts = draft.view.outbox[place].attempts;
    let wait = backoff::delay(attempts, jitter);
    match failure {
        Failure::NoHandoff(reason) | Failure::Refused(reason) => refused(draft, place, reason, wait),
        Failure::Denied(reason) => {
            let handoff = draft.find_handoff(&draft.view.outbox[place].handoff.clone());
            if let (false, Some(handoff)) = (draft.view.outbox[place].said, handoff) {
                draft.change_delivery(place).said = true;
                say_unread_history(draft, handoff, reason);
            }
            again(draft, place, reason, DENIED_PAUSE);
        }
        Failure::Throttled { reason, retry_after } => {
            again(draft, place, reason, retry_after.unwrap_or(wait));
        }
        Failure::Unclear(reason) => again(draft, place, reason, wait),
    }
}

fn say_unread_history(draft: &mut Draft<'_>, handoff: usize, reason: &str) {
    let at = draft.own_at(handoff);
    let body = format!("The history could not be read from Ada: {reason}");
    draft.add_row(handoff, NewRow::own(at, system(), Content::Text { body }, Source::Relay));
}
