//! A message of Ada's joins a thread, or turns out to be there already.

use super::file;
use crate::relay::{
    delivery::Fetch,
    draft::{Draft, NewRow},
    event::{Event, Message},
    handoff::{DOUBT, Handoff},
    matching::{self, LearnedFrom, Match},
    thread::{Bytes, Content, Role, Row, Sending, Source},
    time::Time,
};

/// A message leaves the inbox for the thread of the handoff at `home`, or for the one that has recovered it:
/// near the border of two handoffs it could be either's, and agents were shown it there.
pub fn join(draft: &mut Draft<'_>, home: usize, event: &Event, message: &Message) {
    let has_recovered = |handoff: &usize| match find(draft, *handoff, message, LearnedFrom::Webhook) {
        Match::Known(row) | Match::Same(row) => draft.view.rows[row].source == Source::Recovered,
        Match::None => false,
    };
    let handoff = (0..draft.view.handoffs.len()).find(has_recovered).unwrap_or(home);
    let key = event.sort_key();
    let row = match find(draft, handoff, message, LearnedFrom::Webhook) {
        Match::Known(_) => return draft.note_duplicate(handoff),
        Match::Same(row) => row,
        Match::None => draft.add_row(handoff, new_row(event, message)),
    };
    // What was recovered stands in its place already: it made nothing late, and nothing makes it late.
    let recovered = draft.view.rows[row].source == Source::Recovered;
    let late = !recovered && key < draft.view.handoffs[handoff].youngest_released;
    draft.note_taken(handoff);
    learn(draft, handoff, row, message);
    file::seen_again(draft, row, message);
    draft.change_row(row, |row| {
        LearnedFrom::Webhook.claim(&mut row.ids, message.id.clone());
        row.at = event.timestamp;
        row.late = late;
        if !recovered {
            row.source = Source::Webhook;
        }
    });
    let owner = draft.change_handoff(handoff);
    if !late && !recovered {
        owner.youngest_released = key;
    }
    owner.note_runs(event.timestamp);
    note_end_user(owner, event.timestamp, event.end_user_id.as_deref(), message);
}

/// What a human agent wrote, come back: ours is confirmed, another system's joins the thread at `home`. Says
/// whether it is of use.
pub fn settle_echo(draft: &mut Draft<'_>, home: Option<usize>, event: &Event, message: &Message) -> bool {
    let places = home.into_iter().chain(0..draft.view.handoffs.len());
    let found = places.map(|handoff| (handoff, find(draft, handoff, message, LearnedFrom::Webhook)));
    let found: Vec<(usize, Match)> = found.collect();
    if let Some((handoff, _)) = found.iter().find(|(_, found)| matches!(found, Match::Known(_))) {
        draft.note_duplicate(*handoff);
        return true;
    }
    // The row that was written comes first: the next handoff may have it as history, and be the one that its
    // time names.
    let is_ours = |row: usize| draft.view.rows[row].source == Source::Agent;
    let same = |ours: bool| {
        found.iter().find_map(|(handoff, found)| match found {
            Match::Same(row) if is_ours(*row) == ours => Some((*handoff, *row)),
            _ => None,
        })
    };
    if let Some((handoff, row)) = same(true).or_else(|| home.and_then(|_| same(false))) {
        learn(draft, handoff, row, message);
        confirm(draft, handoff, row, event, message);
        return true;
    }
    let Some(home) = home else { return false };
    let row = draft.add_row(home, new_row(event, message));
    draft.note_taken(home);
    draft.change_row(row, |row| LearnedFrom::Webhook.claim(&mut row.ids, message.id.clone()));
    draft.change_unseen(home).note_runs(event.timestamp);
    true
}

fn confirm(draft: &mut Draft<'_>, handoff: usize, row: usize, event: &Event, message: &Message) {
    let ours = draft.view.rows[row].is_ours();
    draft.note_taken(handoff);
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
    draft.change_unseen(handoff).note_runs(event.timestamp);
    forget_delivery(draft, row);
}

/// A row whose message could not be read when it was made learns what it says.
pub fn learn(draft: &mut Draft<'_>, handoff: usize, row: usize, message: &Message) {
    let is_unreadable = |content: &Content| matches!(content, Content::Unreadable { .. });
    if !is_unreadable(&draft.view.rows[row].content) || is_unreadable(&message.content) {
        return;
    }
    draft.change_row(row, |row| {
        row.author = message.author.clone();
        row.content = message.content.clone();
    });
    if let Content::File { bytes: Bytes::Awaited, .. } = &message.content {
        let row = draft.view.rows[row].id.clone();
        draft.deliver(handoff, Fetch::File { row });
    }
}

/// Takes the delivery of a row that has reached Ada out of the outbox: it must not be sent again.
pub fn forget_delivery(draft: &mut Draft<'_>, row: usize) {
    let id = draft.view.rows[row].id.clone();
    if let Some(at) = draft.view.outbox.iter().position(|delivery| delivery.job.row() == Some(&id)) {
        draft.finish_delivery(at);
    }
}

/// Finds a message among the loaded rows of one thread.
pub fn find(draft: &Draft<'_>, handoff: usize, message: &Message, from: LearnedFrom) -> Match {
    among(draft, handoff, |rows| matching::find(rows, message, from, |row| could_be(draft, row, message)))
}

/// Whether agents were shown the message as new in the thread of another handoff.
pub fn is_news_elsewhere(draft: &Draft<'_>, handoff: usize, message: &Message) -> bool {
    let mut others = (0..draft.view.handoffs.len()).filter(|other| *other != handoff);
    others.any(|other| match find(draft, other, message, LearnedFrom::List) {
        Match::Known(row) | Match::Same(row) => draft.view.rows[row].counts_as_unread(),
        Match::None => false,
    })
}

/// When the attempt began that can have brought `message` to Ada, if one of this row can. What Ada stored
/// before we tried to send ours is somebody else's, however equal.
fn could_be(draft: &Draft<'_>, row: &Row, message: &Message) -> Option<Time> {
    let queued = draft.view.outbox.iter().find(|delivery| delivery.job.row() == Some(&row.id));
    let tried_at = queued.and_then(|delivery| draft.doubt(delivery)).or_else(|| draft.doubt_of_row(row))?;
    let tried_at = tried_at.shifted(draft.now.offset);
    (message.created_at + DOUBT >= tried_at).then_some(tried_at)
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
        Match::Known(at) => Match::Known(places[at]),
        Match::None => Match::None,
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

/// What a message of the end user's tells of them.
pub fn note_end_user(handoff: &mut Handoff, at: Time, end_user_id: Option<&str>, message: &Message) {
    if message.author.role != Role::EndUser {
        return;
    }
    let newest = handoff.last_from_end_user.is_none_or(|known| at >= known);
    handoff.last_from_end_user = handoff.last_from_end_user.max(Some(at));
    if let Some(id) = end_user_id {
        handoff.end_user.id = Some(id.to_owned());
    }
    let name = message.author.display_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    if let Some(name) = name
        && (newest || !handoff.end_user.named_by_webhook)
    {
        handoff.end_user.name = Some(name.to_owned());
        handoff.end_user.named_by_webhook = true;
    }
}
