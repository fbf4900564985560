//! Settles a reading of Ada's message list: adds missing messages to the thread, and finds out whether Ada has a
//! message in doubt.

#![warn(clippy::wildcard_enum_match_arm, reason = "a job that nobody thought of must not compile")]

use std::{sync::Arc, time::Duration};

use super::{
    expiry, recover,
    settle::{DENIED_PAUSE, retry_later},
    time_out,
    transcript::{self, Reading},
    unknown,
};
use crate::relay::{
    backoff,
    delivery::{Delivery, Failure, Job, MessagePage, Read, Write},
    handoff::{CLOCK_TOLERANCE, Handoff},
    rule::Rule,
    thread::{Content, Source},
    time::Time,
    transaction::{NewRow, Transaction, system},
};

/// When to read a list again that has unclear entries.
const READ_AGAIN: Duration = Duration::from_secs(30);

/// A reading and its outcome.
#[derive(Clone, Debug)]
pub struct Look {
    /// The delivery it was made for.
    pub delivery: Delivery,
    /// The page at which it began; the first, if there is none.
    pub from: Option<String>,
    /// What was read.
    pub outcome: Result<MessagePage, Failure>,
    /// Whether Ada says that the whole conversation has ended, where that was asked.
    pub is_over: bool,
    /// The `Date` of Ada's last answer.
    pub answered_at: Option<Time>,
    /// Drawn anew for each attempt, 0 to 1.
    pub jitter: f64,
}

/// Settles a reading. Its result is used even if its delivery was removed meanwhile.
pub fn settle(look: Arc<Look>) -> Rule<()> {
    let messages = look.outcome.as_ref().map_or(&[][..], |listed| &listed.messages);
    let mut scope = transcript::scope(&look.delivery.handoff, messages);
    scope.rows.extend(look.delivery.job.row().cloned());
    Rule::new(scope, move |tx| settle_look(tx, &look))
}

fn settle_look(tx: &mut Transaction<'_>, look: &Look) {
    let Some(handoff) = tx.find_handoff(&look.delivery.handoff) else { return };
    match &look.outcome {
        Ok(listed) => merge_page(tx, handoff, look, listed),
        Err(failure) => failed(tx, handoff, look, failure),
    }
    time_out::looked(tx, handoff);
}

fn merge_page(tx: &mut Transaction<'_>, handoff: usize, look: &Look, listed: &MessagePage) {
    if tx.view.handoffs[handoff].listed.unreadable || tx.view.handoffs[handoff].listed.unknown > 0 {
        let listed = &mut tx.change_unseen(handoff).listed;
        (listed.unreadable, listed.unknown) = (false, 0);
    }
    // What became known to be missed while this was read counts for it, too: nothing else reads the list soon.
    let present = tx.find_attempted(&look.delivery).map_or(&look.delivery, |index| &tx.view.outbox[index]);
    let missed_before = match present.job {
        Job::Read(Read::Recover { missed_before }) => missed_before,
        Job::Read(Read::Transcript) | Job::Write(_) | Job::Fetch(_) | Job::Notify(_) | Job::Update(_) => None,
    };
    // If two readings run at the same time, the later result lacks what the earlier one has found.
    let is_in_step = tx.view.handoffs[handoff].listed.page == look.from;
    let reading = Reading { listed, from: look.from.as_deref(), missed_before };
    let is_unclear = transcript::merge(tx, handoff, &reading);
    record_unreadable(tx, handoff, listed);
    let maybe_listed =
        tx.find_attempted(&look.delivery).is_some_and(|index| tx.view.outbox[index].maybe_listed);
    if !listed.more && is_in_step {
        record_read(tx, handoff);
    }
    if look.is_over && !listed.more {
        recover::is_over(tx, handoff, look.answered_at);
    }
    // A message that was found has no delivery any more.
    let Some(index) = tx.find_attempted(&look.delivery) else { return };
    if listed.more {
        tx.put_back(index).due_at = tx.now.at;
        return;
    }
    match look.delivery.job {
        Job::Write(Write::Send { .. }) if maybe_listed => {
            let wait = backoff::delay(tx.view.outbox[index].attempts, look.jitter);
            retry_later(
                tx,
                index,
                "Ada's message list has an unreadable message, which may be this one",
                wait,
            );
        }
        // Another reading has ended meanwhile, and what it knew of earlier parts is not known any more.
        Job::Write(Write::Send { .. }) if !is_in_step => tx.put_back(index).due_at = tx.now.at,
        Job::Write(Write::Send { .. }) => absent(tx, index, look.jitter),
        // Recovery reads lists of open handoffs only.
        Job::Read(_) if is_unclear && !tx.view.handoffs[handoff].is_open() => {
            retry_later(tx, index, "Ada's message list has an entry that can't be read yet", READ_AGAIN);
        }
        Job::Read(Read::Transcript | Read::Recover { .. }) => drop(tx.finish_delivery(index)),
        // These look for nothing.
        Job::Write(Write::End { .. }) | Job::Fetch(_) | Job::Notify(_) | Job::Update(_) => {}
    }
}

