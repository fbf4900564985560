//! Routing: to which team a new handoff goes, how urgent it is, which platforms get it, and how long it may wait.
//!
//! The routes of the settings are tried in their order, and the first one of which all conditions hold decides. What it
//! leaves open comes from the start call, then from the defaults.

mod condition;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    dispatch::{Assignment, OFFER_TIMEOUT},
    hours::Hours,
    id::{PlatformId, TeamName},
    policy::{Timeout, Timeouts},
    waiting_room::OwnWaitingRoom,
};
use condition::is_spoken;
pub use condition::{Condition, Facts, Test};

/// The field of a start call that may name a team.
const TEAM_FIELD: &str = "team";

/// How urgent a handoff is. Queues show urgent ones first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// It can wait.
    Low,
    /// As most are.
    #[default]
    Normal,
    /// Before others.
    High,
    /// Before all others.
    Urgent,
}

impl Priority {
    /// All, the least urgent first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Urgent];

    /// The name that the settings and the agent API use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
}

/// What a team or a route says of a timeout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// Nothing: what is more general counts.
    #[default]
    Unset,
    /// There is none.
    Off,
    /// This one.
    After(Timeout),
}

impl Limit {
    /// The timeout, `otherwise` if nothing is said of it.
    const fn or<'a>(&'a self, otherwise: Option<&'a Timeout>) -> Option<&'a Timeout> {
        match self {
            Self::Unset => otherwise,
            Self::Off => None,
            Self::After(timeout) => Some(timeout),
        }
    }
}

/// The timeouts of a team or a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How long a handoff may wait for an agent.
    pub waiting: Limit,
    /// How long an agent's handoff may have no messages.
    pub idle: Limit,
}

impl Limits {
    /// The timeouts, those `otherwise` of which nothing is said.
    pub const fn or<'a>(&'a self, otherwise: Timeouts<'a>) -> Timeouts<'a> {
        Timeouts { waiting: self.waiting.or(otherwise.waiting), idle: self.idle.or(otherwise.idle) }
    }
}

/// A team of agents.
#[derive(Clone, Debug)]
pub struct Team {
    /// Its name, which nobody else has in any case.
    pub name: TeamName,
    /// Its timeouts.
    pub limits: Limits,
    /// What its customers are told while they wait.
    pub waiting_room: OwnWaitingRoom,
    /// When it is open; at all times, if that is not said.
    pub hours: Option<Hours>,
    /// What customers can be told while it is closed.
    pub closed_text: Option<String>,
    /// Whether it is closed while none of its agents is on duty.
    pub needs_agents: bool,
    /// How its handoffs get to its agents; `None`: as all others do.
    pub assignment: Option<Assignment>,
    /// How long an offer stands; `None`: as long as all others do.
    pub offer_timeout: Option<Duration>,
}

/// An agent, as far as routing is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Their name.
    pub name: String,
    /// Their teams; `None` for all.
    pub teams: Option<Vec<TeamName>>,
    /// The languages that they speak; `None` for all.
    pub languages: Option<Vec<String>>,
    /// How many handoffs they may have before they are offered no more; `None` for any number.
    pub limit: Option<u64>,
    /// Whether they look after the others. They are offered what their own teams get, if they have any.
    pub is_lead: bool,
}

impl Member {
    /// Whether they answer the handoffs of this team. Those of no team anybody answers.
    pub fn is_of(&self, team: Option<&TeamName>) -> bool {
        let (Some(teams), Some(team)) = (&self.teams, team) else { return true };
        teams.contains(team)
    }

    /// Whether the handoffs of this team are offered to them.
    pub fn is_offered(&self, team: Option<&TeamName>) -> bool {
        match (&self.teams, team) {
            (Some(teams), Some(team)) => teams.contains(team),
            _ => !self.is_lead,
        }
    }

    /// Whether they speak a language. One that is not known may be any.
    pub fn speaks(&self, language: Option<&str>) -> bool {
        let (Some(languages), Some(language)) = (&self.languages, language) else { return true };
        languages.iter().any(|known| is_spoken(language, known))
    }
}

/// Where handoffs go to which all of its conditions apply.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name, which no other has.
    pub name: String,
    /// What must hold. None: it is for all.
    pub conditions: Vec<Condition>,
    /// The team.
    pub team: Option<TeamName>,
    /// How urgent they are.
    pub priority: Priority,
    /// The platforms that get them; `None` for all.
    pub platforms: Option<Vec<PlatformId>>,
    /// Their timeouts, which count before those of their team.
    pub limits: Limits,
    /// What customers are told while they wait, before what their team says.
    pub waiting_room: OwnWaitingRoom,
}

