//! The end of a handoff. If it ended in Ada, the messages that are still queued fail.

#![warn(clippy::wildcard_enum_match_arm, reason = "a job that nobody thought of must not compile")]

use std::time::Duration;

use super::values;
use crate::relay::{
    delivery::{Delivery, Job, Read, Write},
    dispatch::Dispatch,
    event::SortKey,
    handoff::{AdaEnd, CLOCK_TOLERANCE, End, EndedBy, Status},
    id::RowId,
    thread::{Content, EventName, Sending, Source},
    time::Time,
    transaction::{NewRow, Transaction, system},
};

/// Ada's webhook about an end arrives within this time after its answer to the end call. A later one is about another
/// end.
const SETTLES_WITHIN: Duration = Duration::from_secs(5);

/// Ends an open handoff that has ended in Ada. Its queued messages fail with `reason`.
pub fn over(tx: &mut Transaction<'_>, handoff: usize, by: EndedBy, ada: AdaEnd, reason: &str) {
    let at = match ada {
        AdaEnd::Told { at } => at,
        AdaEnd::Unsettled | AdaEnd::Dated { .. } | AdaEnd::Replaced { .. } | AdaEnd::Unknown => {
            tx.own_at(handoff)
        }
    };
    close(tx, handoff, by, ada, at, by.as_str().to_owned());
    clear_outbox(tx, handoff, reason);
}

/// Ends an open handoff: in the relay at once, in Ada after the queued messages.
pub fn end_at_ada(tx: &mut Transaction<'_>, handoff: usize, by: EndedBy, shown_by: String) {
    let at = tx.own_at(handoff);
    let row = close(tx, handoff, by, AdaEnd::Unsettled, at, shown_by);
    let row = tx.view.rows[row].id.clone();
    tx.mark(&row, Sending::Queued);
    let end = tx.deliver(handoff, Write::End { row });
    values::before_end(tx, &end);
}

/// Closes an open handoff: its state, and the line in the thread. Returns that line's index.
fn close(
    tx: &mut Transaction<'_>,
    handoff: usize,
    by: EndedBy,
    ada: AdaEnd,
    row_at: Time,
    shown_by: String,
) -> usize {
    let content = Content::Event { event: EventName::Ended, by: Some(shown_by), to: None };
    let row = tx.add_row(handoff, NewRow::own(row_at, system(), content, Source::Relay));
    let (at, id) = (tx.now.at, tx.view.rows[row].id.clone());
    let ended = tx.change_handoff(handoff);
    let agent = ended.agent().map(str::to_owned);
    ended.status = Status::Ended(End { at, by, agent, ada, row: id });
    ended.dispatch = Dispatch { agent_since: ended.dispatch.agent_since, ..Dispatch::default() };
    values::tell(tx, handoff);
    row
}

/// A webhook has the exact time of an end that is known already. This settles our own end call.
pub fn told(tx: &mut Transaction<'_>, handoff: usize, at: Time) {
    let Some(end) = tx.view.handoffs[handoff].end() else { return };
    let (row, was_ours) = (end.row.clone(), tx.view.handoffs[handoff].end_is_unsettled());
    // A later time than the known one is the end of a handoff that the relay does not know.
    let exact = match end.ada {
        AdaEnd::Told { at: known } => (at < known).then_some(at),
        AdaEnd::Dated { at: known } => (at <= known + SETTLES_WITHIN).then_some(at),
        AdaEnd::Replaced { at: known } => {
            (at <= known.shifted(tx.now.offset) + CLOCK_TOLERANCE).then_some(at)
        }
        AdaEnd::Unsettled => Some(at),
        AdaEnd::Unknown => None,
    };
    if let Some(exact) = exact {
        if let Status::Ended(end) = &mut tx.change_handoff(handoff).status {
            end.ada = AdaEnd::Told { at: exact };
        }
        if let Some(index) = tx.find_row(&row) {
            tx.change_row(index, |row| row.at = exact);
        }
    }
    if was_ours {
        clear_outbox(tx, handoff, "the handoff ended before this was sent");
    }
    confirm(tx, handoff);
}

/// Marks the end's line late if it left the inbox after a younger event of this thread.
pub fn record_order(tx: &mut Transaction<'_>, handoff: usize, key: &SortKey) {
    let Some(row) = tx.view.handoffs[handoff].end().map(|end| end.row.clone()) else { return };
    if *key < tx.view.handoffs[handoff].youngest_released {
        if let Some(index) = tx.find_row(&row) {
            tx.change_row(index, |row| row.late = true);
        }
    } else if *key > tx.view.handoffs[handoff].youngest_released {
        tx.change_handoff(handoff).youngest_released = key.clone();
    }
}

fn confirm(tx: &mut Transaction<'_>, handoff: usize) {
    let Some(row) = tx.view.handoffs[handoff].end().map(|end| end.row.clone()) else { return };
    if let Some(index) = tx.find_row(&row)
        && tx.view.rows[index].sending.as_ref().is_some_and(|now| *now != Sending::Confirmed)
    {
        tx.mark(&row, Sending::Confirmed);
    }
}

/// Empties the lane to the end user: messages fail with `reason`, an end call counts as done. For a message in doubt,
/// Ada's list shows whether it arrived.
pub fn clear_outbox(tx: &mut Transaction<'_>, handoff: usize, reason: &str) {
    let owner = tx.view.handoffs[handoff].id.clone();
    let mut in_doubt = false;
    let write = |delivery: &Delivery| match &delivery.job {
        Job::Write(write) if delivery.handoff == owner => Some(write.clone()),
        Job::Write(_) | Job::Read(_) | Job::Fetch(_) | Job::Notify(_) | Job::Update(_) => None,
    };
    while let Some((at, write)) =
        tx.view.outbox.iter().enumerate().find_map(|(at, delivery)| Some((at, write(delivery)?)))
    {
        let doubt = tx.outcome_unknown_since(&tx.view.outbox[at]);
        tx.finish_delivery(at);
        match write {
            Write::Send { row, .. } => {
                record_tried(tx, &row, doubt);
                tx.mark(&row, Sending::failed(reason));
                in_doubt |= doubt.is_some();
            }
            Write::End { row } => tx.mark(&row, Sending::Sent),
        }
    }
    if in_doubt {
        tx.deliver(handoff, Read::Transcript);
    }
}

/// Remembers on the row since when Ada may have it.
pub fn record_tried(tx: &mut Transaction<'_>, row: &RowId, tried_at: Option<Time>) {
    if let (Some(index), Some(_)) = (tx.find_row(row), tried_at)
        && tx.view.rows[index].tried_at != tried_at
    {
        tx.change_row(index, |row| row.tried_at = tried_at);
    }
}

/// Corrects who ended a handoff, in its state and in its line.
pub fn was_by(tx: &mut Transaction<'_>, handoff: usize, by: EndedBy) {
    let Status::Ended(end) = &mut tx.change_handoff(handoff).status else { return };
    end.by = by;
    let row = end.row.clone();
    if let Some(index) = tx.find_row(&row) {
        tx.change_row(index, |row| {
            if let Content::Event { by: shown, .. } = &mut row.content {
                *shown = Some(by.as_str().to_owned());
            }
        });
    }
}
