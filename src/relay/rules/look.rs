//! What came of reading Ada's message list: the thread has what it lacked, a message in doubt is found or isn't.

use std::{sync::Arc, time::Duration};

use super::{
    expiry, recover,
    settle::{DENIED_PAUSE, again},
    time_out,
    transcript::{self, Reading},
    unknown,
};
use crate::relay::{
    backoff,
    delivery::{Delivery, Failure, Job, Listed, Read, Write},
    draft::{Draft, NewRow, system},
    handoff::{DOUBT, Handoff},
    rule::Rule,
    thread::{Content, Source},
    time::Time,
};

/// When a list is read again that has something to be cleared up.
const READ_AGAIN: Duration = Duration::from_secs(30);

/// A reading and its outcome.
#[derive(Clone, Debug)]
pub struct Look {
    /// The delivery it was made for.
    pub delivery: Delivery,
    /// The page at which it began; the first, if there is none.
    pub from: Option<String>,
    /// What was read.
    pub outcome: Result<Listed, Failure>,
    /// Whether Ada says that the whole conversation has ended, where that was asked.
    pub is_over: bool,
    /// The `Date` of Ada's last answer.
    pub answered_at: Option<Time>,
    /// Drawn anew for each attempt, 0 to 1.
    pub jitter: f64,
}

/// Settles a reading. What was read is of use also when its delivery was taken back meanwhile.
pub fn settle(look: Arc<Look>) -> Rule<()> {
    let messages = look.outcome.as_ref().map_or(&[][..], |listed| &listed.messages);
    let mut scope = transcript::scope(&look.delivery.handoff, messages);
    scope.rows.extend(look.delivery.job.row().cloned());
    Rule::new(scope, move |draft| settle_look(draft, &look))
}

fn settle_look(draft: &mut Draft<'_>, look: &Look) {
    let Some(handoff) = draft.find_handoff(&look.delivery.handoff) else { return };
    match &look.outcome {
        Ok(listed) => read(draft, handoff, look, listed),
        Err(failure) => failed(draft, handoff, look, failure),
    }
    time_out::looked(draft, handoff);
}

fn read(draft: &mut Draft<'_>, handoff: usize, look: &Look, listed: &Listed) {
    if draft.view.handoffs[handoff].listed.unreadable || draft.view.handoffs[handoff].listed.unknown > 0 {
        let listed = &mut draft.change_unseen(handoff).listed;
        (listed.unreadable, listed.unknown) = (false, 0);
    }
    let missed_before = match look.delivery.job {
        Job::Read(Read::Recover { missed_before }) => missed_before,
        Job::Read(Read::Transcript) | Job::Write(_) | Job::Fetch(_) => None,
    };
    // Of two readings at once the second to come back has left out what the first has found.
    let is_in_step = draft.view.handoffs[handoff].listed.page == look.from;
    let reading = Reading { listed, from: look.from.as_deref(), missed_before };
    let is_unclear = transcript::merge(draft, handoff, &reading);
    note_unreadable(draft, handoff, listed);
    let maybe_listed =
        draft.find_attempted(&look.delivery).is_some_and(|place| draft.view.outbox[place].maybe_listed);
    if !listed.more && is_in_step {
        note_read(draft, handoff);
    }
    if look.is_over && !listed.more {
        recover::is_over(draft, handoff, look.answered_at);
    }
    // A message that was found has no delivery any more.
    let Some(place) = draft.find_attempted(&look.delivery) else { return };
    if listed.more {
        draft.put_back(place).due_at = draft.now.at;
        return;
    }
    match look.delivery.job {
        Job::Write(Write::Send { .. }) if maybe_listed => {
            let wait = backoff::delay(draft.view.outbox[place].attempts, look.jitter);
            again(draft, place, "Ada's list has a message that can't be read, which may be this one", wait);
        }
        Job::Write(Write::Send { .. }) => absent(draft, place, look.jitter),
        // Only open handoffs are looked after without being asked.
        Job::Read(_) if is_unclear && !draft.view.handoffs[handoff].is_open() => {
            again(draft, place, "Ada's list has something that may be read otherwise soon", READ_AGAIN);
        }
        Job::Read(Read::Transcript | Read::Recover { .. }) => drop(draft.finish_delivery(place)),
        // Nothing is looked for on behalf of these.
        Job::Write(Write::End { .. }) | Job::Fetch(_) => {}
    }
}

