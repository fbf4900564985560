//! Agents say where they are.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    agents::present::PresenceView,
    doors::{App, extract::Body},
    relay::{
        id::HandoffId,
        presence::{Activity, Presence},
    },
    web::{
        extract::In,
        problem::{Problem, ProblemBody},
    },
};

/// What the agent does in a handoff.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"state": "looking"}))]
pub struct PresenceBody {
    /// `looking`, `writing` or `none`.
    #[schema(pattern = "^(looking|writing|none)$")]
    state: String,
}

/// Who else is in a handoff.
#[derive(Serialize, ToSchema)]
pub struct PresenceList {
    /// By name.
    data: Vec<PresenceView>,
}

/// Say that you look at a handoff, write in it, or no longer do. It is over after 25 seconds unless you say it again, and
/// 3 seconds after your last event stream has ended. Nothing of it is stored. The answer says who else is there; whoever may
/// see the handoff gets `event: presence`, at most one in 2 seconds.
#[utoipa::path(put, path = "/api/handoffs/{id}/presence", tag = "handoffs", params(("id" = String, Path)),
    request_body = PresenceBody,
    responses((status = 200, body = PresenceList), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 429, body = ProblemBody, description = "You are in 16 handoffs at once, which is the limit")))]
pub async fn say(
    State(app): State<App>,
    In(id): In<String>,
    Body { caller, value, .. }: Body<PresenceBody>,
) -> Result<Json<PresenceList>, Problem> {
    let activity = match value.state.as_str() {
        "looking" => Some(Activity::Looking),
        "writing" => Some(Activity::Writing),
        "none" => None,
        _ => return Err(Problem::bad_request("state must be looking, writing or none")),
    };
    let handoff = HandoffId(id);
    caller.handoff(&app, &handoff).await?;
    let others = app.engine.is_present(Presence { handoff, agent: caller.agent, activity });
    let others =
        others.map_err(|refused| Problem::new(StatusCode::TOO_MANY_REQUESTS, refused.to_string()))?;
    Ok(Json(PresenceList { data: others.iter().map(PresenceView::from).collect() }))
}
