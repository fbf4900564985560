//! Canned replies: texts that agents use again and again.

use serde::{Deserialize, Serialize};

use crate::relay::time::Time;

/// How many there may be.
pub const MOST_REPLIES: usize = 1_000;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CannedReply {
    /// Its id.
    pub id: String,
    /// What it is called. No other is called the same, in capitals or not.
    pub title: String,
    /// What it says, with fields that whoever uses it fills in.
    pub text: String,
    /// When it was made.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
    /// Who made or last changed it.
    pub updated_by: String,
}

impl CannedReply {
    /// What no two may have in common.
    pub fn title_key(&self) -> String {
        self.title.to_lowercase()
    }
}

/// What happens to canned replies.
#[derive(Clone, Debug)]
pub enum ReplyChange {
    /// A new one.
    Add(CannedReply),
    /// One says something else from now on. When it was made stays.
    Replace(CannedReply),
    /// One goes.
    Drop(String),
}

/// What a change came to. Unless it is done, nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyOutcome {
    /// Done; the reply as it is now, or as it was before it went.
    Done(CannedReply),
    /// There is none with this id.
    Unknown,
    /// Another one has this title.
    TitleTaken,
    /// There are [`MOST_REPLIES`].
    TooMany,
}

/// By title, whatever the case.
pub(super) fn sorted(mut replies: Vec<CannedReply>) -> Vec<CannedReply> {
    replies.sort_by_cached_key(|reply| (reply.title_key(), reply.title.clone()));
    replies
}