/// Remembers, until the list has been read to its end, which messages in doubt an unreadable entry may be: an entry by
/// a human agent, stored after they may have been sent.
fn record_unreadable(tx: &mut Transaction<'_>, handoff: usize, listed: &MessagePage) {
    let owner = tx.view.handoffs[handoff].id.clone();
    for index in 0..tx.view.outbox.len() {
        let delivery = &tx.view.outbox[index];
        let Some(doubt) = tx.outcome_unknown_since(delivery).filter(|_| delivery.handoff == owner) else {
            continue;
        };
        let tried_at = doubt.shifted(tx.now.offset);
        let mut messages = listed.messages.iter();
        if messages.any(|message| {
            transcript::may_be_ours(message) && message.created_at + CLOCK_TOLERANCE >= tried_at
        }) {
            tx.change_delivery(index).maybe_listed = true;
        }
    }
}

/// The list has been read to its end. A message of the handoff that was not found had not been sent, unless an
/// unreadable entry may be the message.
fn record_read(tx: &mut Transaction<'_>, handoff: usize) {
    let (owner, now) = (tx.view.handoffs[handoff].id.clone(), tx.now.at);
    let of_it = |delivery: &Delivery| delivery.handoff == owner;
    let unverified = |delivery: &Delivery| of_it(delivery) && tx.is_unverified(delivery);
    let is_sure = !tx.view.outbox.iter().any(|delivery| unverified(delivery) && delivery.maybe_listed);
    for index in 0..tx.view.outbox.len() {
        let delivery = &tx.view.outbox[index];
        if of_it(delivery) && is_sure && tx.is_unverified(delivery) {
            expiry::verified(tx, index);
        }
        if of_it(&tx.view.outbox[index]) && tx.view.outbox[index].maybe_listed {
            tx.change_delivery(index).maybe_listed = false;
        }
    }
    if is_sure {
        tx.change_unseen(handoff).listed.read_at = Some(now);
    }
}

/// Ada does not have the message, so it can be sent again.
fn absent(tx: &mut Transaction<'_>, index: usize, jitter: f64) {
    let delivery = tx.put_back(index);
    (delivery.outcome_unknown_since, delivery.look_until) = (None, None);
    // Every second attempt only looked for the message.
    let wait = backoff::delay(delivery.attempts.div_ceil(2), jitter);
    retry_later(tx, index, "Ada does not have it", wait);
}

/// A failed read does not end the handoff. If it can never succeed, a line in the thread says so, once.
fn failed(tx: &mut Transaction<'_>, handoff: usize, look: &Look, failure: &Failure) {
    let Some(index) = tx.find_attempted(&look.delivery) else { return };
    let wait = backoff::delay(tx.view.outbox[index].attempts, look.jitter);
    let is_send = look.delivery.job.is_message();
    match failure {
        Failure::Throttled { reason, retry_after } => {
            retry_later(tx, index, reason, retry_after.unwrap_or(wait))
        }
        Failure::Unreached(reason) | Failure::Unclear(reason) => retry_later(tx, index, reason, wait),
        Failure::UnknownConversation(reason) if !is_send => {
            if !unknown::answered(tx, handoff, index, reason, wait) {
                give_up(tx, handoff, index, reason);
            }
        }
        Failure::NoHandoff(reason) | Failure::Refused(reason) if !is_send => {
            // Recovery reads the list of an open handoff again. For an ended one, only this reading settles its
            // messages.
            let age = tx.now.at.since(tx.view.outbox[index].queued_at);
            if tx.view.handoffs[handoff].is_open() || age >= tx.policy.send_max_age {
                give_up(tx, handoff, index, reason);
            } else {
                say_unreadable(tx, handoff, reason);
                retry_later(tx, index, reason, wait.max(READ_AGAIN));
            }
        }
        Failure::Denied(reason)
        | Failure::NoHandoff(reason)
        | Failure::UnknownConversation(reason)
        | Failure::Refused(reason) => {
            say_unreadable(tx, handoff, reason);
            retry_later(tx, index, reason, DENIED_PAUSE);
        }
    }
}

fn give_up(tx: &mut Transaction<'_>, handoff: usize, index: usize, reason: &str) {
    tx.finish_delivery(index);
    say_unreadable(tx, handoff, reason);
}

fn say_unreadable(tx: &mut Transaction<'_>, handoff: usize, reason: &str) {
    let Handoff { listed, .. } = &tx.view.handoffs[handoff];
    if listed.unreadable {
        return;
    }
    tx.change_unseen(handoff).listed.unreadable = true;
    let at = tx.own_at(handoff);
    let body = format!("The history could not be read from Ada: {reason}");
    tx.add_row(handoff, NewRow::own(at, system(), Content::Text { body }, Source::Relay));
}
