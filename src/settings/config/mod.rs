//! The settings file: TOML, named by `RELAY_CONFIG`. It lists AI Agents, teams, agents and routes.
//!
//! It is read as a tree whose parts know where they stand, so that all mistakes are told at once, each with its line and
//! column. No sentence repeats a value.
//!
//! To add a key: its name in the `KEYS` of its table, a line where that is read, a line in `relay.example.toml`, and a
//! property in `docs/relay.schema.json`.

mod ai_agent;
mod language;
mod limits;
mod mistakes;
mod route;
mod secret_place;
mod table;
mod team;
#[cfg(test)]
mod tests;
mod waiting_room;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use toml::de::DeTable;

use self::{
    ai_agent::{AiAgentTable, check_duplicates, refuse_repeated},
    mistakes::Mistakes,
    route::RouteTable,
    table::{Placed, Table},
    team::{AgentTable, TeamTable},
    waiting_room::General,
};
use super::{
    Problem,
    agents::{self, ListedAgent},
    ai_agents::{AiAgentSettings, OF_ENVIRONMENT},
    parse,
    problem::why_unreadable,
    reader::Reader,
    timeout::Timeouts,
};
use crate::{
    relay::{id::TeamName, routing::Routing, waiting_room::WaitingRoom},
    store::sessions::Digest,
};

/// The setting that names the file.
pub(super) const NAME: &str = "RELAY_CONFIG";
/// More than any settings file needs.
const MOST_BYTES: u64 = 1 << 20;
/// What may stand at the top.
const KEYS: [&str; 7] = ["ai_agents", "teams", "agents", "routes", "default_team", "agents_see", "outcomes"];

/// Which handoffs agents see, those of a lead aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AgentsSee {
    /// Those of their teams, those of no team, and their own.
    #[default]
    Teams,
    /// All.
    All,
}

/// Whether the file lists something, good or bad, which then has no place in the environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lists {
    /// It does.
    Yes,
    /// It does not, or there is no file.
    #[default]
    No,
    /// It can't be read. Whatever is missing in the environment may be listed there.
    Perhaps,
}

/// What the file says of those who answer.
#[derive(Default)]
pub(super) struct Desk {
    /// Whether the file lists agents.
    pub(super) lists_agents: Lists,
    pub(super) agents: Vec<ListedAgent>,
    pub(super) agents_see: AgentsSee,
    /// What the console offers at the end of a handoff; none if that is left to the environment.
    pub(super) outcomes: Option<Vec<String>>,
    pub(super) routing: Routing,
    /// The platforms that routes name.
    pub(super) wanted_platforms: Vec<WantedPlatform>,
}

/// A platform that a route names.
pub(super) struct WantedPlatform(Placed<String>);

/// A settings file, before its secrets are read.
#[derive(Debug)]
pub(super) struct Config {
    /// Whether it is TOML.
    is_read: bool,
    ai_agents: Option<Vec<AiAgentTable>>,
    teams: Vec<TeamTable>,
    agents: Vec<AgentTable>,
    lists_agents: Lists,
    routes: Vec<RouteTable>,
    default_team: Option<Placed<String>>,
    agents_see: AgentsSee,
    outcomes: Option<Vec<String>>,
    mistakes: Mistakes,
    digest: Digest,
}

impl Config {
    /// Reads the file at `path`, which is relative to the working directory unless absolute.
    ///
    /// # Errors
    /// It can't be read as text.
    pub(super) fn open(path: &str) -> Result<Self, Problem> {
        let path = Path::new(path);
        let text = text_of(path).map_err(|error| Problem {
            name: NAME.to_owned(),
            sentence: format!("{NAME} names a file that can't be read: {}", why_unreadable(&error)),
        })?;
        Ok(Self::parse(path, &text))
    }

