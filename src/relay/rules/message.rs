//! A message of Ada's joins a thread, or turns out to be there already.

use crate::relay::{
    draft::{Draft, NewRow},
    event::{Event, Message},
    handoff::{DOUBT, Handoff},
    matching::{self, LearnedFrom, Match},
    thread::{Role, Row, Sending, Source},
};

/// A message leaves the inbox for the thread of `handoff`.
pub fn join(draft: &mut Draft<'_>, handoff: usize, event: &Event, message: &Message) {
    let key = event.sort_key();
    let row = match find(draft, handoff, message, LearnedFrom::Webhook) {
        Match::Known => return,
        Match::Same(row) => row,
        Match::None => draft.add_row(handoff, new_row(event, message)),
    };
    let late = key < draft.view.handoffs[handoff].youngest_released;
    draft.change_row(row, |row| {
        LearnedFrom::Webhook.claim(&mut row.ids, message.id.clone());
        row.source = Source::Webhook;
        row.at = event.timestamp;
        row.late = late;
    });
    let unread = draft.view.rows[row].counts_as_unread();
    let seq = draft.view.rows[row].seq;
    let owner = draft.change_handoff(handoff);
    if !late {
        owner.youngest_released = key;
    }
    if unread && seq > owner.read_up_to {
        owner.unread += 1;
    }
    note_end_user(owner, event, message);
}

/// What a human agent wrote, come back: ours is confirmed, another system's joins the thread.
pub fn settle_echo(draft: &mut Draft<'_>, home: usize, event: &Event, message: &Message) {
    for handoff in std::iter::once(home).chain(0..draft.view.handoffs.len()) {
        match find(draft, handoff, message, LearnedFrom::Webhook) {
            Match::Known => return,
            Match::Same(row) => return confirm(draft, row, event, message),
            Match::None => {}
        }
    }
    let row = draft.add_row(home, new_row(event, message));
    draft.change_row(row, |row| LearnedFrom::Webhook.claim(&mut row.ids, message.id.clone()));
}

fn confirm(draft: &mut Draft<'_>, row: usize, event: &Event, message: &Message) {
    let ours = draft.view.rows[row].source == Source::Agent;
    draft.change_row(row, |row| {
        LearnedFrom::Webhook.claim(&mut row.ids, message.id.clone());
        row.at = event.timestamp;
        row.created_at = message.created_at;
        row.created_by_ada = true;
        if ours {
            row.sending = Some(Sending::Confirmed);
        } else {
            row.source = Source::Webhook;
        }
    });
    forget_delivery(draft, row);
}

/// Takes the delivery of a row that has reached Ada out of the outbox: it must not be sent again.
pub fn forget_delivery(draft: &mut Draft<'_>, row: usize) {
    let id = draft.view.rows[row].id.clone();
    if let Some(at) = draft.view.outbox.iter().position(|delivery| delivery.task.row() == Some(&id)) {
        draft.finish_delivery(at);
    }
}

/// Finds a message among the loaded rows of one thread.
pub fn find(draft: &Draft<'_>, handoff: usize, message: &Message, from: LearnedFrom) -> Match {
    let offset = draft.now.offset;
    let could_be = |row: &Row| {
        // What Ada stored before we wrote ours is somebody else's, however equal.
        if message.created_at + DOUBT < row.created_at.shifted(offset) {
            return false;
        }
        let in_flight = |id| draft.view.outbox.iter().find(|delivery| delivery.task.row() == Some(id));
        row.attempted || in_flight(&row.id).is_some_and(|delivery| delivery.attempts > 0)
    };
    among(draft, handoff, |rows| matching::find(rows, message, from, could_be))
}

/// The same by its id alone.
pub fn find_by_id(draft: &Draft<'_>, handoff: usize, message: &Message, from: LearnedFrom) -> Match {
    among(draft, handoff, |rows| matching::find_by_id(rows, message, from))
}

fn among(draft: &Draft<'_>, handoff: usize, find: impl FnOnce(&[&Row]) -> Match) -> Match {
    let owner = &draft.view.handoffs[handoff].id;
    let of_thread = draft.view.rows.iter().enumerate().filter(|(_, row)| row.handoff == *owner);
    let (places, rows): (Vec<usize>, Vec<&Row>) = of_thread.unzip();
    match find(&rows) {
        Match::Same(at) => Match::Same(places[at]),
        other => other,
    }
}

fn new_row(event: &Event, message: &Message) -> NewRow {
    NewRow {
        at: event.timestamp,
        author: message.author.clone(),
        content: message.content.clone(),
        created_at: message.created_at,
        created_by_ada: true,
        source: Source::Webhook,
        sending: None,
    }
}

fn note_end_user(handoff: &mut Handoff, event: &Event, message: &Message) {
    if message.author.role != Role::EndUser {
        return;
    }
    let newest = handoff.last_from_end_user.is_none_or(|known| event.timestamp >= known);
    handoff.last_from_end_user = handoff.last_from_end_user.max(Some(event.timestamp));
    if let Some(id) = &event.end_user_id {
        handoff.end_user.id = Some(id.clone());
    }
    let name = message.author.display_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    if let Some(name) = name
        && (newest || !handoff.end_user.named_by_webhook)
    {
        handoff.end_user.name = Some(name.to_owned());
        handoff.end_user.named_by_webhook = true;
    }
}
