//! What was set aside.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::DeadLetterView;
use crate::http::{
    App,
    extract::Agent,
    problem::{Problem, ProblemBody},
};

/// More than people look through.
const LIMIT: usize = 500;

/// Dead letters, newest first; the newest 500.
#[derive(Serialize, ToSchema)]
pub struct DeadLetterList {
    /// The letters.
    data: Vec<DeadLetterView>,
}

/// List webhooks that were needed and could not be used.
#[utoipa::path(get, path = "/api/dead-letters", tag = "dead letters",
    responses((status = 200, body = DeadLetterList), (status = 401, body = ProblemBody)))]
pub async fn list(State(app): State<App>, _agent: Agent) -> Result<Json<DeadLetterList>, Problem> {
    let letters = app.engine.store().dead_letters(LIMIT).await?;
    Ok(Json(DeadLetterList { data: letters.iter().map(DeadLetterView::from).collect() }))
}
