//! What happened in a chat: the message inside of a notification, and an item of a transcript, which are the same.
//! Source: Participant Service API reference, `Item`; administrator guide, "Enable real-time chat message streaming".

use serde::{Deserialize, Deserializer};

use crate::{
    json::{Field, Object, repaired},
    relay::time::Time,
};

/// One thing that happened. Each field may be missing; one of another type counts as missing, and fields that aren't
/// listed are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireItem {
    /// When, by Amazon Connect's clock.
    pub absolute_time: Option<Time>,
    /// What was written.
    pub content: Option<String>,
    /// Of a message `text/plain` or `text/markdown`; of an event its name, after
    /// `application/vnd.amazonaws.connect.event.`.
    pub content_type: Option<String>,
    /// Its id. An attachment comes with the same one when its status changes.
    pub id: Option<String>,
    /// `Type`: `MESSAGE`, `EVENT`, `ATTACHMENT`, `MESSAGEMETADATA` or another.
    pub kind: Option<String>,
    /// Whose it is.
    pub participant_id: Option<String>,
    /// Their name.
    pub display_name: Option<String>,
    /// `CUSTOMER`, `AGENT`, `SYSTEM`, `CUSTOM_BOT` or `SUPERVISOR`.
    pub participant_role: Option<String>,
    /// The contact with which the chat began. Transcripts have it once, beside the items.
    pub initial_contact_id: Option<String>,
    /// The present contact: another one after a transfer.
    pub contact_id: Option<String>,
    /// Files.
    pub attachments: Vec<WireAttachment>,
}

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireAttachment {
    /// Its id.
    pub attachment_id: Option<String>,
    /// `AttachmentName`.
    pub name: Option<String>,
    /// Its type.
    pub content_type: Option<String>,
    /// `IN_PROGRESS` while it is scanned, then `APPROVED` or `REJECTED`.
    pub status: Option<String>,
}

impl WireItem {
    /// The item that a notification's `Message` is.
    ///
    /// # Errors
    /// It is no JSON object.
    pub fn parse(message: &str) -> serde_json::Result<Self> {
        Object::read(&repaired(message.as_bytes())).map(|object| Self::of(&object))
    }

    /// The item that an object is.
    pub fn of(object: &Object<'_>) -> Self {
        let text = |field| object.text(field);
        let attachments = object.get("Attachments").and_then(Field::items).unwrap_or_default();
        Self {
            absolute_time: text("AbsoluteTime").and_then(|text| text.parse().ok()),
            content: text("Content"),
            content_type: text("ContentType"),
            id: text("Id"),
            kind: text("Type"),
            participant_id: text("ParticipantId"),
            display_name: text("DisplayName"),
            participant_role: text("ParticipantRole"),
            initial_contact_id: text("InitialContactId"),
            contact_id: text("ContactId"),
            attachments: attachments
                .into_iter()
                .filter_map(Field::object)
                .map(|file| attachment(&file))
                .collect(),
        }
    }
}

fn attachment(object: &Object<'_>) -> WireAttachment {
    WireAttachment {
        attachment_id: object.text("AttachmentId"),
        name: object.text("AttachmentName"),
        content_type: object.text("ContentType"),
        status: object.text("Status"),
    }
}

/// From JSON text alone, whose parts are read one by one.
impl<'de> Deserialize<'de> for WireItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Object::deserialize(deserializer).map(|object| Self::of(&object))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// As AWS's own sample captured it.
    #[test]
    fn a_message_is_read() {
        let message = r#"{"AbsoluteTime":"2026-11-21T10:00:00.123Z","Content":"Hi, I am Ann","ContentType":"text/markdown","Id":"m","Type":"MESSAGE","ParticipantId":"p","DisplayName":"Ann","ParticipantRole":"AGENT","InitialContactId":"i","ContactId":"c"}"#;
        let text = |text: &str| Some(text.to_owned());
        let expected = WireItem {
            absolute_time: Some("2026-11-21T10:00:00.123Z".parse().unwrap()),
            content: text("Hi, I am Ann"),
            content_type: text("text/markdown"),
            id: text("m"),
            kind: text("MESSAGE"),
            participant_id: text("p"),
            display_name: text("Ann"),
            participant_role: text("AGENT"),
            initial_contact_id: text("i"),
            contact_id: text("c"),
            attachments: Vec::new(),
        };
        assert_eq!(WireItem::parse(message).unwrap(), expected);
        assert_eq!(serde_json::from_str::<WireItem>(message).unwrap(), expected);
    }

    #[test]
    fn what_is_missing_or_wrong_costs_nothing_else() {
        let message = r#"{"AbsoluteTime":"soon","Content":7,"Id":"m","Type":null,"DisplayName":{"a":1},
            "New":[1],"ContactId":"\ud83d","Attachments":[7,{"AttachmentId":"a","AttachmentName":"a.pdf","Status":["x"]}]}"#;
        let item = WireItem::parse(message).unwrap();
        let file = WireAttachment {
            attachment_id: Some("a".to_owned()),
            name: Some("a.pdf".to_owned()),
            ..WireAttachment::default()
        };
        let expected = WireItem {
            id: Some("m".to_owned()),
            contact_id: Some("\u{fffd}".to_owned()),
            attachments: vec![file],
            ..WireItem::default()
        };
        assert_eq!(item, expected);
        assert_eq!(WireItem::parse(r#"{"Attachments":{}}"#).unwrap(), WireItem::default());
        for message in ["", "[]", "7", "null", "{"] {
            assert!(WireItem::parse(message).is_err(), "{message}");
        }
    }
}
