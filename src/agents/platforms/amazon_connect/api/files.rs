//! A file of the end user, in three steps: it is announced, its bytes go to S3, and it is completed.

use std::collections::BTreeMap;

use bytes::Bytes;
use reqwest::{
    Request,
    header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue},
};
use serde::Deserialize;
use serde_json::json;

use super::{Connect, participant::participant, read, unwritable};
use crate::{
    agents::platforms::amazon_connect::aws::{CallError, Operation, Sent},
    secret::Secret,
};

/// What a client token may have.
const TOKEN_MOST: usize = 500;
const COMPLETE: &str = "-complete";
const PUT: Operation = Operation { name: "the upload of an attachment", sent: Sent::ToStorage };

/// A file that is to be.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its name with an extension that the instance allows. 1 to 256 characters.
    pub name: String,
    /// Its type, such as `application/pdf`. 1 to 255 characters.
    pub mime_type: String,
    /// With the same one, there are no two. At most 490 characters: the last step has one of its own, made of it.
    pub client_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartAnswer {
    attachment_id: String,
    upload_metadata: Place,
}

/// Where the bytes go.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Place {
    url: String,
    #[serde(default)]
    headers_to_include: BTreeMap<String, String>,
}

impl Connect {
    /// `StartAttachmentUpload`, the upload, and `CompleteAttachmentUpload`. Gives the attachment's id. Agents see the
    /// file when it has been scanned.
    ///
    /// # Errors
    /// See [`CallError`]; `Quota` if the chat has too many files, `Invalid` if the file is too large, of a type that
    /// isn't allowed, or S3 refuses it. All three steps may be repeated with the same client token.
    pub async fn upload(
        &self,
        connection: &Secret,
        file: &Upload,
        bytes: Bytes,
    ) -> Result<String, CallError> {
        const START: Operation = participant("StartAttachmentUpload");
        let body = json!({
            "ContentType": file.mime_type,
            "AttachmentSizeInBytes": bytes.len(),
            "AttachmentName": file.name,
            "ClientToken": file.client_token,
        });
        let answer =
            self.as_participant(START, "/participant/start-attachment-upload", connection, &body).await?;
        let StartAnswer { attachment_id, upload_metadata } = read(START, &answer)?;
        let request = self.put(&upload_metadata, bytes).ok_or_else(|| unwritable(PUT))?;
        self.http.call(PUT, request, self.environment.now()).await?;
        let body = json!({ "AttachmentIds": [attachment_id], "ClientToken": completing(&file.client_token) });
        let call = participant("CompleteAttachmentUpload");
        self.as_participant(call, "/participant/complete-attachment-upload", connection, &body).await?;
        Ok(attachment_id)
    }

    /// The URL is signed with its headers: all of them are sent as they came, and nothing of ours. The length is that
    /// of the body, which hyper sends by itself, as it does the host.
    fn put(&self, place: &Place, bytes: Bytes) -> Option<Request> {
        // Without TLS only where the service itself has none: in tests.
        let is_plain = self.endpoints.participant.starts_with("http://");
        if !(place.url.starts_with("https://") || is_plain && place.url.starts_with("http://")) {
            return None;
        }
        let length = bytes.len();
        let mut request = self.http.client().put(&place.url).body(bytes).build().ok()?;
        for (name, value) in &place.headers_to_include {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            if name == HOST || name == CONTENT_LENGTH && value.trim().parse() == Ok(length) {
                continue;
            }
            request.headers_mut().insert(name, HeaderValue::from_str(value).ok()?);
        }
        Some(request)
    }
}

fn completing(client_token: &str) -> String {
    let kept: String = client_token.chars().take(TOKEN_MOST - COMPLETE.len()).collect();
    kept + COMPLETE
}
