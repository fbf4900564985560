//! Who may ask and tell things beside a handoff: Ada's flows, with a start key, so many times a minute.

use crate::{
    doors::App,
    engine::{AiAgent, AiAgents, StartKey},
    web::problem::Problem,
};

use super::start::refuse;

/// The AI Agents to which a key belongs.
pub(super) fn takers<'a>(ai_agents: &'a AiAgents, key: Option<&str>) -> Result<Vec<&'a AiAgent>, Problem> {
    ai_agents.started_by(key).map_err(|refusal| refuse(ai_agents, refusal))
}

/// The one of these that a call means; `named` is what it calls it. The call counts for its limit.
pub(super) fn admit<'a>(
    app: &App,
    ai_agents: &AiAgents,
    takers: &[&'a AiAgent],
    named: Option<&str>,
) -> Result<&'a AiAgent, Problem> {
    let ai_agent = AiAgents::meant(takers, named).map_err(|refusal| refuse(ai_agents, refusal))?;
    // What is known here is nobody's business who has no key.
    if matches!(ai_agent.start_key, StartKey::Off(_)) {
        return Err(Problem::not_found("this path needs a start key, and none is set"));
    }
    let now = app.engine.environment().now();
    app.flow_calls.count(ai_agent.id().as_str(), now).map_err(|wait| {
        Problem::too_many("too many calls of this AI Agent in a minute; a start call has no such limit", wait)
    })?;
    Ok(ai_agent)
}
