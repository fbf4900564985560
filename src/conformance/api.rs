//! The relay's API for platforms, as far as a receiver needs it to answer: it records what is asked of it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use handoff_relay::{
    agents::{
        platforms::{FileLinks, LinkClaim},
        view::HandoffView,
    },
    environment::{Environment, Machine},
    relay::{
        handoff::Handoff,
        id::{HandoffId, RowId},
    },
    settings::Secret,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

use super::events::{Events, FILE};

/// See the module. Clones share it.
#[derive(Clone)]
pub struct Api {
    token: Secret,
    record: Arc<Mutex<Record>>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Record {
    calls: Vec<String>,
    wrong: Vec<String>,
    replies: Vec<(Option<String>, String)>,
    fetched: Option<bool>,
    known: Option<Known>,
}

/// What is handed off.
struct Known {
    handoff: Handoff,
    links: Arc<FileLinks>,
}

impl Api {
    /// Serves until the process ends.
    pub fn serve(listener: TcpListener, token: Secret) -> Self {
        let api = Self { token, record: Arc::default(), changed: watch::Sender::new(()) };
        let door = Router::new().fallback(Self::answer).with_state(api.clone());
        #[expect(clippy::disallowed_methods, reason = "it ends with the process")]
        tokio::spawn(async move { axum::serve(listener, door).await });
        api
    }

    /// There is this handoff.
    pub fn knows(&self, events: &Events) {
        let handoff = events.handoff();
        self.lock().known = Some(Known { handoff, links: Arc::clone(&events.links) });
    }

    /// What was called, in order.
    pub fn calls(&self) -> Vec<String> {
        self.lock().calls.clone()
    }

    /// What a relay would have refused.
    pub fn wrong_calls(&self) -> Vec<String> {
        self.lock().wrong.clone()
    }

    /// The texts that came for the customer, once there is one, and no more come for a while.
    pub async fn replies_within(&self, limit: Duration) -> Vec<String> {
        let _ = tokio::time::timeout(limit, self.until(|record| !record.replies.is_empty())).await;
        // A second answer to the same message comes soon after the first.
        let more = self.lock().replies.len() + 2;
        let _ = tokio::time::timeout(limit / 5, self.until(|record| record.replies.len() > more)).await;
        self.lock().replies.iter().map(|(_, text)| text.clone()).collect()
    }

    /// Whether the file was fetched by its link; `None` if it was not fetched.
    pub async fn file_fetched_within(&self, limit: Duration) -> Option<bool> {
        let _ = tokio::time::timeout(limit, self.until(|record| record.fetched.is_some())).await;
        self.lock().fetched
    }

    async fn until(&self, holds: impl Fn(&Record) -> bool) {
        let mut changed = self.changed.subscribe();
        while !holds(&self.lock()) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(
        State(api): State<Self>,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> Response {
        let answer = api.judge(&method, &uri, &headers, &body);
        let call = format!("{method} {} answered {}", uri.path(), answer.status().as_u16());
        let is_wrong = answer.status().is_client_error();
        {
            let mut record = api.lock();
            record.wrong.extend(is_wrong.then(|| call.clone()));
            record.calls.push(call);
        }
        api.changed.send_replace(());
        answer
    }

    fn judge(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response {
        if let Some(file) = uri.path().strip_prefix("/platform/files/webhook/") {
            return self.file(file, uri);
        }
        let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
        let token = bearer.and_then(|value| value.strip_prefix("Bearer "));
        if !token.is_some_and(|token| self.token.matches(token)) {
            return problem(StatusCode::UNAUTHORIZED, "the bearer token is not known");
        }
        let Some(known) = self.lock().known.as_ref().map(|known| known.handoff.clone()) else {
            return problem(StatusCode::NOT_FOUND, "no such handoff");
        };
        let path = uri.path().strip_prefix("/platform/handoffs/").unwrap_or_default();
        let (id, what) = path.split_once('/').unwrap_or((path, ""));
        if id != known.id.as_str() {
            return problem(StatusCode::NOT_FOUND, "no such handoff");
        }
        let handoff = || Json(HandoffView::whole(&known, None)).into_response();
        match (method.as_str(), what) {
            ("GET", "") | ("POST", "accept" | "release" | "end") => handoff(),
            ("GET", "messages") => Json(json!({ "data": [], "next_after": null })).into_response(),
            ("GET", "ledger") => Json(json!({})).into_response(),
            ("GET", "transcript") => "".into_response(),
            ("POST", "read") => StatusCode::NO_CONTENT.into_response(),
            ("POST", "messages") => self.said(headers, body, StatusCode::ACCEPTED, true),
            ("POST", "notes") => self.said(headers, body, StatusCode::CREATED, false),
            ("POST", "files") => (StatusCode::ACCEPTED, Json(json!({}))).into_response(),
            _ => problem(StatusCode::NOT_FOUND, "this path does not exist"),
        }
    }

    fn said(&self, headers: &HeaderMap, body: &[u8], status: StatusCode, to_customer: bool) -> Response {
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(text) = said["text"].as_str().filter(|text| !text.trim().is_empty()) else {
            return problem(StatusCode::BAD_REQUEST, "text is missing or empty");
        };
        let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
        let mut record = self.lock();
        let is_repeated = key.is_some() && record.replies.iter().any(|(known, _)| *known == key);
        if to_customer && !is_repeated {
            record.replies.push((key, text.to_owned()));
        }
        (status, Json(json!({ "id": Machine.new_id(), "content": { "type": "text", "body": text } })))
            .into_response()
    }

    fn file(&self, path: &str, uri: &Uri) -> Response {
        let (handoff, row) = path.split_once('/').unwrap_or((path, ""));
        let asked = uri.query().unwrap_or_default();
        let value = |name: &str| {
            url::form_urlencoded::parse(asked.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let expires = value("expires").and_then(|expires| expires.parse().ok());
        let claim = expires.zip(value("signature"));
        let claim = claim.map(|(expires, signature)| LinkClaim { expires, signature });
        let mut record = self.lock();
        let is_valid = claim.zip(record.known.as_ref()).is_some_and(|(claim, known)| {
            known.links.is_valid(
                &HandoffId(handoff.to_owned()),
                &RowId(row.to_owned()),
                &claim,
                Machine.now(),
            )
        });
        record.fetched = Some(is_valid);
        if is_valid { FILE.into_response() } else { problem(StatusCode::FORBIDDEN, "the link is not valid") }
    }
}

fn problem(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({ "status": status.as_u16(), "detail": detail }))).into_response()
}
