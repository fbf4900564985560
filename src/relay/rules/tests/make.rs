//! What Ada says, in one line each. Times are milliseconds since the world began.

use crate::relay::{
    event::{Event, EventKind, Message},
    id::{ConversationKey, MessageId},
    thread::{Author, Content, Role},
    time::Time,
};

/// When the world begins.
const BEGINNING: i64 = 1_790_000_000_000;

/// So many milliseconds after the world began.
pub fn at(millis: i64) -> Time {
    Time::from_millis(BEGINNING + millis)
}

/// The conversation that all is about.
pub fn key() -> ConversationKey {
    ConversationKey { ai_agent: "acme.ada.support".into(), conversation: "chat".into() }
}

/// Somebody of this side.
pub fn author(role: Role) -> Author {
    Author { role, display_name: None, avatar: None }
}

/// Words.
pub fn text(body: &str) -> Content {
    Content::Text { body: body.to_owned() }
}

/// A message as Ada knows it.
pub fn message(role: Role, id: &str, millis: i64, body: &str) -> Message {
    Message { id: id.into(), created_at: at(millis), author: author(role), content: text(body) }
}

fn event(svix_id: &str, millis: i64, kind: EventKind) -> Event {
    Event {
        svix_id: svix_id.to_owned(),
        key: key(),
        timestamp: at(millis),
        received_at: at(millis),
        end_user_id: None,
        channel: None,
        kind,
    }
}

/// A message's event. Its `svix-id` is made of the message's id.
pub fn says(role: Role, id: &str, millis: i64, body: &str) -> Event {
    event(&format!("svix-{id}"), millis, EventKind::Message(message(role, id, millis, body)))
}

/// The customer writes `id`, which is also what it says.
pub fn customer(id: &str, millis: i64) -> Event {
    says(Role::EndUser, id, millis, id)
}

/// A human agent's message comes back.
pub fn human(id: &str, millis: i64, body: &str) -> Event {
    says(Role::HumanAgent, id, millis, body)
}

/// The handoff is over.
pub fn handoff_ended(millis: i64) -> Event {
    event(&format!("svix-handoff-ended-{millis}"), millis, EventKind::HandoffEnded)
}

/// The whole conversation is over.
pub fn conversation_ended(millis: i64, by: &str) -> Event {
    let kind = EventKind::ConversationEnded { by: Some(by.to_owned()) };
    event(&format!("svix-conversation-ended-{millis}"), millis, kind)
}

/// The same event, posted anew under another `svix-id`.
pub fn again(event: &Event, svix_id: &str) -> Event {
    Event { svix_id: svix_id.to_owned(), ..event.clone() }
}

/// The same message's event, under the id that webhooks use.
pub fn called(mut event: Event, id: &str) -> Event {
    if let EventKind::Message(message) = &mut event.kind {
        message.id = MessageId(id.to_owned());
    }
    event
}
