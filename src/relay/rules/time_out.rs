//! No one waits for ever: a handoff that nobody accepts, or in which nobody writes, ends.
//!
//! The end user is told first. Before a handoff that an agent has is ended, Ada's message list is read: the
//! webhook of what somebody wrote may be late or lost, or have come while no process listened.

use super::{ending, recover, write};
use crate::relay::{
    changes::Scope,
    delivery::{Job, Read},
    draft::Draft,
    handoff::{EndedBy, Status},
    id::HandoffId,
    idle::Idle,
    rule::Rule,
    thread::{EventName, Source},
};

/// Who speaks to the end user while no agent has the handoff.
pub const SUPPORT: &str = "Support";

/// Does what is due for the handoff `id`. Harmless when nothing is: timers may be stale.
pub fn due(id: HandoffId) -> Rule<()> {
    let scope = Scope::handoff(&id).with_inbox().with_outbox();
    Rule::new(scope, move |draft| do_due(draft, &id))
}

fn do_due(draft: &mut Draft<'_>, id: &HandoffId) {
    let Some(handoff) = draft.find_handoff(id) else { return };
    if !is_due(draft, handoff) {
        return;
    }
    if draft.view.handoffs[handoff].status == Status::Waiting {
        return time_out(draft, handoff);
    }
    if goes_on(draft, handoff) {
        return postpone(draft, handoff);
    }
    draft.change_unseen(handoff).idle.asks_ada = true;
    recover::look_after(draft, id, None);
}

/// Ada's message list has been read, or can't be: if that was the last thing to wait for, the handoff times out.
pub fn looked(draft: &mut Draft<'_>, handoff: usize) {
    let known = &draft.view.handoffs[handoff];
    let recovers = |job: &Job| matches!(job, Job::Read(Read::Recover { .. }));
    let reads = draft.view.outbox.iter().any(|queued| queued.handoff == known.id && recovers(&queued.job));
    if !known.idle.asks_ada || reads {
        return;
    }
    draft.change_unseen(handoff).idle.asks_ada = false;
    if !is_due(draft, handoff) {
        return;
    }
    if goes_on(draft, handoff) { postpone(draft, handoff) } else { time_out(draft, handoff) }
}

fn is_due(draft: &Draft<'_>, handoff: usize) -> bool {
    let at = draft.view.handoffs[handoff].times_out_at(draft.policy);
    at.is_some_and(|at| at <= draft.now.at)
}

/// Whether something is on its way that the other side hasn't seen yet.
fn goes_on(draft: &Draft<'_>, handoff: usize) -> bool {
    let id = &draft.view.handoffs[handoff].id;
    !draft.view.inbox.is_empty()
        || draft.view.outbox.iter().any(|queued| queued.handoff == *id && queued.job.is_message())
}

fn postpone(draft: &mut Draft<'_>, handoff: usize) {
    let now = draft.now.at;
    draft.change_unseen(handoff).idle = Idle::since(now);
}

fn time_out(draft: &mut Draft<'_>, handoff: usize) {
    let known = &draft.view.handoffs[handoff];
    let text = known.timeout(draft.policy).and_then(|timeout| timeout.text.clone());
    let name = known.agent().unwrap_or(SUPPORT).to_owned();
    draft.add_event(handoff, EventName::TimedOut, None);
    if let Some(text) = text {
        write::say(draft, handoff, name, text, Source::Relay);
    }
    ending::end_at_ada(draft, handoff, EndedBy::System, EndedBy::System.as_str().to_owned());
}
