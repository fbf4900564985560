//! Dead letters: list, show, replay, drop.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{handoffs::limit, redact};
use crate::{
    agents::view::DeadLetterView,
    doors::{App, extract::Staff},
    engine::ReplayError,
    relay::{
        changes::{DeadLetter, LetterKind},
        rules::replay::ReplayRefusal,
    },
    web::{
        extract::{In, Params},
        problem::{Problem, ProblemBody},
    },
};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

/// Which dead letters to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeadLetterQuery {
    /// 1 to 200; 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// Dead letters, newest first, without their bodies.
#[derive(Serialize, ToSchema)]
pub struct DeadLetterList {
    /// The page.
    data: Vec<DeadLetterView>,
    /// The `cursor` of the next page; null on the last page.
    next_cursor: Option<String>,
}

/// A dead letter with its body.
#[derive(Serialize, ToSchema)]
pub struct WholeDeadLetter {
    #[serde(flatten)]
    letter: DeadLetterView,
    /// The body, as JSON if it is valid, else as text. Values of `url` fields and queries of URLs are left out, so that
    /// no presigned URL leaves the store.
    #[schema(value_type = Object)]
    body: Value,
}

/// The outcome of a replay.
#[derive(Serialize, ToSchema)]
pub struct Replay {
    /// `kept`: the event joins its conversation. `duplicate`: the conversation already has it. `ignored`: the event
    /// concerns no handoff. In each case, the dead letter is removed.
    #[schema(example = "kept")]
    outcome: &'static str,
}

impl From<&DeadLetter> for WholeDeadLetter {
    fn from(letter: &DeadLetter) -> Self {
        let body = match serde_json::from_str(&letter.body) {
            Ok(value) => redact::value(value),
            Err(_) => Value::String(redact::text(&letter.body)),
        };
        Self { letter: DeadLetterView::from(letter), body }
    }
}

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        let stays = match error {
            ReplayError::Store(error) => return error.into(),
            ReplayError::Refused(stays) => stays,
        };
        let status = match stays {
            ReplayRefusal::Unknown => StatusCode::NOT_FOUND,
            ReplayRefusal::Unusable(_) => StatusCode::CONFLICT,
            ReplayRefusal::InboxFull | ReplayRefusal::PlatformFull => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, stays.to_string())
    }
}

/// Ada's dead letters are the agents', those of platforms the operators'.
async fn require_operator(app: &App, staff: &Staff, id: &str) -> Result<(), Problem> {
    staff.require_full_sight()?;
    let letter = app.engine.store().dead_letter(id).await?;
    match letter {
        Some(letter) if letter.kind == LetterKind::Platform => staff.require_operator(),
        Some(_) | None => Ok(()),
    }
}

/// List dead letters: webhooks that were needed and could not be used, and events that a platform did not take.
#[utoipa::path(get, path = "/api/dead-letters", tag = "dead letters", params(DeadLetterQuery),
    responses((status = 200, body = DeadLetterList), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody)))]
pub async fn list(
    State(app): State<App>,
    _staff: Staff,
    Params(wanted): Params<DeadLetterQuery>,
) -> Result<Json<DeadLetterList>, Problem> {
    let limit = limit(wanted.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after = wanted.cursor.filter(|cursor| !cursor.is_empty()).map(|cursor| cursor.parse());
    let after = after.transpose().map_err(|_| Problem::bad_request("cursor is not valid"))?;
    let page = app.engine.store().dead_letters(after, limit).await?;
    Ok(Json(DeadLetterList {
        data: page.letters.iter().map(DeadLetterView::from).collect(),
        next_cursor: page.next.map(|next| next.to_string()),
    }))
}

/// Get a dead letter with its body, without anything that may be a presigned URL.
#[utoipa::path(get, path = "/api/dead-letters/{id}", tag = "dead letters", params(("id" = String, Path)),
    responses((status = 200, body = WholeDeadLetter),
        (status = 403, body = ProblemBody, description = "An agent who does not see all handoffs"), (status = 404, body = ProblemBody)))]
pub async fn one(
    State(app): State<App>,
    staff: Staff,
    In(id): In<String>,
) -> Result<Json<WholeDeadLetter>, Problem> {
    staff.require_full_sight()?;
    let letter = app.engine.store().dead_letter(&id).await?;
    let letter = letter.ok_or(ReplayError::Refused(ReplayRefusal::Unknown))?;
    Ok(Json(WholeDeadLetter::from(&letter)))
}

/// Replay a dead letter: process it like a webhook that has just arrived, and remove the dead letter.
///
/// An event that was too old is accepted if it falls within a handoff.
#[utoipa::path(post, path = "/api/dead-letters/{id}/replay", tag = "dead letters", params(("id" = String, Path)),
    responses((status = 200, body = Replay), (status = 404, body = ProblemBody),
        (status = 403, body = ProblemBody, description = "A platform's event needs an operator's token"),
        (status = 409, body = ProblemBody, description = "It still can't be used, for the given reason; the dead letter stays"),
        (status = 503, body = ProblemBody, description = "The inbox is full; the dead letter stays")))]
pub async fn replay(
    State(app): State<App>,
    staff: Staff,
    In(id): In<String>,
) -> Result<Json<Replay>, Problem> {
    require_operator(&app, &staff, &id).await?;
    let arrival = app.engine.replay(id).await?;
    Ok(Json(Replay { outcome: arrival.as_str() }))
}

/// Drop a dead letter.
#[utoipa::path(delete, path = "/api/dead-letters/{id}", tag = "dead letters", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemBody)))]
pub async fn drop(State(app): State<App>, staff: Staff, In(id): In<String>) -> Result<StatusCode, Problem> {
    require_operator(&app, &staff, &id).await?;
    app.engine.drop_dead_letter(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
