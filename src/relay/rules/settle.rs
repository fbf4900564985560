//! Settles the outcome of a call to Ada.

#![warn(clippy::wildcard_enum_match_arm, reason = "a job that nobody thought of must not compile")]

use std::{sync::Arc, time::Duration};

use super::{attempt::ECHO_GRACE, ending, expiry, message::forget_delivery};
use crate::relay::{
    backoff,
    changes::Scope,
    delivery::{Delivery, Failure, Job, Outgoing, Read, Receipt, UploadedFile, Write},
    handoff::{AdaEnd, EndedBy, Status},
    rule::Rule,
    thread::{Content, Sending},
    time::Time,
    transaction::Transaction,
};

/// Ada may need this long to process our answer to its start call. Until then, "not in a handoff" is tried again.
pub const START_GRACE: Duration = Duration::from_secs(10);
/// How often a refused key is tried again.
pub const DENIED_PAUSE: Duration = Duration::from_secs(30);

/// An attempt and its outcome.
#[derive(Clone, Debug)]
pub struct Attempt<T = Receipt> {
    /// The delivery, as it was before this attempt began, but with its fence.
    pub delivery: Delivery,
    /// When it began, by our clock.
    pub began: Time,
    /// How it went.
    pub outcome: Result<T, Failure>,
    /// The `Date` of Ada's answer.
    pub answered_at: Option<Time>,
    /// Drawn anew for each attempt, 0 to 1.
    pub jitter: f64,
}

/// Settles a call that sent a message or ended a handoff.
pub fn attempt(attempt: Arc<Attempt>) -> Rule<()> {
    Rule::new(Scope::attempted(&attempt.delivery), move |tx| settle_call(tx, &attempt))
}

fn settle_call(tx: &mut Transaction<'_>, attempt: &Attempt) {
    let Some(index) = tx.find_attempted(&attempt.delivery) else {
        return settle_withdrawn(tx, attempt);
    };
    match &attempt.outcome {
        Ok(receipt) => {
            tx.finish_delivery(index);
            succeeded(tx, attempt, receipt);
        }
        Err(failure) => failed(tx, index, attempt, failure),
    }
}

/// A rule panics on the outcome of an attempt. The delivery is removed, so that it does not block those behind it.
pub fn spoiled(delivery: Delivery) -> Rule<()> {
    Rule::new(Scope::attempted(&delivery), move |tx| take_away(tx, &delivery))
}

fn take_away(tx: &mut Transaction<'_>, delivery: &Delivery) {
    let Some(index) = tx.find_attempted(delivery) else { return };
    match &delivery.job {
        Job::Write(Write::Send { row, .. }) => {
            let delivery = tx.finish_delivery(index);
            ending::record_tried(tx, row, delivery.outcome_unknown_since);
            tx.mark(
                row,
                Sending::failed("an internal error occurred after the attempt; it may have been sent"),
            );
        }
        Job::Notify(_) => {}
        Job::Write(Write::End { .. }) | Job::Fetch(_) => {
            let due_at = tx.now.at + DENIED_PAUSE;
            tx.put_back(index).due_at = due_at;
        }
        Job::Read(_) | Job::Update(_) => drop(tx.finish_delivery(index)),
    }
}

/// Settles an upload. The message that points to it is sent next, in the same place of the queue.
///
/// An upload may be repeated: nobody sees a file without a message that points to it.
pub fn upload(attempt: Arc<Attempt<UploadedFile>>) -> Rule<()> {
    Rule::new(Scope::attempted(&attempt.delivery), move |tx| settle_upload(tx, &attempt))
}

fn settle_upload(tx: &mut Transaction<'_>, attempt: &Attempt<UploadedFile>) {
    // The delivery was removed meanwhile: no message points to the uploaded file.
    let Some(index) = tx.find_attempted(&attempt.delivery) else { return };
    match &attempt.outcome {
        Ok(uploaded) => point_to(tx, index, uploaded),
        Err(Failure::Unclear(reason)) => {
            failed(tx, index, attempt, &Failure::Unreached(reason.clone()));
        }
        Err(failure) => failed(tx, index, attempt, failure),
    }
}

