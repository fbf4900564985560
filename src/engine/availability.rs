//! Whether somebody can take a handoff now, and how long the customer would wait.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{AiAgent, Engine};
use crate::{
    relay::{
        duty::Duty,
        hours::{Opening, Override},
        id::{HandoffId, TeamName},
        policy::Policy,
        routing::Facts,
        rules::start::Closed,
        time::Time,
    },
    store::{HandoffQuery, StatusFilter, StoreError, teams::TeamState},
};

/// Those who were accepted within this time say how long others wait.
const RECENTLY: Duration = Duration::from_hours(1);
/// Of those, and of those that have ended since, so many are looked at.
const LOOKED_AT: usize = 50;

/// The queue of a team, or of no team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The team.
    pub team: Option<TeamName>,
    /// Whether it is open.
    pub opening: Opening,
    /// What customers can be told while it is closed.
    pub closed_text: Option<String>,
    /// How many of its agents are on duty.
    pub agents_on_duty: usize,
    /// How many handoffs wait in it.
    pub waiting: u64,
    /// How long those waited who were accepted within the last hour, on average; none if nobody was.
    pub estimated_wait: Option<Duration>,
}

impl Engine {
    /// The queue of a team; none if there is no such team. Without a name, it is that to which a start call without
    /// fields leads.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn queue(&self, ai_agent: &AiAgent, team: Option<&str>) -> Result<Option<Queue>, StoreError> {
        let Policy { routing, language, .. } = &*ai_agent.policy;
        let (language, now) = (language.as_deref(), self.environment.now());
        let team = match team {
            Some(name) => match routing.find(name) {
                Some(team) => Some(team.name.clone()),
                None => return Ok(None),
            },
            None => {
                let (ai_agent, context) = (ai_agent.id(), &Map::new());
                routing.place(&Facts { ai_agent, context, language, now }).team
            }
        };
        let mut opening = self.opening(ai_agent, team.as_ref(), now).await?;
        let found = team.as_ref().and_then(|team| routing.find(team.as_str()));
        let closed_text = found.and_then(|team| team.closed_text.clone());
        let needs_agents = found.is_some_and(|team| team.needs_agents);
        let agents_on_duty = self.agents_on_duty(ai_agent, team.as_ref()).await?;
        opening.is_open &= agents_on_duty > 0 || !needs_agents;
        let waiting = self.store.waiting(team.clone(), None).await?;
        let estimated_wait = self.recent_wait(team.as_ref(), now).await?;
        Ok(Some(Queue { team, opening, closed_text, agents_on_duty, waiting, estimated_wait }))
    }

    /// Why the team takes no handoff to which a start call with this context leads, if that is so.
    pub(super) async fn closed_for(
        &self,
        ai_agent: &AiAgent,
        context: &Map<String, Value>,
    ) -> Result<Option<Closed>, StoreError> {
        let Policy { routing, language, .. } = &*ai_agent.policy;
        let (language, now) = (language.as_deref(), self.environment.now());
        let Some(team) = routing.place(&Facts { ai_agent: ai_agent.id(), context, language, now }).team
        else {
            return Ok(None);
        };
        let decided = self.decided(&team, now).await?;
        let hours = routing.find(team.as_str()).and_then(|team| team.hours.as_ref());
        let Opening { is_open, opens_at } = Opening::at(now, hours, decided.as_ref());
        if !is_open {
            // Whoever has closed it may have done so at any hour.
            let when = if decided.is_some() { "" } else { " at this hour" };
            return Ok(Some(Closed { reason: format!("the team {team} is closed{when}"), opens_at }));
        }
        let needs_agents = routing.find(team.as_str()).is_some_and(|team| team.needs_agents);
        if needs_agents && self.agents_on_duty(ai_agent, Some(&team)).await? == 0 {
            let reason = format!("nobody of the team {team} is on duty");
            return Ok(Some(Closed { reason, opens_at: None }));
        }
        Ok(None)
    }

    async fn agents_on_duty(&self, ai_agent: &AiAgent, team: Option<&TeamName>) -> Result<usize, StoreError> {
        let duties = self.duties().await?;
        let members = ai_agent.policy.routing.members.iter().filter(|member| member.is_of(team));
        Ok(members.filter(|member| duties.get(&member.name) == Some(&Duty::On)).count())
    }

    async fn opening(
        &self,
        ai_agent: &AiAgent,
        team: Option<&TeamName>,
        now: Time,
    ) -> Result<Opening, StoreError> {
        let Some(team) = team else { return Ok(Opening::ALWAYS) };
        let decided = self.decided(team, now).await?;
        let known = ai_agent.policy.routing.find(team.as_str());
        Ok(Opening::at(now, known.and_then(|team| team.hours.as_ref()), decided.as_ref()))
    }

    /// What was decided in place of a team's hours, if it still counts.
    async fn decided(&self, team: &TeamName, now: Time) -> Result<Option<Override>, StoreError> {
        let mut states = self.store.teams().await?.into_iter();
        let decided = states.find(|state| state.name == *team).and_then(|state| state.decided);
        Ok(decided.filter(|decided| decided.counts_at(now)))
    }

    /// Each team, in the order of the settings, with what was decided about it and still counts.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn teams(&self) -> Result<Vec<(TeamName, Opening, Option<Override>)>, StoreError> {
        let (now, mut states) = (self.environment.now(), self.store.teams().await?);
        let of = |team: &crate::relay::routing::Team| {
            let state = states.iter_mut().find(|state| state.name == team.name);
            let decided =
                state.and_then(|state| state.decided.take()).filter(|decided| decided.counts_at(now));
            (team.name.clone(), Opening::at(now, team.hours.as_ref(), decided.as_ref()), decided)
        };
        Ok(self.policy().routing.teams.iter().map(of).collect())
    }

    /// Somebody decides that a team is open or closed in place of its hours, or that its hours count again.
    ///
    /// # Errors
    /// The store can't be written.
    pub async fn decide_opening(&self, name: TeamName, decided: Option<Override>) -> Result<(), StoreError> {
        self.store.put_team(TeamState { name, decided }).await
    }

    /// The place of a handoff in its queue, from 1; none if it does not wait.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn place_in_queue(
        &self,
        id: &HandoffId,
    ) -> Result<Option<(u64, Option<Duration>)>, StoreError> {
        let handoff = self.store.handoff(id).await?;
        let waits = handoff.filter(|handoff| StatusFilter::of(handoff) == StatusFilter::Waiting);
        let Some(handoff) = waits else { return Ok(None) };
        let place = self.store.waiting(handoff.team.clone(), Some(id.clone())).await?;
        let wait = self.recent_wait(handoff.team.as_ref(), self.environment.now()).await?;
        Ok(Some((place, wait)))
    }

    /// How long those of a team waited who were accepted recently; none if nobody was.
    pub(super) async fn recent_wait(
        &self,
        team: Option<&TeamName>,
        now: Time,
    ) -> Result<Option<Duration>, StoreError> {
        let mut waits = Vec::new();
        for status in [StatusFilter::Active, StatusFilter::Ended] {
            let query = HandoffQuery {
                status: Some(status),
                team: team.cloned(),
                limit: LOOKED_AT,
                ..HandoffQuery::default()
            };
            let page = self.store.handoffs(&query).await?;
            let of_team = page.handoffs.iter().filter(|handoff| handoff.team.as_ref() == team);
            waits.extend(of_team.filter_map(|handoff| {
                let accepted = handoff.accepted_at.filter(|at| now.since(*at) < RECENTLY)?;
                Some(accepted.since(handoff.created_at))
            }));
        }
        let count = u32::try_from(waits.len()).unwrap_or(u32::MAX);
        Ok(waits.iter().sum::<Duration>().checked_div(count))
    }
}
