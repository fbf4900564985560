//! How a waiting handoff gets to an agent: to whom it is offered, and who has let it pass.
//!
//! An offer is a matter of the relay alone: nobody but agents hears of it. It is stored with the handoff, so there is
//! never more than one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{id::TeamName, routing::Member, time::Time};

/// How long an offer stands unless the settings say otherwise.
pub const OFFER_TIMEOUT: Duration = Duration::from_secs(60);

/// How waiting handoffs get to agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Assignment {
    /// Agents choose for themselves.
    #[default]
    Off,
    /// They are offered to whoever was offered nothing for longest.
    RoundRobin,
    /// They are offered to whoever has the fewest.
    LeastBusy,
}

impl Assignment {
    /// All.
    pub const ALL: [Self; 3] = [Self::Off, Self::RoundRobin, Self::LeastBusy];

    /// The name that the settings use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::RoundRobin => "round_robin",
            Self::LeastBusy => "least_busy",
        }
    }
}

/// A waiting handoff that one agent alone may accept for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Who.
    pub agent: String,
    /// Until then.
    pub until: Time,
}

/// What is remembered of a handoff's way to an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dispatch {
    /// Since when its agent has it. Earlier relays did not store it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_since: Option<Time>,
    /// The agent who had it and is gone, while it waits for another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_by: Option<String>,
    /// To whom it is offered while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
    /// Who has let it pass since it waits: it is offered to all others first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passed_by: Vec<String>,
}

impl Dispatch {
    /// To whom it is offered at `now`.
    pub fn offered_to(&self, now: Time) -> Option<&str> {
        self.offer.as_ref().filter(|offer| now < offer.until).map(|offer| offer.agent.as_str())
    }
}

/// What decides who gets a handoff.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its team.
    pub team: Option<&'a TeamName>,
    /// The language that its customer speaks, if that is known.
    pub language: Option<&'a str>,
    /// Who has let it pass.
    pub passed_by: &'a [String],
}

/// An agent on duty, and what they have to do.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Who.
    pub member: &'a Member,
    /// How many handoffs they have, or are offered.
    pub load: u64,
    /// When they were last offered one.
    pub offered_at: Option<Time>,
}

/// Who among these is offered a handoff; none if nobody may have it now.
pub fn choose<'a>(method: Assignment, wanted: Wanted<'_>, candidates: &[Candidate<'a>]) -> Option<&'a str> {
    let order = |candidate: &&Candidate<'a>| {
        let load = match method {
            Assignment::LeastBusy => candidate.load,
            Assignment::Off | Assignment::RoundRobin => 0,
        };
        let has_passed = wanted.passed_by.contains(&candidate.member.name);
        (has_passed, load, candidate.offered_at)
    };
    let fit = candidates.iter().filter(|candidate| candidate.may_have(wanted));
    fit.min_by_key(order)
        .map(|candidate| candidate.member.name.as_str())
        .filter(|_| method != Assignment::Off)
}

impl Candidate<'_> {
    fn may_have(&self, wanted: Wanted<'_>) -> bool {
        let has_room = self.member.limit.is_none_or(|limit| self.load < limit);
        has_room && self.member.is_offered(wanted.team) && self.member.speaks(wanted.language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str) -> Member {
        Member { name: name.to_owned(), ..Member::default() }
    }

    fn at(seconds: i64) -> Option<Time> {
        Some(Time::from_millis(seconds * 1_000))
    }

    const ANY: Wanted<'_> = Wanted { team: None, language: None, passed_by: &[] };

    #[test]
    fn the_method_says_whose_turn_it_is() {
        let [alex, sam, kim] = ["Alex", "Sam", "Kim"].map(member);
        let candidates = [
            Candidate { member: &alex, load: 2, offered_at: at(10) },
            Candidate { member: &sam, load: 1, offered_at: at(30) },
            Candidate { member: &kim, load: 1, offered_at: at(20) },
        ];
        let chosen = |method| choose(method, ANY, &candidates);
        assert_eq!(chosen(Assignment::Off), None);
        assert_eq!(chosen(Assignment::RoundRobin), Some("Alex"), "offered nothing for longest");
        assert_eq!(chosen(Assignment::LeastBusy), Some("Kim"), "of two with one, the one whose turn it is");
        let new = [candidates[0], Candidate { offered_at: None, ..candidates[1] }];
        assert_eq!(choose(Assignment::RoundRobin, ANY, &new), Some("Sam"), "never had a turn");
        assert_eq!(choose(Assignment::RoundRobin, ANY, &[]), None);
    }

    #[test]
    fn who_has_let_it_pass_comes_last_but_comes() {
        let [alex, sam] = ["Alex", "Sam"].map(member);
        let of = |member| Candidate { member, load: 0, offered_at: None };
        let candidates = [of(&alex), of(&sam)];
        let chosen = |passed_by: &[&str]| {
            let passed_by: Vec<String> = passed_by.iter().map(|name| (*name).to_owned()).collect();
            choose(Assignment::LeastBusy, Wanted { passed_by: &passed_by, ..ANY }, &candidates)
        };
        assert_eq!(chosen(&[]), Some("Alex"));
        assert_eq!(chosen(&["Alex"]), Some("Sam"));
        assert_eq!(chosen(&["Alex", "Sam"]), Some("Alex"), "another round");
    }

    #[test]
    fn only_who_has_room_is_of_the_team_and_speaks_the_language_may_have_it() {
        let teams = |names: &[&str]| Some(names.iter().map(|name| TeamName((*name).to_owned())).collect());
        let german = Member { languages: Some(vec!["de".to_owned()]), ..member("German") };
        let busy = Member { limit: Some(2), ..member("Busy") };
        let billing = Member { teams: teams(&["Billing"]), ..member("Billing") };
        let lead = Member { is_lead: true, ..member("Lead") };
        let sales_lead = Member { teams: teams(&["Sales"]), ..lead.clone() };
        let (sales, bill) = (TeamName("Sales".to_owned()), TeamName("Billing".to_owned()));
        for (member, load, team, language, may) in [
            (&german, 9, None, None, true),
            (&german, 9, None, Some("de_AT"), true),
            (&german, 9, None, Some("en"), false),
            (&busy, 1, None, Some("en"), true),
            (&busy, 2, None, Some("en"), false),
            (&busy, 3, None, None, false),
            (&billing, 0, None, None, true),
            (&billing, 0, Some(&bill), None, true),
            (&billing, 0, Some(&sales), None, false),
            (&lead, 0, Some(&sales), None, false),
            (&lead, 0, None, None, false),
            (&sales_lead, 0, Some(&sales), None, true),
            (&sales_lead, 0, Some(&bill), None, false),
            (&sales_lead, 0, None, None, false),
        ] {
            let wanted = Wanted { team, language, passed_by: &[] };
            let candidate = Candidate { member, load, offered_at: None };
            let chosen = choose(Assignment::LeastBusy, wanted, &[candidate]);
            assert_eq!(chosen.is_some(), may, "{} {load} {team:?} {language:?}", member.name);
        }
    }

    #[test]
    fn an_offer_ends_by_itself() {
        let offer = Some(Offer { agent: "Alex".to_owned(), until: Time::from_millis(10) });
        let dispatch = Dispatch { offer, ..Dispatch::default() };
        assert_eq!(dispatch.offered_to(Time::from_millis(9)), Some("Alex"));
        assert_eq!(dispatch.offered_to(Time::from_millis(10)), None);
        assert_eq!(Dispatch::default().offered_to(Time::from_millis(9)), None);
    }
}
