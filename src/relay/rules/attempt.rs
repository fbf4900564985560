//! Begins an attempt on a delivery, and decides what it does.
//!
//! Ada has no idempotency key. So the store records that a message is in doubt before its request leaves. While a
//! message is in doubt, the relay looks for it and does not send it: see `docs/effectively-once.md`.

#![warn(clippy::wildcard_enum_match_arm, reason = "a job that nobody thought of must not compile")]

use std::time::Duration;

use super::{expiry, update, values};
use crate::relay::{
    changes::Scope,
    delivery::{
        Attachment, Claim, Delivery, Fetch, Job, Lane, Outgoing, Queue, Read, ShownAuthor, Update,
        UploadedFile, Write,
    },
    id::{HolderId, RowId},
    rule::Rule,
    thread::Row,
    time::Time,
    transaction::Transaction,
};

/// If Ada has stored a message, its webhook arrives within this time, or the message is in Ada's list by then.
pub const ECHO_GRACE: Duration = Duration::from_secs(2);
/// How long a claim lasts unless it is renewed.
pub const LEASE: Duration = Duration::from_secs(10);

/// A turn in a lane.
#[derive(Clone, Debug)]
pub struct Turn {
    pub lane: Lane,
    /// The queue that has waited. A delivery of another queue must wait for a turn of that queue.
    pub queue: Queue,
    /// Who takes it.
    pub holder: HolderId,
}

/// An attempt that has begun.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptStart {
    /// The delivery as it was before the attempt, but with the attempt's fence.
    pub delivery: Delivery,
    /// What to do.
    pub step: Step,
}

/// What the courier must do.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A call to Ada with an effect that the end user sees.
    Write {
        /// When this attempt began, by our clock.
        began: Time,
        call: Call,
    },
    /// Read Ada's message list, from this page or from the beginning.
    Look {
        from: Option<String>,
        /// Whether to ask, after the end of the list, if the whole conversation has ended.
        asks_if_over: bool,
    },
    /// Fetch the bytes of the row's file.
    Fetch { row: Box<Row> },
    /// Set values at Ada; the end user's id, where it is known.
    Update { what: Update, end_user: Option<String> },
}

/// See [`Step::Write`].
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Post a message.
    Send {
        /// What it says.
        says: Saying,
        /// As whom.
        by: ShownAuthor,
    },
    /// Upload the bytes of the message's file to Ada. No earlier upload is known.
    Upload {
        /// Whose file.
        row: RowId,
        file: Attachment,
    },
    /// End the handoff.
    End,
}

/// The content of a message that can be posted.
#[derive(Clone, Debug, PartialEq)]
pub enum Saying {
    /// Words.
    Text(String),
    /// A file that Ada has already.
    File(UploadedFile),
}

/// Claims the next delivery of a lane and begins an attempt on it. Both are one decision, so that no waiting delivery
/// is claimed, and no attempt begins on another's claim. `None` if there is nothing to do now.
pub fn begin(turn: Turn) -> Rule<Option<AttemptStart>> {
    let scope = Scope::conversation(&turn.lane.key).with_outbox();
    Rule::new(scope, move |tx| begin_next(tx, &turn))
}

