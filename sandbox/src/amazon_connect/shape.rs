//! The shapes of requests: their members, and the limits of each.

use serde_json::{Map, Value};

use super::error::ApiError;

/// What a member may be.
pub(super) enum Kind {
    /// At least and at most so many characters.
    Text(usize, usize),
    Number(i64, i64),
    Flag,
    OneOf(&'static [&'static str]),
    /// At least and at most so many of them.
    List(&'static Kind, usize, usize),
    /// Text under keys of letters, digits, `-` and `_`.
    Attributes,
    Map(&'static Kind),
    Object(&'static [Member]),
}

pub(super) struct Member {
    name: &'static str,
    kind: Kind,
    required: bool,
}

pub(super) const fn required(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, required: true }
}

pub(super) const fn optional(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, required: false }
}

/// The most bytes of all attributes, and of one key or value.
const ATTRIBUTES_BYTES: usize = 32_768;
const ATTRIBUTE_BYTES: usize = 32_767;

/// Whether a request has the members that it must have, and none beside those that it may have.
pub(super) fn check(members: &[Member], given: &Map<String, Value>) -> Result<(), ApiError> {
    check_object("", members, given).map_err(ApiError::validation)
}

fn check_object(path: &str, members: &[Member], given: &Map<String, Value>) -> Result<(), String> {
    for name in given.keys() {
        if !members.iter().any(|member| member.name == name) {
            return Err(format!("Unknown member {path}{name}"));
        }
    }
    for member in members {
        match given.get(member.name) {
            Some(value) => check_value(&format!("{path}{}", member.name), &member.kind, value)?,
            None if member.required => return Err(format!("Missing member {path}{}", member.name)),
            None => {}
        }
    }
    Ok(())
}

fn check_value(path: &str, kind: &Kind, value: &Value) -> Result<(), String> {
    let holds = match (kind, value) {
        (Kind::Text(least, most), Value::String(text)) => (*least..=*most).contains(&text.chars().count()),
        (Kind::Number(least, most), Value::Number(number)) => {
            number.as_i64().is_some_and(|number| (*least..=*most).contains(&number))
        }
        (Kind::Flag, Value::Bool(_)) => true,
        (Kind::OneOf(names), Value::String(name)) => names.contains(&name.as_str()),
        (Kind::List(kind, least, most), Value::Array(values)) => {
            for value in values {
                check_value(path, kind, value)?;
            }
            (*least..=*most).contains(&values.len())
        }
        (Kind::Attributes, Value::Object(attributes)) => return check_attributes(path, attributes),
        (Kind::Map(kind), Value::Object(values)) => {
            for (name, value) in values {
                check_value(&format!("{path}.{name}"), kind, value)?;
            }
            true
        }
        (Kind::Object(members), Value::Object(given)) => {
            return check_object(&format!("{path}."), members, given);
        }
        _ => return Err(format!("{path} has the wrong type")),
    };
    if holds { Ok(()) } else { Err(format!("{path} is out of its limits")) }
}

fn check_attributes(path: &str, attributes: &Map<String, Value>) -> Result<(), String> {
    let mut bytes = 0;
    for (key, value) in attributes {
        let Value::String(value) = value else { return Err(format!("{path}.{key} is no text")) };
        let is_plain = key.chars().all(|one| one.is_ascii_alphanumeric() || one == '-' || one == '_');
        if key.is_empty() || !is_plain {
            return Err(format!("{path} has a key that it may not have: {key}"));
        }
        if key.len() > ATTRIBUTE_BYTES || value.len() > ATTRIBUTE_BYTES {
            return Err(format!("{path}.{key} is too long"));
        }
        bytes += key.len() + value.len();
    }
    if bytes > ATTRIBUTES_BYTES { Err(format!("{path} has {bytes} bytes")) } else { Ok(()) }
}
