//! One `[[routes]]` of the file.

use regex::RegexBuilder;
use toml::{Spanned, de::DeValue};

use super::{
    language::language,
    limits::{self, Limits},
    mistakes::Mistakes,
    table::{Placed, Table},
    team::{self, HOURS_KEYS},
    waiting_room::{self, WaitingRoomTable},
};
use crate::{
    relay::{
        id::{AiAgentId, PlatformId, TeamName},
        routing::{Condition, Priority, Route, Test},
    },
    settings::{
        parse::{self, Parsed},
        timeout::Timeouts,
    },
};

/// What a route may say.
pub(super) const KEYS: [&str; 19] = {
    let [waiting, waiting_text, idle, idle_text] = limits::KEYS;
    let [hours, time_zone, holidays] = HOURS_KEYS;
    let [accept_text, queue_banner, waiting_texts] = waiting_room::KEYS;
    [
        "name",
        "ai_agents",
        "integrations",
        "channels",
        "languages",
        hours,
        time_zone,
        holidays,
        "context",
        "team",
        "priority",
        "platforms",
        waiting,
        waiting_text,
        idle,
        idle_text,
        accept_text,
        queue_banner,
        waiting_texts,
    ]
};

/// A compiled pattern may take so many bytes.
const PATTERN_BYTES: usize = 1 << 20;
const TEXT_CHARS: usize = 1_000;

/// What the file says of a route.
#[derive(Debug)]
pub(super) struct RouteTable {
    pub(super) name: Option<Placed<String>>,
    pub(super) ai_agents: Vec<Placed<String>>,
    pub(super) team: Option<Placed<String>>,
    pub(super) platforms: Option<Vec<Placed<String>>>,
    /// But that on AI Agents.
    conditions: Vec<Condition>,
    priority: Priority,
    limits: Limits,
    pub(super) waiting_room: WaitingRoomTable,
}

impl RouteTable {
    pub(super) fn read(mut table: Table<'_>, mistakes: &mut Mistakes) -> Self {
        let t = &mut table;
        let name = t.text("name", mistakes, parse::listed_name);
        t.require("name", mistakes);
        let mut conditions = Vec::new();
        for (key, condition, parse) in [
            (
                "integrations",
                Condition::Integration as fn(Vec<String>) -> _,
                word as fn(&str) -> Parsed<String>,
            ),
            ("channels", Condition::Channel, word),
            ("languages", Condition::Language, language),
        ] {
            let texts = t.texts(key, mistakes, parse);
            conditions.extend(texts.map(|texts| condition(values(texts))));
        }
        conditions.extend(team::hours(t, mistakes).map(|(hours, text)| Condition::Hours { hours, text }));
        for (name, value) in t.fields("context", mistakes) {
            conditions.extend(test(&name, value, mistakes).map(|test| Condition::Field { name, test }));
        }
        let read = Self {
            name,
            ai_agents: t.texts("ai_agents", mistakes, word).unwrap_or_default(),
            team: t.text("team", mistakes, parse::listed_name),
            platforms: t.texts("platforms", mistakes, word),
            conditions,
            priority: t
                .text("priority", mistakes, priority)
                .map_or_else(Priority::default, |found| found.value),
            limits: Limits::read(t, mistakes),
            waiting_room: WaitingRoomTable::read(t, mistakes),
        };
        t.refuse_others(&KEYS, mistakes);
        read
    }

    /// The route; `None` if something is wrong, which has been told.
    pub(super) fn settings(self, environment: &Timeouts) -> Option<Route> {
        let ids: Vec<AiAgentId> = self.ai_agents.into_iter().map(|id| AiAgentId(id.value)).collect();
        let of_ai_agents = (!ids.is_empty()).then_some(Condition::AiAgent(ids));
        let platforms = |ids: Vec<Placed<String>>| ids.into_iter().map(|id| PlatformId(id.value)).collect();
        Some(Route {
            name: self.name?.value,
            conditions: of_ai_agents.into_iter().chain(self.conditions).collect(),
            team: self.team.map(|team| TeamName(team.value)),
            priority: self.priority,
            platforms: self.platforms.map(platforms),
            limits: self.limits.settings(environment),
            waiting_room: self.waiting_room.own,
        })
    }
}

fn values(texts: Vec<Placed<String>>) -> Vec<String> {
    texts.into_iter().map(|text| text.value).collect()
}

fn word(text: &str) -> Parsed<String> {
    match text.chars().count() {
        1..=TEXT_CHARS => Ok(text.to_owned()),
        _ => Err(format!("must be texts of 1 to {TEXT_CHARS} characters")),
    }
}

fn priority(text: &str) -> Parsed<Priority> {
    let found = Priority::ALL.into_iter().find(|priority| priority.as_str() == text);
    found.ok_or_else(|| "must be low, normal, high or urgent".to_owned())
}

/// What a field must be: a value, one of several, a pattern, or there at all.
fn test(name: &str, value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Test> {
    let mut is_too_large = false;
    let found = match value.get_ref() {
        DeValue::Array(several) if several.is_empty() => None,
        DeValue::Array(several) => {
            several.iter().map(|one| scalar(one.get_ref())).collect::<Option<_>>().map(Test::OneOf)
        }
        DeValue::Table(table) if table.len() == 1 => {
            table.iter().next().and_then(|(key, wanted)| match (&**key.get_ref(), wanted.get_ref()) {
                ("matches", DeValue::String(pattern)) => {
                    let built = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build();
                    is_too_large = matches!(built, Err(regex::Error::CompiledTooBig(_)));
                    built.ok().map(Test::Matches)
                }
                ("present", DeValue::Boolean(true)) => Some(Test::Present),
                ("present", DeValue::Boolean(false)) => Some(Test::Absent),
                _ => None,
            })
        }
        one => scalar(one).map(|value| Test::OneOf(vec![value])),
    };
    if found.is_none() {
        let sentence = if is_too_large {
            format!("the regular expression of context.{name} is too large")
        } else {
            format!(
                "context.{name} must be a value, a list of values, {{ present = true }}, or {{ matches = \"...\" }} with a \
                 regular expression"
            )
        };
        mistakes.add(value.span().start, sentence);
    }
    found
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => word(text.trim()).ok(),
        DeValue::Integer(number) => {
            Some(i64::from_str_radix(number.as_str(), number.radix()).ok()?.to_string())
        }
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}
