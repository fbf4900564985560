//! End users: their metavariables are the metadata of their profile.

use axum::Json;
use axum::extract::{Path, State};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::object;
use crate::{Sandbox, conversation::CUSTOMER};

/// Ada's limit for all metavariables of a person, as JSON.
const BYTES: usize = 10_240;

pub(crate) async fn read(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let state = sandbox.0.lock();
    if !state.knows_end_user(&id) {
        return Err(ApiError::not_found("No such end user"));
    }
    Ok(Json(shown(&id, state.metavariables.get(&id))))
}

pub(crate) async fn update(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let body = object(&body)?;
    let Some(Value::Object(changes)) = body.get("profile").and_then(|profile| profile.get("metadata")) else {
        return Err(ApiError::invalid("profile.metadata", "An object is required"));
    };
    let mut state = sandbox.0.lock();
    if !state.knows_end_user(&id) {
        return Err(ApiError::not_found("No such end user"));
    }
    let mut merged = state.metavariables.get(&id).cloned().unwrap_or_default();
    for (name, value) in changes {
        let is_taken = value.is_string() || value.is_boolean() || value.is_i64() || value.is_u64();
        if !is_taken {
            let reason = format!("{name} must be a string, boolean or integer");
            return Err(ApiError::invalid("profile.metadata", &reason));
        }
        merged.insert(name.clone(), value.clone());
    }
    if Value::Object(merged.clone()).to_string().len() > BYTES {
        return Err(ApiError::invalid("profile.metadata", "metadata may not exceed 10KB in total"));
    }
    let answer = shown(&id, Some(&merged));
    state.metavariables.insert(id, merged);
    drop(state);
    sandbox.0.changed();
    Ok(Json(answer))
}

fn shown(id: &str, metavariables: Option<&Map<String, Value>>) -> Value {
    let metadata = metavariables.cloned().unwrap_or_default();
    json!({ "end_user_id": id, "profile": {
        "first_name": "Maria", "last_name": "Silva", "display_name": CUSTOMER, "avatar": null,
        "email": "maria.silva@example.com", "language": "pt-BR", "metadata": metadata,
    } })
}
