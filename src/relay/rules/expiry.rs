//! A message has an age. One that could not be sent in time fails at that moment, whatever it waits for, and those queued
//! behind it fail with it, lest they arrive out of order.

use std::{collections::BTreeMap, time::Duration};

use super::ending;
use crate::relay::{
    changes::Scope,
    delivery::Delivery,
    draft::Draft,
    id::{AiAgentId, HandoffId, RowId},
    rule::Rule,
    thread::Sending,
};

/// A message in doubt is looked for, however old it is: for as long as a message may wait, but for so long at least and at
/// most.
pub const LOOK_TIME: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// Fails the messages of a handoff whose time is over. An attempt that is under way is let finish. `closed` says why
/// nothing is sent at all, if so.
pub fn due(handoff: HandoffId, closed: BTreeMap<AiAgentId, String>) -> Rule<()> {
    let scope = Scope::handoff(&handoff).with_outbox();
    Rule::new(scope, move |draft| {
        let owner = draft.find_handoff(&handoff).map(|place| &draft.view.handoffs[place].key.ai_agent);
        let closed = owner.and_then(|owner| closed.get(owner));
        fail_expired(draft, &handoff, closed.map(String::as_str));
    })
}

/// The same, in the course of another decision.
pub(super) fn fail_expired(draft: &mut Draft<'_>, handoff: &HandoffId, closed: Option<&str>) {
    learn_ages(draft, handoff);
    postpone_unverified(draft, handoff);
    let now = draft.now.at;
    let is_held = |delivery: &Delivery| delivery.claim.as_ref().is_some_and(|claim| claim.until > now);
    let expired =
        draft.view.outbox.iter().position(|delivery| {
            delivery.handoff == *handoff && is_over(draft, delivery) && !is_held(delivery)
        });
    let Some(place) = expired else { return };
    let delivery = &draft.view.outbox[place];
    let reason = delivery.trouble.as_deref().or(closed).unwrap_or("Ada's limits left no room for it");
    let reason = words(delivery, reason);
    give_up(draft, place, &reason);
}

/// Messages that were queued before their age was kept.
fn learn_ages(draft: &mut Draft<'_>, handoff: &HandoffId) {
    for place in 0..draft.view.outbox.len() {
        if draft.view.outbox[place].handoff == *handoff {
            learn_age(draft, place);
        }
    }
}

/// The same of one, if it is such a message.
pub fn learn_age(draft: &mut Draft<'_>, place: usize) {
    let delivery = &draft.view.outbox[place];
    if delivery.job.is_message() && delivery.expires_at.is_none() {
        let expires_at = delivery.queued_at + draft.policy.send_max_age;
        draft.change_delivery(place).expires_at = Some(expires_at);
    }
}

/// What may have been sent by another copy of the store is looked for first, and waiting for that is no age.
fn postpone_unverified(draft: &mut Draft<'_>, handoff: &HandoffId) {
    for place in 0..draft.view.outbox.len() {
        let delivery = &draft.view.outbox[place];
        if delivery.handoff == *handoff && is_over(draft, delivery) && draft.is_unverified(delivery) {
            allow_a_look(draft, place);
        }
    }
}

/// Whether it is a message whose time is over.
pub fn is_over(draft: &Draft<'_>, delivery: &Delivery) -> bool {
    delivery.job.is_message() && delivery.fails_at().is_some_and(|at| at <= draft.now.at)
}

/// The message at `place` is looked for before it may fail.
pub fn allow_a_look(draft: &mut Draft<'_>, place: usize) {
    let until = draft.now.at + draft.policy.send_max_age.clamp(LOOK_TIME.0, LOOK_TIME.1);
    draft.change_delivery(place).look_until = Some(until);
}

/// From now on it is known of the message at `place`, or being found out, whether another copy of the store has sent it.
/// Waiting for that was no age, unless the message was too old when this process began.
pub fn verified(draft: &mut Draft<'_>, place: usize) {
    let (began, now) = (draft.policy.began_at, draft.now.at);
    let expires_at = draft.view.outbox[place].queued_at + draft.policy.send_max_age;
    let waited = if expires_at > began { now.since(began) } else { Duration::ZERO };
    let delivery = draft.change_delivery(place);
    (delivery.expires_at, delivery.look_until) = (Some(expires_at + waited), None);
}

/// Why a message failed by age, in words for agents.
pub fn words(delivery: &Delivery, reason: &str) -> String {
    let what = match delivery.doubt {
        None => "could not be sent in time",
        Some(_) => "it could not be found out whether this was sent",
    };
    format!("{what}: {reason}")
}

/// Fails the message at `place`, and those of its handoff that are queued behind it.
pub fn give_up(draft: &mut Draft<'_>, place: usize, reason: &str) {
    let owner = draft.view.outbox[place].handoff.clone();
    let mut next = reason;
    while let Some((place, row)) = message_from(draft, &owner, place) {
        let doubt = draft.doubt(&draft.view.outbox[place]);
        draft.finish_delivery(place);
        ending::note_tried(draft, &row, doubt);
        draft.mark(&row, Sending::failed(next));
        next = "a message before this one could not be sent";
    }
}

fn message_from(draft: &Draft<'_>, owner: &HandoffId, from: usize) -> Option<(usize, RowId)> {
    draft.view.outbox.iter().enumerate().skip(from).find_map(|(place, delivery)| {
        let row = delivery.job.message().filter(|_| delivery.handoff == *owner)?;
        Some((place, row.clone()))
    })
}
