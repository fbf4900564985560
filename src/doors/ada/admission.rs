//! Who may ask and tell things beside a handoff: Ada's flows, with a start key, so many times a minute.

use axum::http::HeaderMap;
use serde_json::Value;

use super::start::{meant, refuse};
use crate::{
    doors::App,
    engine::{AiAgent, AiAgents, StartKey},
    web::{extract::bearer, origin, problem::Problem},
};

/// The AI Agents to which the key of a call belongs, one at least. Where that needs no key, there is no such path: what is
/// known here is nobody's business who has none. That comes before all else.
pub(super) fn takers<'a>(ai_agents: &'a AiAgents, headers: &HeaderMap) -> Result<Vec<&'a AiAgent>, Problem> {
    let takers = ai_agents.started_by(bearer(headers));
    let is_off = |ai_agent: &&AiAgent| matches!(ai_agent.start_key, StartKey::Off(_));
    if takers.as_ref().is_ok_and(|takers| takers.iter().any(is_off)) {
        return Err(Problem::not_found("this path needs a start key, and none is set"));
    }
    origin::refuse_pages(headers)?;
    takers.map_err(|refusal| refuse(ai_agents, refusal))
}

/// The one of these that a call means; `named` is its field `ai_agent`. The call counts for its limit.
pub(super) fn admit<'a>(
    app: &App,
    ai_agents: &AiAgents,
    takers: &[&'a AiAgent],
    named: Option<&Value>,
) -> Result<&'a AiAgent, Problem> {
    let ai_agent = meant(ai_agents, takers, named)?;
    let now = app.engine.environment().now();
    app.flow_calls.count(ai_agent.id().as_str(), now).map_err(|wait| {
        Problem::too_many("too many calls of this AI Agent in a minute; a start call has no such limit", wait)
    })?;
    Ok(ai_agent)
}
