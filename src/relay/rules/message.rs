//! Adds a message from Ada to a thread, unless the thread has it already.

use super::{file, update};
use crate::relay::{
    delivery::{Fetch, Update},
    event::{Event, Message},
    handoff::{CLOCK_TOLERANCE, Handoff},
    matching::{self, LearnedFrom, Match, PossibleAttempt},
    thread::{Bytes, Content, Role, Row, Sending, Source},
    time::Time,
    transaction::{NewRow, Transaction},
};

/// A message leaves the inbox for the thread of the handoff at `home`, or for the thread that has recovered it. Near
/// the border of two handoffs it could belong to either, and agents have seen it in that thread.
pub fn join(tx: &mut Transaction<'_>, home: usize, event: &Event, message: &Message) {
    let has_recovered = |handoff: &usize| match find(tx, *handoff, message, LearnedFrom::Webhook) {
        Match::Known(row) | Match::Same(row) => tx.view.rows[row].source == Source::Recovered,
        Match::None => false,
    };
    let handoff = (0..tx.view.handoffs.len()).find(has_recovered).unwrap_or(home);
    let key = event.sort_key();
    let row = match find(tx, handoff, message, LearnedFrom::Webhook) {
        Match::Known(_) => return tx.record_duplicate(handoff),
        Match::Same(row) => row,
        Match::None => tx.add_row(handoff, new_row(event, message)),
    };
    // A recovered row is in its place already, so it is not late and makes no other row late.
    let recovered = tx.view.rows[row].source == Source::Recovered;
    let late = !recovered && key < tx.view.handoffs[handoff].youngest_released;
    tx.record_taken(handoff);
    learn(tx, handoff, row, message);
    file::seen_again(tx, row, message);
    tx.change_row(row, |row| {
        LearnedFrom::Webhook.assign(&mut row.ids, message.id.clone());
        row.at = event.timestamp;
        row.late = late;
        if !recovered {
            row.source = Source::Webhook;
        }
    });
    let is_known = tx.view.handoffs[handoff].end_user.id.is_some();
    let owner = tx.change_handoff(handoff);
    if !late && !recovered {
        owner.youngest_released = key;
    }
    owner.channel = event.channel.clone().or_else(|| owner.channel.take());
    owner.record_runs(event.timestamp);
    record_end_user(owner, event.timestamp, event.end_user_id.as_deref(), message);
    if !is_known && event.end_user_id.is_some() {
        end_user_is_known(tx, handoff);
    }
}

/// A human agent's message from Ada. If it was sent from here, its row becomes confirmed; otherwise it is added to the
/// thread at `home`. Returns whether it was used.
pub fn settle_echo(tx: &mut Transaction<'_>, home: Option<usize>, event: &Event, message: &Message) -> bool {
    let indices = home.into_iter().chain(0..tx.view.handoffs.len());
    let found = indices.map(|handoff| (handoff, find(tx, handoff, message, LearnedFrom::Webhook)));
    let found: Vec<(usize, Match)> = found.collect();
    if let Some((handoff, _)) = found.iter().find(|(_, found)| matches!(found, Match::Known(_))) {
        tx.record_duplicate(*handoff);
        return true;
    }
    // The row that was written comes first: the next handoff may have it as history, and be the one that its
    // time names.
    let is_ours = |row: usize| tx.view.rows[row].source == Source::Agent;
    let same = |ours: bool| {
        found.iter().find_map(|(handoff, found)| match found {
            Match::Same(row) if is_ours(*row) == ours => Some((*handoff, *row)),
            _ => None,
        })
    };
    if let Some((handoff, row)) = same(true).or_else(|| home.and_then(|_| same(false))) {
        learn(tx, handoff, row, message);
        confirm(tx, handoff, row, event, message);
        learn_end_user(tx, handoff, event);
        return true;
    }
    let Some(home) = home else { return false };
    let row = tx.add_row(home, new_row(event, message));
    tx.record_taken(home);
    tx.change_row(row, |row| LearnedFrom::Webhook.assign(&mut row.ids, message.id.clone()));
    tx.change_unseen(home).record_runs(event.timestamp);
    learn_end_user(tx, home, event);
    true
}

/// Any event may be the first to say who the end user is, and what the conversation runs over.
fn learn_end_user(tx: &mut Transaction<'_>, handoff: usize, event: &Event) {
    if let (None, Some(id)) = (&tx.view.handoffs[handoff].end_user.id, &event.end_user_id) {
        tx.change_handoff(handoff).end_user.id = Some(id.clone());
        end_user_is_known(tx, handoff);
    }
    if let (None, Some(channel)) = (&tx.view.handoffs[handoff].channel, &event.channel) {
        tx.change_handoff(handoff).channel = Some(channel.clone());
    }
}

/// Ada's id of the end user has become known. If no start call has said who it is, Ada is asked.
fn end_user_is_known(tx: &mut Transaction<'_>, handoff: usize) {
    update::end_user_is_known(tx, handoff);
    if tx.view.handoffs[handoff].called_at().is_none() {
        tx.deliver(handoff, Update::ReadEndUser);
    }
}

