//! One `[[teams]]`, and one `[[agents]]`, of the file.

use std::time::Duration;

use jiff::{civil::Date, tz::TimeZone};

use super::{
    language::language,
    limits::{self, Limits},
    mistakes::Mistakes,
    table::{Placed, Table},
    waiting_room::{self, WaitingRoomTable},
};
use crate::{
    relay::{
        dispatch::Assignment,
        hours::{Hours, add_to_week},
        id::TeamName,
        routing,
    },
    settings::{
        agents::{ListedAgent, Role},
        parse::{self, Parsed},
        timeout::Timeouts,
    },
    store::sessions::Digest,
};

/// What a team may say of itself.
pub(super) const TEAM_KEYS: [&str; 15] = {
    let [waiting, waiting_text, idle, idle_text] = limits::KEYS;
    let [hours, time_zone, holidays] = HOURS_KEYS;
    let [accept_text, queue_banner, waiting_texts] = waiting_room::KEYS;
    [
        "name",
        hours,
        time_zone,
        holidays,
        "closed_text",
        "needs_agents",
        "assignment",
        "offer_timeout",
        waiting,
        waiting_text,
        idle,
        idle_text,
        accept_text,
        queue_banner,
        waiting_texts,
    ]
};

/// What an agent may say of themselves.
pub(super) const AGENT_KEYS: [&str; 6] = ["name", "token_sha256", "teams", "role", "languages", "limit"];

/// What the file says of a team.
#[derive(Debug)]
pub(super) struct TeamTable {
    pub(super) name: Option<Placed<String>>,
    limits: Limits,
    pub(super) waiting_room: WaitingRoomTable,
    hours: Option<Hours>,
    closed_text: Option<String>,
    needs_agents: bool,
    assignment: Option<Assignment>,
    offer_timeout: Option<Duration>,
}

impl TeamTable {
    pub(super) fn read(mut table: Table<'_>, mistakes: &mut Mistakes) -> Self {
        let name = table.text("name", mistakes, parse::listed_name);
        table.require("name", mistakes);
        let limits = Limits::read(&mut table, mistakes);
        let waiting_room = WaitingRoomTable::read(&mut table, mistakes);
        let hours = hours(&mut table, mistakes).map(|(hours, _)| hours);
        let closed_text = table.text("closed_text", mistakes, parse::text_or_off);
        let needs_agents = table.truth("needs_agents", mistakes).unwrap_or_default();
        let assignment = table.text("assignment", mistakes, parse::assignment);
        let offer_timeout = table.text("offer_timeout", mistakes, parse::duration);
        table.refuse_others(&TEAM_KEYS, mistakes);
        Self {
            name,
            limits,
            waiting_room,
            hours,
            closed_text: closed_text.and_then(|found| found.value),
            needs_agents,
            assignment: assignment.map(|found| found.value),
            offer_timeout: offer_timeout.map(|found| found.value),
        }
    }

    /// The team; `None` if something is wrong, which has been told.
    pub(super) fn settings(self, environment: &Timeouts) -> Option<routing::Team> {
        Some(routing::Team {
            name: TeamName(self.name?.value),
            limits: self.limits.settings(environment),
            waiting_room: self.waiting_room.own,
            hours: self.hours,
            closed_text: self.closed_text,
            needs_agents: self.needs_agents,
            assignment: self.assignment,
            offer_timeout: self.offer_timeout,
        })
    }
}

/// The keys of hours.
pub(super) const HOURS_KEYS: [&str; 3] = ["hours", "time_zone", "holidays"];

/// When a team is open, or a route counts; and how that is written. The time zone says by whose clocks.
pub(super) fn hours(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<(Hours, String)> {
    let zone = table.text("time_zone", mistakes, time_zone);
    let lines = table.texts("hours", mistakes, |text| match add_to_week(&mut Default::default(), text) {
        Some(()) => Ok(text.to_owned()),
        None => Err("must be such as Mon-Fri 09:00-17:30".to_owned()),
    });
    let holidays = table.texts("holidays", mistakes, |text| match text.parse::<Date>() {
        Ok(date) => Ok(date.to_string()),
        Err(_) => Err("must be dates such as 2026-12-25".to_owned()),
    });
    if table.has("hours") != table.has("time_zone") {
        mistakes.add(table.at, "hours and time_zone need each other".to_owned());
    }
    if table.has("holidays") && !table.has("hours") {
        mistakes.add(table.at, "holidays need hours".to_owned());
    }
    let mut week = Default::default();
    let (lines, zone) = (lines?, zone?.value);
    for line in &lines {
        add_to_week(&mut week, &line.value)?;
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.value.as_str()).collect();
    let text = format!("{} ({})", lines.join(" or "), zone.iana_name().unwrap_or("UTC"));
    let holidays = holidays.into_iter().flatten().filter_map(|day| day.value.parse().ok()).collect();
    Some((Hours { zone, week, holidays }, text))
}

fn time_zone(text: &str) -> Parsed<TimeZone> {
    TimeZone::get(text).map_err(|_| "must be a time zone such as Europe/Berlin".to_owned())
}

/// What the file says of an agent.
#[derive(Debug)]
pub(super) struct AgentTable {
    pub(super) name: Option<Placed<String>>,
    pub(super) token: Option<Placed<String>>,
    pub(super) teams: Option<Vec<Placed<String>>>,
    role: Option<Role>,
    languages: Option<Vec<String>>,
    limit: Option<u64>,
}

impl AgentTable {
    pub(super) fn read(mut table: Table<'_>, mistakes: &mut Mistakes) -> Self {
        let t = &mut table;
        let read = Self {
            name: t.text("name", mistakes, parse::listed_agent_name),
            token: t.text("token_sha256", mistakes, digest),
            teams: t.texts("teams", mistakes, parse::listed_name),
            role: t.text("role", mistakes, role).map(|found| found.value),
            languages: t
                .texts("languages", mistakes, language)
                .map(|languages| languages.into_iter().map(|language| language.value).collect()),
            limit: t.number("limit", mistakes, limit),
        };
        for key in ["name", "token_sha256"] {
            t.require(key, mistakes);
        }
        t.refuse_others(&AGENT_KEYS, mistakes);
        read
    }

    /// The agent; `None` if something is wrong, which has been told.
    pub(super) fn settings(self) -> Option<ListedAgent> {
        let names = |teams: Vec<Placed<String>>| teams.into_iter().map(|team| TeamName(team.value)).collect();
        Some(ListedAgent {
            name: self.name?.value,
            token: Digest::of_hex(&self.token?.value)?,
            teams: self.teams.map(names),
            role: self.role.unwrap_or_default(),
            languages: self.languages,
            limit: self.limit,
        })
    }
}

fn digest(text: &str) -> Parsed<String> {
    match Digest::of_hex(text) {
        Some(digest) => Ok(digest.as_str().to_owned()),
        None => Err("must be what `handoff-relay token new` shows: 64 hexadecimal digits".to_owned()),
    }
}

fn limit(text: &str) -> Parsed<u64> {
    parse::whole_number(text)
        .filter(|limit| (1..=1_000).contains(limit))
        .ok_or_else(|| "must be a number from 1 to 1000".to_owned())
}

fn role(text: &str) -> Parsed<Role> {
    let found = Role::ALL.into_iter().find(|role| role.as_str() == text);
    found.ok_or_else(|| "must be agent, lead or operator".to_owned())
}