/// The row takes over the name and the type that Ada has given the file, because the echo has them.
fn point_to(tx: &mut Transaction<'_>, index: usize, uploaded: &UploadedFile) {
    let now = tx.now.at;
    let delivery = tx.put_back(index);
    let Job::Write(Write::Send { row, what: Outgoing::File { file }, .. }) = &mut delivery.job else {
        return;
    };
    file.uploaded = Some(uploaded.clone());
    let row = row.clone();
    (delivery.attempts, delivery.due_at) = (0, now);
    let Some(row) = tx.find_row(&row) else { return };
    tx.change_row(row, |row| {
        if let Content::File { filename, mime_type, .. } = &mut row.content {
            filename.clone_from(&uploaded.filename);
            mime_type.clone_from(&uploaded.mime_type);
        }
    });
}

/// The delivery was removed during the attempt (the handoff ended, or the echo arrived), or another attempt has begun,
/// because this one took longer than its lease. If the message was sent, its row shows it. If that is unknown, Ada's
/// list is read.
fn settle_withdrawn(tx: &mut Transaction<'_>, attempt: &Attempt) {
    let Some(row) = attempt.delivery.job.message() else { return };
    match &attempt.outcome {
        Ok(receipt) => {
            succeeded(tx, attempt, receipt);
            // An agent may have asked for it again meanwhile.
            if let Some(index) = tx.find_row(row) {
                forget_delivery(tx, index);
            }
        }
        Err(Failure::Unclear(_)) => {
            let failed = |index: usize| matches!(tx.view.rows[index].sending, Some(Sending::Failed { .. }));
            let failed = tx.find_row(row).is_some_and(failed);
            if let (true, Some(handoff)) = (failed, tx.find_handoff(&attempt.delivery.handoff)) {
                tx.deliver(handoff, Read::Transcript);
            }
        }
        Err(_) => {}
    }
}

fn succeeded(tx: &mut Transaction<'_>, attempt: &Attempt, receipt: &Receipt) {
    let Job::Write(write) = &attempt.delivery.job else { return };
    match write {
        Write::Send { row, .. } => {
            let Some(index) = tx.find_row(row) else { return };
            tx.change_row(index, |row| {
                row.tried_at = Some(attempt.began);
                row.ids.answer = receipt.message_id.clone();
                if row.sending != Some(Sending::Confirmed) {
                    row.sending = Some(Sending::Sent);
                }
                if let (Some(created_at), false) = (receipt.created_at, row.created_by_ada) {
                    row.created_at = created_at;
                    row.created_by_ada = true;
                    row.at = created_at.floor_millis();
                }
            });
            let runs_at = receipt.created_at.or(attempt.answered_at);
            if let (Some(handoff), Some(at)) = (tx.find_handoff(&attempt.delivery.handoff), runs_at) {
                tx.change_unseen(handoff).record_runs(at);
            }
        }
        Write::End { .. } => end_settled(tx, attempt),
    }
}

/// Our end call has been answered, or the end was there before it.
fn end_settled<T>(tx: &mut Transaction<'_>, attempt: &Attempt<T>) {
    let Job::Write(Write::End { row }) = &attempt.delivery.job else { return };
    tx.mark(row, Sending::Sent);
    let Some(handoff) = tx.find_handoff(&attempt.delivery.handoff) else { return };
    let at = attempt.answered_at.unwrap_or(tx.now.by_ada());
    if tx.view.handoffs[handoff].end_is_unsettled()
        && let Status::Ended(end) = &mut tx.change_handoff(handoff).status
    {
        end.ada = AdaEnd::Dated { at };
    }
}

