//! The settings file: TOML, named by `RELAY_CONFIG`. It lists AI Agents.
//!
//! It is read as a tree whose parts know where they stand, so that all mistakes are told at once, each with its line and
//! column. No sentence repeats a value.
//!
//! To add a key: its name in `ai_agent::KEYS`, a line where that is read, a line in `relay.example.toml`, and a property
//! in `docs/relay.schema.json`.

mod ai_agent;
mod mistakes;
mod secret_place;
mod table;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use toml::de::DeTable;

use self::{
    ai_agent::{AiAgentTable, check_duplicates},
    mistakes::Mistakes,
    table::Table,
};
use super::{Problem, ai_agents::AiAgentSettings, reader::Reader};

/// The setting that names the file.
pub(super) const NAME: &str = "RELAY_CONFIG";
/// More than any list of AI Agents needs.
const MOST_BYTES: u64 = 1 << 20;
const AI_AGENTS: &str = "ai_agents";
/// What may stand at the top.
const KEYS: [&str; 1] = [AI_AGENTS];

/// A settings file, before its secrets are read.
#[derive(Debug)]
pub(super) struct Config {
    ai_agents: Vec<AiAgentTable>,
    mistakes: Mistakes,
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
            sentence: format!("{NAME} names a file that can't be read: {}", error.kind()),
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
        let ai_agents =
            if mistakes.is_empty() { ai_agents(document.get_ref(), path, &mut mistakes) } else { Vec::new() };
        Self { ai_agents, mistakes }
    }

    /// The environment variables that hold its secrets.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.ai_agents.iter().flat_map(AiAgentTable::names)
    }

    /// The AI Agents, with their secrets. What is wrong goes to `r`; then the list is not whole.
    pub(super) fn ai_agents(mut self, r: &mut Reader) -> Vec<AiAgentSettings> {
        let found = self.ai_agents.into_iter().filter_map(|table| table.settings(r, &mut self.mistakes));
        let found = found.collect();
        for sentence in self.mistakes.sentences() {
            r.problem(NAME, sentence);
        }
        found
    }
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

fn ai_agents(document: &DeTable<'_>, path: &Path, mistakes: &mut Mistakes) -> Vec<AiAgentTable> {
    let mut top = Table::new(document, 0, "the file");
    let tables = top.tables(AI_AGENTS, "[[ai_agents]]", mistakes);
    top.refuse_others(&KEYS, mistakes);
    let Some(tables) = tables else { return Vec::new() };
    if tables.is_empty() {
        mistakes.add(0, "there is no AI Agent: begin one with [[ai_agents]]".to_owned());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let ai_agents: Vec<AiAgentTable> =
        tables.into_iter().map(|table| AiAgentTable::read(table, folder, mistakes)).collect();
    check_duplicates(&ai_agents, mistakes);
    ai_agents
}
