//! The thread: the ordered conversation as agents see it. A row is a message or a line of the relay's own.

use serde::{Deserialize, Serialize};

use super::{
    id::{HandoffId, MessageId, RowId},
    time::Time,
};

/// Who wrote a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Author {
    /// Which side they are on.
    pub role: Role,
    /// The name to show, where there is one.
    pub display_name: Option<String>,
    /// Where Ada says their picture is.
    pub avatar: Option<String>,
}

/// The sides of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The customer.
    EndUser,
    /// Ada's AI Agent.
    AiAgent,
    /// A person who answers: ours, or another system's.
    HumanAgent,
    /// The relay's own lines.
    System,
    /// A role Ada has added since.
    #[serde(other)]
    Unknown,
}

/// What a row says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Words.
    Text {
        /// The words.
        body: String,
    },
    /// A file. Its presigned URL stays in the store.
    File {
        /// Its name, as its sender gave it.
        filename: String,
        /// Its type, as its sender gave it.
        mime_type: String,
        /// Presigned by Ada, good for 7 days. Never leaves the store.
        source_url: Option<String>,
        /// Where its bytes are.
        #[serde(default)]
        bytes: Bytes,
    },
    /// A link, such as Ada's satisfaction survey.
    Link {
        /// Where it leads.
        url: String,
        /// What it is called.
        link_text: Option<String>,
    },
    /// Someone came or went.
    Presence {
        /// How Ada words it.
        body: String,
    },
    /// Words of an agent for other agents. They never leave the relay, and Ada never brings any.
    Note {
        /// The words.
        body: String,
    },
    /// Something that happened to the handoff.
    Event {
        /// What.
        event: EventName,
        /// Who did it, for people to read.
        by: Option<String>,
    },
    /// A type Ada has added since.
    Unknown {
        /// Its name.
        name: String,
    },
    /// An item of Ada's list that can't be read.
    Unreadable {
        /// Why, for people to read.
        reason: String,
    },
}

/// Where the bytes of a file are. The relay keeps them under the row's own id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "are", rename_all = "snake_case")]
pub enum Bytes {
    /// At Ada; they will be fetched.
    #[default]
    Awaited,
    /// With us.
    Kept {
        /// How many they are.
        size: u64,
    },
    /// Out of reach.
    Missing {
        /// Whether asking again could help.
        why: Missing,
        /// The reason, for people to read.
        error: String,
    },
}

/// Why the relay has no bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Ada doesn't have them any more.
    Gone,
    /// The relay doesn't take them.
    Refused,
}

/// What can happen to a handoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventName {
    /// Ada's start call came.
    Started,
    /// Begun by a message whose start call never came.
    Adopted,
    /// An agent took it.
    Accepted,
    /// An agent took it from another.
    TakenOver,
    /// Its agent gave it back to the queue.
    Released,
    /// Nobody accepted it, or nobody wrote in it, for too long.
    TimedOut,
    /// It is over.
    Ended,
}

/// How a row came into the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// From Ada's message list, as history.
    Transcript,
    /// From a webhook.
    Webhook,
    /// From Ada's message list, where the webhook never came.
    Recovered,
    /// Written by one of our agents.
    Agent,
    /// Written by the relay.
    Relay,
}

/// How far a row of ours has come on its way to Ada.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Sending {
    /// In the outbox.
    Queued,
    /// Ada accepted it.
    Sent,
    /// Ada showed it back to us.
    Confirmed,
    /// It will not be sent unless an agent sends it again.
    Failed {
        /// Why, for people to read.
        error: String,
    },
    /// Failed, and an agent has put it aside.
    Dropped,
}

impl Sending {
    /// Failed for the reason given.
    pub fn failed(error: impl Into<String>) -> Self {
        Self::Failed { error: error.into() }
    }
}

/// Ada's ids of a row. Whether they are the same id is undocumented, so each source has its own place, and
/// no two messages of one source can claim the same row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AdaIds {
    /// From the answer to our POST.
    pub answer: Option<MessageId>,
    /// From the webhook.
    pub webhook: Option<MessageId>,
    /// From the message list.
    pub list: Option<MessageId>,
}

impl AdaIds {
    /// The id that readers see.
    pub fn shown(&self) -> Option<&MessageId> {
        self.webhook.as_ref().or(self.answer.as_ref()).or(self.list.as_ref())
    }

