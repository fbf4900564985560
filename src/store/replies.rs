//! Canned replies: texts that agents use again and again.

use serde::{Deserialize, Serialize};

use super::sessions::Digest;
use crate::relay::time::Time;

/// How many all agents may share.
pub const MOST_REPLIES: usize = 1_000;
/// How many an agent may have beside those.
pub const MOST_PERSONAL_REPLIES: usize = 200;
/// Stands between the owner and the title in [`CannedReply::title_key`]. No title has control characters.
const OWNER_ENDS: char = '\u{1f}';

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CannedReply {
    /// Its id.
    pub id: String,
    /// What it is called. No other of the same owner is called the same, in capitals or not.
    pub title: String,
    /// What it says, with fields that whoever uses it fills in.
    pub text: String,
    /// When it was made.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
    /// Who made or last changed it.
    pub updated_by: String,
    /// The agent who alone sees it; `None` if all agents share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

impl CannedReply {
    /// What no two may have in common. Nobody learns of a title that they don't see.
    pub fn title_key(&self) -> String {
        format!("{}{}", self.key_prefix(), self.title.to_lowercase())
    }

    /// Whether an agent sees it, and so may change and drop it.
    pub fn is_seen_by(&self, agent: &str) -> bool {
        self.owner.as_deref().is_none_or(|owner| owner == agent)
    }

    /// How the title keys of its owner's replies begin: empty if it is shared. [`OWNER_ENDS`] is in no shared reply's key. Of
    /// the owner there is a digest, as long names would make columns that are cut.
    pub(super) fn key_prefix(&self) -> String {
        let prefix = |owner: &String| format!("{}{OWNER_ENDS}", Digest::of(owner).as_str());
        self.owner.as_ref().map_or_else(String::new, prefix)
    }

    /// How many its owner, or all agents together, may have.
    pub(super) const fn most(&self) -> usize {
        if self.owner.is_some() { MOST_PERSONAL_REPLIES } else { MOST_REPLIES }
    }

    /// What it is once it says the same as `changed`, if whoever changes it sees it. When it was made, and whose it is, stays.
    pub(super) fn changed_to(self, changed: Self) -> Option<Self> {
        let is_seen = self.is_seen_by(&changed.updated_by);
        is_seen.then_some(Self { created_at: self.created_at, owner: self.owner, ..changed })
    }
}

/// What happens to canned replies.
#[derive(Clone, Debug)]
pub enum ReplyChange {
    /// A new one.
    Add(CannedReply),
    /// One says something else from now on. When it was made stays, and whose it is.
    Replace(CannedReply),
    /// An agent drops the one with this id.
    Drop {
        /// Its id.
        id: String,
        /// The agent.
        by: String,
    },
}

/// What a change came to. Unless it is done, nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyOutcome {
    /// Done; the reply as it is now, or as it was before it went.
    Done(CannedReply),
    /// There is none with this id, or the agent doesn't see it.
    Unknown,
    /// Another one of the same owner has this title.
    TitleTaken,
    /// There are [`MOST_REPLIES`], or the owner has [`MOST_PERSONAL_REPLIES`].
    TooMany,
}

/// By title, whatever the case.
pub(super) fn sorted(mut replies: Vec<CannedReply>) -> Vec<CannedReply> {
    replies
        .sort_by_cached_key(|reply| (reply.title.to_lowercase(), reply.title.clone(), reply.owner.clone()));
    replies
}
