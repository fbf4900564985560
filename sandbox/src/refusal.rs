//! Why a conversation refuses a change.

use std::fmt;

/// What a conversation can't do, in the words of its own rules; the API turns it into a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such conversation.
    UnknownConversation,
    /// The conversation is over.
    ConversationEnded,
    /// The conversation isn't with a human team.
    NotInHandoff,
    /// A human agent has written already, so there is no queue any more.
    HumanJoined,
    /// The conversation is on another channel than Ada's chat, which alone shows a queue.
    NotChat,
    /// The metadata breaks a rule: which one.
    Metadata(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownConversation => f.write_str("Conversation not found"),
            Self::ConversationEnded => f.write_str("Conversation has ended"),
            Self::NotInHandoff => f.write_str("Conversation is not in an active handoff state"),
            Self::HumanJoined => f.write_str("A human agent has already joined the conversation"),
            Self::NotChat => f.write_str("The handoff queue is available on the Chat channel only"),
            Self::Metadata(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Refusal {}
