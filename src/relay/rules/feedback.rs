//! A customer gives feedback to a handoff that is over.

use crate::relay::{
    changes::Scope,
    feedback::{Feedback, Given},
    id::HandoffId,
    rule::Rule,
    transaction::Transaction,
};

/// Keeps it with the handoff, in the place of an earlier one. The same once more changes nothing. False if there is no such
/// handoff, or it is not over.
pub fn give(id: HandoffId, given: Given) -> Rule<bool> {
    Rule::new(Scope::handoff(&id), move |tx| keep(tx, &id, given))
}

fn keep(tx: &mut Transaction<'_>, id: &HandoffId, given: Given) -> bool {
    let Some(handoff) = tx.find_handoff(id).filter(|at| !tx.view.handoffs[*at].is_open()) else {
        return false;
    };
    let is_known = tx.view.handoffs[handoff].feedback.as_ref().is_some_and(|known| known.given == given);
    if !is_known {
        let at = tx.now.at;
        tx.change_handoff(handoff).feedback = Some(Feedback { given, at });
    }
    true
}
