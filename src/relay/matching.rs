//! Which row a message from Ada belongs to.
//!
//! Whether one message has the same id in the POST answer, the message list and the webhook is
//! undocumented. So messages are matched by id first. Otherwise they are matched one to one by role, content and
//! `created_at` to the second; what our agents have said also by its letters, since Ada may store it in another form. Each row has one place per source, and a filled place is never shared. So two equal
//! messages in the same second stay two.

use std::cmp::Reverse;

use super::{
    event::Message,
    id::MessageId,
    likeness::{alike, exact_fingerprint, fingerprint, says_the_same},
    thread::{AdaIds, Content, Role, Row},
    time::Time,
};

/// Where a message was learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LearnedFrom {
    /// A webhook.
    Webhook,
    /// The message list.
    List,
}

/// The result of a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// This source has brought it before, as the row at this index.
    Known(usize),
    /// It is the row at this index, which is from another source or was written here.
    Same(usize),
    /// New.
    None,
}

/// An attempt that may have sent an agent's row to Ada.
#[derive(Clone, Copy, Debug)]
pub struct PossibleAttempt {
    /// When it began, by Ada's clock.
    pub began: Time,
    /// Where the row's delivery stands in the outbox, if it is still there.
    pub queued_at: Option<usize>,
}

/// What to look for in the store before matching: every row of the conversation that has this id or this
/// fingerprint is a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchKey {
    /// Ada's id.
    pub id: MessageId,
    /// The [`Row::fingerprint`]s of what it could be: a row with its time, one of ours without, or one that could not
    /// be read; of what agents say also those of earlier relays.
    pub fingerprints: Vec<String>,
}

impl From<&Message> for MatchKey {
    fn from(message: &Message) -> Self {
        let Message { content, author, .. } = message;
        let (role, second) = (author.role, Some(message.created_at.second()));
        let unreadable = Content::Unreadable { reason: String::new() };
        let mut fingerprints = vec![
            fingerprint(role, content, second),
            fingerprint(role, content, None),
            fingerprint(role, &unreadable, second),
        ];
        if role == Role::HumanAgent {
            fingerprints.extend([second, None].map(|second| exact_fingerprint(role, content, second)));
        }
        Self { id: message.id.clone(), fingerprints }
    }
}

impl LearnedFrom {
    /// The place of this source in a row.
    pub fn id_in(self, ids: &AdaIds) -> Option<&MessageId> {
        match self {
            Self::Webhook => ids.webhook.as_ref(),
            Self::List => ids.list.as_ref(),
        }
    }

    /// Takes the place of this source in a row.
    pub fn assign(self, ids: &mut AdaIds, id: MessageId) {
        match self {
            Self::Webhook => ids.webhook = Some(id),
            Self::List => ids.list = Some(id),
        }
    }
}

/// Finds `message` among the rows of one thread by its id only. Ignores unreadable rows: [`find`] prefers a row with
/// the same content.
pub fn find_by_id(rows: &[&Row], message: &Message, from: LearnedFrom) -> Match {
    by_id(rows, message, from, |row| !is_unreadable(row))
}

fn by_id(rows: &[&Row], message: &Message, from: LearnedFrom, of: impl Fn(&Row) -> bool) -> Match {
    let known = |row: &&Row| of(row) && from.id_in(&row.ids) == Some(&message.id);
    if let Some(known) = rows.iter().position(known) {
        return Match::Known(known);
    }
    let free = |row: &&&Row| from.id_in(&row.ids).is_none();
    let found = first(rows, |row| of(row) && free(row) && row.ids.all().any(|id| *id == message.id));
    found.map_or(Match::None, Match::Same)
}

const fn is_unreadable(row: &Row) -> bool {
    matches!(row.content, Content::Unreadable { .. })
}

/// Finds `message` among the rows of one thread, by id, then by content, then among the unreadable rows.
///
/// An agent's row without Ada's time matches only if `attempt` can have sent it. If several match, the last attempt
/// before the message counts. But queued rows are sent in the outbox's order, so of equal queued rows, the first one
/// matches.
pub fn find(
    rows: &[&Row],
    message: &Message,
    from: LearnedFrom,
    attempt: impl Fn(&Row) -> Option<PossibleAttempt>,
) -> Match {
    let found = find_by_id(rows, message, from);
    if found != Match::None {
        return found;
    }
    let free = |row: &&&Row| from.id_in(&row.ids).is_none();
    let same_second =
        |row: &&&Row| row.created_by_ada && row.created_at.second() == message.created_at.second();
    let on_its_way = |row: &&&Row| row.is_ours() && !row.created_by_ada;

    let by_content = |is_like: fn(&Row, &Content) -> bool, may_have_gone: bool| {
        let equal = |row: &&&Row| row.author.role == message.author.role && is_like(row, &message.content);
        first(rows, |row| free(row) && same_second(row) && equal(row)).or_else(|| {
            let ours = |row: &&&Row| free(row) && on_its_way(row) && equal(row);
            let rows = rows.iter().enumerate().filter(|(_, row)| ours(row));
            let tried = rows.filter_map(|(at, row)| Some((attempt(row)?, row.seq, at)));
            let tried: Vec<_> =
                tried.filter(|(attempt, ..)| may_have_gone || attempt.queued_at.is_some()).collect();
            let next = tried.iter().filter_map(|(attempt, ..)| attempt.queued_at).min();
            let may_be =
                tried.iter().filter(|(attempt, ..)| attempt.queued_at.is_none() || attempt.queued_at == next);
            may_be.max_by_key(|(attempt, seq, _)| (attempt.began, Reverse(*seq))).map(|(_, _, at)| *at)
        })
    };
    // In another form, only what still waits for its outcome: long after, somebody else may say nearly the same.
    let found = by_content(|row, content| alike(&row.content, content), true)
        .or_else(|| by_content(|row, content| row.is_ours() && says_the_same(&row.content, content), false));
    found.map_or_else(|| find_unreadable(rows, message, from), Match::Same)
}

/// Only the id of an unreadable row is known, or else its author's role and its time.
fn find_unreadable(rows: &[&Row], message: &Message, from: LearnedFrom) -> Match {
    let found = by_id(rows, message, from, is_unreadable);
    if found != Match::None {
        return found;
    }
    let same_moment = |row: &&&Row| {
        let written = row.created_by_ada && row.created_at == message.created_at;
        is_unreadable(row)
            && from.id_in(&row.ids).is_none()
            && written
            && row.author.role == message.author.role
    };
    first(rows, same_moment).map_or(Match::None, Match::Same)
}

fn first(rows: &[&Row], wanted: impl Fn(&&&Row) -> bool) -> Option<usize> {
    rows.iter().enumerate().filter(|(_, row)| wanted(row)).min_by_key(|(_, row)| row.seq).map(|(at, _)| at)
}

#[cfg(test)]
mod tests;
