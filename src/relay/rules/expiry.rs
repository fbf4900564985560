//! A message that could not be sent within its maximum age fails at that moment, whatever it is waiting for. The
//! messages queued behind it fail too, so that none arrives out of order.

#![warn(clippy::wildcard_enum_match_arm, reason = "a job that nobody thought of must not compile")]

use std::{collections::BTreeMap, time::Duration};

use super::ending;
use crate::relay::{
    changes::Scope,
    delivery::Delivery,
    id::{AiAgentId, HandoffId, RowId},
    rule::Rule,
    thread::Sending,
    transaction::Transaction,
};

/// A message in doubt is looked for, however old it is: for as long as a message may wait, within these limits.
pub const LOOK_TIME: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// Fails the messages of a handoff that are too old. An attempt that is under way may finish. `closed` is the reason
/// why nothing can be sent at present, if there is one.
pub fn due(handoff: HandoffId, closed: BTreeMap<AiAgentId, String>) -> Rule<()> {
    let scope = Scope::handoff(&handoff).with_outbox();
    Rule::new(scope, move |tx| {
        let owner = tx.find_handoff(&handoff).map(|index| &tx.view.handoffs[index].key.ai_agent);
        let closed = owner.and_then(|owner| closed.get(owner));
        fail_expired(tx, &handoff, closed.map(String::as_str));
    })
}

/// The same, as part of another decision.
pub(super) fn fail_expired(tx: &mut Transaction<'_>, handoff: &HandoffId, closed: Option<&str>) {
    learn_ages(tx, handoff);
    postpone_unverified(tx, handoff);
    let now = tx.now.at;
    let is_held = |delivery: &Delivery| delivery.claim.as_ref().is_some_and(|claim| claim.until > now);
    let expired = tx
        .view
        .outbox
        .iter()
        .position(|delivery| delivery.handoff == *handoff && is_over(tx, delivery) && !is_held(delivery));
    let Some(index) = expired else { return };
    let delivery = &tx.view.outbox[index];
    let is_before = |other: &Delivery| other.handoff == *handoff && other.job.is_message();
    let waited_for = match tx.view.outbox[..index].iter().any(is_before) {
        true => "a message before this one was not settled",
        false => "Ada's rate limits left no room for it",
    };
    let reason = delivery.trouble.as_deref().or(closed).unwrap_or(waited_for);
    let reason = words(delivery, reason);
    give_up(tx, index, &reason);
}

/// Messages that were queued by a relay that did not store their maximum age.
fn learn_ages(tx: &mut Transaction<'_>, handoff: &HandoffId) {
    for index in 0..tx.view.outbox.len() {
        if tx.view.outbox[index].handoff == *handoff {
            learn_age(tx, index);
        }
    }
}

/// The same for one delivery, if it is such a message.
pub fn learn_age(tx: &mut Transaction<'_>, index: usize) {
    let delivery = &tx.view.outbox[index];
    if delivery.job.is_message() && delivery.expires_at.is_none() {
        let expires_at = delivery.queued_at + tx.policy.send_max_age;
        tx.change_delivery(index).expires_at = Some(expires_at);
    }
}

/// A message that another copy of the store may have sent is looked for first. That time does not count towards its
/// age.
fn postpone_unverified(tx: &mut Transaction<'_>, handoff: &HandoffId) {
    for index in 0..tx.view.outbox.len() {
        let delivery = &tx.view.outbox[index];
        if delivery.handoff == *handoff && is_over(tx, delivery) && tx.is_unverified(delivery) {
            allow_a_look(tx, index);
        }
    }
}

/// Whether it is a message that is too old.
pub fn is_over(tx: &Transaction<'_>, delivery: &Delivery) -> bool {
    delivery.job.is_message() && delivery.fails_at().is_some_and(|at| at <= tx.now.at)
}

/// The message at `index` is looked for before it may fail.
pub fn allow_a_look(tx: &mut Transaction<'_>, index: usize) {
    let until = tx.now.at + tx.policy.send_max_age.clamp(LOOK_TIME.0, LOOK_TIME.1);
    tx.change_delivery(index).look_until = Some(until);
}

/// Whether another copy of the store has sent the message at `index` is now known, or will be soon. The time until now
/// does not count towards its age, unless the message was too old when this process began.
pub fn verified(tx: &mut Transaction<'_>, index: usize) {
    let (began, now) = (tx.policy.began_at, tx.now.at);
    let expires_at = tx.view.outbox[index].queued_at + tx.policy.send_max_age;
    let waited = if expires_at > began { now.since(began) } else { Duration::ZERO };
    let delivery = tx.change_delivery(index);
    (delivery.expires_at, delivery.look_until) = (Some(expires_at + waited), None);
}

/// Why a message failed by age, as text for agents.
pub fn words(delivery: &Delivery, reason: &str) -> String {
    let what = match delivery.outcome_unknown_since {
        None => "could not be sent in time",
        Some(_) => "it is unknown whether this was sent",
    };
    format!("{what}: {reason}")
}

/// Fails the message at `index`, and those of its handoff that are queued behind it.
pub fn give_up(tx: &mut Transaction<'_>, index: usize, reason: &str) {
    let owner = tx.view.outbox[index].handoff.clone();
    let mut next = reason;
    while let Some((index, row)) = message_from(tx, &owner, index) {
        let doubt = tx.outcome_unknown_since(&tx.view.outbox[index]);
        tx.finish_delivery(index);
        ending::record_tried(tx, &row, doubt);
        tx.mark(&row, Sending::failed(next));
        next = "a message before this one could not be sent";
    }
}

fn message_from(tx: &Transaction<'_>, owner: &HandoffId, from: usize) -> Option<(usize, RowId)> {
    tx.view.outbox.iter().enumerate().skip(from).find_map(|(index, delivery)| {
        let row = delivery.job.message().filter(|_| delivery.handoff == *owner)?;
        Some((index, row.clone()))
    })
}
