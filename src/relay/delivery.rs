//! What waits in the outbox, and what came of an attempt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    event::Message,
    id::{ConversationKey, DeliveryId, HandoffId, HolderId, MessageId, RowId},
    thread::Missing,
    time::Time,
};

/// One thing that must leave the relay. Deliveries of an ordered lane leave strictly in the order in which they were
/// queued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its own id.
    pub id: DeliveryId,
    /// The handoff it belongs to.
    pub handoff: HandoffId,
    /// The conversation at Ada.
    pub key: ConversationKey,
    /// What to do.
    pub task: Task,
    /// How often it has been tried.
    pub attempts: u32,
    /// When it was queued.
    pub queued_at: Time,
    /// Not to be tried before.
    pub due_at: Time,
    /// Ada may have done it, for all we know: since just before a request left whose outcome is not known.
    #[serde(default)]
    pub doubt: Option<Time>,
    /// From when on a message is too old to be sent.
    #[serde(default)]
    pub expires_at: Option<Time>,
    /// Until when a message may be looked for, however old it is.
    #[serde(default)]
    pub look_until: Option<Time>,
    /// The reading under way has come by something that can't be read and may be this message.
    #[serde(default)]
    pub maybe_listed: bool,
    /// Why it was not sent the last time.
    #[serde(default)]
    pub trouble: Option<String>,
    /// How often it has been claimed, a fencing token: an attempt settles it only if no other has begun since.
    #[serde(default)]
    pub fence: u64,
    /// It is for a conversation that only an anonymous start call has named so far.
    #[serde(default)]
    pub stranger: bool,
    /// Whose attempt is under way, if one is. Stores keep it beside the rest.
    #[serde(skip)]
    pub claim: Option<Claim>,
}

/// A lease: until it runs out nobody else begins an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose.
    pub holder: HolderId,
    /// It is renewed while the attempt lasts.
    pub until: Time,
}

/// What a delivery does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Post the row to Ada.
    Send {
        /// Which row.
        row: RowId,
        /// What it says.
        #[serde(flatten)]
        what: Outgoing,
        /// The name the end user sees.
        display_name: String,
    },
    /// End the handoff at Ada.
    End {
        /// The line in the thread that carries the outcome.
        row: RowId,
    },
    /// Read Ada's message list into the thread.
    Transcript,
    /// The same, and find out whether the conversation is over: webhooks may have been missed.
    Recover {
        /// What was written before this, by our clock, won't come by webhook any more.
        missed_before: Option<Time>,
    },
    /// Fetch the bytes of the row's file.
    Fetch {
        /// Which row.
        row: RowId,
    },
}

/// What a message of ours says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outgoing {
    /// Words.
    Text {
        /// All of them.
        text: String,
    },
    /// A file, whose bytes are kept under the row's id.
    File {
        /// Which.
        file: Attachment,
    },
}

/// A file on its way to Ada: its bytes go there first, then the message that points to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name.
    pub filename: String,
    /// Its type.
    pub mime_type: String,
    /// How many bytes it has.
    pub size: u64,
    /// What Ada made of the bytes, once it has them.
    pub uploaded: Option<Uploaded>,
}

/// What Ada calls a file that it has the bytes of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Uploaded {
    /// Where it is: presigned. Never leaves the store, except for Ada.
    pub url: String,
    /// Its name.
    pub filename: String,
    /// Its type.
    pub mime_type: String,
}

/// Lanes: reads don't hold up what people write, and no file holds up another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Of a handoff: what the end user notices, one after another.
    Ada,
    /// Of a handoff: what only the thread needs, one after another.
    AdaReads,
    /// Of a conversation: files to fetch, some at a time in any order, so that slow ones of one customer leave places for
    /// the others'.
    Files,
}

impl Lane {
    /// The name it is stored under, but for whose it is.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ada => "ada",
            Self::AdaReads => "ada_reads",
            Self::Files => "files",
        }
    }

    /// How many of a lane may be under way at a time.
    pub const fn at_once(self) -> usize {
        match self {
            Self::Ada | Self::AdaReads => 1,
            Self::Files => 4,
        }
    }

    /// Whether one that must wait holds up those behind it.
    pub const fn is_ordered(self) -> bool {
        matches!(self, Self::Ada | Self::AdaReads)
    }
}

/// One lane of all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneKey {
    /// Whose conversation.
    pub key: ConversationKey,
    /// Which handoff, where it is a handoff's.
    pub handoff: Option<HandoffId>,
    /// Which of its lanes.
    pub lane: Lane,
}

