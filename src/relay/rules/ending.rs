//! Ending a handoff. Every end that happened at Ada fails what is still queued.

use std::time::Duration;

use crate::relay::{
    delivery::{Delivery, Job, Read, Write},
    draft::{Draft, NewRow, system},
    event::SortKey,
    handoff::{AdaEnd, DOUBT, End, EndedBy, Status},
    id::RowId,
    thread::{Content, EventName, Sending, Source},
    time::Time,
};

/// Ada tells of an end within this time of its answer to the end call; what is later is another one.
const SETTLES_WITHIN: Duration = Duration::from_secs(5);

/// Ends an open handoff that is over at Ada, and fails what was queued for it with `reason`.
pub fn over(draft: &mut Draft<'_>, handoff: usize, by: EndedBy, ada: AdaEnd, reason: &str) {
    let at = match ada {
        AdaEnd::Told { at } => at,
        _ => draft.own_at(handoff),
    };
    close(draft, handoff, by, ada, at, by.as_str().to_owned());
    clear_outbox(draft, handoff, reason);
}

/// Ends an open handoff of our own accord: here at once, at Ada behind the messages that are queued.
pub fn end_at_ada(draft: &mut Draft<'_>, handoff: usize, by: EndedBy, shown_by: String) {
    let at = draft.own_at(handoff);
    let row = close(draft, handoff, by, AdaEnd::Unsettled, at, shown_by);
    let row = draft.view.rows[row].id.clone();
    draft.mark(&row, Sending::Queued);
    draft.deliver(handoff, Write::End { row });
}

/// Closes an open handoff: the state, and the line in the thread. Gives that line's place.
fn close(
    draft: &mut Draft<'_>,
    handoff: usize,
    by: EndedBy,
    ada: AdaEnd,
    row_at: Time,
    shown_by: String,
) -> usize {
    let content = Content::Event { event: EventName::Ended, by: Some(shown_by) };
    let row = draft.add_row(handoff, NewRow::own(row_at, system(), content, Source::Relay));
    let (at, id) = (draft.now.at, draft.view.rows[row].id.clone());
    let handoff = draft.change_handoff(handoff);
    let agent = handoff.agent().map(str::to_owned);
    handoff.status = Status::Ended(End { at, by, agent, ada, row: id });
    row
}

/// The exact time of an end that is known already, told by a webhook. Settles our own end call.
pub fn told(draft: &mut Draft<'_>, handoff: usize, at: Time) {
    let Some(end) = draft.view.handoffs[handoff].end() else { return };
    let (row, was_ours) = (end.row.clone(), draft.view.handoffs[handoff].end_is_unsettled());
    // A later time than what is known is the end of a handoff that we never heard of.
    let exact = match end.ada {
        AdaEnd::Told { at: known } => (at < known).then_some(at),
        AdaEnd::Dated { at: known } => (at <= known + SETTLES_WITHIN).then_some(at),
        AdaEnd::Replaced { at: known } => (at <= known.shifted(draft.now.offset) + DOUBT).then_some(at),
        AdaEnd::Unsettled => Some(at),
        AdaEnd::Unknown => None,
    };
    if let Some(exact) = exact {
        if let Status::Ended(end) = &mut draft.change_handoff(handoff).status {
            end.ada = AdaEnd::Told { at: exact };
        }
        if let Some(place) = draft.find_row(&row) {
            draft.change_row(place, |row| row.at = exact);
        }
    }
    if was_ours {
        clear_outbox(draft, handoff, "the handoff ended before this was sent");
    }
    confirm(draft, handoff);
}

/// Marks the end's line late if it left the inbox after a younger event of this thread.
pub fn note_order(draft: &mut Draft<'_>, handoff: usize, key: &SortKey) {
    let Some(row) = draft.view.handoffs[handoff].end().map(|end| end.row.clone()) else { return };
    if *key < draft.view.handoffs[handoff].youngest_released {
        if let Some(place) = draft.find_row(&row) {
            draft.change_row(place, |row| row.late = true);
        }
    } else if *key > draft.view.handoffs[handoff].youngest_released {
        draft.change_handoff(handoff).youngest_released = key.clone();
    }
}

fn confirm(draft: &mut Draft<'_>, handoff: usize) {
    let Some(row) = draft.view.handoffs[handoff].end().map(|end| end.row.clone()) else { return };
    if let Some(place) = draft.find_row(&row)
        && draft.view.rows[place].sending.as_ref().is_some_and(|now| *now != Sending::Confirmed)
    {
        draft.mark(&row, Sending::Confirmed);
    }
}

/// Empties the lane towards the end user: messages fail with `reason`, an end call counts as done. Whether one
/// in doubt has arrived all the same is read from Ada's list.
pub fn clear_outbox(draft: &mut Draft<'_>, handoff: usize, reason: &str) {
    let owner = draft.view.handoffs[handoff].id.clone();
    let mut in_doubt = false;
    let write = |delivery: &Delivery| match &delivery.job {
        Job::Write(write) if delivery.handoff == owner => Some(write.clone()),
        Job::Write(_) | Job::Read(_) | Job::Fetch(_) => None,
    };
    while let Some((at, write)) =
        draft.view.outbox.iter().enumerate().find_map(|(at, delivery)| Some((at, write(delivery)?)))
    {
        let doubt = draft.doubt(&draft.view.outbox[at]);
        draft.finish_delivery(at);
        match write {
            Write::Send { row, .. } => {
                note_tried(draft, &row, doubt);
                draft.mark(&row, Sending::failed(reason));
                in_doubt |= doubt.is_some();
            }
            Write::End { row } => draft.mark(&row, Sending::Sent),
        }
    }
    if in_doubt {
        draft.deliver(handoff, Read::Transcript);
    }
}

/// Remembers on the row since when Ada may have it.
pub fn note_tried(draft: &mut Draft<'_>, row: &RowId, tried_at: Option<Time>) {
    if let (Some(place), Some(_)) = (draft.find_row(row), tried_at)
        && draft.view.rows[place].tried_at != tried_at
    {
        draft.change_row(place, |row| row.tried_at = tried_at);
    }
}

/// Corrects who ended a handoff, in its state and in its line.
pub fn was_by(draft: &mut Draft<'_>, handoff: usize, by: EndedBy) {
    let Status::Ended(end) = &mut draft.change_handoff(handoff).status else { return };
    end.by = by;
    let row = end.row.clone();
    if let Some(place) = draft.find_row(&row) {
        draft.change_row(place, |row| {
            if let Content::Event { by: shown, .. } = &mut row.content {
                *shown = Some(by.as_str().to_owned());
            }
        });
    }
}
