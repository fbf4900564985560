//! One lookup over all sources, which collects what is wrong instead of stopping at the first.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{self, Config};
use super::names;
use super::parse::Parsed;
use super::{Problem, Warning};

type Pairs = Vec<(String, String)>;

/// When settings are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Occasion {
    /// Before the relay runs. What is wrong is told to whoever starts it.
    #[default]
    Start,
    /// While it runs. What is wrong is told to anybody who asks for its health.
    Again,
}

/// Trimmed, non-empty values by name, and what there is to say about them.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) occasion: Occasion,
    values: BTreeMap<&'static str, String>,
    /// Those of [`names::BORROWED`].
    borrowed: BTreeMap<&'static str, String>,
    /// The settings file, if there is one.
    pub(super) config: Option<Config>,
    /// The variables that hold its secrets.
    named: BTreeMap<String, String>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
    /// A problem was told already, so that "is required" would only add noise.
    told: BTreeSet<&'static str>,
}

impl Reader {
    /// `earlier` are problems found while the sources were read.
    pub(super) fn new(env: &BTreeMap<String, String>, file: &Pairs, earlier: Vec<Problem>) -> Self {
        let told = earlier.iter().filter_map(|problem| names::known(&problem.name)).collect();
        let mut reader = Self { problems: earlier, told, ..Self::default() };
        let path = env.get(config::NAME).map(|value| unquoted(value).trim()).filter(|path| !path.is_empty());
        reader.open(path.or_else(|| last(file, config::NAME)));
        reader.name_secrets(file.iter().map(|(name, value)| (name, value)).chain(env));
        reader.check_names(file);
        reader.take(file.iter().map(|(name, value)| (name, value.trim())));
        let unquoted: Vec<(&String, &str)> =
            env.iter().map(|(name, value)| (name, reader.unquote(name, value))).collect();
        reader.take(unquoted.into_iter());
        let borrowed =
            names::BORROWED.iter().filter_map(|name| Some((*name, env.get(*name)?.trim().to_owned())));
        reader.borrowed = borrowed.filter(|(_, value)| !value.is_empty()).collect();
        reader
    }

    /// Opens the settings file.
    fn open(&mut self, path: Option<&str>) {
        match path.map(Config::open) {
            None => {}
            Some(Ok(config)) => self.config = Some(config),
            Some(Err(problem)) => {
                self.told.insert(config::NAME);
                self.problems.push(problem);
            }
        }
    }

    /// Keeps the values of the variables that the settings file names; later ones win unless they are blank.
    fn name_secrets<'a>(&mut self, values: impl Iterator<Item = (&'a String, &'a String)>) {
        let Some(config) = &self.config else { return };
        let names: BTreeSet<&str> = config.names().collect();
        let values = values.map(|(name, value)| (name, unquoted(value).trim()));
        let named = values.filter(|(name, value)| names.contains(name.as_str()) && !value.is_empty());
        self.named = named.map(|(name, value)| (name.clone(), value.to_owned())).collect();
    }

    /// The value of a variable that the settings file names.
    pub(super) fn named(&self, name: &str) -> Option<&str> {
        self.named.get(name).map(String::as_str)
    }

    /// Keeps values that aren't blank, over those of before.
    fn take<'a>(&mut self, values: impl Iterator<Item = (&'a String, &'a str)>) {
        for (name, value) in values {
            if let (Some(name), false) = (names::known(name), value.is_empty()) {
                self.values.insert(name, value.to_owned());
            }
        }
    }

    /// The value of a variable without the quotes around it: `docker run --env-file` keeps those of the file.
    fn unquote<'a>(&mut self, name: &str, value: &'a str) -> &'a str {
        let (value, inner) = (value.trim(), unquoted(value));
        match names::known(name) {
            Some(name) if inner != value => {
                self.warn(
                    name,
                    format!("{name} has quotes around its value in the environment; they are ignored"),
                );
                inner.trim()
            }
            _ => value,
        }
    }

    fn check_names(&mut self, file: &Pairs) {
        let mut seen = BTreeSet::new();
        for name in file.iter().map(|(name, _)| name.as_str()) {
            let first = seen.insert(name);
            if let Some(known) = names::known(name) {
                if !first {
                    self.problem(known, format!("{known} is in .env twice"));
                }
            } else if self.is_named(name) {
                // It holds a secret of the settings file.
            } else if let Some(meant) = names::nearly(name) {
                self.told.insert(meant);
                self.problem(name, format!("{name} in .env is not a setting; did you mean {meant}?"));
            } else if first {
                self.warn_of_unknown(name);
            }
        }
    }

    fn is_named(&self, name: &str) -> bool {
        self.config.as_ref().is_some_and(|config| config.names().any(|named| named == name))
    }

    fn warn_of_unknown(&mut self, name: &str) {
        if names::is_showable(name) {
            self.warn(name, format!("{name} in .env is not a setting and has no effect"));
        } else {
            self.warn(".env", "A name in .env (not shown) is not a setting and has no effect".to_owned());
        }
    }

    /// The value of `name`; unset or wrong, which is then a problem, `None`.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<T> {
        debug_assert!(names::known(name).is_some(), "{name} is missing from NAMES");
        match parse(self.values.get(name)?) {
            Ok(value) => Some(value),
            Err(wanted) => {
                self.problem(name, format!("{name} {wanted}"));
                self.told.insert(name);
                None
            }
        }
    }

    /// The value of `name`; unset is a problem too.
    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<T> {
        let value = self.optional(name, parse);
        if value.is_none() && !self.told(name) {
            self.problem(name, format!("{name} is required"));
        }
        value
    }

    /// The value of `name`, else `default`.
    pub(super) fn or<T>(
        &mut self,
        name: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> T {
        self.optional(name, parse).unwrap_or(default)
    }

    /// The value of a variable that is no setting of ours, from the environment alone.
    pub(super) fn borrowed(&self, name: &str) -> Option<&str> {
        debug_assert!(names::BORROWED.contains(&name), "{name} is missing from BORROWED");
        self.borrowed.get(name).map(String::as_str)
    }

    /// The settings that have a value, good or bad.
    pub(super) fn set_names(&self) -> Vec<&'static str> {
        self.values.keys().copied().collect()
    }

    pub(super) fn told(&self, name: &str) -> bool {
        self.told.contains(name)
    }

    pub(super) fn problem(&mut self, name: &str, sentence: String) {
        self.problems.push(Problem { name: name.to_owned(), sentence });
    }

    pub(super) fn warn(&mut self, name: &str, sentence: String) {
        self.warnings.push(Warning { name: name.to_owned(), sentence });
    }
}

/// The value without blanks and a pair of quotes around it.
fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let inside = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inside('\'').or_else(|| inside('"')).unwrap_or(value)
}

/// The last value of this name that is not blank.
fn last<'a>(file: &'a Pairs, name: &str) -> Option<&'a str> {
    let values = file.iter().rev().filter(|(known, _)| known == name).map(|(_, value)| value.trim());
    values.into_iter().find(|value| !value.is_empty())
}
