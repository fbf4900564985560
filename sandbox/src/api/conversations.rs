//! The conversation itself: reading it, its metadata, its queue and the end of its handoff.

use axum::Json;
use axum::extract::{Path, State};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::object;
use crate::Sandbox;
use crate::conversation::{Conversation, Queue};

/// The longest wait that may be announced: a day.
const LONGEST_WAIT_SECONDS: u64 = 86_400;

pub(crate) async fn read(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(sandbox.peek(&id, Conversation::to_json)?))
}

pub(crate) async fn update(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    sandbox.peek(&id, |_| ())?;
    let body = object(&body)?;
    let Some(Value::Object(metadata)) = body.get("metadata") else {
        return Err(ApiError::invalid("metadata", "An object is required"));
    };
    let updated = sandbox.change(&id, |conversation| {
        conversation.merge_metadata(metadata)?;
        Ok(conversation.to_json())
    })?;
    Ok(Json(updated))
}

pub(crate) async fn end_handoff(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    sandbox.change(&id, Conversation::end_handoff)?;
    Ok(Json(json!({ "message": "Handoff ended successfully" })))
}

pub(crate) async fn set_queue(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    sandbox.peek(&id, |_| ())?;
    let place = queue(&object(&body)?)?;
    sandbox.change(&id, |conversation| conversation.set_queue(place))?;
    Ok(Json(json!({ "message": "Handoff queue updated" })))
}

fn queue(body: &Map<String, Value>) -> Result<Queue, ApiError> {
    let amount = body.get("amount").filter(|amount| !amount.is_null());
    let whole = || amount.and_then(Value::as_u64);
    match body.get("unit").and_then(Value::as_str) {
        Some("position") => {
            let amount = whole().ok_or_else(|| ApiError::invalid("amount", "The number of people ahead"))?;
            Ok(Queue { unit: "position", amount: Some(amount) })
        }
        Some("time") => {
            let amount = whole().filter(|seconds| *seconds <= LONGEST_WAIT_SECONDS);
            let amount = amount.ok_or_else(|| ApiError::invalid("amount", "Seconds, at most 86400"))?;
            Ok(Queue { unit: "time", amount: Some(amount) })
        }
        Some("unknown") if amount.is_none() => Ok(Queue { unit: "unknown", amount: None }),
        Some("unknown") => Err(ApiError::invalid("amount", "An unknown wait has no amount")),
        _ => Err(ApiError::invalid("unit", "One of position, time, unknown")),
    }
}
