//! Whether somebody can take a handoff now, for Ada's flow to ask before it hands off.

use axum::{
    Json,
    extract::{FromRequestParts, Request, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::admission;
use crate::{
    doors::App,
    engine::Queue,
    relay::context::is_unfilled,
    web::{extract::Params, problem::Problem},
};

/// What is asked about.
#[derive(Deserialize)]
pub struct AvailabilityQuery {
    /// A team, by its name. Without it, or with an unfilled variable, the team to which a start call without fields leads.
    team: Option<String>,
    /// One of several AI Agents that have the same start key.
    ai_agent: Option<String>,
}

/// `GET /handoffs/availability`: flat JSON, so that an If/Else block can use each value.
pub async fn availability(State(app): State<App>, request: Request) -> Result<Json<Value>, Problem> {
    let (mut parts, _) = request.into_parts();
    let ai_agents = app.engine.ai_agents();
    let takers = admission::takers(&ai_agents, &parts.headers)?;
    let Params(asked) = Params::<AvailabilityQuery>::from_request_parts(&mut parts, &()).await?;
    let ai_agent = admission::admit(&app, &ai_agents, &takers, asked.ai_agent.map(Value::from).as_ref())?;
    let team = asked.team.as_deref().map(str::trim).filter(|team| !team.is_empty() && !is_unfilled(team));
    let queue = app.engine.queue(ai_agent, team).await?;
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
