//! Whether somebody can take a handoff now, for Ada's flow to ask before it hands off.

use axum::{Json, extract::State, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Value, json};

use super::admission;
use crate::{
    doors::App,
    engine::Queue,
    web::{
        extract::{Params, bearer},
        origin,
        problem::Problem,
    },
};

/// What is asked about.
#[derive(Deserialize)]
pub struct AvailabilityQuery {
    /// A team, by its name. Without it, the team to which a start call without fields leads.
    team: Option<String>,
    /// One of several AI Agents that have the same start key.
    ai_agent: Option<String>,
}

/// `GET /handoffs/availability`: flat JSON, so that an If/Else block can use each value.
pub async fn availability(
    State(app): State<App>,
    headers: HeaderMap,
    Params(asked): Params<AvailabilityQuery>,
) -> Result<Json<Value>, Problem> {
    origin::refuse_pages(&headers)?;
    let ai_agents = app.engine.ai_agents();
    let takers = admission::takers(&ai_agents, bearer(&headers))?;
    let given =
        |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let named = given(asked.ai_agent);
    let ai_agent = admission::admit(&app, &ai_agents, &takers, named.as_deref())?;
    let team = given(asked.team);
    let queue = app.engine.queue(ai_agent, team.as_deref()).await?;
    let queue = queue.ok_or_else(|| Problem::not_found("there is no team of this name"))?;
    Ok(Json(view(&queue)))
}

fn view(queue: &Queue) -> Value {
    let Queue { team, opening, closed_text, agents_on_duty, waiting, estimated_wait } = queue;
    json!({
        "open": opening.is_open,
        "team": team,
        "agents_on_duty": agents_on_duty,
        "waiting": waiting,
        "position": waiting + 1,
        "estimated_wait_seconds": estimated_wait.map(|wait| wait.as_secs()),
        "opens_at": opening.opens_at.map(|at| at.to_string()),
        "text": closed_text.as_ref().filter(|_| !opening.is_open),
    })
}
