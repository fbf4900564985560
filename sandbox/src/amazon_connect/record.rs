//! What was asked for, and what was wrong with it.

use std::fs::File;
use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

/// One request of an operation.
#[derive(Debug, Clone, Serialize)]
pub struct RecordedRequest {
    /// The service, as AWS's models name it: `connect`, `connectparticipant`, `sts` or `sns`.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// The members, those of the path included.
    pub body: Value,
    /// The headers, without keys and tokens.
    pub headers: Vec<(String, String)>,
    /// The status of the answer; 0 without one.
    pub status: u16,
    /// When it was answered.
    pub at: Timestamp,
}

impl RecordedRequest {
    /// The line that AWS's own validator of parameters is given. Tokens of the header are members there.
    fn line(&self) -> Value {
        let mut params = self.body.clone();
        if self.service == "connectparticipant" && self.operation == "CreateParticipantConnection" {
            params["ParticipantToken"] = "hidden".into();
        } else if self.service == "connectparticipant" {
            params["ConnectionToken"] = "hidden".into();
        }
        json!({ "service": self.service, "operation": self.operation, "params": params })
    }
}

/// A try of a notification.
#[derive(Debug, Clone, Serialize)]
pub struct Delivery {
    /// The notification's `MessageId`.
    pub message_id: String,
    /// The endpoint's status; 0 without an answer.
    pub status: u16,
    /// When it was answered.
    pub at: Timestamp,
}

#[derive(Default)]
pub(super) struct Records {
    pub(super) requests: Vec<RecordedRequest>,
    pub(super) violations: Vec<String>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) file: Option<File>,
}

impl Records {
    pub(super) fn add(&mut self, request: RecordedRequest) {
        if let Some(file) = &mut self.file
            && let Err(error) = writeln!(file, "{}", request.line())
        {
            tracing::warn!("a request could not be written down: {error}");
        }
        self.requests.push(request);
    }
}
