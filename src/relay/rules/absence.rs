//! The handoff of an agent who is gone goes back to the queue, so that others can answer.

use std::time::Duration;

use super::{act, waiting_text};
use crate::relay::{
    changes::Scope, handoff::Status, id::HandoffId, rule::Rule, thread::EventName, transaction::Transaction,
};

/// `agent` is gone: their handoff `id` waits for another one. Nothing happens if it is no longer theirs, or if they have
/// got it within the time `grace`; nor while the customer has an answer, because whoever waits in the queue for nothing
/// would be told at its end that nobody is free.
pub fn give_back(id: HandoffId, agent: String, grace: Duration) -> Rule<()> {
    Rule::new(Scope::handoff(&id).with_outbox(), move |tx| do_give_back(tx, &id, agent, grace))
}

fn do_give_back(tx: &mut Transaction<'_>, id: &HandoffId, agent: String, grace: Duration) {
    let Some(index) = tx.find_handoff(id) else { return };
    let handoff = &tx.view.handoffs[index];
    let is_theirs = matches!(&handoff.status, Status::Active { agent: owner } if *owner == agent);
    let since = handoff.dispatch.agent_since.or(handoff.accepted_at).unwrap_or(handoff.created_at);
    if !is_theirs || handoff.unanswered.is_none() || tx.now.at < since + grace {
        return;
    }
    tx.add_event(index, EventName::AgentGone, Some(agent.clone()));
    act::return_to_queue(tx, index, agent.clone());
    tx.change_handoff(index).dispatch.left_by = Some(agent);
    waiting_text::begin(tx, index, waiting_text::Since::Known);
}
