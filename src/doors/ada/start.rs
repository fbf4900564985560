//! Ada's HTTP Request block: a handoff starts.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};

use crate::{
    ada::start_call::{self, StartCall},
    doors::App,
    relay::rules::start::Started,
    web::{
        extract::{require_json, require_key},
        origin,
        problem::Problem,
    },
};

/// `POST /handoffs/start`
pub async fn start(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Json<Value>, Problem> {
    origin::refuse_pages(&headers)?;
    if let Some(key) = &app.settings.handoff_auth_key {
        require_key(&headers, key)?;
    }
    require_json(&headers)?;
    let held = app.bodies.start.read(&headers, body).await?;
    let StartCall { conversation, context } = start_call::read(&held.bytes).map_err(Problem::bad_request)?;
    let started = app.engine.start(conversation.clone(), context).await?;
    let id = match started {
        Started::New(id) => {
            tracing::info!(handoff.id = %id, conversation.id = conversation, "handoff started");
            id
        }
        Started::Same(id) => id,
        Started::TooMany => {
            let detail = "too many new handoffs this minute; set HANDOFF_AUTH_KEY to lift the limit";
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        Started::Full => return Err(Problem::unavailable("too much waits to be worked off; try again")),
    };
    Ok(Json(json!({"status": "ok", "handoff_id": id})))
}
