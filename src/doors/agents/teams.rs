//! Teams, and the agents in them.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    accounts::Account,
    doors::{
        App,
        extract::{Agent, Body},
    },
    relay::{
        duty::Duty,
        hours::{Opening, Override},
        id::TeamName,
        sight::Sight,
        time::Time,
    },
    web::{
        extract::In,
        problem::{Problem, ProblemBody},
    },
};

/// What `until` must be. No later time can be shown by all clocks of the world.
const UNTIL: &str = "until must be an RFC 3339 time, at the latest 9999-12-30T22:00:00Z";

/// All teams.
#[derive(Serialize, ToSchema)]
pub struct TeamList {
    /// In the order of the settings.
    data: Vec<TeamView>,
}

/// A team of agents.
#[derive(Serialize, ToSchema)]
#[schema(as = Team)]
pub struct TeamView {
    /// Its name.
    #[schema(example = "Billing")]
    name: String,
    /// Whether it is open now: by its hours, or by what somebody who sees all handoffs has decided.
    open: bool,
    /// When it opens next, if it is closed and that is known.
    opens_at: Option<String>,
    /// What somebody has decided in place of its hours, as long as it counts.
    decided: Option<DecisionView>,
}

/// What somebody who sees all handoffs has decided about a team's hours.
#[derive(Serialize, ToSchema)]
#[schema(as = OpeningDecision)]
pub struct DecisionView {
    /// `open` or `closed`.
    #[schema(example = "closed")]
    state: &'static str,
    /// Until then; null: until it is changed.
    until: Option<String>,
    /// Who has decided.
    by: String,
    /// When.
    at: String,
}

/// Whether a team is open.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"state": "hours"}))]
pub struct OpeningBody {
    /// `open` or `closed` in place of its hours; `hours`: its hours count.
    #[schema(pattern = "^(open|closed|hours)$")]
    state: String,
    /// Until then, in RFC 3339: in the future, and at the latest 9999-12-30T22:00:00Z. Without it: until it is changed.
    #[schema(nullable = false)]
    until: Option<String>,
}

impl From<(TeamName, Opening, Option<Override>)> for TeamView {
    fn from((name, opening, decided): (TeamName, Opening, Option<Override>)) -> Self {
        let decided = decided.map(|decided| DecisionView {
            state: if decided.is_open { "open" } else { "closed" },
            until: decided.until.map(|until| until.to_string()),
            by: decided.by,
            at: decided.at.to_string(),
        });
        let opens_at = opening.opens_at.map(|at| at.to_string());
        Self { name: name.0, open: opening.is_open, opens_at, decided }
    }
}

/// All agents.
#[derive(Serialize, ToSchema)]
pub struct AgentList {
    /// In the order of the settings.
    data: Vec<ColleagueView>,
}

/// An agent, as colleagues see them.
#[derive(Serialize, ToSchema)]
#[schema(as = Colleague)]
pub struct ColleagueView {
    /// Their name.
    #[schema(example = "Alex")]
    name: String,
    /// `agent` or `lead`.
    #[schema(example = "agent")]
    role: &'static str,
    /// The teams whose handoffs they see, beside those of no team; null for all.
    teams: Option<Vec<String>>,
    /// `on`: they take handoffs. `away`: they have said that they don't. `gone`: for 3 minutes there was no call of
    /// theirs, and no event stream.
    #[schema(example = "on")]
    duty: &'static str,
}

/// The names of the teams that somebody sees; none if they see all.
pub fn teams_of(sight: &Sight) -> Option<Vec<String>> {
    match sight {
        Sight::All => None,
        Sight::Of { teams, .. } => Some(teams.iter().map(|team| team.0.clone()).collect()),
    }
}

/// List the teams.
#[utoipa::path(get, path = "/api/teams", tag = "teams",
    responses((status = 200, body = TeamList), (status = 401, body = ProblemBody)))]
pub async fn teams(State(app): State<App>, _agent: Agent) -> Result<Json<TeamList>, Problem> {
    let teams = app.engine.teams().await?;
    Ok(Json(TeamList { data: teams.into_iter().map(TeamView::from).collect() }))
}

/// Open or close a team in place of its hours. For leads, and for agents who see all handoffs.
#[utoipa::path(put, path = "/api/teams/{name}/opening", tag = "teams", params(("name" = String, Path)),
    request_body = OpeningBody,
    responses((status = 200, body = TeamView), (status = 400, body = ProblemBody),
        (status = 403, body = ProblemBody, description = "The agent does not see all handoffs"),
        (status = 404, body = ProblemBody, description = "There is no team of this name")))]
pub async fn decide(
    State(app): State<App>,
    In(name): In<String>,
    Body { caller, value, .. }: Body<OpeningBody>,
) -> Result<Json<TeamView>, Problem> {
    if caller.sight != Sight::All {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this is for those who see all handoffs"));
    }
    let known = app.engine.policy().routing.find(&name).map(|team| team.name.clone());
    let name = known.ok_or_else(|| Problem::not_found("there is no team of this name"))?;
    let decided = decision(&app, caller.agent, &value)?;
    app.engine.decide_opening(name.clone(), decided).await?;
    let teams = app.engine.teams().await?;
    let team = teams.into_iter().find(|(known, ..)| *known == name);
    let team = team.ok_or_else(|| Problem::not_found("there is no team of this name"))?;
    Ok(Json(TeamView::from(team)))
}

fn decision(app: &App, by: String, body: &OpeningBody) -> Result<Option<Override>, Problem> {
    let is_open = match body.state.as_str() {
        "hours" => return Ok(None),
        "open" => true,
        "closed" => false,
        _ => return Err(Problem::bad_request("state must be open, closed or hours")),
    };
    let at = app.engine.environment().now();
    let until = body.until.as_ref().map(|until| until.parse::<Time>());
    let until = until.transpose().map_err(|_| Problem::bad_request(UNTIL))?;
    if until.is_some_and(|until| until <= at) {
        return Err(Problem::bad_request("until must be in the future"));
    }
    Ok(Some(Override { is_open, until, by, at }))
}

/// List the agents.
#[utoipa::path(get, path = "/api/agents", tag = "teams",
    responses((status = 200, body = AgentList), (status = 401, body = ProblemBody)))]
pub async fn agents(State(app): State<App>, _agent: Agent) -> Result<Json<AgentList>, Problem> {
    let duties = app.engine.duties().await?;
    let view = |account: &Arc<Account>| {
        let Account { name, role, sight, .. } = &**account;
        let duty = duties.get(name).copied().unwrap_or(Duty::Gone).as_str();
        ColleagueView { name: name.clone(), role: role.as_str(), teams: teams_of(sight), duty }
    };
    Ok(Json(AgentList { data: app.sign_in.agents().iter().map(view).collect() }))
}
