//! What a customer says of a handoff afterwards, from Ada's flow.

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use serde_json::{Value, json};

use super::admission;
use crate::{
    ada::feedback_call::{self, FeedbackCall},
    doors::App,
    web::{extract::require_json, problem::Problem},
};

/// `POST /handoffs/feedback`
pub async fn feedback(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let ai_agents = app.engine.ai_agents();
    let takers = admission::takers(&ai_agents, &headers)?;
    require_json(&headers)?;
    let held = app.bodies.start.read(&headers, body).await?;
    let call = feedback_call::read(&held.bytes).map_err(Problem::bad_request)?;
    let FeedbackCall { about, given, ai_agent: named } = call;
    let ai_agent = admission::admit(&app, &ai_agents, &takers, named.as_ref())?;
    let kept = app.engine.feedback(ai_agent, about, given).await?;
    let id = kept.ok_or_else(|| Problem::not_found("there is no such handoff that has ended"))?;
    Ok(Json(json!({ "status": "ok", "handoff_id": id })))
}
