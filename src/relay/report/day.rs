//! How a day went: figures of the handoffs that began on it.

use std::collections::BTreeMap;

use super::{
    entry::Entry,
    figures::{Figures, Tally},
    span::Day,
};
use crate::relay::{id::TeamName, time::Time};

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct DayReport {
    /// Of all.
    pub total: Figures,
    /// Of those of each team, by name; of those of no team last.
    pub teams: Vec<(Option<TeamName>, Figures)>,
    /// Of those that each agent had last, by name. First answers are counted for who had the handoff then.
    pub agents: BTreeMap<String, Figures>,
    /// Each of its hours.
    pub hours: Vec<Hour>,
}

/// The handoffs that began within an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// Its first instant.
    pub at: Time,
    /// How many began.
    pub begun: u64,
    /// How many of them an agent accepted.
    pub accepted: u64,
    /// How many of them were missed.
    pub missed: u64,
}

impl DayReport {
    /// Of handoffs that began on this day.
    pub fn new(day: &Day, entries: &[Entry]) -> Self {
        let mut total = Tally::default();
        let mut teams = BTreeMap::<_, Tally>::new();
        let mut agents = BTreeMap::<String, Tally>::new();
        let mut hours: Vec<Hour> = day.hours().map(|at| Hour { at, ..Hour::default() }).collect();
        for entry in entries {
            // None comes last.
            let team = teams.entry((entry.team.is_none(), entry.team.clone())).or_default();
            total.count(entry);
            team.count(entry);
            if let Some(agent) = &entry.agent {
                agents.entry(agent.clone()).or_default().count(entry);
            }
            if let Some((after, by)) = entry.answer() {
                total.count_answer(after);
                team.count_answer(after);
                if let Some(by) = by {
                    agents.entry(by.to_owned()).or_default().count_answer(after);
                }
            }
            if let Some(hour) = hours.get_mut(day.hour_of(entry.begun_at)) {
                hour.begun += 1;
                hour.accepted += u64::from(entry.accepted_at.is_some());
                hour.missed += u64::from(entry.is_missed);
            }
        }
        Self {
            total: total.figures(),
            teams: teams.into_iter().map(|((_, team), tally)| (team, tally.figures())).collect(),
            agents: agents.into_iter().map(|(name, tally)| (name, tally.figures())).collect(),
            hours,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::relay::{
        feedback::Rating,
        handoff::{EndedBy, FirstAnswer, Handoff},
        id::ConversationKey,
        report::{EndedCounts, Ratings, Stage},
    };

    fn entry(day: &Day, minute: u64) -> Entry {
        let key = ConversationKey { ai_agent: "acme".into(), conversation: "c".into() };
        let begun_at = day.from + Duration::from_mins(minute);
        Entry { begun_at, ..Entry::from(Handoff::blank("h".into(), key)) }
    }

    fn answered(entry: Entry, after: u64, by: &str) -> Entry {
        let at = entry.begun_at + Duration::from_secs(after);
        Entry { first_answer: FirstAnswer::Given { at, by: Some(by.to_owned()) }, ..entry }
    }

    fn accepted(entry: Entry, after: u64, by: &str) -> Entry {
        let accepted_at = Some(entry.begun_at + Duration::from_secs(after));
        Entry { accepted_at, agent: Some(by.to_owned()), stage: Stage::Active, ..entry }
    }

    fn ended(entry: Entry, by: EndedBy, outcome: Option<&str>) -> Entry {
        let at = entry.begun_at + Duration::from_hours(1);
        Entry { stage: Stage::Ended { at, by }, outcome: outcome.map(str::to_owned), ..entry }
    }

    #[test]
    fn each_handoff_is_counted_for_its_team_its_agent_and_its_hour() {
        let day = Day::new(Day::date("2026-10-25").unwrap(), Day::zone("Europe/Berlin").unwrap()).unwrap();
        let of = |team: &str, entry: Entry| Entry { team: Some(team.into()), ..entry };
        let rated = |rating, entry| Entry { rating: Some(rating), ..entry };
        let entries = [
            entry(&day, 0),
            of(
                "B",
                rated(
                    Rating::Number(5.into()),
                    ended(
                        answered(accepted(entry(&day, 59), 30, "Sam"), 60, "Sam"),
                        EndedBy::Agent,
                        Some("solved"),
                    ),
                ),
            ),
            // Alex answered, then Sam got it.
            of(
                "B",
                rated(Rating::Number(2.into()), answered(accepted(entry(&day, 61), 10, "Sam"), 20, "Alex")),
            ),
            of(
                "A",
                rated(
                    Rating::Text("good".to_owned()),
                    Entry { is_missed: true, ..ended(entry(&day, 25 * 60 - 1), EndedBy::System, None) },
                ),
            ),
            // From before first answers were recorded.
            of(
                "A",
                Entry {
                    first_answer: FirstAnswer::Unrecorded,
                    ..ended(accepted(entry(&day, 62), 20, "Sam"), EndedBy::EndUser, Some("solved"))
                },
            ),
        ];
        let report = DayReport::new(&day, &entries);
        let total = &report.total;
        assert_eq!(
            (total.begun, total.accepted, total.missed, total.open, total.unrecorded),
            (5, 3, 1, 2, 1)
        );
        assert_eq!(total.ended, EndedCounts { end_user: 1, agent: 1, system: 1, ada: 0 });
        assert_eq!(total.ended.all() + total.open, total.begun);
        assert_eq!(total.outcomes, BTreeMap::from([("solved".to_owned(), 2)]));
        assert_eq!((total.wait.count, total.wait.median), (3, Some(Duration::from_secs(20))));
        assert_eq!((total.first_answer.count, total.first_answer.p90), (2, Some(Duration::from_mins(1))));
        assert_eq!(total.ratings, Ratings { count: 3, numbers: 2, average: Some(3.5) });

        let teams: Vec<_> =
            report.teams.iter().map(|(team, of)| (team.as_ref().map(TeamName::as_str), of.begun)).collect();
        assert_eq!(teams, [(Some("A"), 2), (Some("B"), 2), (None, 1)]);
        let agents: Vec<_> =
            report.agents.iter().map(|(name, of)| (name.as_str(), of.begun, of.first_answer.count)).collect();
        assert_eq!(agents, [("Alex", 0, 1), ("Sam", 3, 1)]);
        let hours: Vec<_> =
            report.hours.iter().map(|hour| (hour.begun, hour.accepted, hour.missed)).collect();
        assert_eq!(hours.len(), 25);
        assert_eq!((hours[0], hours[1], hours[2], hours[24]), ((2, 1, 0), (2, 2, 0), (0, 0, 0), (1, 0, 1)));
    }

    #[test]
    fn a_day_without_handoffs_has_hours_and_nothing_else() {
        let day = Day::of(Time::from_millis(0), Day::zone("UTC").unwrap()).unwrap();
        let report = DayReport::new(&day, &[]);
        assert_eq!((report.total, report.teams, report.agents.len()), (Figures::default(), vec![], 0));
        assert_eq!(report.hours.len(), 24);
    }
}
