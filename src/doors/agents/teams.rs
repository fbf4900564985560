//! Teams, and the agents in them.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    accounts::Account,
    doors::{App, extract::Agent},
    relay::sight::Sight,
    web::problem::ProblemBody,
};

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
}

impl From<&Account> for ColleagueView {
    fn from(account: &Account) -> Self {
        Self { name: account.name.clone(), role: account.role.as_str(), teams: teams_of(&account.sight) }
    }
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
pub async fn teams(State(app): State<App>, _agent: Agent) -> Json<TeamList> {
    let routing = &app.engine.policy().routing;
    let data = routing.teams.iter().map(|team| TeamView { name: team.name.0.clone() }).collect();
    Json(TeamList { data })
}

/// List the agents.
#[utoipa::path(get, path = "/api/agents", tag = "teams",
    responses((status = 200, body = AgentList), (status = 401, body = ProblemBody)))]
pub async fn agents(State(app): State<App>, _agent: Agent) -> Json<AgentList> {
    Json(AgentList { data: app.sign_in.agents().map(ColleagueView::from).collect() })
}
