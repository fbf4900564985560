//! What the end user does in a chat. These calls carry the participant's token and no AWS signature: the service's
//! model says of each that it doesn't use Signature Version 4.

use std::time::Duration;

use reqwest::{Request, header::HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Connect, read, unreadable, unwritable};
use crate::{
    agents::platforms::amazon_connect::aws::{Answer, CallError, Operation, Sent},
    relay::time::Time,
    secret::Secret,
};

/// The longest that an address of a file may be valid (`GetAttachment`).
const URL_SECONDS: u32 = 300;
/// How long a connection's token is valid, whatever the chat's duration (`CreateParticipantConnection`).
const ONE_DAY: Duration = Duration::from_hours(24);

/// The end user's connection to a chat.
#[derive(Clone, Debug)]
pub struct Connection {
    /// With it, all other calls of the participant are made.
    pub token: Secret,
    /// Until then; after that a new connection is made with the participant's own token.
    pub expires_at: Time,
}

/// A message of the end user.
#[derive(Clone, Debug)]
pub struct OutgoingText {
    /// `text/plain` or `text/markdown`.
    pub content_type: &'static str,
    /// 1 to 16,384 bytes.
    pub content: String,
    /// With the same one, nothing is sent twice. At most 500 characters.
    pub client_token: String,
}

/// A message that the chat has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// Its id in the chat.
    pub id: String,
    /// `PROCESSING`, `FAILED` or `REJECTED`, if the instance processes messages before others see them: then it has
    /// not arrived yet, or never will.
    pub processing: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ConnectionAnswer {
    connection_credentials: Credentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials {
    connection_token: String,
    #[serde(default)]
    expiry: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendAnswer {
    id: String,
    #[serde(default)]
    message_metadata: Value,
}

/// An operation of the Participant Service.
pub(super) const fn participant(name: &'static str) -> Operation {
    Operation { name, sent: Sent::AsParticipant }
}

impl Connect {
    /// `CreateParticipantConnection`: connects the end user, without a web socket. Only when the chat is streamed.
    ///
    /// # Errors
    /// See [`CallError`]; `Denied` if the chat is over.
    pub async fn connect_participant(&self, participant_token: &Secret) -> Result<Connection, CallError> {
        const CALL: Operation = participant("CreateParticipantConnection");
        let body = json!({ "Type": ["CONNECTION_CREDENTIALS"], "ConnectParticipant": true });
        let answer = self.as_participant(CALL, "/participant/connection", participant_token, &body).await?;
        let ConnectionAnswer { connection_credentials: Credentials { connection_token, expiry } } =
            read(CALL, &answer)?;
        let expires_at = expiry.as_str().and_then(|text| text.parse().ok());
        let expires_at = expires_at.unwrap_or_else(|| self.environment.now() + ONE_DAY);
        Ok(Connection { token: Secret::new(connection_token), expires_at })
    }

    /// `SendMessage`.
    ///
    /// # Errors
    /// See [`CallError`]; `Denied` if the connection has expired or the chat is over.
    pub async fn send_message(
        &self,
        connection: &Secret,
        message: &OutgoingText,
    ) -> Result<SentMessage, CallError> {
        const CALL: Operation = participant("SendMessage");
        let body = json!({
            "ContentType": message.content_type,
            "Content": message.content,
            "ClientToken": message.client_token,
        });
        let answer = self.as_participant(CALL, "/participant/message", connection, &body).await?;
        let SendAnswer { id, message_metadata } = read(CALL, &answer)?;
        let processing = message_metadata["MessageProcessingStatus"].as_str().map(str::to_owned);
        Ok(SentMessage { id, processing })
    }

    /// `GetAttachment`: an address of a file's bytes, for five minutes. Only while the chat goes on, and of a file that
    /// is approved.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn attachment_url(
        &self,
        connection: &Secret,
        attachment_id: &str,
    ) -> Result<String, CallError> {
        const CALL: Operation = participant("GetAttachment");
        let body = json!({ "AttachmentId": attachment_id, "UrlExpiryInSeconds": URL_SECONDS });
        let answer = self.as_participant(CALL, "/participant/attachment", connection, &body).await?;
        let answer: Value = read(CALL, &answer)?;
        answer["Url"].as_str().map(str::to_owned).ok_or_else(|| unreadable(CALL))
    }

    /// `DisconnectParticipant`: the end user leaves, which ends the chat.
    ///
    /// # Errors
    /// See [`CallError`]; `Denied` if it is over already.
    pub async fn disconnect(&self, connection: &Secret, client_token: &str) -> Result<(), CallError> {
        let body = json!({ "ClientToken": client_token });
        let call = participant("DisconnectParticipant");
        self.as_participant(call, "/participant/disconnect", connection, &body).await.map(drop)
    }

    /// A call with this token.
    pub(super) async fn as_participant(
        &self,
        operation: Operation,
        path: &str,
        token: &Secret,
        body: &Value,
    ) -> Result<Answer, CallError> {
        let request = self.participant_request(path, token, body).ok_or_else(|| unwritable(operation))?;
        self.http.call(operation, request, self.environment.now()).await
    }

    fn participant_request(&self, path: &str, token: &Secret, body: &Value) -> Option<Request> {
        let mut bearer = HeaderValue::from_str(token.expose()).ok()?;
        bearer.set_sensitive(true);
        let url = format!("{}{path}", self.endpoints.participant);
        self.http.client().post(url).header("x-amz-bearer", bearer).json(body).build().ok()
    }
}
