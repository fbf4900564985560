//! What a delivery does, by the kind of courier that carries it out.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::relay::{id::RowId, platform::Notice, time::Time};

/// What a delivery does. A stored job is identified by its `task`; the kind is not stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Job {
    /// A call to Ada with an effect that the end user sees.
    Write(Write),
    /// A call to Ada that reads data for the thread.
    Read(Read),
    /// The download of a file from its URL.
    Fetch(Fetch),
    /// An event for an agent platform.
    Notify(Notify),
    /// Values that the AI Agent may go on from.
    Update(Update),
}

/// See [`Job::Write`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Write {
    /// Post the row to Ada.
    Send {
        /// Which row.
        row: RowId,
        /// What it says.
        #[serde(flatten)]
        what: Outgoing,
        /// As whom.
        #[serde(flatten)]
        by: ShownAuthor,
    },
    /// End the handoff at Ada.
    End {
        /// The line in the thread that carries the outcome.
        row: RowId,
    },
}

/// See [`Job::Read`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Read {
    /// Read Ada's message list into the thread.
    Transcript,
    /// The same, and find out whether the conversation is over: webhooks may have been missed.
    Recover {
        /// For messages from before this time, by our clock, no webhook is expected any more.
        missed_before: Option<Time>,
    },
}

/// See [`Job::Fetch`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Fetch {
    /// Fetch the bytes of the row's file.
    #[serde(rename = "fetch")]
    File {
        /// Which row.
        row: RowId,
    },
}

/// See [`Job::Notify`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Notify {
    /// Tell the platform.
    Notify(Box<Notice>),
}

/// See [`Job::Update`]. Values are strings, booleans or integers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Update {
    /// Metavariables: they belong to the end user.
    UpdateEndUser {
        /// By name.
        values: Map<String, Value>,
    },
    /// Metadata of the conversation.
    UpdateConversation {
        /// By name.
        values: Map<String, Value>,
    },
    /// Nothing: read who the end user is.
    ReadEndUser,
    /// What the settings name of the handoff, as it is then, as metavariables.
    HandoffToEndUser,
    /// The same as metadata.
    HandoffToConversation,
}

/// The human agent as the end user sees them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShownAuthor {
    /// Their name.
    pub display_name: String,
    /// The address of their picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
}

impl ShownAuthor {
    /// One without a picture.
    pub const fn named(display_name: String) -> Self {
        Self { display_name, avatar: None }
    }
}

/// The content of an agent's message.
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

/// A file for Ada: its bytes are uploaded first, then the message that points to them is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name.
    pub filename: String,
    /// Its type.
    pub mime_type: String,
    /// How many bytes it has.
    pub size: u64,
    /// Ada's data about the uploaded file, once it has the bytes.
    pub uploaded: Option<UploadedFile>,
}

/// Ada's data about an uploaded file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UploadedFile {
    /// Where it is: presigned. Never leaves the store, except for Ada.
    pub url: String,
    /// Its name.
    pub filename: String,
    /// Its type.
    pub mime_type: String,
}

impl Job {
    /// The row that shows how it went.
    pub const fn row(&self) -> Option<&RowId> {
        match self {
            Self::Write(Write::Send { row, .. } | Write::End { row }) | Self::Fetch(Fetch::File { row }) => {
                Some(row)
            }
            Self::Read(Read::Transcript | Read::Recover { .. }) | Self::Notify(_) | Self::Update(_) => None,
        }
    }

    /// Whether it is a message. Only messages can become too old or be in doubt.
    pub const fn is_message(&self) -> bool {
        self.message().is_some()
    }

    /// The row of a message.
    pub const fn message(&self) -> Option<&RowId> {
        match self {
            Self::Write(Write::Send { row, .. }) => Some(row),
            Self::Write(Write::End { .. })
            | Self::Read(_)
            | Self::Fetch(_)
            | Self::Notify(_)
            | Self::Update(_) => None,
        }
    }

    /// The event, if it is for a platform.
    pub const fn notice(&self) -> Option<&Notice> {
        match self {
            Self::Notify(Notify::Notify(notice)) => Some(notice),
            Self::Write(_) | Self::Read(_) | Self::Fetch(_) | Self::Update(_) => None,
        }
    }
}

impl From<Write> for Job {
    fn from(write: Write) -> Self {
        Self::Write(write)
    }
}

impl From<Read> for Job {
    fn from(read: Read) -> Self {
        Self::Read(read)
    }
}

impl From<Notice> for Job {
    fn from(notice: Notice) -> Self {
        Self::Notify(Notify::Notify(Box::new(notice)))
    }
}

impl From<Update> for Job {
    fn from(update: Update) -> Self {
        Self::Update(update)
    }
}

impl From<Fetch> for Job {
    fn from(fetch: Fetch) -> Self {
        Self::Fetch(fetch)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Job {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_was_queued_before_there_were_files_can_be_read() {
        let what = Outgoing::Text { text: "Hello".to_owned() };
        let job = Job::from(Write::Send { row: "r".into(), what, by: ShownAuthor::named("Alex".to_owned()) });
        assert_eq!(read(r#"{"task":"send","row":"r","text":"Hello","display_name":"Alex"}"#), job);
    }

    #[test]
    fn a_job_is_stored_by_its_task_alone() {
        let file = Attachment {
            filename: "a.png".to_owned(),
            mime_type: "image/png".to_owned(),
            size: 9,
            uploaded: None,
        };
        let what = Outgoing::File { file };
        for (job, task) in [
            (
                Job::from(Write::Send { row: "r".into(), what, by: ShownAuthor::named("Alex".to_owned()) }),
                "send",
            ),
            (Write::End { row: "r".into() }.into(), "end"),
            (Read::Transcript.into(), "transcript"),
            (Read::Recover { missed_before: None }.into(), "recover"),
            (Fetch::File { row: "r".into() }.into(), "fetch"),
            (Update::ReadEndUser.into(), "read_end_user"),
            (Update::HandoffToEndUser.into(), "handoff_to_end_user"),
            (Update::HandoffToConversation.into(), "handoff_to_conversation"),
        ] {
            let text = serde_json::to_string(&job).unwrap();
            assert!(text.starts_with(&format!(r#"{{"task":"{task}""#)), "{text}");
            assert_eq!(read(&text), job);
        }
        assert!(serde_json::from_str::<Job>(r#"{"task":"dance","row":"r"}"#).is_err());
    }
}
