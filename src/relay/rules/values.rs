//! Ada learns of a handoff: at its start, when somebody gets it, and at its end. What is sent is worked out when it is sent,
//! so that it is never older than what Ada has.

use std::time::Duration;

use crate::relay::{
    delivery::{Delivery, Job, Update, Write},
    id::{DeliveryId, HandoffId},
    transaction::Transaction,
};

/// An end call waits so long for the values at most: the AI Agent goes on from them.
const BEFORE_THE_END: Duration = Duration::from_secs(2);
/// Values of a handoff are on their way already.
const BEHIND_ANOTHER: Duration = Duration::from_secs(1);

/// Something about the handoff has changed.
pub(super) fn tell(tx: &mut Transaction<'_>, handoff: usize) {
    for job in wanted(tx) {
        let (id, now) = (&tx.view.handoffs[handoff].id, tx.now.at);
        let waits = |queued: &Delivery| {
            queued.handoff == *id && queued.job == Job::from(job.clone()) && queued.claim.is_none()
        };
        match tx.view.outbox.iter().position(waits) {
            None => drop(tx.deliver(handoff, job)),
            Some(queued) => {
                let queued = tx.change_delivery(queued);
                (queued.queued_at, queued.due_at, queued.attempts) = (now, now, 0);
            }
        }
    }
}

fn wanted(tx: &Transaction<'_>) -> Vec<Update> {
    let values = &tx.policy.values;
    let of_end_user = (!values.metavariables.is_empty()).then_some(Update::HandoffToEndUser);
    let of_conversation = (!values.metadata.is_empty()).then_some(Update::HandoffToConversation);
    of_end_user.into_iter().chain(of_conversation).collect()
}

/// The values at the end go first, if that does not take long.
pub(super) fn before_end(tx: &mut Transaction<'_>, end: &DeliveryId) {
    let now = tx.now.at;
    if let Some(index) = tx.find_delivery(end)
        && may_be_under_way(tx, &tx.view.outbox[index].handoff)
    {
        tx.change_delivery(index).due_at = now + BEFORE_THE_END;
    }
}

/// An attempt on values is over: the end waits for no other.
pub(super) fn attempted(tx: &mut Transaction<'_>, handoff: &HandoffId) {
    if may_be_under_way(tx, handoff) {
        return;
    }
    let now = tx.now.at;
    let waits = |queued: &Delivery| {
        let is_end = matches!(queued.job, Job::Write(Write::End { .. }));
        is_end && queued.handoff == *handoff && queued.attempts == 0 && queued.due_at > now
    };
    if let Some(end) = tx.view.outbox.iter().position(waits) {
        tx.change_delivery(end).due_at = now;
    }
}

/// Whether values of this handoff are on their way, or have not been tried.
fn may_be_under_way(tx: &Transaction<'_>, handoff: &HandoffId) -> bool {
    let is_first =
        |queued: &Delivery| is_of_handoff(&queued.job) && (queued.attempts == 0 || queued.claim.is_some());
    tx.view.outbox.iter().any(|queued| queued.handoff == *handoff && is_first(queued))
}

const fn is_of_handoff(job: &Job) -> bool {
    matches!(job, Job::Update(Update::HandoffToEndUser | Update::HandoffToConversation))
}

/// What the delivery at `index` is to set now. None if it is over, or must wait for another.
pub(super) fn due(tx: &mut Transaction<'_>, index: usize) -> Option<Update> {
    let delivery = &tx.view.outbox[index];
    let Job::Update(what) = &delivery.job else { return None };
    let handoff = match what {
        Update::UpdateEndUser { .. } | Update::UpdateConversation { .. } | Update::ReadEndUser => {
            return Some(what.clone());
        }
        // What Ada knows of the conversation by now is of a later handoff.
        Update::HandoffToEndUser | Update::HandoffToConversation => {
            tx.find_handoff(&delivery.handoff).filter(|handoff| tx.latest() == Some(*handoff))
        }
    };
    let Some(handoff) = handoff else {
        tx.finish_delivery(index);
        return None;
    };
    let (now, values) = (tx.now.at, &tx.policy.values);
    let is_before = |other: &Delivery| {
        other.handoff == delivery.handoff
            && other.job == delivery.job
            && other.claim.as_ref().is_some_and(|claim| claim.until > now)
    };
    if tx.view.outbox.iter().any(is_before) {
        tx.change_delivery(index).due_at = now + BEHIND_ANOTHER;
        return None;
    }
    let known = &tx.view.handoffs[handoff];
    Some(match what {
        Update::HandoffToEndUser => Update::UpdateEndUser { values: values.metavariables(known) },
        _ => Update::UpdateConversation { values: values.metadata(known) },
    })
}
