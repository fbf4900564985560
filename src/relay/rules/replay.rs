//! A person replays a dead letter, for example after an update of the relay.
//!
//! A replay is processed like an arrival, with two differences. A known `svix-id` does not matter: the message's id
//! shows whether its conversation has it already. And its age matters only if it falls within no handoff: nobody should
//! be called to a conversation of days ago.

use super::{
    arrive::{self, Arrival, MEMORY, OLDER_THAN_MEMORY},
    flush::{ADOPT_MAX_AGE, TOO_OLD_TO_ADOPT},
    message, owner,
};
use crate::relay::{
    changes::{DeadLetter, Scope},
    event::{Event, EventKind},
    matching::{LearnedFrom, Match, MatchKey},
    rule::Rule,
    thread::Role,
    transaction::Transaction,
};

/// Why a replay failed. The text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayRefusal {
    /// There is none.
    #[error("no such dead letter")]
    Unknown,
    /// It still can't be read or used, for this reason.
    #[error("{0}")]
    Unusable(String),
    /// It could be kept, but not now.
    #[error("the inbox is full; try again")]
    InboxFull,
    /// It could be queued, but not now.
    #[error("the platform's queue is full; try again")]
    PlatformFull,
}

/// Accepts the event of a dead letter, and removes the dead letter.
///
/// # Errors
/// The dead letter stays.
pub fn event(letter: String, event: Event) -> Rule<Result<Arrival, ReplayRefusal>> {
    let mut scope = Scope { dead_letter: Some(letter), ..arrive::scope(&event) }.with_inbox();
    if let EventKind::Message(message) = &event.kind {
        scope.matching = vec![MatchKey::from(message)];
    }
    Rule::new(scope, move |tx| keep(tx, event))
}

fn keep(tx: &mut Transaction<'_>, event: Event) -> Result<Arrival, ReplayRefusal> {
    let letter = letter(tx)?;
    if let Some(reason) = too_old(tx, &event) {
        return Err(stays(tx, letter, reason.to_owned()));
    }
    let arrival = if is_here(tx, &event) { Arrival::Duplicate } else { arrive::take(tx, event) };
    if arrival == Arrival::Full {
        return Err(ReplayRefusal::InboxFull);
    }
    tx.writes().dead_letters_done.push(letter.id);
    Ok(arrival)
}

/// Records why a dead letter still can't be read.
pub fn unreadable(letter: String, reason: String) -> Rule<ReplayRefusal> {
    Rule::new(scope(letter), move |tx| match self::letter(tx) {
        Ok(letter) => stays(tx, letter, reason),
        Err(unknown) => unknown,
    })
}

/// Removes a dead letter.
///
/// # Errors
/// There is none.
pub fn drop(letter: String) -> Rule<Result<(), ReplayRefusal>> {
    Rule::new(scope(letter), |tx| {
        let letter = self::letter(tx)?;
        tx.writes().dead_letters_done.push(letter.id);
        Ok(())
    })
}

fn scope(letter: String) -> Scope {
    Scope { dead_letter: Some(letter), ..Scope::nobody() }
}

fn letter(tx: &Transaction<'_>) -> Result<DeadLetter, ReplayRefusal> {
    tx.view.dead_letter.clone().ok_or(ReplayRefusal::Unknown)
}

fn stays(tx: &mut Transaction<'_>, letter: DeadLetter, reason: String) -> ReplayRefusal {
    if letter.reason != reason {
        tx.writes().dead_letters.push(DeadLetter { reason: reason.clone(), ..letter });
    }
    ReplayRefusal::Unusable(reason)
}

fn too_old(tx: &Transaction<'_>, event: &Event) -> Option<&'static str> {
    let (home, by_end_user) = match &event.kind {
        EventKind::Message(message) => {
            (owner::of_message(tx, event.timestamp), message.author.role == Role::EndUser)
        }
        EventKind::HandoffEnded | EventKind::ConversationEnded { .. } => {
            (owner::of_end(tx, event.timestamp), false)
        }
    };
    let older_than = |age| event.timestamp + age < tx.now.by_ada();
    match home {
        Some(_) => None,
        None if by_end_user && older_than(ADOPT_MAX_AGE) => Some(TOO_OLD_TO_ADOPT),
        None if older_than(MEMORY) => Some(OLDER_THAN_MEMORY),
        None => None,
    }
}

/// Whether the event waits in the inbox, or a webhook has brought its message to a thread.
fn is_here(tx: &Transaction<'_>, event: &Event) -> bool {
    let waits = tx.view.inbox.iter().any(|known| known.svix_id == event.svix_id);
    let EventKind::Message(message) = &event.kind else { return waits };
    let known =
        |handoff| matches!(message::find_by_id(tx, handoff, message, LearnedFrom::Webhook), Match::Known(_));
    waits || (0..tx.view.handoffs.len()).any(known)
}
