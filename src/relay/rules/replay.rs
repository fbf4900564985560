//! A person tries a dead letter again, after a fix or because they want it all the same.
//!
//! It goes the way of any arrival, but for two things. That its `svix-id` is remembered doesn't matter; what
//! its conversation has already is told by its message's id. And its age matters only if no handoff of ours
//! covers it: then nobody could see it, and calling people to a conversation of days ago helps nobody.

use super::{
    arrive::{self, Arrival, MEMORY, OLDER_THAN_MEMORY},
    message, place,
    release::{ADOPT_MAX_AGE, TOO_OLD_TO_ADOPT},
};
use crate::relay::{
    changes::{DeadLetter, Scope},
    draft::Draft,
    event::{Event, EventKind},
    matching::{LearnedFrom, Match, MatchKey},
    rule::Rule,
    thread::Role,
};

/// Why a dead letter is where it was. The text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stays {
    /// There is none.
    #[error("no such dead letter")]
    Unknown,
    /// It still can't be read or used, for this reason.
    #[error("{0}")]
    Unusable(String),
    /// It could be kept, but not now.
    #[error("the inbox is full; try again")]
    InboxFull,
}

/// Keeps the event that a letter holds, in the letter's stead.
///
/// # Errors
/// The letter stays.
pub fn event(letter: String, event: Event) -> Rule<Result<Arrival, Stays>> {
    let mut scope = Scope { dead_letter: Some(letter), ..arrive::scope(&event) }.with_inbox();
    if let EventKind::Message(message) = &event.kind {
        scope.matching = vec![MatchKey::from(message)];
    }
    Rule::new(scope, move |draft| keep(draft, event))
}

fn keep(draft: &mut Draft<'_>, event: Event) -> Result<Arrival, Stays> {
    let letter = letter(draft)?;
    if let Some(reason) = too_old(draft, &event) {
        return Err(stays(draft, letter, reason.to_owned()));
    }
    let arrival = if is_here(draft, &event) { Arrival::Duplicate } else { arrive::take(draft, event) };
    if arrival == Arrival::Full {
        return Err(Stays::InboxFull);
    }
    draft.changes().dead_letters_done.push(letter.id);
    Ok(arrival)
}

/// Notes why a letter still can't be read.
pub fn unreadable(letter: String, reason: String) -> Rule<Stays> {
    Rule::new(scope(letter), move |draft| match self::letter(draft) {
        Ok(letter) => stays(draft, letter, reason),
        Err(unknown) => unknown,
    })
}

/// Does away with a letter.
///
/// # Errors
/// There is none.
pub fn drop(letter: String) -> Rule<Result<(), Stays>> {
    Rule::new(scope(letter), |draft| {
        let letter = self::letter(draft)?;
        draft.changes().dead_letters_done.push(letter.id);
        Ok(())
    })
}

fn scope(letter: String) -> Scope {
    Scope { dead_letter: Some(letter), ..Scope::nobody() }
}

fn letter(draft: &Draft<'_>) -> Result<DeadLetter, Stays> {
    draft.view.dead_letter.clone().ok_or(Stays::Unknown)
}

fn stays(draft: &mut Draft<'_>, letter: DeadLetter, reason: String) -> Stays {
    if letter.reason != reason {
        draft.changes().dead_letters.push(DeadLetter { reason: reason.clone(), ..letter });
    }
    Stays::Unusable(reason)
}

fn too_old(draft: &Draft<'_>, event: &Event) -> Option<&'static str> {
    let (home, by_end_user) = match &event.kind {
        EventKind::Message(message) => {
            (place::of_message(draft, event.timestamp), message.author.role == Role::EndUser)
        }
        EventKind::HandoffEnded | EventKind::ConversationEnded { .. } => {
            (place::of_end(draft, event.timestamp), false)
        }
    };
    let older_than = |age| event.timestamp + age < draft.now.by_ada();
    match home {
        Some(_) => None,
        None if by_end_user && older_than(ADOPT_MAX_AGE) => Some(TOO_OLD_TO_ADOPT),
        None if older_than(MEMORY) => Some(OLDER_THAN_MEMORY),
        None => None,
    }
}

/// Whether the event waits in the inbox, or a webhook has brought its message to a thread.
fn is_here(draft: &Draft<'_>, event: &Event) -> bool {
    let waits = draft.view.inbox.iter().any(|known| known.svix_id == event.svix_id);
    let EventKind::Message(message) = &event.kind else { return waits };
    let known = |handoff| {
        matches!(message::find_by_id(draft, handoff, message, LearnedFrom::Webhook), Match::Known(_))
    };
    waits || (0..draft.view.handoffs.len()).any(known)
}
