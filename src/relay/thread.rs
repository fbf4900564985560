//! The thread: the ordered conversation as agents see it. A row is a message, a note, or a line from the relay.

use serde::{Deserialize, Serialize};

use super::{
    id::{HandoffId, MessageId, RowId},
    likeness,
    time::Time,
};

/// Who wrote a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Author {
    /// The author's role.
    pub role: Role,
    /// The name to show, where there is one.
    pub display_name: Option<String>,
    /// The address of the author's picture, as given by Ada.
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
    /// A human agent, of the relay or of another system.
    HumanAgent,
    /// The relay's own lines.
    System,
    /// A role that this relay does not know.
    #[serde(other)]
    Unknown,
}

/// The content of a row.
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
    /// A note from an agent for other agents. Notes never leave the relay, and none come from Ada.
    Note {
        /// The words.
        body: String,
    },
    /// A change of the handoff.
    Event {
        /// What.
        event: EventName,
        /// Who did it, for people to read.
        by: Option<String>,
        /// To whom, the agent or the team that got the handoff.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// A type that this relay does not know.
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

/// The state of a file's bytes. The relay stores them under the row's id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "are", rename_all = "snake_case")]
pub enum Bytes {
    /// Still at Ada; to be downloaded.
    #[default]
    Awaited,
    /// Stored.
    Kept {
        /// Their number.
        size: u64,
    },
    /// Not available.
    Missing {
        /// Whether another try could succeed.
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
    /// The relay refuses them.
    Refused,
}

/// What can happen to a handoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventName {
    /// Ada's start call arrived.
    Started,
    /// Begun by a message whose start call never arrived.
    Adopted,
    /// An agent took it.
    Accepted,
    /// An agent took it from another.
    TakenOver,
    /// Its agent returned it to the queue.
    Released,
    /// An agent gave it to another agent, or to a team.
    HandedOver,
    /// It went back to the queue, because its agent is gone.
    AgentGone,
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
    /// From Ada's message list, because the webhook never arrived.
    Recovered,
    /// Written by one of our agents.
    Agent,
    /// Written by the relay.
    Relay,
}

/// The delivery state of an agent's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Sending {
    /// In the outbox.
    Queued,
    /// Ada accepted it.
    Sent,
    /// An Ada webhook returned it.
    Confirmed,
    /// It will not be sent unless an agent sends it again.
    Failed {
        /// Why, for people to read.
        error: String,
    },
    /// Failed, and dropped by an agent.
    Dropped,
}

impl Sending {
    /// Whether the message does not reach the end user.
    pub const fn is_in_vain(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Dropped)
    }

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
    /// Its place in the thread. Readers sort by `at`, then `seq`.
    pub at: Time,
    /// Its ids at Ada.
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
    /// Its delivery state, for rows that are sent to Ada.
    pub sending: Option<Sending>,
    /// When the last attempt with an unknown outcome began, by our clock. A message that Ada has stored since then may
    /// be this row.
    #[serde(default)]
    pub tried_at: Option<Time>,
    /// It left the inbox after a newer one.
    pub late: bool,
}

impl Row {
    /// Whether it counts as unread until an agent has read it.
    pub fn counts_as_unread(&self) -> bool {
        self.author.role == Role::EndUser && matches!(self.source, Source::Webhook | Source::Recovered)
    }

    /// Whether it is what the end user says.
    pub fn is_end_users_words(&self) -> bool {
        self.author.role == Role::EndUser
            && !matches!(
                self.content,
                Content::Presence { .. } | Content::Event { .. } | Content::Note { .. }
            )
    }

    /// Whether it answers the end user: a human agent wrote it during the handoff, and it has not failed.
    pub fn is_answer(&self) -> bool {
        self.author.role == Role::HumanAgent
            && matches!(self.source, Source::Agent | Source::Webhook | Source::Recovered)
            && !matches!(self.content, Content::Presence { .. } | Content::Note { .. })
            && !self.sending.as_ref().is_some_and(Sending::is_in_vain)
    }

    /// Whether a human agent, or the relay in their place, says it to the end user during the handoff.
    pub fn is_said_by_a_human(&self) -> bool {
        self.author.role == Role::HumanAgent
            && self.source != Source::Transcript
            && !matches!(self.content, Content::Presence { .. } | Content::Note { .. })
    }

    /// Whether it is for agents alone.
    pub const fn is_note(&self) -> bool {
        matches!(self.content, Content::Note { .. })
    }

    /// Whether it is a message to the end user, from an agent or from the relay.
    pub fn is_ours(&self) -> bool {
        !self.is_note()
            && self.author.role == Role::HumanAgent
            && matches!(self.source, Source::Agent | Source::Relay)
    }

    /// Whether both rows look the same to readers.
    pub fn shows_like(&self, other: &Self) -> bool {
        let shown = |row: &Self| {
            let ids = AdaIds { webhook: row.ids.shown().cloned(), ..AdaIds::default() };
            Self { ids, tried_at: None, content: row.content.without_address(), ..row.clone() }
        };
        shown(self) == shown(other)
    }

    /// A key that is equal for all rows and messages that could be the same, apart from their ids.
    pub fn fingerprint(&self) -> String {
        let second = self.created_by_ada.then(|| self.created_at.second());
        likeness::fingerprint(self.author.role, &self.content, second)
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