impl LaneKey {
    /// The name it is stored under, within its conversation.
    pub fn name(&self) -> String {
        let lane = self.lane.as_str();
        match &self.handoff {
            Some(handoff) => format!("{lane} {handoff}"),
            None => lane.to_owned(),
        }
    }
}

/// What is claimed together, and shares its places: what Ada doesn't answer takes none from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// What the end user notices.
    Writes,
    /// What only the thread needs.
    Reads,
    /// Either, tried before.
    Again,
    /// What only anonymous start calls have asked for.
    Strangers,
    /// Files to fetch: not through Ada's API, and each for as long as it takes.
    Files,
}

impl Queue {
    /// The name it is stored under.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Writes => "writes",
            Self::Reads => "reads",
            Self::Again => "again",
            Self::Strangers => "strangers",
            Self::Files => "files",
        }
    }
}

impl Delivery {
    /// One that is queued, and due, at `now`.
    pub const fn new(
        id: DeliveryId,
        handoff: HandoffId,
        key: ConversationKey,
        task: Task,
        now: Time,
    ) -> Self {
        Self {
            id,
            handoff,
            key,
            task,
            attempts: 0,
            queued_at: now,
            due_at: now,
            doubt: None,
            expires_at: None,
            look_until: None,
            maybe_listed: false,
            trouble: None,
            fence: 0,
            stranger: false,
            claim: None,
        }
    }

    /// The lane it runs in.
    pub fn lane(&self) -> LaneKey {
        let lane = self.task.lane();
        let handoff = match lane {
            Lane::Ada | Lane::AdaReads => Some(self.handoff.clone()),
            Lane::Files => None,
        };
        LaneKey { key: self.key.clone(), handoff, lane }
    }

    /// When a message fails if it has not been sent; `None` for what has no age.
    pub fn fails_at(&self) -> Option<Time> {
        self.expires_at.max(self.look_until)
    }

    /// When it can be tried: it is due, and nobody holds it any more.
    pub fn ready_at(&self) -> Time {
        self.claim.as_ref().map_or(self.due_at, |claim| claim.until.max(self.due_at))
    }

    /// Where it waits. A message that was refused for a moment, once, is as good as new.
    pub const fn queue(&self) -> Queue {
        match (&self.task, self.attempts) {
            (Task::Send { .. } | Task::End { .. }, 0..=1) if self.doubt.is_none() => Queue::Writes,
            (Task::Transcript | Task::Recover { .. }, _) if self.stranger => Queue::Strangers,
            (Task::Transcript | Task::Recover { .. }, 0) => Queue::Reads,
            (Task::Fetch { .. }, _) => Queue::Files,
            _ => Queue::Again,
        }
    }
}

impl Task {
    /// Which lane it runs in.
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Send { .. } | Self::End { .. } => Lane::Ada,
            Self::Transcript | Self::Recover { .. } => Lane::AdaReads,
            Self::Fetch { .. } => Lane::Files,
        }
    }

    /// The row that shows how it went.
    pub const fn row(&self) -> Option<&RowId> {
        match self {
            Self::Send { row, .. } | Self::End { row } | Self::Fetch { row } => Some(row),
            Self::Transcript | Self::Recover { .. } => None,
        }
    }
}

/// What Ada made of a message, in an attempt that succeeded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Receipt {
    /// The id of the stored message.
    pub message_id: Option<MessageId>,
    /// When Ada stored it.
    pub created_at: Option<Time>,
}

/// Why the bytes of a file could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfetched {
    /// Not this time.
    Passing(String),
    /// Never: see [`Missing`].
    Never(Missing, String),
}

/// A part of Ada's message list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// The page to read next: the last one read, or the one behind it if there is more.
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
        /// How long it asks us to wait.
        retry_after: Option<Duration>,
    },
    /// 401 or 403: the key is not accepted.
    Denied(String),
    /// There was no connection: it was not done.
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_queued_before_there_were_files_can_be_read() {
        let queued = r#"{"task":"send","row":"r","text":"Hello","display_name":"Alex"}"#;
        let what = Outgoing::Text { text: "Hello".to_owned() };
        let task = Task::Send { row: "r".into(), what, display_name: "Alex".to_owned() };
        assert_eq!(serde_json::from_str::<Task>(queued).unwrap(), task);
        let file = Attachment {
            filename: "a.png".to_owned(),
            mime_type: "image/png".to_owned(),
            size: 9,
            uploaded: None,
        };
        let task =
            Task::Send { row: "r".into(), what: Outgoing::File { file }, display_name: "Alex".to_owned() };
        let text = serde_json::to_string(&task).unwrap();
        assert_eq!(serde_json::from_str::<Task>(&text).unwrap(), task);
    }
}
