//! Ada's HTTP Request block: a handoff starts.

use std::time::Duration;

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
    engine::{AiAgent, AiAgents, NotOurs, StartKey},
    relay::{
        id::HandoffId,
        rules::start::{Closed, StartOutcome},
    },
    store::StoreError,
    web::{
        extract::{bearer, require_json, unauthorized},
        origin,
        problem::Problem,
    },
};

/// `POST /handoffs/start`
pub async fn start(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Json<Value>, Problem> {
    origin::refuse_pages(&headers)?;
    let ai_agents = app.engine.ai_agents();
    let takers = ai_agents.started_by(bearer(&headers)).map_err(|refusal| refuse(&ai_agents, refusal))?;
    require_json(&headers)?;
    let held = app.bodies.start.read(&headers, body).await?;
    let StartCall { conversation, mut context } =
        start_call::read(&held.bytes).map_err(Problem::bad_request)?;
    // The one of the environment is meant by every call, and this field is context as any other.
    let named = if ai_agents.are_listed() { context.remove("ai_agent") } else { None };
    let ai_agent = meant(&ai_agents, &takers, named.as_ref())?;
    let started = app.engine.start(&ai_agents, ai_agent, conversation.clone(), context).await?;
    let id = match started {
        StartOutcome::New(id) => {
            tracing::info!(handoff.id = %id, conversation.id = conversation, "handoff started");
            id
        }
        StartOutcome::Same(id) => id,
        StartOutcome::TooMany => {
            let detail = match ai_agents.are_listed() {
                true => "too many new handoffs this minute; a start key lifts the limit",
                false => "too many new handoffs this minute; set HANDOFF_AUTH_KEY to lift the limit",
            };
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        StartOutcome::Closed(Closed { reason, opens_at }) => {
            return Err(Problem::closed(reason, opens_at.map(|at| at.to_string())));
        }
        StartOutcome::Full => {
            return Err(Problem::unavailable("too many events are waiting to be processed; try again"));
        }
    };
    // How many wait is nobody's business who has no key.
    let place = match &ai_agent.start_key {
        StartKey::Shared(_) => app.engine.place_in_queue(&id).await,
        StartKey::Off(_) => Ok(None),
    };
    Ok(Json(answer(&id, place)))
}

/// The handoff is there, so an answer without its place in the queue is better than none.
fn answer(id: &HandoffId, place: Result<Option<(u64, Option<Duration>)>, StoreError>) -> Value {
    let mut answer = json!({"status": "ok", "handoff_id": id});
    if let Ok(Some((place, wait))) = place {
        answer["queue_position"] = place.into();
        answer["estimated_wait_seconds"] = wait.map(|wait| wait.as_secs()).into();
    }
    answer
}

/// The one of several AI Agents that a call means by its field `ai_agent`. Without a list there is one, and the field means
/// nothing.
pub(super) fn meant<'a>(
    ai_agents: &AiAgents,
    takers: &[&'a AiAgent],
    named: Option<&Value>,
) -> Result<&'a AiAgent, Problem> {
    let named = named.filter(|_| ai_agents.are_listed());
    let named = start_call::ai_agent(named).map_err(Problem::bad_request)?;
    AiAgents::meant(takers, named).map_err(|refusal| refuse(ai_agents, refusal))
}

/// Why a call belongs to no AI Agent.
pub(super) fn refuse(ai_agents: &AiAgents, refusal: NotOurs) -> Problem {
    match refusal {
        NotOurs::OtherKey if ai_agents.are_listed() => {
            unauthorized("the bearer key is the start key of no AI Agent")
        }
        NotOurs::OtherKey => unauthorized("the bearer key does not match HANDOFF_AUTH_KEY"),
        NotOurs::KeyMissing => unauthorized("the Authorization header with the bearer key is missing"),
        NotOurs::OtherAiAgent => unauthorized("ai_agent is none to which the bearer key belongs"),
        NotOurs::Unnamed => {
            Problem::bad_request("several AI Agents have this start key: name one of them in ai_agent")
        }
    }
}
