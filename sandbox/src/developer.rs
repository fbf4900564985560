//! The developer's side, below `/sandbox/api`: the dial, single faults, what the end users see and what the
//! API was asked. It needs no key, as the chat page needs none: the sandbox is for one's own machine.

use std::fmt::Display;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::chat::same_site_only;
use crate::conversation::Conversation;
use crate::dial::{Dial, Fault};
use crate::{Call, Sandbox};

/// The routes below `/sandbox/api`.
pub(crate) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/dial", get(dial).put(turn))
        .route("/faults", post(fail_next))
        .route("/file-faults", post(fail_next_file))
        .route("/expire-files", post(expire_files))
        .route("/conversations", get(conversations))
        .route("/conversations/{id}", get(conversation))
        .route("/calls", get(calls))
        .layer(from_fn(same_site_only))
}

/// What was asked for makes no sense; the sentence says why.
struct Wrong(String);

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": self.0 }))).into_response()
    }
}

/// Read by hand, so that curl needs no content type and every mistake gets its sentence.
fn read<T: DeserializeOwned>(what: &str, body: &[u8]) -> Result<T, Wrong> {
    let wrong = |error: &dyn Display| Wrong(format!("This is not {what}: {error}."));
    // Through a map, because an array passes for a struct.
    let object: Map<String, Value> = serde_json::from_slice(body).map_err(|error| wrong(&error))?;
    T::deserialize(Value::Object(object)).map_err(|error| wrong(&error))
}

async fn dial(State(sandbox): State<Sandbox>) -> Json<Dial> {
    Json(sandbox.dial())
}

/// What isn't named goes back to its default: `{}` ends all trouble.
async fn turn(State(sandbox): State<Sandbox>, body: Bytes) -> Result<Json<Dial>, Wrong> {
    sandbox.set_dial(read("a dial", &body)?);
    Ok(Json(sandbox.dial()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NextFault {
    call: Call,
    fault: Fault,
}

async fn fail_next(State(sandbox): State<Sandbox>, body: Bytes) -> Result<StatusCode, Wrong> {
    let NextFault { call, fault } = read("a call and its fault", &body)?;
    sandbox.fault_next(call, fault);
    Ok(StatusCode::NO_CONTENT)
}

async fn fail_next_file(State(sandbox): State<Sandbox>, body: Bytes) -> Result<StatusCode, Wrong> {
    sandbox.file_fault_next(read("a file's fault", &body)?);
    Ok(StatusCode::NO_CONTENT)
}

async fn expire_files(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.expire_files();
    StatusCode::NO_CONTENT
}

async fn conversations(State(sandbox): State<Sandbox>) -> Json<Value> {
    let mut found: Vec<_> = sandbox.0.lock().conversations.values().map(Conversation::summary).collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let conversations: Vec<_> = found.into_iter().map(|(_, summary)| summary).collect();
    Json(json!({ "conversations": conversations }))
}

async fn conversation(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    match sandbox.peek(&id, Conversation::end_users_view) {
        Ok(view) => Json(view).into_response(),
        Err(refusal) => {
            (StatusCode::NOT_FOUND, Json(json!({ "error": refusal.to_string() }))).into_response()
        }
    }
}

async fn calls(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!({ "calls": sandbox.calls() }))
}