fn confirm(tx: &mut Transaction<'_>, handoff: usize, row: usize, event: &Event, message: &Message) {
    let ours = tx.view.rows[row].is_ours();
    tx.record_taken(handoff);
    tx.change_row(row, |row| {
        LearnedFrom::Webhook.assign(&mut row.ids, message.id.clone());
        row.at = event.timestamp;
        row.created_at = message.created_at;
        row.created_by_ada = true;
        if ours {
            row.sending = Some(Sending::Confirmed);
        } else {
            row.source = Source::Webhook;
        }
    });
    tx.change_unseen(handoff).record_runs(event.timestamp);
    forget_delivery(tx, row);
}

/// Fills in a row whose message could not be read before.
pub fn learn(tx: &mut Transaction<'_>, handoff: usize, row: usize, message: &Message) {
    let is_unreadable = |content: &Content| matches!(content, Content::Unreadable { .. });
    if !is_unreadable(&tx.view.rows[row].content) || is_unreadable(&message.content) {
        return;
    }
    tx.change_row(row, |row| {
        row.author = message.author.clone();
        row.content = message.content.clone();
    });
    if let Content::File { bytes: Bytes::Awaited, .. } = &message.content {
        let row = tx.view.rows[row].id.clone();
        tx.deliver(handoff, Fetch::File { row });
    }
}

/// Removes the delivery of a row that has reached Ada from the outbox, so that it is not sent again.
pub fn forget_delivery(tx: &mut Transaction<'_>, row: usize) {
    let id = tx.view.rows[row].id.clone();
    if let Some(at) = tx.view.outbox.iter().position(|delivery| delivery.job.row() == Some(&id)) {
        tx.finish_delivery(at);
    }
}

/// Finds a message among the loaded rows of one thread.
pub fn find(tx: &Transaction<'_>, handoff: usize, message: &Message, from: LearnedFrom) -> Match {
    among(tx, handoff, |rows| matching::find(rows, message, from, |row| could_be(tx, row, message, from)))
}

/// Whether agents were shown the message as new in the thread of another handoff.
pub fn is_news_elsewhere(tx: &Transaction<'_>, handoff: usize, message: &Message) -> bool {
    let mut others = (0..tx.view.handoffs.len()).filter(|other| *other != handoff);
    others.any(|other| match find(tx, other, message, LearnedFrom::List) {
        Match::Known(row) | Match::Same(row) => tx.view.rows[row].counts_as_unread(),
        Match::None => false,
    })
}

/// The attempt of this row that may have sent `message` to Ada, if there is one. A message that Ada stored before our
/// attempt is another one, even if it is equal.
fn could_be(
    tx: &Transaction<'_>,
    row: &Row,
    message: &Message,
    from: LearnedFrom,
) -> Option<PossibleAttempt> {
    let queued_at = tx.view.outbox.iter().position(|delivery| delivery.job.row() == Some(&row.id));
    let queued = queued_at.map(|index| &tx.view.outbox[index]);
    let tried_at = queued.and_then(|delivery| tx.outcome_unknown_since(delivery)).or_else(|| match from {
        LearnedFrom::List => tx.row_outcome_unknown_since(row),
        // If the message was sent after the backup, the earlier process got its echo.
        LearnedFrom::Webhook => row.tried_at,
    })?;
    let began = tried_at.shifted(tx.now.offset);
    (message.created_at + CLOCK_TOLERANCE >= began).then_some(PossibleAttempt { began, queued_at })
}

/// The same by its id alone.
pub fn find_by_id(tx: &Transaction<'_>, handoff: usize, message: &Message, from: LearnedFrom) -> Match {
    among(tx, handoff, |rows| matching::find_by_id(rows, message, from))
}

fn among(tx: &Transaction<'_>, handoff: usize, find: impl FnOnce(&[&Row]) -> Match) -> Match {
    let owner = &tx.view.handoffs[handoff].id;
    let of_thread = tx.view.rows.iter().enumerate().filter(|(_, row)| row.handoff == *owner);
    let (indices, rows): (Vec<usize>, Vec<&Row>) = of_thread.unzip();
    match find(&rows) {
        Match::Same(at) => Match::Same(indices[at]),
        Match::Known(at) => Match::Known(indices[at]),
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

/// Updates what is known about the end user: their id from anybody's message, their name from their own.
pub fn record_end_user(handoff: &mut Handoff, at: Time, end_user_id: Option<&str>, message: &Message) {
    if message.author.role != Role::EndUser {
        handoff.end_user.id = handoff.end_user.id.take().or_else(|| end_user_id.map(str::to_owned));
        return;
    }
    let newest = handoff.last_from_end_user.is_none_or(|known| at >= known);
    handoff.last_from_end_user = handoff.last_from_end_user.max(Some(at));
    if let Some(id) = end_user_id {
        handoff.end_user.id = Some(id.to_owned());
    }
    let name = message.author.display_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    if let Some(name) = name
        && (newest || handoff.end_user.display_name.is_none())
    {
        handoff.end_user.record_display_name(name, &handoff.context);
    }
}
