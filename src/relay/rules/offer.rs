//! A waiting handoff is offered to one agent after the other.

use std::time::Duration;

use super::act::Refusal;
use crate::relay::{
    changes::Scope,
    dispatch::Offer,
    handoff::{Handoff, Status},
    id::HandoffId,
    rule::Rule,
    transaction::Transaction,
};

/// Offers the handoff to `agent` for this long, and gives whether that was done: it waits, and is offered to nobody.
pub fn make(id: HandoffId, agent: String, timeout: Duration) -> Rule<bool> {
    Rule::new(Scope::handoff(&id), move |tx| {
        let Some(handoff) = tx.find_handoff(&id) else { return false };
        let known = &tx.view.handoffs[handoff];
        if known.status != Status::Waiting || known.dispatch.offer.is_some() {
            return false;
        }
        let until = tx.now.at + timeout;
        let dispatch = &mut tx.change_handoff(handoff).dispatch;
        // All have let it pass: another round begins.
        if dispatch.passed_by.contains(&agent) {
            dispatch.passed_by.clear();
        }
        dispatch.offer = Some(Offer { agent, until });
        true
    })
}

/// The agent to whom the handoff is offered does not want it.
///
/// # Errors
/// Unknown, over, another agent's, or not offered to this one.
pub fn decline(id: HandoffId, agent: String) -> Rule<Result<Handoff, Refusal>> {
    Rule::new(Scope::handoff(&id), move |tx| {
        let handoff = tx.find_handoff(&id).ok_or(Refusal::Unknown)?;
        match &tx.view.handoffs[handoff].status {
            Status::Ended(_) => return Err(Refusal::Ended),
            Status::Active { agent: owner } if *owner != agent => {
                return Err(Refusal::HasAnother(owner.clone()));
            }
            Status::Active { .. } | Status::Waiting => {}
        }
        if !pass(tx, handoff, &agent) {
            return Err(Refusal::NotOffered);
        }
        Ok(tx.view.handoffs[handoff].clone())
    })
}

/// The time of an offer to `agent` is over, or they are no longer on duty.
pub fn lapse(id: HandoffId, agent: String) -> Rule<()> {
    Rule::new(Scope::handoff(&id), move |tx| {
        if let Some(handoff) = tx.find_handoff(&id) {
            pass(tx, handoff, &agent);
        }
    })
}

/// Takes the offer back from `agent`, and gives whether there was one.
fn pass(tx: &mut Transaction<'_>, handoff: usize, agent: &str) -> bool {
    let offer = tx.view.handoffs[handoff].dispatch.offer.as_ref();
    if offer.is_none_or(|offer| offer.agent != agent) {
        return false;
    }
    let dispatch = &mut tx.change_handoff(handoff).dispatch;
    dispatch.offer = None;
    dispatch.passed_by.push(agent.to_owned());
    true
}
