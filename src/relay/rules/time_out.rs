//! Timeouts: a handoff ends if no agent accepts it, or if nobody writes in it.
//!
//! The end user gets a text first. Before the end of a handoff that an agent has, Ada's message list is read, because
//! the webhook of a message may be late or lost, or may have arrived while no process was running.

use super::{ending, recover, say};
use crate::relay::{
    changes::Scope,
    contact::customers_name,
    delivery::{Job, Read, ShownAuthor},
    handoff::{EndedBy, Missed, Status, Told},
    id::HandoffId,
    idle::Idle,
    rule::Rule,
    thread::{EventName, Source},
    transaction::Transaction,
};

/// The sender's name for texts to the end user while no agent has the handoff.
pub const SUPPORT: &str = "Support";

/// Times the handoff `id` out if it is due. Does nothing otherwise, because timers may be stale.
pub fn due(id: HandoffId) -> Rule<()> {
    let scope = Scope::handoff(&id).with_inbox().with_outbox();
    Rule::new(scope, move |tx| do_due(tx, &id))
}

fn do_due(tx: &mut Transaction<'_>, id: &HandoffId) {
    let Some(handoff) = tx.find_handoff(id) else { return };
    if !is_due(tx, handoff) {
        return;
    }
    if tx.view.handoffs[handoff].status == Status::Waiting {
        return time_out(tx, handoff);
    }
    if goes_on(tx, handoff) {
        return postpone(tx, handoff);
    }
    tx.change_unseen(handoff).idle.asks_ada = true;
    recover::look_after(tx, id, None);
}

/// Ada's message list has been read, or can't be read. The handoff times out if it waits for nothing else.
pub fn looked(tx: &mut Transaction<'_>, handoff: usize) {
    let known = &tx.view.handoffs[handoff];
    let recovers = |job: &Job| matches!(job, Job::Read(Read::Recover { .. }));
    let reads = tx.view.outbox.iter().any(|queued| queued.handoff == known.id && recovers(&queued.job));
    if !known.idle.asks_ada || reads {
        return;
    }
    tx.change_unseen(handoff).idle.asks_ada = false;
    if !is_due(tx, handoff) {
        return;
    }
    if goes_on(tx, handoff) { postpone(tx, handoff) } else { time_out(tx, handoff) }
}

fn is_due(tx: &Transaction<'_>, handoff: usize) -> bool {
    let at = tx.view.handoffs[handoff].times_out_at(tx.policy);
    at.is_some_and(|at| at <= tx.now.at)
}

/// Whether a message is under way that the other side has not seen yet.
fn goes_on(tx: &Transaction<'_>, handoff: usize) -> bool {
    let id = &tx.view.handoffs[handoff].id;
    !tx.view.inbox.is_empty()
        || tx.view.outbox.iter().any(|queued| queued.handoff == *id && queued.job.is_message())
}

fn postpone(tx: &mut Transaction<'_>, handoff: usize) {
    let now = tx.now.at;
    tx.change_unseen(handoff).idle = Idle::since(now);
}

fn time_out(tx: &mut Transaction<'_>, handoff: usize) {
    let known = &tx.view.handoffs[handoff];
    let text = known.timeout(tx.policy).and_then(|timeout| timeout.text.clone());
    let name = customers_name(known.agent().unwrap_or(SUPPORT)).to_owned();
    let is_missed = known.status == Status::Waiting || known.unanswered.is_some();
    tx.add_event(handoff, EventName::TimedOut, None);
    let told = text.map(|text| {
        let row = say::say(tx, handoff, ShownAuthor::named(name), text.clone(), Source::Relay);
        Told { row: row.id, text, in_vain: false }
    });
    ending::end_at_ada(tx, handoff, EndedBy::System, EndedBy::System.as_str().to_owned());
    if is_missed {
        let at = tx.now.at;
        tx.change_handoff(handoff).missed = Some(Missed { at, told });
    }
}
