//! What there is to say about each setting, for `handoff-relay check`.

use std::collections::BTreeMap;

use super::{
    Problem, Settings, SettingsError, Sources, Terminal,
    config::{self, Config},
    names,
    reader::Reader,
};

/// A setting, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name, or what else the sentence is about.
    pub name: String,
    /// How it stands.
    pub state: State,
}

/// How a setting stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It has a value that will do.
    Set,
    /// It has none; its default serves.
    Unset,
    /// It will do, but there is something to know.
    Warned(String),
    /// It keeps the relay from starting.
    Wrong(String),
}

/// What [`Settings::survey`] finds.
pub struct Survey {
    /// What there is to say, in the manual's order.
    pub findings: Vec<Finding>,
    /// The settings, with placeholders where one is wrong; `None` if too much is.
    pub settings: Option<Settings>,
}

impl Survey {
    /// Whether this setting keeps the relay from starting.
    pub fn is_wrong(&self, name: &str) -> bool {
        let is_wrong =
            |finding: &Finding| matches!(finding.state, State::Wrong(_)) && is_about(&finding.name, name);
        self.findings.iter().any(is_wrong)
    }
}

/// Whether a setting is the one of this name, or what it was meant to be.
fn is_about(name: &str, setting: &str) -> bool {
    name == setting || names::nearly(name) == Some(setting)
}

/// What stands for required settings that are wrong, so that others can be tried.
const PLACEHOLDERS: [(&str, &str); 5] = [
    ("ADA_BASE_URL", "https://ada.invalid"),
    ("ADA_API_KEY", "placeholder"),
    ("WEBHOOK_SECRET", "whsec_cGxhY2Vob2xkZXItb2YtYS1zZWNyZXQ="),
    ("HANDOFF_AUTH_KEY", "off"),
    ("AGENT_TOKENS", "Agent=placeholder-of-a-token"),
];

impl Settings {
    /// Reads the settings as [`Settings::from_process`] does, and says how each one stands.
    pub fn survey() -> Survey {
        let (Sources { env, file }, problems) = Sources::of_process();
        Self::survey_of(&env, file, problems, Terminal::detect())
    }

    pub(super) fn survey_of(
        env: &BTreeMap<String, String>,
        file: Vec<(String, String)>,
        problems: Vec<Problem>,
        terminal: Terminal,
    ) -> Survey {
        let reader = Reader::new(env, &file, problems);
        let set = reader.set_names();
        let replaced = reader.config.as_ref().map(Config::replaces).unwrap_or_default();
        let (mut told, settings): (Vec<(String, State)>, _) = match Self::read(reader, terminal) {
            Ok((settings, warnings)) => {
                let told = warnings.into_iter().map(|told| (told.name, State::Warned(told.sentence)));
                (told.collect(), Some(settings))
            }
            Err(error) => {
                let settings = with_placeholders(env, file, &error, &replaced);
                let told = error.0.into_iter().map(|told| (told.name, State::Wrong(told.sentence)));
                (told.collect(), settings)
            }
        };
        told.extend(env.keys().filter_map(|name| Some((name.clone(), misspelt(name)?))));
        let is_wrong = |name: &str| {
            let mut wrong = told.iter().filter(|(_, state)| matches!(state, State::Wrong(_)));
            wrong.any(|(other, _)| is_about(other, name))
        };
        let is_told = |name: &str| told.iter().any(|(other, _)| other == name) || is_wrong(name);
        let has_effect = |name: &&str| !replaced.contains(name);
        let quiet = names::NAMES.into_iter().filter(has_effect).filter(|name| !is_told(name));
        let quiet =
            quiet.map(|name| (name.to_owned(), if set.contains(&name) { State::Set } else { State::Unset }));
        let mut all: Vec<(String, State)> = quiet.chain(told.iter().cloned()).collect();
        // In the manual's order; what is about no setting comes last.
        all.sort_by_key(|(name, _)| names::all().position(|known| known == name).unwrap_or(usize::MAX));
        let findings = all.into_iter().map(|(name, state)| Finding { name, state }).collect();
        Survey { findings, settings }
    }
}

fn misspelt(name: &str) -> Option<State> {
    let meant = names::nearly(name)?;
    Some(State::Warned(format!("{name} in the environment is not a setting; did you mean {meant}?")))
}

/// The settings without those that are wrong.
fn with_placeholders(
    env: &BTreeMap<String, String>,
    file: Vec<(String, String)>,
    error: &SettingsError,
    replaced: &[&str],
) -> Option<Settings> {
    let is_right = |name: &str| error.0.iter().all(|problem| problem.name != name);
    let known = file.into_iter().chain(env.clone());
    let mut values: BTreeMap<String, String> =
        known.filter(|(name, value)| is_right(name) && !value.trim().is_empty()).collect();
    let is_listed = values.contains_key(config::NAME);
    let has_effect = |name: &str| !is_listed || !replaced.contains(&name);
    for (name, value) in PLACEHOLDERS.into_iter().filter(|(name, _)| has_effect(name)) {
        values.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
    Some(Settings::load(values, None, Terminal::Detached).ok()?.0)
}
