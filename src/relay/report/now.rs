//! How it stands now: who is there, who waits, and who has what.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::entry::{Entry, Stage};
use crate::relay::{duty::Duty, id::TeamName, routing::Member, time::Time};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NowReport {
    /// In all.
    pub total: Load,
    /// Of each team, in the order of the settings; then teams that only handoffs have; of no team last, where there is
    /// a handoff of none.
    pub teams: Vec<(Option<TeamName>, Load)>,
    /// Of each agent, in the order of the settings; then agents that only handoffs have.
    pub agents: Vec<AgentLoad>,
}

/// Who is there for a group of open handoffs, and how many these are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// The names of agents who take handoffs.
    pub on: Vec<String>,
    /// Of those who have said that they don't.
    pub away: Vec<String>,
    /// Of those of whom there is no sign.
    pub gone: Vec<String>,
    /// How many handoffs wait.
    pub waiting: u64,
    /// How long the one waits that began first.
    pub longest_wait: Option<Duration>,
    /// How many handoffs agents have.
    pub active: u64,
    /// In how many of these the customer waits for an answer.
    pub unanswered: u64,
}

/// What an agent has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentLoad {
    /// Their name.
    pub name: String,
    /// Whether they take handoffs; none if they are not in the settings.
    pub duty: Option<Duty>,
    /// How many handoffs they have.
    pub active: u64,
    /// In how many of these the customer waits for an answer.
    pub unanswered: u64,
}

/// An agent of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Who, and of which teams.
    pub member: Member,
    /// Whether they take handoffs.
    pub duty: Duty,
}

impl Load {
    fn list(&mut self, agent: &Present) {
        let list = match agent.duty {
            Duty::On => &mut self.on,
            Duty::Away => &mut self.away,
            Duty::Gone => &mut self.gone,
        };
        list.push(agent.member.name.clone());
    }

    fn count(&mut self, entry: &Entry, now: Time) {
        match entry.stage {
            Stage::Waiting => {
                self.waiting += 1;
                self.longest_wait = self.longest_wait.max(Some(now.since(entry.begun_at)));
            }
            Stage::Active => {
                self.active += 1;
                self.unanswered += u64::from(entry.is_unanswered);
            }
            Stage::Ended { .. } => {}
        }
    }
}

impl NowReport {
    /// Of the open handoffs, with these agents and teams.
    pub fn new(now: Time, agents: &[Present], teams: &[TeamName], entries: &[Entry]) -> Self {
        let known: BTreeSet<&TeamName> = teams.iter().collect();
        let strange: BTreeSet<&TeamName> = entries
            .iter()
            .filter_map(|entry| entry.team.as_ref())
            .filter(|team| !known.contains(team))
            .collect();
        let has_no_team = entries.iter().any(|entry| entry.team.is_none());
        let all = teams.iter().chain(strange).map(Some).chain(has_no_team.then_some(None));
        let load = |is_its: &dyn Fn(&Entry) -> bool, is_of_it: &dyn Fn(&Member) -> bool| {
            let mut load = Load::default();
            agents.iter().filter(|agent| is_of_it(&agent.member)).for_each(|agent| load.list(agent));
            entries.iter().filter(|entry| is_its(entry)).for_each(|entry| load.count(entry, now));
            load
        };
        let of_team = |team: Option<&TeamName>| {
            let load = load(&|entry| entry.team.as_ref() == team, &|member| member.is_of(team));
            (team.cloned(), load)
        };
        Self {
            total: load(&|_| true, &|_| true),
            teams: all.map(of_team).collect(),
            agents: loads(agents, entries),
        }
    }
}

fn loads(agents: &[Present], entries: &[Entry]) -> Vec<AgentLoad> {
    let mut counts = BTreeMap::<&str, (u64, u64)>::new();
    for entry in entries.iter().filter(|entry| entry.stage == Stage::Active) {
        let (active, unanswered) = counts.entry(entry.agent.as_deref().unwrap_or_default()).or_default();
        *active += 1;
        *unanswered += u64::from(entry.is_unanswered);
    }
    let mut loads = Vec::with_capacity(agents.len());
    for Present { member, duty } in agents {
        let (active, unanswered) = counts.remove(member.name.as_str()).unwrap_or_default();
        loads.push(AgentLoad { name: member.name.clone(), duty: Some(*duty), active, unanswered });
    }
    let strange = counts.into_iter().map(|(name, (active, unanswered))| AgentLoad {
        name: name.to_owned(),
        duty: None,
        active,
        unanswered,
    });
    loads.extend(strange);
    loads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::{handoff::Handoff, id::ConversationKey};

    fn present(name: &str, teams: Option<&[&str]>, duty: Duty) -> Present {
        let teams = teams.map(|teams| teams.iter().map(|team| TeamName::from(*team)).collect());
        Present { member: Member { name: name.to_owned(), teams, ..Member::default() }, duty }
    }

    fn entry(team: Option<&str>, seconds: i64, agent: Option<&str>) -> Entry {
        let key = ConversationKey { ai_agent: "acme".into(), conversation: "c".into() };
        Entry {
            team: team.map(TeamName::from),
            begun_at: Time::from_millis(seconds * 1_000),
            stage: if agent.is_some() { Stage::Active } else { Stage::Waiting },
            agent: agent.map(str::to_owned),
            ..Entry::from(Handoff::blank("h".into(), key))
        }
    }

    fn names(all: &[String]) -> String {
        all.join(" ")
    }

    #[test]
    fn who_is_there_and_what_is_open_is_told_of_each_team() {
        let agents = [
            present("Alex", Some(&["Support"]), Duty::On),
            present("Sam", Some(&["Billing"]), Duty::Away),
            present("Kim", None, Duty::Gone),
        ];
        let teams = ["Support".into(), "Billing".into()];
        let entries = [
            entry(Some("Support"), 10, None),
            entry(Some("Support"), 40, None),
            Entry { is_unanswered: true, ..entry(Some("Support"), 20, Some("Alex")) },
            entry(Some("Support"), 20, Some("Alex")),
            entry(Some("Former"), 30, Some("Ann (Amazon Connect)")),
            entry(None, 50, None),
        ];
        let report = NowReport::new(Time::from_millis(100_000), &agents, &teams, &entries);
        let shown: Vec<String> = std::iter::once((&Some("all".into()), &report.total))
            .chain(report.teams.iter().map(|(team, load)| (team, load)))
            .map(|(team, load)| {
                let team = team.as_ref().map_or("-", TeamName::as_str);
                let wait = load.longest_wait.map_or(0, |wait| wait.as_secs());
                let Load { on, away, gone, waiting, active, unanswered, .. } = load;
                let [on, away, gone] = [on, away, gone].map(|list| names(list));
                format!("{team}: {on}|{away}|{gone} {waiting} {wait} {active} {unanswered}")
            })
            .collect();
        assert_eq!(
            shown,
            [
                "all: Alex|Sam|Kim 3 90 3 1",
                "Support: Alex||Kim 2 90 2 1",
                "Billing: |Sam|Kim 0 0 0 0",
                "Former: ||Kim 0 0 1 0",
                "-: Alex|Sam|Kim 1 50 0 0",
            ]
        );
        let agents: Vec<_> = report
            .agents
            .iter()
            .map(|one| (one.name.as_str(), one.duty, one.active, one.unanswered))
            .collect();
        assert_eq!(
            agents,
            [
                ("Alex", Some(Duty::On), 2, 1),
                ("Sam", Some(Duty::Away), 0, 0),
                ("Kim", Some(Duty::Gone), 0, 0),
                ("Ann (Amazon Connect)", None, 1, 0),
            ]
        );
    }
}