    /// Reads the text of the file at `path`.
    pub(super) fn parse(path: &Path, text: &str) -> Self {
        let mut mistakes = Mistakes::new(path, text);
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            // The message tells what was expected, and repeats nothing of the text.
            mistakes.add(
                error.span().unwrap_or_default().start,
                format!("this is not TOML: {}", error.message()),
            );
        }
        let nothing = DeTable::new();
        let document = if mistakes.is_empty() { document.get_ref() } else { &nothing };
        Self::of(Table::new(document, 0, "the file"), path, mistakes, Digest::of(text))
    }

    fn of(mut top: Table<'_>, path: &Path, mut mistakes: Mistakes, digest: Digest) -> Self {
        let (top, m) = (&mut top, &mut mistakes);
        let is_read = m.is_empty();
        // What is no TOML may have meant to list them.
        let is_listed = top.has("ai_agents") || !is_read;
        let folder = path.parent().unwrap_or(Path::new("."));
        let ai_agents =
            each(top, "ai_agents", "[[ai_agents]]", m, |table, m| AiAgentTable::read(table, folder, m));
        if top.has("ai_agents") && ai_agents.is_empty() && m.is_empty() {
            m.add(0, "there is no AI Agent: begin one with [[ai_agents]]".to_owned());
        }
        check_duplicates(&ai_agents, m);
        let teams = each(top, "teams", "[[teams]]", m, TeamTable::read);
        let has_agents = top.has("agents") && !top.is_empty_list("agents");
        let agents = each(top, "agents", "[[agents]]", m, AgentTable::read);
        let lists_agents = match (is_read, has_agents) {
            (false, _) => Lists::Perhaps,
            (true, true) => Lists::Yes,
            (true, false) => Lists::No,
        };
        let routes = each(top, "routes", "[[routes]]", m, RouteTable::read);
        let default_team = top.text("default_team", m, parse::listed_name);
        let agents_see = top.text("agents_see", m, agents_see).map(|found| found.value).unwrap_or_default();
        let outcomes = outcomes(top, m);
        top.refuse_others(&KEYS, m);
        let ai_agents = is_listed.then_some(ai_agents);
        let mut read = Self {
            is_read,
            ai_agents,
            teams,
            agents,
            lists_agents,
            routes,
            default_team,
            agents_see,
            outcomes,
            mistakes,
            digest,
        };
        read.check_names();
        read
    }

    /// The SHA-256 of its text.
    pub(super) const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Whether it lists AI Agents. Otherwise the environment describes one.
    pub(super) const fn lists_ai_agents(&self) -> Lists {
        match (self.is_read, &self.ai_agents) {
            (false, _) => Lists::Perhaps,
            (true, Some(_)) => Lists::Yes,
            (true, None) => Lists::No,
        }
    }

    /// The settings whose place it takes.
    pub(super) fn replaces(&self) -> Vec<&'static str> {
        let of_ai_agents = OF_ENVIRONMENT.into_iter().filter(|_| self.lists_ai_agents() != Lists::No);
        let of_agents = (self.lists_agents != Lists::No).then_some(agents::NAME);
        of_ai_agents.chain(of_agents).chain(self.outcomes.as_ref().map(|_| "OUTCOMES")).collect()
    }

    /// The environment variables that hold its secrets.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.ai_agents.iter().flatten().flat_map(AiAgentTable::names)
    }

    /// The AI Agents, with their secrets. If something is wrong, the list is not whole.
    pub(super) fn ai_agents(&mut self, r: &Reader, environment: &Timeouts) -> Vec<AiAgentSettings> {
        let tables = self.ai_agents.take().into_iter().flatten();
        tables.filter_map(|table| table.settings(r, environment, &mut self.mistakes)).collect()
    }

    /// Teams, agents and routes. If something is wrong, they are not whole.
    pub(super) fn desk(&mut self, environment: &Timeouts) -> Desk {
        let routes = std::mem::take(&mut self.routes);
        let wanted = routes.iter().filter_map(|route| route.platforms.clone()).flatten();
        let wanted_platforms = wanted.map(WantedPlatform).collect();
        let teams = std::mem::take(&mut self.teams).into_iter();
        Desk {
            lists_agents: self.lists_agents,
            agents: std::mem::take(&mut self.agents).into_iter().filter_map(AgentTable::settings).collect(),
            agents_see: self.agents_see,
            outcomes: self.outcomes.take(),
            routing: Routing {
                teams: teams.filter_map(|team| team.settings(environment)).collect(),
                routes: routes.into_iter().filter_map(|route| route.settings(environment)).collect(),
                default_team: self.default_team.take().map(|team| TeamName(team.value)),
                ..Routing::default()
            },
            wanted_platforms,
        }
    }

    /// Refuses a banner beside texts, for the customers of any AI Agent, team and route.
    pub(super) fn check_waiting_rooms(&mut self, environment: &WaitingRoom) {
        let environment = General::of_environment(environment);
        let mistakes = &mut self.mistakes;
        let mut generals = Vec::new();
        for table in self.ai_agents.iter().flatten() {
            table.waiting_room.check(&environment, mistakes);
            let whose = format!("the AI Agent {}", table.id().unwrap_or_default());
            generals.push(environment.with(&whose, &table.waiting_room));
        }
        if self.ai_agents.is_none() {
            generals.push(environment);
        }
        for general in &generals {
            let mut of_teams = Vec::new();
            for team in &self.teams {
                team.waiting_room.check(general, mistakes);
                let name = team.name.as_ref().map_or("", |name| &name.value);
                of_teams.push(general.with(&format!("the team {name}"), &team.waiting_room));
            }
            for route in &self.routes {
                of_teams.iter().chain([general]).for_each(|room| route.waiting_room.check(room, mistakes));
            }
        }
    }

    /// Refuses platforms that are not among these.
    pub(super) fn check_platforms(&mut self, wanted: &[WantedPlatform], ids: &[&str]) {
        for WantedPlatform(id) in wanted {
            if !ids.contains(&id.value.as_str()) {
                self.mistakes.add(id.at, "platforms names a platform that is not set up".to_owned());
            }
        }
    }

    /// Tells what is wrong.
    pub(super) fn tell(self, r: &mut Reader) {
        for sentence in self.mistakes.sentences() {
            r.problem(NAME, sentence);
        }
    }

    /// Names that two have, and names of teams and AI Agents that are nobody's.
    fn check_names(&mut self) {
        let mistakes = &mut self.mistakes;
        let teams: Vec<&Placed<String>> = self.teams.iter().filter_map(|team| team.name.as_ref()).collect();
        let agents = self.agents.iter();
        let lower = |found: &Placed<String>| Placed { at: found.at, value: found.value.to_lowercase() };
        let once = |found: Option<&Placed<String>>| found.map(lower).into_iter().collect::<Vec<_>>();
        let (names, tokens) =
            (agents.clone().map(|agent| &agent.name), agents.clone().map(|agent| &agent.token));
        let routes = self.routes.iter().map(|route| once(route.name.as_ref()));
        refuse_repeated("this name", teams.iter().map(|name| once(Some(name))), mistakes);
        refuse_repeated("this name", names.map(|name| once(name.as_ref())), mistakes);
        refuse_repeated("this token", tokens.map(|token| once(token.as_ref())), mistakes);
        refuse_repeated("this name", routes, mistakes);

        let of_agents = agents.flat_map(|agent| agent.teams.iter().flatten());
        let of_routes = self.routes.iter().filter_map(|route| route.team.as_ref());
        // A team whose name is wrong may be the one that is meant.
        let are_known = self.teams.iter().all(|team| team.name.is_some());
        for named in of_agents.chain(of_routes).chain(&self.default_team).filter(|_| are_known) {
            if !teams.iter().any(|team| team.value == named.value) {
                mistakes.add(named.at, "no team of [[teams]] has this name".to_owned());
            }
        }
        let ids: Vec<&str> = self.ai_agents.iter().flatten().filter_map(AiAgentTable::id).collect();
        for named in self.routes.iter().flat_map(|route| &route.ai_agents) {
            if !ids.contains(&named.value.as_str()) {
                mistakes.add(named.at, "no AI Agent of [[ai_agents]] has this id".to_owned());
            }
        }
    }
}

fn each<'t, T>(
    top: &mut Table<'t>,
    key: &'static str,
    name: &'static str,
    mistakes: &mut Mistakes,
    read: impl Fn(Table<'t>, &mut Mistakes) -> T,
) -> Vec<T> {
    let tables = top.tables(key, name, mistakes).unwrap_or_default();
    tables.into_iter().map(|table| read(table, mistakes)).collect()
}

fn agents_see(text: &str) -> parse::Parsed<AgentsSee> {
    match text {
        "teams" => Ok(AgentsSee::Teams),
        "all" => Ok(AgentsSee::All),
        _ => Err("must be teams or all".to_owned()),
    }
}

/// What may come of a handoff. A list that is too long is a mistake.
fn outcomes(top: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Vec<String>> {
    let found = top.texts("outcomes", mistakes, parse::outcome)?;
    if let Some(one_more) = found.get(parse::MAX_OUTCOMES) {
        mistakes.add(one_more.at, format!("outcomes must be at most {}", parse::MAX_OUTCOMES));
    }
    Some(found.into_iter().map(|outcome| outcome.value).collect())
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read > MOST_BYTES) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    // Windows editors put a byte order mark in front.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}
