//! The conditions of a route, and what they look at.

use std::fmt;

use regex::Regex;
use serde_json::{Map, Value};

use crate::relay::{
    context::is_unfilled,
    hours::{Hours, Opening},
    id::AiAgentId,
    time::Time,
};

const CHANNEL_FIELD: &str = "channel";
const LANGUAGE_FIELD: &str = "language";
const INTEGRATION_FIELD: &str = "integration";

/// What is known of a handoff when it is routed.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Whose it is.
    pub ai_agent: &'a AiAgentId,
    /// The fields of its start call.
    pub context: &'a Map<String, Value>,
    /// The language of the AI Agent's customers, unless they say another.
    pub language: Option<&'a str>,
    /// The time, by our clock.
    pub now: Time,
}

/// Something that must hold.
#[derive(Clone, Debug)]
pub enum Condition {
    /// It belongs to one of these AI Agents.
    AiAgent(Vec<AiAgentId>),
    /// The start call names one of these handoff integrations.
    Integration(Vec<String>),
    /// The customer writes on one of these channels.
    Channel(Vec<String>),
    /// The customer speaks one of these languages: `de` is also `de-AT`.
    Language(Vec<String>),
    /// It is one of these hours.
    Hours {
        /// The hours.
        hours: Hours,
        /// As they are written.
        text: String,
    },
    /// A field of the start call is as the test wants it.
    Field {
        /// Its name.
        name: String,
        /// The test.
        test: Test,
    },
}

/// What a field must be.
#[derive(Clone, Debug)]
pub enum Test {
    /// One of these, in any case of letters. Numbers and truth values are compared as they are written.
    OneOf(Vec<String>),
    /// This pattern is found in it.
    Matches(Regex),
    /// It is there, and has a value.
    Present,
    /// It is not there, or has no value.
    Absent,
}

impl Facts<'_> {
    /// A field as text; none if it is absent, empty, an unfilled variable, or more than one value.
    pub fn text(&self, field: &str) -> Option<String> {
        text(self.context.get(field)?)
    }

    /// The language that the customer speaks.
    pub fn language(&self) -> Option<String> {
        self.text(LANGUAGE_FIELD).or_else(|| self.language.map(str::to_owned))
    }

    /// The channel that the start call names.
    pub fn channel(&self) -> Option<String> {
        let value = self.context.get(CHANNEL_FIELD)?;
        // As Ada's events have it.
        text(value.get("modality").unwrap_or(value))
    }

    fn has(&self, field: &str) -> bool {
        match self.context.get(field) {
            None | Some(Value::Null) => false,
            Some(Value::Array(values)) => !values.is_empty(),
            Some(Value::Object(fields)) => !fields.is_empty(),
            Some(value) => text(value).is_some(),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty() && !is_unfilled(&text)).then_some(text)
}

impl Condition {
    /// Whether it holds.
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::AiAgent(ids) => ids.contains(facts.ai_agent),
            Self::Integration(wanted) => {
                facts.text(INTEGRATION_FIELD).is_some_and(|named| is_one_of(&named, wanted))
            }
            Self::Channel(channels) => facts.channel().is_some_and(|channel| is_one_of(&channel, channels)),
            Self::Language(languages) => facts
                .language()
                .is_some_and(|spoken| languages.iter().any(|wanted| is_spoken(&spoken, wanted))),
            Self::Hours { hours, .. } => Opening::at(facts.now, Some(hours), None).is_open,
            Self::Field { name, test } => match test {
                Test::OneOf(values) => facts.text(name).is_some_and(|text| is_one_of(&text, values)),
                Test::Matches(pattern) => facts.text(name).is_some_and(|text| pattern.is_match(&text)),
                Test::Present => facts.has(name),
                Test::Absent => !facts.has(name),
            },
        }
    }

    /// What it looks at, as it is; none if there is nothing.
    pub fn found(&self, facts: &Facts<'_>) -> Option<String> {
        match self {
            Self::AiAgent(_) => Some(facts.ai_agent.as_str().to_owned()),
            Self::Integration(_) => facts.text(INTEGRATION_FIELD),
            Self::Channel(_) => facts.channel(),
            Self::Language(_) => facts.language(),
            Self::Hours { hours, .. } => hours.clock(facts.now),
            Self::Field { name, .. } => {
                facts.text(name).or_else(|| facts.has(name).then(|| "a list or an object".to_owned()))
            }
        }
    }
}

/// What it wants, such as `language is de or at`.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AiAgent(ids) => {
                let ids: Vec<&str> = ids.iter().map(AiAgentId::as_str).collect();
                write!(f, "the AI Agent is {}", ids.join(" or "))
            }
            Self::Integration(names) => write!(f, "integration is {}", names.join(" or ")),
            Self::Channel(channels) => write!(f, "channel is {}", channels.join(" or ")),
            Self::Language(languages) => write!(f, "language is {}", languages.join(" or ")),
            Self::Hours { text, .. } => write!(f, "the time is {text}"),
            Self::Field { name, test } => match test {
                Test::OneOf(values) => write!(f, "{name} is {}", values.join(" or ")),
                Test::Matches(pattern) => write!(f, "{name} matches {pattern}"),
                Test::Present => write!(f, "{name} is present"),
                Test::Absent => write!(f, "{name} is absent"),
            },
        }
    }
}

fn is_one_of(text: &str, values: &[String]) -> bool {
    let text = text.to_lowercase();
    values.iter().any(|value| value.to_lowercase() == text)
}

/// Whether a language is the one that is wanted: `de-AT` is `de`, too.
pub(super) fn is_spoken(spoken: &str, wanted: &str) -> bool {
    let (spoken, wanted) = (plain(spoken), plain(wanted));
    spoken.strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// A language tag: `de_AT` is `de-at`.
fn plain(language: &str) -> String {
    language.to_lowercase().replace('_', "-")
}
