//! One `[[teams]]`, and one `[[agents]]`, of the file.

use super::{
    limits::{self, Limits},
    mistakes::Mistakes,
    table::{Placed, Table},
};
use crate::{
    relay::{id::TeamName, routing},
    settings::{
        agents::{ListedAgent, Role},
        parse::{self, Parsed},
        timeout::Timeouts,
    },
    store::sessions::Digest,
};

/// What a team may say of itself.
pub(super) const TEAM_KEYS: [&str; 5] = {
    let [waiting, waiting_text, idle, idle_text] = limits::KEYS;
    ["name", waiting, waiting_text, idle, idle_text]
};

/// What an agent may say of themselves.
pub(super) const AGENT_KEYS: [&str; 4] = ["name", "token_sha256", "teams", "role"];

/// What the file says of a team.
#[derive(Debug)]
pub(super) struct TeamTable {
    pub(super) name: Option<Placed<String>>,
    limits: Limits,
}

impl TeamTable {
    pub(super) fn read(mut table: Table<'_>, mistakes: &mut Mistakes) -> Self {
        let name = table.text("name", mistakes, parse::listed_name);
        table.require("name", mistakes);
        let limits = Limits::read(&mut table, mistakes);
        table.refuse_others(&TEAM_KEYS, mistakes);
        Self { name, limits }
    }

    /// The team; `None` if something is wrong, which has been told.
    pub(super) fn settings(self, environment: &Timeouts) -> Option<routing::Team> {
        let name = TeamName(self.name?.value);
        Some(routing::Team { name, limits: self.limits.settings(environment) })
    }
}

/// What the file says of an agent.
#[derive(Debug)]
pub(super) struct AgentTable {
    pub(super) name: Option<Placed<String>>,
    pub(super) token: Option<Placed<String>>,
    pub(super) teams: Option<Vec<Placed<String>>>,
    role: Option<Role>,
}

impl AgentTable {
    pub(super) fn read(mut table: Table<'_>, mistakes: &mut Mistakes) -> Self {
        let t = &mut table;
        let read = Self {
            name: t.text("name", mistakes, parse::listed_agent_name),
            token: t.text("token_sha256", mistakes, digest),
            teams: t.texts("teams", mistakes, parse::listed_name),
            role: t.text("role", mistakes, role).map(|found| found.value),
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
        })
    }
}

fn digest(text: &str) -> Parsed<String> {
    match Digest::of_hex(text) {
        Some(digest) => Ok(digest.as_str().to_owned()),
        None => Err("must be what `handoff-relay token new` shows: 64 hexadecimal digits".to_owned()),
    }
}

fn role(text: &str) -> Parsed<Role> {
    let found = Role::ALL.into_iter().find(|role| role.as_str() == text);
    found.ok_or_else(|| "must be agent, lead or operator".to_owned())
}
