//! What was asked of the API, and what tests want it to answer.

use std::collections::{HashMap, VecDeque};

use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many requests are remembered.
const CALLS_KEPT: usize = 10_000;

/// The calls of the API that a test can tell apart and script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `POST .../messages/`
    SendMessage,
    /// `GET .../messages/`
    ListMessages,
    /// `POST .../end-handoff/`
    EndHandoff,
    /// `PATCH /v2/conversations/{id}/`
    UpdateMetadata,
    /// `GET /v2/end-users/{id}`
    ReadEndUser,
    /// `PATCH /v2/end-users/{id}`
    UpdateEndUser,
    /// `POST .../attachments/`
    UploadAttachment,
    /// `GET /v2/conversations/{id}/`
    GetConversation,
    /// `PATCH .../handoff-queue/`
    HandoffQueue,
    /// `GET /v2/webhooks/`
    ListWebhooks,
    /// `POST /v2/webhooks/`
    CreateWebhook,
    /// `PATCH /v2/webhooks/{id}`
    UpdateWebhook,
    /// `GET /v2/webhooks/{id}/secret/`
    WebhookSecret,
}

impl Call {
    /// The call that a request means; `path` is the one below `/api`.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let action = match segments.as_slice() {
            ["v2", "conversations", _, action @ ..] => action,
            ["v2", "end-users", _] if method == Method::GET => return Some(Self::ReadEndUser),
            ["v2", "end-users", _] if method == Method::PATCH => return Some(Self::UpdateEndUser),
            ["v2", "webhooks", rest @ ..] => return Self::of_webhooks(method, rest),
            _ => return None,
        };
        match (method.as_str(), action) {
            ("GET", []) => Some(Self::GetConversation),
            ("PATCH", []) => Some(Self::UpdateMetadata),
            ("GET", ["messages"]) => Some(Self::ListMessages),
            ("POST", ["messages"]) => Some(Self::SendMessage),
            ("POST", ["end-handoff"]) => Some(Self::EndHandoff),
            ("POST", ["attachments"]) => Some(Self::UploadAttachment),
            ("PATCH", ["handoff-queue"]) => Some(Self::HandoffQueue),
            _ => None,
        }
    }

    fn of_webhooks(method: &Method, rest: &[&str]) -> Option<Self> {
        match (method.as_str(), rest) {
            ("GET", []) => Some(Self::ListWebhooks),
            ("POST", []) => Some(Self::CreateWebhook),
            ("PATCH", [_]) => Some(Self::UpdateWebhook),
            ("GET", [_, "secret"]) => Some(Self::WebhookSecret),
            _ => None,
        }
    }
}

/// One request that the API has answered, or has left unanswered as it was told.
#[derive(Debug, Clone, Serialize)]
pub struct RecordedCall {
    /// Which call it was; `None` for what the API doesn't know.
    pub call: Option<Call>,
    /// The method, in capitals.
    pub method: String,
    /// The path as it was sent, `/api` included, without the query.
    pub path: String,
    /// The query, without its question mark.
    pub query: Option<String>,
    /// The status it was answered with, or will be once a slow answer is due; 0 when there is no answer.
    pub status: u16,
    /// The body, when it was JSON of at most 1 MB.
    pub body: Option<Value>,
    /// Whether it carried the right key.
    pub authorized: bool,
    /// When it arrived.
    pub at: jiff::Timestamp,
}

/// What to answer instead of doing the work.
#[derive(Debug, Clone)]
pub struct ScriptedAnswer {
    /// The status code.
    pub status: u16,
    /// Headers to add, such as `Retry-After`.
    pub headers: Vec<(String, String)>,
    /// The JSON body; `null` sends none.
    pub body: Value,
}

/// The ring of recorded calls and the queues of scripted answers.
#[derive(Default)]
pub(crate) struct Records {
    calls: VecDeque<RecordedCall>,
    scripts: HashMap<Call, VecDeque<ScriptedAnswer>>,
}

impl Records {
    pub(crate) fn calls(&self) -> Vec<RecordedCall> {
        self.calls.iter().cloned().collect()
    }

    pub(crate) fn record(&mut self, call: RecordedCall) {
        if self.calls.len() == CALLS_KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    pub(crate) fn script(&mut self, call: Call, answer: ScriptedAnswer) {
        self.scripts.entry(call).or_default().push_back(answer);
    }

    pub(crate) fn scripted(&mut self, call: Option<Call>) -> Option<ScriptedAnswer> {
        self.scripts.get_mut(&call?)?.pop_front()
    }
}
