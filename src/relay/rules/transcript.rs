//! Ada's message list is merged into a thread.

use super::message::{find, find_by_id, forget_delivery};
use crate::relay::{
    changes::{Of, Scope},
    draft::{Draft, NewRow},
    event::Message,
    id::{DeliveryId, HandoffId},
    matching::{LearnedFrom, Match, MatchKey},
    thread::{Role, Sending, Source},
    time::Time,
};

/// What [`merge`] needs to see.
pub fn scope(handoff: &HandoffId, messages: &[Message]) -> Scope {
    let mut scope = Scope::new(Of::Handoff(handoff.clone()));
    scope.with_outbox = true;
    scope.matching = messages.iter().map(MatchKey::from).collect();
    scope
}

/// Adds what the thread lacks, in the list's order. What came after the end belongs to the AI Agent alone
/// and is left out.
pub fn merge(draft: &mut Draft<'_>, id: &HandoffId, delivery: &DeliveryId, messages: &[Message]) {
    if let Some(place) = draft.find_delivery(delivery) {
        draft.finish_delivery(place);
    }
    let Some(handoff) = draft.find_handoff(id) else { return };
    let owner = &draft.view.handoffs[handoff];
    let (end, latest) = (owner.ended_by_ada_clock(draft.now.offset), owner.takes_until(draft.now.offset));
    let is_before = |message: &Message, end: Option<Time>| end.is_none_or(|end| message.created_at <= end);
    // While the end is known to a second only, what people wrote in it is kept; the AI Agent goes on after it.
    let belongs = |message: &&Message| match message.author.role {
        Role::EndUser | Role::HumanAgent => is_before(message, latest),
        _ => is_before(message, end),
    };
    let messages: Vec<&Message> = messages.iter().filter(belongs).collect();
    // By id first: a message that is found by its words must not take the row of one that has its id.
    for message in &messages {
        if let Match::Same(row) = find_by_id(draft, handoff, message, LearnedFrom::List) {
            claim(draft, row, message);
        }
    }
    for message in messages {
        match find(draft, handoff, message, LearnedFrom::List) {
            Match::Known => {}
            Match::Same(row) => claim(draft, row, message),
            Match::None => {
                let row = draft.add_row(handoff, new_row(message));
                draft.change_row(row, |row| LearnedFrom::List.claim(&mut row.ids, message.id.clone()));
            }
        }
    }
}

/// A row of ours in the list has reached Ada, whatever we thought.
fn claim(draft: &mut Draft<'_>, row: usize, message: &Message) {
    let arrived = draft.view.rows[row].source == Source::Agent;
    draft.change_row(row, |row| {
        LearnedFrom::List.claim(&mut row.ids, message.id.clone());
        if !row.created_by_ada {
            row.created_at = message.created_at;
            row.created_by_ada = true;
            row.at = message.created_at.floor_millis();
        }
        if arrived && row.sending != Some(Sending::Confirmed) {
            row.sending = Some(Sending::Sent);
        }
    });
    if arrived {
        forget_delivery(draft, row);
    }
}

fn new_row(message: &Message) -> NewRow {
    NewRow {
        at: message.created_at.floor_millis(),
        author: message.author.clone(),
        content: message.content.clone(),
        created_at: message.created_at,
        created_by_ada: true,
        source: Source::Transcript,
        sending: None,
    }
}
