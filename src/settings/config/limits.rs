//! The timeouts of a team or a route.

use std::time::Duration;

use super::{mistakes::Mistakes, table::Table};
use crate::{
    relay::{policy::Timeout, routing},
    settings::{
        parse,
        timeout::{TimeoutTexts, Timeouts},
    },
};

/// What both may say of their timeouts.
pub(super) const KEYS: [&str; 4] =
    ["waiting_timeout", "waiting_timeout_text", "idle_timeout", "idle_timeout_text"];

/// What a table says of its timeouts, before it is known what the environment says.
#[derive(Debug, Default)]
pub(super) struct Limits {
    waiting: Limit,
    idle: Limit,
}

#[derive(Debug, Default)]
struct Limit {
    after: Option<Option<Duration>>,
    text: Option<Option<String>>,
}

impl Limits {
    pub(super) fn read(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Self {
        let [waiting, waiting_text, idle, idle_text] = KEYS;
        Self {
            waiting: Limit::read(table, waiting, waiting_text, mistakes),
            idle: Limit::read(table, idle, idle_text, mistakes),
        }
    }

    /// With the texts of the environment where the table has none.
    pub(super) fn settings(self, environment: &Timeouts) -> routing::Limits {
        let TimeoutTexts { waiting, idle } = &environment.texts;
        routing::Limits { waiting: self.waiting.setting(waiting), idle: self.idle.setting(idle) }
    }
}

impl Limit {
    fn read(
        table: &mut Table<'_>,
        key: &'static str,
        text_key: &'static str,
        mistakes: &mut Mistakes,
    ) -> Self {
        let after = table.text(key, mistakes, parse::duration_or_off).map(|found| found.value);
        let text = table.text(text_key, mistakes, parse::text_or_off);
        if let (Some(text), false) = (&text, table.has(key)) {
            mistakes.add(text.at, format!("{text_key} needs {key}"));
        }
        Self { after, text: text.map(|found| found.value) }
    }

    fn setting(self, text: &Option<String>) -> routing::Limit {
        match self.after {
            None => routing::Limit::Unset,
            Some(None) => routing::Limit::Off,
            Some(Some(after)) => {
                routing::Limit::After(Timeout { after, text: self.text.unwrap_or_else(|| text.clone()) })
            }
        }
    }
}
