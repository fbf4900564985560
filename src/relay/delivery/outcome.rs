//! The outcome of an attempt.

use std::time::Duration;

use crate::relay::{event::Message, id::MessageId, thread::Missing, time::Time};

/// Ada's data about a sent message, from a successful attempt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Receipt {
    /// The id of the stored message.
    pub message_id: Option<MessageId>,
    /// When Ada stored it.
    pub created_at: Option<Time>,
}

/// Why a file could not be downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchFailure {
    /// A temporary failure.
    Passing(String),
    /// A permanent failure: see [`Missing`].
    Never(Missing, String),
}

/// A part of Ada's message list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessagePage {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// The page to read next: the one after the last one read, or the last one itself if there are no more.
    pub page: Option<String>,
    /// Whether there is more to read.
    pub more: bool,
}

/// Why an attempt did not succeed.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// 422 or 404: the conversation is in no handoff.
    NoHandoff(String),
    /// Ada's own 404, not a proxy's: it has no such conversation.
    UnknownConversation(String),
    /// Another 4xx: this delivery can never succeed.
    Refused(String),
    /// 429: not now.
    Throttled {
        /// What Ada says.
        reason: String,
        /// How long Ada asks us to wait.
        retry_after: Option<Duration>,
    },
    /// 401 or 403: the key is not accepted.
    Denied(String),
    /// There was no connection, so it was not done.
    Unreached(String),
    /// Timeout, reset, 408, 5xx or a broken answer: it may or may not have been done.
    Unclear(String),
}

impl Failure {
    /// The reason, for people to read.
    pub fn reason(&self) -> &str {
        match self {
            Self::NoHandoff(reason)
            | Self::UnknownConversation(reason)
            | Self::Refused(reason)
            | Self::Denied(reason)
            | Self::Unreached(reason)
            | Self::Unclear(reason)
            | Self::Throttled { reason, .. } => reason,
        }
    }
}
