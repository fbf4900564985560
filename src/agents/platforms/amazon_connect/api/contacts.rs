//! Contacts: chats as Amazon Connect routes them.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Connect, path::path, read, signed::connect};
use crate::{
    agents::platforms::amazon_connect::aws::{CallError, ErrorKind},
    relay::time::Time,
    secret::Secret,
};

/// What agents may write: plain text, and what their workspace makes of formatting.
const CONTENT_TYPES: [&str; 2] = ["text/plain", "text/markdown"];

/// A chat that is to be.
#[derive(Clone, Debug)]
pub struct NewChat {
    /// The contact flow that routes it.
    pub contact_flow_id: String,
    /// What agents see as the customer's name. 1 to 256 characters.
    pub display_name: String,
    /// Contact attributes. Names of `[A-Za-z0-9_-]`; at most 32,768 bytes in all.
    pub attributes: BTreeMap<String, String>,
    /// The first message, as `text/plain`. At most 16,384 bytes.
    pub initial_message: Option<String>,
    /// With the same one, the same chat comes back. At most 500 characters.
    pub client_token: String,
    /// An earlier contact of the same person.
    pub related_contact_id: Option<String>,
}

/// A chat that is.
#[derive(Clone, Debug)]
pub struct StartedChat {
    /// Its contact; it is the `InitialContactId` of all that follow by transfer.
    pub contact_id: String,
    /// The end user in it.
    pub participant_id: String,
    /// With it, the end user's connections are made.
    pub participant_token: Secret,
}

/// How a contact stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactDescription {
    /// When it ended; `None` while it goes on.
    pub disconnected_at: Option<Time>,
    /// Why, in Amazon Connect's words, such as `AGENT_DISCONNECT`.
    pub reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Started {
    contact_id: String,
    participant_id: String,
    participant_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    contact: Contact,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Contact {
    #[serde(default)]
    disconnect_timestamp: Value,
    #[serde(default)]
    disconnect_reason: Value,
}

impl Connect {
    /// `StartChatContact`. The end user must be connected within five minutes, or the chat ends by itself.
    ///
    /// # Errors
    /// See [`CallError`]; `Quota` when the account has no room for another chat.
    pub async fn start_chat(&self, chat: &NewChat) -> Result<StartedChat, CallError> {
        const CALL: super::Operation = connect("StartChatContact");
        let mut body = json!({
            "InstanceId": self.instance_id,
            "ContactFlowId": chat.contact_flow_id,
            "ParticipantDetails": { "DisplayName": chat.display_name },
            "Attributes": chat.attributes,
            "ClientToken": chat.client_token,
            "SupportedMessagingContentTypes": CONTENT_TYPES,
        });
        if let Some(message) = &chat.initial_message {
            body["InitialMessage"] = json!({ "ContentType": "text/plain", "Content": message });
        }
        if let Some(minutes) = self.chat_duration_minutes {
            body["ChatDurationInMinutes"] = minutes.into();
        }
        if let Some(contact) = &chat.related_contact_id {
            body["RelatedContactId"] = contact.as_str().into();
        }
        let answer = self.call(CALL, Method::PUT, "/contact/chat", Some(&body)).await?;
        let Started { contact_id, participant_id, participant_token } = read(CALL, &answer)?;
        Ok(StartedChat { contact_id, participant_id, participant_token: Secret::new(participant_token) })
    }

    /// `StartContactStreaming`: what happens in the chat is published to the settings' first topic.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn start_streaming(&self, contact_id: &str, client_token: &str) -> Result<(), CallError> {
        let body = json!({
            "InstanceId": self.instance_id,
            "ContactId": contact_id,
            "ChatStreamingConfiguration": { "StreamingEndpointArn": self.topic_arn },
            "ClientToken": client_token,
        });
        let call = connect("StartContactStreaming");
        self.call(call, Method::POST, "/contact/start-streaming", Some(&body)).await.map(drop)
    }

    /// `StopContact`: ends the chat, whatever its state. One that is over already, or unknown, counts as ended.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn stop_contact(&self, contact_id: &str) -> Result<(), CallError> {
        let body = json!({ "InstanceId": self.instance_id, "ContactId": contact_id });
        match self.call(connect("StopContact"), Method::POST, "/contact/stop", Some(&body)).await {
            Err(error) if error.kind == ErrorKind::Gone => Ok(()),
            other => other.map(drop),
        }
    }

    /// `DescribeContact`: whether the contact has ended.
    ///
    /// # Errors
    /// See [`CallError`]; `Gone` if there is no such contact.
    pub async fn describe_contact(&self, contact_id: &str) -> Result<ContactDescription, CallError> {
        const CALL: super::Operation = connect("DescribeContact");
        let path = path("/contacts", [&self.instance_id, contact_id]);
        let answer = self.call(CALL, Method::GET, &path, None).await?;
        let Described { contact } = read(CALL, &answer)?;
        Ok(ContactDescription {
            disconnected_at: time(&contact.disconnect_timestamp),
            reason: contact.disconnect_reason.as_str().map(str::to_owned),
        })
    }
}

/// Timestamps of this protocol are seconds since the epoch; text is taken, too.
fn time(value: &Value) -> Option<Time> {
    if let Some(text) = value.as_str() {
        return text.parse().ok();
    }
    let millis = (value.as_f64()? * 1_000.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "a cast from float to integer saturates")]
    Some(Time::from_micros((millis as i64).saturating_mul(1_000)))
}
