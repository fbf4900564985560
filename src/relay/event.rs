//! What Ada tells us, in our terms. Reading it off the wire is `ada/`'s part.

use serde::{Deserialize, Serialize};

use super::{
    id::{ConversationKey, MessageId},
    thread::{Author, Content},
    time::Time,
};

/// A verified webhook event that concerns a handoff of ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The `svix-id` that was verified: the same on every redelivery.
    pub svix_id: String,
    /// The conversation.
    pub key: ConversationKey,
    /// Ada's time of the event, in whole milliseconds.
    pub timestamp: Time,
    /// When it reached us.
    pub received_at: Time,
    /// Ada's id of the end user, where the event says it.
    pub end_user_id: Option<String>,
    /// What the conversation runs over, where the event says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// What happened.
    pub kind: EventKind,
}

/// What a conversation runs over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// `messaging`, `email`, `voice`, `sms`, or something new.
    pub modality: String,
    /// Whether Markdown reaches the customer as it is written.
    pub markdown: bool,
}

/// The three kinds of event that a handoff lives by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// `v1.conversation.message` that carries our integration's identifier.
    Message(Message),
    /// `v1.conversation.handoff.ended` of our integration.
    HandoffEnded,
    /// `v1.conversation.ended`: the whole conversation is over.
    ConversationEnded {
        /// Who ended it, as Ada says it: `end_user`, `system`, `human_agent`, or something new.
        by: Option<String>,
    },
}

/// One message, from a webhook or from the message list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Ada's id, as this source knows it.
    pub id: MessageId,
    /// When Ada stored it.
    pub created_at: Time,
    /// Who wrote it.
    pub author: Author,
    /// What it says.
    pub content: Content,
}

/// The order in which events leave the inbox: `timestamp`, then `created_at`, then `message_id`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SortKey(pub Time, pub Time, pub String);

impl Event {
    /// This event's place in its conversation. An end sorts behind messages of the same instant.
    pub fn sort_key(&self) -> SortKey {
        match &self.kind {
            EventKind::Message(message) => SortKey(self.timestamp, message.created_at, message.id.0.clone()),
            EventKind::HandoffEnded | EventKind::ConversationEnded { .. } => {
                SortKey(self.timestamp, Time::from_micros(i64::MAX), String::new())
            }
        }
    }
}