    /// Every id known.
    pub fn all(&self) -> impl Iterator<Item = &MessageId> {
        [&self.answer, &self.webhook, &self.list].into_iter().flatten()
    }
}

/// One row of a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its own id.
    pub id: RowId,
    /// Whose thread it is in.
    pub handoff: HandoffId,
    /// Its number: 1, 2, 3, ... in the order in which rows joined, without gaps.
    pub seq: u64,
    /// Where it belongs. Readers sort by `at`, then `seq`.
    pub at: Time,
    /// What Ada calls it.
    pub ids: AdaIds,
    /// Who wrote it.
    pub author: Author,
    /// What it says.
    pub content: Content,
    /// When it was written; Ada's time once known.
    pub created_at: Time,
    /// Whether `created_at` is Ada's.
    pub created_by_ada: bool,
    /// How it came here.
    pub source: Source,
    /// Its way to Ada, for rows that go there.
    pub sending: Option<Sending>,
    /// When the last attempt to send it began whose outcome is or was unknown, by our clock: what Ada stored
    /// since then may be it.
    #[serde(default)]
    pub tried_at: Option<Time>,
    /// It left the inbox after a younger one.
    pub late: bool,
}

impl Row {
    /// Whether it counts as unread until an agent has read it.
    pub fn counts_as_unread(&self) -> bool {
        self.author.role == Role::EndUser && matches!(self.source, Source::Webhook | Source::Recovered)
    }

    /// Whether it is for agents alone.
    pub const fn is_note(&self) -> bool {
        matches!(self.content, Content::Note { .. })
    }

    /// Whether it is a message of ours to the end user: an agent's, or the relay's own words.
    pub fn is_ours(&self) -> bool {
        !self.is_note()
            && self.author.role == Role::HumanAgent
            && matches!(self.source, Source::Agent | Source::Relay)
    }

    /// Whether readers see the same in both.
    pub fn shows_like(&self, other: &Self) -> bool {
        let shown = |row: &Self| {
            let ids = AdaIds { webhook: row.ids.shown().cloned(), ..AdaIds::default() };
            Self { ids, tried_at: None, content: row.content.without_address(), ..row.clone() }
        };
        shown(self) == shown(other)
    }

    /// A key shared by all rows and messages that could be the same but for their ids: role, content without what
    /// differs between sources (a presigned URL is new each time), and the second of Ada's time where it is known.
    pub fn fingerprint(&self) -> String {
        let second = self.created_by_ada.then(|| self.created_at.second());
        fingerprint(self.author.role, &self.content, second)
    }
}

impl Content {
    /// The same without the presigned URL of a file.
    #[must_use]
    pub fn without_address(&self) -> Self {
        let mut content = self.clone();
        if let Self::File { source_url, .. } = &mut content {
            *source_url = None;
        }
        content
    }
}

/// Whether two contents could be the same message's: what a fingerprint compares.
pub fn alike(one: &Content, other: &Content) -> bool {
    match (one, other) {
        (
            Content::File { filename, mime_type, .. },
            Content::File { filename: other_name, mime_type: other_type, .. },
        ) => filename == other_name && mime_type == other_type,
        (Content::Link { url, .. }, Content::Link { url: other, .. }) => url == other,
        (Content::Event { event, .. }, Content::Event { event: other, .. }) => event == other,
        _ => one == other,
    }
}

/// See [`Row::fingerprint`].
pub fn fingerprint(role: Role, content: &Content, second: Option<i64>) -> String {
    use sha2::{Digest, Sha256};
    let text = match content {
        Content::Text { body } => format!("text\0{body}"),
        Content::File { filename, mime_type, .. } => format!("file\0{filename}\0{mime_type}"),
        Content::Link { url, .. } => format!("link\0{url}"),
        Content::Presence { body } => format!("presence\0{body}"),
        Content::Note { body } => format!("note\0{body}"),
        Content::Event { event, .. } => format!("event\0{event:?}"),
        Content::Unknown { name } => format!("unknown\0{name}"),
        Content::Unreadable { .. } => "unreadable".to_owned(),
    };
    let digest = Sha256::digest(format!("{role:?}\0{second:?}\0{text}"));
    digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}
