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
    engine::NotOurs,
    relay::rules::start::StartOutcome,
    web::{
        extract::{bearer, require_json, unauthorized},
        origin,
        problem::Problem,
    },
};

/// `POST /handoffs/start`
pub async fn start(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Json<Value>, Problem> {
    origin::refuse_pages(&headers)?;
    let ai_agent = app.engine.ai_agents().started_by(bearer(&headers)).map_err(|refusal| {
        unauthorized(match refusal {
            NotOurs::OtherKey => "the bearer key does not match HANDOFF_AUTH_KEY",
            NotOurs::KeyMissing => "the Authorization header with the bearer key is missing",
        })
    })?;
    require_json(&headers)?;
    let held = app.bodies.start.read(&headers, body).await?;
    let StartCall { conversation, context } = start_call::read(&held.bytes).map_err(Problem::bad_request)?;
    let started = app.engine.start(ai_agent, conversation.clone(), context).await?;
    let id = match started {
        StartOutcome::New(id) => {
            tracing::info!(handoff.id = %id, conversation.id = conversation, "handoff started");
            id
        }
        StartOutcome::Same(id) => id,
        StartOutcome::TooMany => {
            let detail = "too many new handoffs this minute; set HANDOFF_AUTH_KEY to lift the limit";
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        StartOutcome::Closed(reason) => return Err(Problem::new(StatusCode::CONFLICT, reason)),
        StartOutcome::Full => {
            return Err(Problem::unavailable("too many events are waiting to be processed; try again"));
        }
    };
    Ok(Json(json!({"status": "ok", "handoff_id": id})))
}
