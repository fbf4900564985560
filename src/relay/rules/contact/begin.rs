//! A contact is made: planned, made, streaming, connected, told what was said before.

use serde_json::{Map, Value};

use super::{close, fail, find, is_free, note, put, scope};
use crate::relay::{
    contact::{Connection, Contact, ContactState, MadeContact, Opening},
    delivery::Update,
    id::HandoffId,
    rule::Rule,
    time::Time,
};

/// The metavariable, and metadata of the conversation, that has the contact's id.
pub const CONTACT_VARIABLE: &str = "agent_system_amazon_connect_conversation_id";
/// The same for the agent's participant id, from their first message on.
pub const AGENT_VARIABLE: &str = "agent_system_amazon_connect_agent_id";

/// What a new contact begins with.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What was said so far.
    pub opening: Opening,
    /// Rows up to this `seq` are part of that.
    pub opened_with: u64,
    /// What of the handoff's context did not fit, for agents to read.
    pub left_out: Option<String>,
}

/// Plans the contact of a handoff, and returns it, or what was planned before. `None` if no contact is wanted any more.
pub fn plan(handoff: HandoffId, plan: Plan) -> Rule<Option<Contact>> {
    Rule::new(scope(&handoff), move |tx| {
        let (index, mut contact) = find(tx, &handoff)?;
        if contact.opening.is_some() || contact.state != ContactState::Starting {
            return Some(contact);
        }
        if !is_free(tx, index) {
            close::over(tx, contact);
            return None;
        }
        (contact.opening, contact.opened_with) = (Some(plan.opening), plan.opened_with);
        put(tx, contact.clone());
        if let Some(left_out) = plan.left_out {
            note(tx, index, left_out);
        }
        Some(contact)
    })
}

/// Whether the contact is to be made, still. One that is not wanted any more, and of which nothing can exist, is over.
pub fn is_wanted(handoff: HandoffId) -> Rule<bool> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((index, contact)) = find(tx, &handoff) else { return false };
        if contact.made.is_none() && !contact.may_exist && !is_free(tx, index) {
            close::over(tx, contact);
            return false;
        }
        true
    })
}

/// The contact of the handoff before is not known there: the chat is asked for without it.
pub fn unrelated(handoff: HandoffId) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((_, mut contact)) = find(tx, &handoff) else { return };
        if let Some(opening) = &mut contact.opening {
            opening.chat.related_contact_id = None;
            put(tx, contact);
        }
    })
}

/// The chat begins with no message: what it was to begin with follows the older parts.
pub fn without_initial(handoff: HandoffId) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((_, mut contact)) = find(tx, &handoff) else { return };
        if let Some(opening) = &mut contact.opening {
            let newest = opening.initial.take();
            opening.earlier.extend(newest);
            put(tx, contact);
        }
    })
}

/// A call to make the contact leaves: from now on it may exist, until an answer says that it doesn't.
pub fn may_exist(handoff: HandoffId, may_exist: bool) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((_, mut contact)) = find(tx, &handoff) else { return };
        if contact.may_exist != may_exist {
            contact.may_exist = may_exist;
            put(tx, contact);
        }
    })
}

/// Amazon Connect has made the contact. The AI Agent learns its id.
pub fn made(handoff: HandoffId, made: MadeContact) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((index, mut contact)) = find(tx, &handoff) else { return };
        if contact.made.is_none() {
            let id = Value::from(made.id.clone());
            let values = Map::from_iter([(CONTACT_VARIABLE.to_owned(), id)]);
            tx.deliver(index, Update::UpdateEndUser { values: values.clone() });
            tx.deliver(index, Update::UpdateConversation { values });
            contact.made = Some(made);
            put(tx, contact);
        }
    })
}

/// Its events come to our topic.
pub fn streams(handoff: HandoffId) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((_, mut contact)) = find(tx, &handoff) else { return };
        if let Some(made) = &mut contact.made {
            made.is_streaming = true;
            put(tx, contact);
        }
    })
}

/// The customer's side is connected, or connected anew.
pub fn connected(handoff: HandoffId, connection: Connection) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((_, mut contact)) = find(tx, &handoff) else { return };
        if let Some(made) = &mut contact.made {
            made.connection = Some(connection);
            put(tx, contact);
        }
    })
}

/// Of the older parts of the transcript so many have been sent.
pub fn told(handoff: HandoffId, sent: usize) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((_, mut contact)) = find(tx, &handoff) else { return };
        if let Some(opening) = &mut contact.opening {
            opening.sent = opening.sent.max(sent);
            put(tx, contact);
        }
    })
}

/// All of it has been told.
pub fn opened(handoff: HandoffId) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((_, mut contact)) = find(tx, &handoff) else { return };
        contact.opening = None;
        if contact.state == ContactState::Starting {
            contact.state = ContactState::Open;
            if contact.compared_at < tx.policy.began_at {
                // It was made before this process began, and may have spoken while there was none: at once.
                contact.compared_at = Time::default();
            }
        }
        put(tx, contact);
    })
}

/// It can't be made. What may exist of it is stopped with the handoff's end.
pub fn failed(handoff: HandoffId, reason: String) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((index, mut contact)) = find(tx, &handoff) else { return };
        if contact.state == ContactState::Starting {
            contact.state = ContactState::Failed;
            put(tx, contact);
            fail(tx, index, &reason);
        }
    })
}

/// The time to make it is over.
pub fn give_up(handoff: HandoffId) -> Rule<bool> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((index, mut contact)) = find(tx, &handoff) else { return false };
        if contact.state != ContactState::Starting || contact.gives_up_at > tx.now.at {
            return false;
        }
        contact.state = ContactState::Failed;
        put(tx, contact);
        fail(tx, index, "it took too long");
        true
    })
}
