//! The webhook endpoints: listed, made, changed, deleted, and their signing secrets.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::page::Page;
use super::{object, origin};
use crate::Sandbox;
use crate::endpoint::Endpoint;

pub(crate) async fn list(
    State(sandbox): State<Sandbox>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let page = Page::of(query.as_deref().unwrap_or_default())?;
    let (endpoints, more) = page.entries(&sandbox.0.lock().endpoints);
    let next = more.then(|| page.next_url(&format!("{}/api/v2/webhooks/", origin(&headers))));
    let endpoints: Vec<Value> = endpoints.iter().map(Endpoint::to_json).collect();
    Ok(Json(json!({ "data": endpoints, "meta": { "next_page_url": next } })))
}

pub(crate) async fn create(
    State(sandbox): State<Sandbox>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let body = object(&body)?;
    let Some(Value::String(_)) = body.get("url") else {
        return Err(ApiError::invalid("url", "A URL is required"));
    };
    let mut endpoint = Endpoint::new(String::new());
    change(&mut endpoint, &body)?;
    let made = endpoint.to_json();
    sandbox.0.lock().endpoints.push(endpoint);
    sandbox.0.changed();
    Ok((StatusCode::CREATED, Json(made)))
}

pub(crate) async fn read(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    sandbox.endpoint(&id, |endpoint| Ok(Json(endpoint.to_json())))
}

pub(crate) async fn update(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let body = object(&body)?;
    sandbox.endpoint(&id, |endpoint| {
        let mut changed = endpoint.clone();
        change(&mut changed, &body)?;
        changed.updated_at = Timestamp::now();
        *endpoint = changed;
        Ok(Json(endpoint.to_json()))
    })
}

pub(crate) async fn delete(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    sandbox.endpoint(&id, |_| Ok(()))?;
    sandbox.0.lock().endpoints.retain(|endpoint| endpoint.id != id);
    sandbox.0.changed();
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn secret(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    sandbox.endpoint(&id, |endpoint| Ok(Json(json!({ "key": endpoint.secret }))))
}

impl Sandbox {
    fn endpoint<T>(
        &self,
        id: &str,
        with: impl FnOnce(&mut Endpoint) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let found = {
            let mut state = self.0.lock();
            let endpoint = state.endpoints.iter_mut().find(|endpoint| endpoint.id == id);
            endpoint.ok_or_else(|| ApiError::not_found("Webhook not found")).and_then(with)
        };
        self.0.changed();
        found
    }
}

/// Takes over the fields that a body names.
fn change(endpoint: &mut Endpoint, body: &Map<String, Value>) -> Result<(), ApiError> {
    match body.get("url") {
        Some(Value::String(url)) if url.starts_with("http://") || url.starts_with("https://") => {
            endpoint.url.clone_from(url);
        }
        Some(_) => return Err(ApiError::invalid("url", "This is not a URL")),
        None => {}
    }
    match body.get("description") {
        Some(Value::String(description)) => endpoint.description.clone_from(description),
        Some(_) => return Err(ApiError::invalid("description", "Text is required")),
        None => {}
    }
    match body.get("enabled") {
        Some(Value::Bool(enabled)) => endpoint.enabled = *enabled,
        Some(_) => return Err(ApiError::invalid("enabled", "true or false is required")),
        None => {}
    }
    match body.get("event_filters").map(|filters| serde_json::from_value(filters.clone())) {
        Some(Ok(filters)) => endpoint.event_filters = filters,
        Some(Err(_)) => return Err(ApiError::invalid("event_filters", "A list of event types is required")),
        None => {}
    }
    Ok(())
}