/// Teams and routes.
#[derive(Clone, Debug, Default)]
pub struct Routing {
    /// In the order of the settings.
    pub teams: Vec<Team>,
    /// In the order in which they are tried.
    pub routes: Vec<Route>,
    /// The team of handoffs for which neither a route nor the start call names one.
    pub default_team: Option<TeamName>,
    /// The agents.
    pub members: Vec<Member>,
    /// The names of the service accounts of platforms, and which platform is theirs.
    pub services: BTreeMap<String, PlatformId>,
    /// How handoffs get to agents, unless their team says otherwise.
    pub offering: Offering,
}

/// How handoffs get to agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offering {
    /// To whom they are offered.
    pub assignment: Assignment,
    /// How long an offer stands.
    pub timeout: Duration,
}

impl Default for Offering {
    fn default() -> Self {
        Self { assignment: Assignment::default(), timeout: OFFER_TIMEOUT }
    }
}

/// Where a handoff goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// The name of the route that decided.
    pub route: Option<String>,
    /// The team.
    pub team: Option<TeamName>,
    /// How urgent it is.
    pub priority: Priority,
    /// The platforms that get it; `None` for all.
    pub platforms: Option<Vec<PlatformId>>,
}

/// Who has named a handoff's team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The route.
    Route,
    /// The start call.
    Call,
    /// The settings, for all others.
    Default,
}

impl Routing {
    /// Where a handoff goes of which this is known.
    pub fn place(&self, facts: &Facts<'_>) -> Placement {
        let route = self.routes.iter().find(|route| route.applies(facts));
        let team = self.team(route, facts).map(|(team, _)| team.clone());
        match route {
            None => Placement { team, ..Placement::default() },
            Some(route) => Placement {
                route: Some(route.name.clone()),
                team,
                priority: route.priority,
                platforms: route.platforms.clone(),
            },
        }
    }

    /// The team of a handoff that `route` decides, and who has named it.
    pub fn team(&self, route: Option<&Route>, facts: &Facts<'_>) -> Option<(&TeamName, NamedBy)> {
        if let Some(name) = route.and_then(|route| route.team.as_ref()) {
            return Some((&self.find(name.as_str())?.name, NamedBy::Route));
        }
        let named = facts.text(TEAM_FIELD).and_then(|name| self.find(&name));
        let named = named.map(|team| (&team.name, NamedBy::Call));
        named.or_else(|| self.default_team.as_ref().map(|team| (team, NamedBy::Default)))
    }

    /// The team of this name, in any case.
    pub fn find(&self, name: &str) -> Option<&Team> {
        let name = name.to_lowercase();
        self.teams.iter().find(|team| team.name.as_str().to_lowercase() == name)
    }

    /// The timeouts of a handoff that came by `route` and is for `team`: what the route says, then what the team says, then
    /// the `general` ones. Route and team may have left the settings.
    pub fn timeouts<'a>(
        &'a self,
        route: Option<&str>,
        team: Option<&TeamName>,
        general: Timeouts<'a>,
    ) -> Timeouts<'a> {
        let route = route.and_then(|name| self.routes.iter().find(|route| route.name == name));
        let team = team.and_then(|name| self.teams.iter().find(|team| team.name == *name));
        let of_team = team.map_or(general, |team| team.limits.or(general));
        route.map_or(of_team, |route| route.limits.or(of_team))
    }

    /// How a handoff of this team gets to an agent. The team may have left the settings.
    pub fn offering(&self, team: Option<&TeamName>) -> Offering {
        let team = team.and_then(|name| self.teams.iter().find(|team| team.name == *name));
        let Offering { assignment, timeout } = self.offering;
        Offering {
            assignment: team.and_then(|team| team.assignment).unwrap_or(assignment),
            timeout: team.and_then(|team| team.offer_timeout).unwrap_or(timeout),
        }
    }

    /// Whether any handoff is offered to agents.
    pub fn offers(&self) -> bool {
        let of_teams = self.teams.iter().filter_map(|team| team.assignment);
        of_teams.chain([self.offering.assignment]).any(|assignment| assignment != Assignment::Off)
    }

    /// The shortest of all timeouts.
    pub fn shortest_timeouts<'a>(&'a self, general: Timeouts<'a>) -> Timeouts<'a> {
        let limits = self.routes.iter().map(|route| &route.limits);
        let limits = limits.chain(self.teams.iter().map(|team| &team.limits));
        let nothing = Timeouts { waiting: None, idle: None };
        let all: Vec<Timeouts<'_>> = limits.map(|limits| limits.or(nothing)).chain([general]).collect();
        let shortest = |of: fn(&Timeouts<'a>) -> Option<&'a Timeout>| {
            all.iter().filter_map(of).min_by_key(|timeout| timeout.after)
        };
        Timeouts { waiting: shortest(|of| of.waiting), idle: shortest(|of| of.idle) }
    }
}

impl Route {
    /// Whether all of its conditions hold.
    pub fn applies(&self, facts: &Facts<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(facts))
    }
}