fn begin_next(tx: &mut Transaction<'_>, turn: &Turn) -> Option<AttemptStart> {
    let index = next(tx, turn)?;
    let now = tx.now.at;
    expiry::learn_age(tx, index);
    if tx.is_unverified(&tx.view.outbox[index]) {
        let queued_at = tx.view.outbox[index].queued_at;
        tx.change_delivery(index).outcome_unknown_since = Some(queued_at);
        expiry::verified(tx, index);
        expiry::allow_a_look(tx, index);
    }
    let updates = match tx.view.outbox[index].job {
        Job::Update(_) => Some(values::due(tx, index)?),
        Job::Write(_) | Job::Read(_) | Job::Fetch(_) | Job::Notify(_) => None,
    };
    let delivery = &tx.view.outbox[index];
    if delivery.outcome_unknown_since.is_none() && expiry::is_over(tx, delivery) {
        expiry::fail_expired(tx, &delivery.handoff.clone(), None);
        return None;
    }
    let step = match (&delivery.job, delivery.outcome_unknown_since) {
        (Job::Write(Write::Send { .. }), Some(since)) if now.since(since) < ECHO_GRACE => {
            tx.change_delivery(index).due_at = since + ECHO_GRACE;
            return None;
        }
        (Job::Write(Write::Send { .. }), Some(_)) => look(tx, delivery, false),
        (Job::Write(Write::Send { row, what, by }), None) => {
            Step::Write { began: now, call: send(row, what, by) }
        }
        // Ending an ended handoff does no harm: Ada's answer says that it has ended.
        (Job::Write(Write::End { .. }), _) => Step::Write { began: now, call: Call::End },
        (Job::Read(Read::Transcript), _) => look(tx, delivery, false),
        (Job::Read(Read::Recover { .. }), _) => look(tx, delivery, true),
        (Job::Fetch(Fetch::File { row }), _) => {
            let Some(row) = tx.find_row(row) else {
                tx.finish_delivery(index);
                return None;
            };
            Step::Fetch { row: Box::new(tx.view.rows[row].clone()) }
        }
        (Job::Update(_), _) => {
            Step::Update { what: updates?, end_user: update::end_user(tx, &delivery.handoff) }
        }
        // Those have rules of their own.
        (Job::Notify(_), _) => return None,
    };
    let before = delivery.clone();
    let delivery = tx.change_delivery(index);
    delivery.fence += 1;
    delivery.claim = Some(Claim { holder: turn.holder.clone(), until: now + LEASE });
    delivery.attempts = delivery.attempts.saturating_add(1);
    if let Step::Write { call: Call::Send { .. } | Call::End, .. } = step {
        delivery.outcome_unknown_since.get_or_insert(now);
    }
    let fence = delivery.fence;
    Some(AttemptStart { delivery: Delivery { fence, ..before }, step })
}

/// The delivery whose turn it is.
fn next(tx: &Transaction<'_>, turn: &Turn) -> Option<usize> {
    let (destination, now) = (&turn.lane.destination, tx.now.at);
    let in_lane = || tx.view.outbox.iter().enumerate().filter(|(_, delivery)| delivery.lane() == turn.lane);
    let is_ready = |delivery: &Delivery| delivery.queue() == turn.queue && delivery.ready_at() <= now;
    if destination.is_ordered() {
        return in_lane().next().filter(|(_, first)| is_ready(first)).map(|(index, _)| index);
    }
    let is_held = |delivery: &Delivery| delivery.claim.as_ref().is_some_and(|claim| claim.until > now);
    if in_lane().filter(|(_, delivery)| is_held(delivery)).count() >= destination.at_once_in_lane() {
        return None;
    }
    let ready = in_lane().filter(|(_, delivery)| is_ready(delivery));
    ready.min_by_key(|(_, delivery)| delivery.ready_at()).map(|(index, _)| index)
}

fn send(row: &RowId, what: &Outgoing, by: &ShownAuthor) -> Call {
    let says = match what {
        Outgoing::Text { text } => Saying::Text(text.clone()),
        Outgoing::File { file: Attachment { uploaded: Some(uploaded), .. } } => {
            Saying::File(uploaded.clone())
        }
        Outgoing::File { file } => return Call::Upload { row: row.clone(), file: file.clone() },
    };
    Call::Send { says, by: by.clone() }
}

/// Ada's message list is read on from where it was left.
fn look(tx: &Transaction<'_>, delivery: &Delivery, asks_if_over: bool) -> Step {
    let handoff = tx.find_handoff(&delivery.handoff).map(|index| &tx.view.handoffs[index]);
    Step::Look { from: handoff.and_then(|handoff| handoff.listed.page.clone()), asks_if_over }
}
