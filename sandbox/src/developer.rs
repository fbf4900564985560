//! The developer's side, below `/sandbox/api`: the dial, single faults, what the end users see and what the
//! API was asked. It needs no key, as the chat page needs none: the sandbox is for one's own machine.

use std::fmt::Display;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::chat::same_site_only;
use crate::conversation::Conversation;
use crate::dial::{Dial, Fault};
use crate::endpoint::Endpoint;
use crate::shared::HandoffBlock;
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
        .route("/setup", get(set_up))
        .route("/setup/block", put(set_block))
        .route("/setup/test", post(test_event))
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

/// What is set up: the endpoints, and the handoff's HTTP Request block, without its key.
async fn set_up(State(sandbox): State<Sandbox>) -> Json<Value> {
    let state = sandbox.0.lock();
    let endpoints: Vec<_> = state.endpoints.iter().map(Endpoint::to_json).collect();
    let block = &state.block;
    let block = json!({ "url": block.url, "has_authorization": !block.authorization.is_empty() });
    Json(json!({ "endpoints": endpoints, "block": block, "trial": state.trial }))
}

/// Saves the block; says what its address answers to a call without a conversation, which starts nothing.
async fn set_block(State(sandbox): State<Sandbox>, body: Bytes) -> Result<Json<Value>, Wrong> {
    let block: HandoffBlock = read("a block: its url and its authorization", &body)?;
    sandbox.0.lock().block = block;
    sandbox.0.changed();
    let status = sandbox.post_start("", json!({})).await;
    Ok(Json(json!({ "status": status })))
}

async fn test_event(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.send_test();
    StatusCode::NO_CONTENT
}