/// Remembers, until the list has been read to its end, which messages in doubt something unreadable in it may be: people
/// wrote it since they may have been sent.
fn note_unreadable(draft: &mut Draft<'_>, handoff: usize, listed: &Listed) {
    let owner = draft.view.handoffs[handoff].id.clone();
    for place in 0..draft.view.outbox.len() {
        let delivery = &draft.view.outbox[place];
        let Some(doubt) = draft.doubt(delivery).filter(|_| delivery.handoff == owner) else { continue };
        let tried_at = doubt.shifted(draft.now.offset);
        let mut messages = listed.messages.iter();
        if messages.any(|message| transcript::may_be_ours(message) && message.created_at + DOUBT >= tried_at)
        {
            draft.change_delivery(place).maybe_listed = true;
        }
    }
}

/// The list has been read to its end: what of the handoff has not been found was not sent by then, unless it may be
/// something unreadable.
fn note_read(draft: &mut Draft<'_>, handoff: usize) {
    let (owner, now) = (draft.view.handoffs[handoff].id.clone(), draft.now.at);
    let of_it = |delivery: &Delivery| delivery.handoff == owner;
    let unverified = |delivery: &Delivery| of_it(delivery) && draft.is_unverified(delivery);
    let is_sure = !draft.view.outbox.iter().any(|delivery| unverified(delivery) && delivery.maybe_listed);
    for place in 0..draft.view.outbox.len() {
        let delivery = &draft.view.outbox[place];
        if of_it(delivery) && is_sure && draft.is_unverified(delivery) {
            expiry::verified(draft, place);
        }
        if of_it(&draft.view.outbox[place]) && draft.view.outbox[place].maybe_listed {
            draft.change_delivery(place).maybe_listed = false;
        }
    }
    if is_sure {
        draft.change_unseen(handoff).listed.read_at = Some(now);
    }
}

/// The message isn't there: it can be sent again.
fn absent(draft: &mut Draft<'_>, place: usize, jitter: f64) {
    let delivery = draft.put_back(place);
    (delivery.doubt, delivery.look_until) = (None, None);
    // Every second attempt was a look.
    let wait = backoff::delay(delivery.attempts.div_ceil(2), jitter);
    again(draft, place, "Ada does not have it", wait);
}

/// A read ends nothing. Where it can't succeed the thread says so, once.
fn failed(draft: &mut Draft<'_>, handoff: usize, look: &Look, failure: &Failure) {
    let Some(place) = draft.find_attempted(&look.delivery) else { return };
    let wait = backoff::delay(draft.view.outbox[place].attempts, look.jitter);
    let is_send = look.delivery.job.is_message();
    match failure {
        Failure::Throttled { reason, retry_after } => {
            again(draft, place, reason, retry_after.unwrap_or(wait))
        }
        Failure::Unreached(reason) | Failure::Unclear(reason) => again(draft, place, reason, wait),
        Failure::UnknownConversation(reason) if !is_send => {
            if !unknown::answered(draft, handoff, place, reason, wait) {
                give_up(draft, handoff, place, reason);
            }
        }
        Failure::NoHandoff(reason) | Failure::Refused(reason) if !is_send => {
            // Open handoffs are looked after anyway; what became of messages in an ended one only this tells.
            let age = draft.now.at.since(draft.view.outbox[place].queued_at);
            if draft.view.handoffs[handoff].is_open() || age >= draft.policy.send_max_age {
                give_up(draft, handoff, place, reason);
            } else {
                say_unreadable(draft, handoff, reason);
                again(draft, place, reason, wait.max(READ_AGAIN));
            }
        }
        Failure::Denied(reason)
        | Failure::NoHandoff(reason)
        | Failure::UnknownConversation(reason)
        | Failure::Refused(reason) => {
            say_unreadable(draft, handoff, reason);
            again(draft, place, reason, DENIED_PAUSE);
        }
    }
}

fn give_up(draft: &mut Draft<'_>, handoff: usize, place: usize, reason: &str) {
    draft.finish_delivery(place);
    say_unreadable(draft, handoff, reason);
}

fn say_unreadable(draft: &mut Draft<'_>, handoff: usize, reason: &str) {
    let Handoff { listed, .. } = &draft.view.handoffs[handoff];
    if listed.unreadable {
        return;
    }
    draft.change_unseen(handoff).listed.unreadable = true;
    let at = draft.own_at(handoff);
    let body = format!("The history could not be read from Ada: {reason}");
    draft.add_row(handoff, NewRow::own(at, system(), Content::Text { body }, Source::Relay));
}