fn failed<T>(tx: &mut Transaction<'_>, index: usize, attempt: &Attempt<T>, failure: &Failure) {
    let wait = backoff::delay(tx.view.outbox[index].attempts, attempt.jitter);
    if let Failure::Unclear(reason) = failure {
        return in_doubt(tx, index, reason, wait);
    }
    // This attempt is known not to have done anything; an earlier one may have.
    if attempt.delivery.outcome_unknown_since.is_none() {
        let delivery = tx.put_back(index);
        (delivery.outcome_unknown_since, delivery.look_until) = (None, None);
    }
    match failure {
        Failure::NoHandoff(reason) | Failure::UnknownConversation(reason) => {
            no_handoff(tx, index, attempt, reason, wait);
        }
        Failure::Refused(reason) => refused(tx, index, reason, wait),
        Failure::Throttled { reason, retry_after } => {
            retry_later(tx, index, reason, retry_after.unwrap_or(wait));
        }
        Failure::Denied(reason) => retry_later(tx, index, reason, DENIED_PAUSE),
        Failure::Unreached(reason) | Failure::Unclear(reason) => retry_later(tx, index, reason, wait),
    }
}

/// Ada may have it. A message is looked for before anything else, however old it is; an end call is repeated.
fn in_doubt(tx: &mut Transaction<'_>, index: usize, reason: &str, wait: Duration) {
    let Some(row) = tx.view.outbox[index].job.message().cloned() else {
        return retry_later(tx, index, reason, wait);
    };
    let tried_at = tx.view.outbox[index].outcome_unknown_since;
    ending::record_tried(tx, &row, tried_at);
    let due_at = tx.now.at + ECHO_GRACE;
    let delivery = tx.put_back(index);
    delivery.due_at = due_at;
    delivery.trouble = Some(reason.to_owned());
    expiry::allow_a_look(tx, index);
}

/// "Not in a handoff" ends the handoff here too. As an answer to our own end call, it is a success.
fn no_handoff<T>(tx: &mut Transaction<'_>, index: usize, attempt: &Attempt<T>, reason: &str, wait: Duration) {
    let Some(handoff) = tx.find_handoff(&attempt.delivery.handoff) else { return };
    let called = tx.view.handoffs[handoff].called_at();
    if called.is_some_and(|called| tx.now.at.since(called) < START_GRACE) {
        return retry_later(tx, index, reason, wait);
    }
    if let Job::Write(Write::End { .. }) = attempt.delivery.job {
        tx.finish_delivery(index);
        end_settled(tx, attempt);
        // After an attempt with an unknown outcome it may have been our own call that ended it.
        if attempt.delivery.outcome_unknown_since.is_none() {
            ending::was_by(tx, handoff, EndedBy::Ada);
        }
        return;
    }
    let at = attempt.answered_at.unwrap_or(tx.now.by_ada());
    if tx.view.handoffs[handoff].is_open() {
        ending::over(tx, handoff, EndedBy::Ada, AdaEnd::Dated { at }, reason);
        return;
    }
    if tx.view.handoffs[handoff].end_is_unsettled()
        && let Status::Ended(end) = &mut tx.change_handoff(handoff).status
    {
        end.ada = AdaEnd::Dated { at };
        ending::was_by(tx, handoff, EndedBy::Ada);
    }
    ending::clear_outbox(tx, handoff, reason);
}

/// This delivery can never succeed, so the lane continues with the next one. An end call is still repeated.
fn refused(tx: &mut Transaction<'_>, index: usize, reason: &str, wait: Duration) {
    let Job::Write(write) = tx.view.outbox[index].job.clone() else { return };
    match write {
        Write::Send { row, .. } => {
            tx.finish_delivery(index);
            tx.mark(&row, Sending::failed(reason));
        }
        Write::End { .. } => retry_later(tx, index, reason, wait.max(DENIED_PAUSE)),
    }
}

/// Tries again after `wait`, unless it is a message that will be too old by then.
pub fn retry_later(tx: &mut Transaction<'_>, index: usize, reason: &str, wait: Duration) {
    let delivery = &tx.view.outbox[index];
    if expiry::is_over(tx, delivery) {
        let reason = expiry::words(delivery, reason);
        return expiry::give_up(tx, index, &reason);
    }
    let due_at = tx.now.at + wait;
    let delivery = tx.put_back(index);
    delivery.due_at = due_at;
    delivery.trouble = Some(reason.to_owned());
}
