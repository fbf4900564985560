//! One table of the file: its keys are taken one by one, and what is left is a mistake.

use std::collections::BTreeSet;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::mistakes::Mistakes;
use crate::settings::parse::{Parsed, listed_name};

/// So many slips of the finger still count as the same key.
const SLIPS: usize = 2;
/// A longer name that nobody knows is not repeated: it may be a secret in the wrong place.
const SHOWN_CHARS: usize = 30;

/// A value, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub(super) at: usize,
    pub(super) value: T,
}

/// A table that is being read.
pub(super) struct Table<'t> {
    table: &'t DeTable<'t>,
    /// Where it begins.
    pub(super) at: usize,
    /// How sentences call it.
    name: &'static str,
    taken: BTreeSet<&'static str>,
}

impl<'t> Table<'t> {
    pub(super) const fn new(table: &'t DeTable<'t>, at: usize, name: &'static str) -> Self {
        Self { table, at, name, taken: BTreeSet::new() }
    }

    fn take(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.taken.insert(key);
        self.table.get(key)
    }

    /// Whether the key is there, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether the value of this key is a list of nothing.
    pub(super) fn is_empty_list(&self, key: &str) -> bool {
        let list = self.table.get(key).and_then(|value| value.get_ref().as_array());
        list.is_some_and(|list| list.is_empty())
    }

    /// Where the value of this key stands; where the table begins, if it is not there.
    pub(super) fn place(&self, key: &str) -> usize {
        self.table.get(key).map_or(self.at, |value| value.span().start)
    }

    /// A text.
    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<Placed<T>> {
        let value = self.take(key)?;
        let parsed = match value.get_ref() {
            DeValue::String(text) => parse(text.trim()),
            _ => Err("must be a text in quotes".to_owned()),
        };
        placed(key, value, parsed, mistakes)
    }

    /// A list of texts, which is not empty and has none twice. Wrong ones are named by number.
    pub(super) fn texts(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
        parse: impl Fn(&str) -> Parsed<String>,
    ) -> Option<Vec<Placed<String>>> {
        let value = self.take(key)?;
        let DeValue::Array(list) = value.get_ref() else {
            mistakes.add(value.span().start, format!("{key} must be a list of texts, such as [\"...\"]"));
            return None;
        };
        if list.is_empty() {
            mistakes.add(value.span().start, format!("{key} must not be empty"));
            return None;
        }
        let mut texts: Vec<Placed<String>> = Vec::new();
        for (place, entry) in list.iter().enumerate() {
            let parsed = match entry.get_ref() {
                DeValue::String(text) => parse(text.trim()),
                _ => Err("must be texts in quotes".to_owned()),
            };
            match parsed {
                Ok(text) if texts.iter().any(|other| other.value == text) => {
                    mistakes.add(entry.span().start, format!("{key} has the same text twice"));
                }
                Ok(value) => texts.push(Placed { at: entry.span().start, value }),
                Err(wanted) => {
                    mistakes.add(entry.span().start, format!("{key} {wanted}: see number {}", place + 1));
                }
            }
        }
        (texts.len() == list.len()).then_some(texts)
    }

    /// A whole number, which `parse` gets in decimal.
    pub(super) fn number<T>(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<T> {
        let value = self.take(key)?;
        let parsed = match value.get_ref() {
            DeValue::Integer(number) => {
                let number = i64::from_str_radix(number.as_str(), number.radix());
                parse(&number.map_or_else(|_| String::new(), |number| number.to_string()))
            }
            // Not a number at all: `parse` says what is wanted.
            _ => parse(""),
        };
        Some(placed(key, value, parsed, mistakes)?.value)
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<bool> {
        let value = self.take(key)?;
        let parsed = match value.get_ref() {
            DeValue::Boolean(truth) => Ok(*truth),
            _ => Err("must be true or false".to_owned()),
        };
        Some(placed(key, value, parsed, mistakes)?.value)
    }

    /// A list of tables, written as `[[key]]`; none if the key is absent.
    pub(super) fn tables(
        &mut self,
        key: &'static str,
        name: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<Vec<Table<'t>>> {
        self.tables_as(key, name, name, mistakes)
    }

    /// The same of tables that are written in another `form`.
    pub(super) fn tables_as(
        &mut self,
        key: &'static str,
        name: &'static str,
        form: &str,
        mistakes: &mut Mistakes,
    ) -> Option<Vec<Table<'t>>> {
        let Some(value) = self.take(key) else { return Some(Vec::new()) };
        let list = value.get_ref().as_array().map(|list| {
            list.iter().map(|entry| Some(Table::new(entry.get_ref().as_table()?, entry.span().start, name)))
        });
        let tables: Option<Vec<Table<'t>>> = list.and_then(Iterator::collect);
        if tables.is_none() {
            mistakes.add(value.span().start, format!("{key} must be written as {form}"));
        }
        tables
    }

    /// The fields of a table within this one, whatever they are called; none if the key is absent. A longer or invisible
    /// name is a mistake.
    pub(super) fn fields(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
    ) -> Vec<(String, &'t Spanned<DeValue<'t>>)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            mistakes.add(value.span().start, format!("{key} must be fields, such as {key}.plan = \"gold\""));
            return Vec::new();
        };
        let mut fields = Vec::new();
        for (name, value) in table {
            match listed_name(name.get_ref()) {
                Ok(name) => fields.push((name, value)),
                Err(wanted) => mistakes.add(name.span().start, format!("the name of a field {wanted}")),
            }
        }
        fields
    }

    /// A key that is known, and may not be there.
    pub(super) fn refuse(&mut self, key: &'static str, why: &str, mistakes: &mut Mistakes) {
        if let Some(value) = self.take(key) {
            mistakes.add(value.span().start, format!("{key} {why}"));
        }
    }

    /// A key that must be there is not.
    pub(super) fn require(&self, key: &str, mistakes: &mut Mistakes) {
        if !self.has(key) {
            mistakes.add(self.at, format!("{} needs {key}", self.name));
        }
    }

    /// What nobody has taken is a mistake.
    pub(super) fn refuse_others(&self, known: &[&'static str], mistakes: &mut Mistakes) {
        for key in self.table.keys().filter(|key| !self.taken.contains(&**key.get_ref())) {
            mistakes.add(key.span().start, unknown(key.get_ref(), self.name, known));
        }
    }
}

fn placed<T>(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    parsed: Parsed<T>,
    mistakes: &mut Mistakes,
) -> Option<Placed<T>> {
    let at = value.span().start;
    match parsed {
        Ok(value) => Some(Placed { at, value }),
        Err(wanted) => {
            mistakes.add(at, format!("{key} {wanted}"));
            None
        }
    }
}

fn unknown(key: &str, of: &str, known: &[&'static str]) -> String {
    let is_showable = key.len() <= SHOWN_CHARS
        && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-');
    let shown = if is_showable { key } else { "this key (not shown)" };
    let meant = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&key.to_ascii_lowercase().replace('-', "_"), known), known))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= SLIPS);
    match meant {
        Some((_, meant)) => format!("{shown} is no key of {of}; did you mean {meant}?"),
        None => format!("{shown} is no key of {of}"),
    }
}
