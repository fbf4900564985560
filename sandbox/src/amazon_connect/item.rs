//! What a transcript holds and notifications tell.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// A participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Person {
    /// The participant's id, new for each chat.
    pub participant_id: String,
    /// The name that others see.
    pub display_name: String,
}

/// A file of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attachment {
    /// Its id.
    pub attachment_id: String,
    /// Its file name.
    pub attachment_name: String,
    /// Its MIME type.
    pub content_type: String,
    /// `IN_PROGRESS`, `APPROVED` or `REJECTED`.
    pub status: &'static str,
}

/// An item of a transcript: a message, an event or an attachment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Item {
    /// When, in milliseconds; no two items of a chat share it.
    pub absolute_time: String,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The MIME type; attachments have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The item's id.
    pub id: String,
    /// `MESSAGE`, `EVENT`, `ATTACHMENT` or `MESSAGEMETADATA`.
    #[serde(rename = "Type")]
    pub kind: &'static str,
    /// Who: nobody for `chat.ended`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participant_id: Option<String>,
    /// The name of who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `CUSTOMER`, `AGENT`, `SYSTEM`, `CUSTOM_BOT` or `SUPERVISOR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participant_role: Option<&'static str>,
    /// The files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The receipts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_metadata: Option<Value>,
    /// The contact that the chat started with.
    pub initial_contact_id: String,
    /// The contact at that time.
    pub contact_id: String,
}

impl Item {
    pub(super) fn new(by: Option<(&Person, &'static str)>) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            participant_id: by.map(|(person, _)| person.participant_id.clone()),
            display_name: by.map(|(person, _)| person.display_name.clone()),
            participant_role: by.map(|(_, role)| role),
            ..Self::default()
        }
    }
}

/// An event of that kind.
pub(super) fn event(kind: &str, by: Option<(&Person, &'static str)>) -> Item {
    let content_type = Some(format!("application/vnd.amazonaws.connect.event.{kind}"));
    Item { kind: "EVENT", content_type, ..Item::new(by) }
}

/// A message.
pub(super) fn message(by: (&Person, &'static str), content_type: &str, content: &str) -> Item {
    let (content_type, content) = (Some(content_type.to_owned()), Some(content.to_owned()));
    Item { kind: "MESSAGE", content_type, content, ..Item::new(Some(by)) }
}
