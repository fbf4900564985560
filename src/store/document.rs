//! Stored documents: JSON with the version of its format at the front, `{"v":1,...}`.
//!
//! A new field with a default changes no version: older relays don't see it. A format that an older relay would misread
//! gets a new version. An older relay does not use such a document, so both versions can use one store. Documents from
//! before there were versions have no version, and count as version 1.

use std::io::Write;

use serde::{Serialize, de::DeserializeOwned};

use super::{StoreError, platforms::PlatformState, replies::CannedReply, teams::TeamState};
use crate::relay::{
    buffer::Buffer,
    changes::{DeadLetter, Idempotent},
    contact::Contact,
    delivery::Delivery,
    event::Event,
    handoff::Handoff,
    thread::Row,
};

/// The event of a dead letter, also if it was stored as an unreadable document.
///
/// # Errors
/// It is of a later version, or damaged.
pub fn read_event(text: &str) -> Result<Event, StoreError> {
    read(text)
}

/// A type that is stored as a document.
pub trait Document: Serialize + DeserializeOwned {
    /// The version of the format that this relay writes. It also reads earlier versions.
    const VERSION: u32 = 1;
}

impl Document for Handoff {}
impl Document for Row {}
impl Document for Delivery {}
impl Document for Event {}
impl Document for Buffer {}
impl Document for DeadLetter {}
impl Document for Idempotent {}
impl Document for CannedReply {}
impl Document for PlatformState {}
impl Document for TeamState {}
impl Document for Contact {}

const PREFIX: &str = "{\"v\":";
/// Most documents are no longer, in bytes.
const USUAL_LENGTH: usize = 1_024;

/// The text to be stored.
///
/// # Errors
/// It is not a JSON object.
pub fn write<T: Document>(document: &T) -> Result<String, StoreError> {
    let mut bytes = Vec::with_capacity(USUAL_LENGTH);
    write!(bytes, "{PREFIX}{}", T::VERSION).map_err(serde_json::Error::io)?;
    let brace = bytes.len();
    serde_json::to_writer(&mut bytes, document)?;
    // The document's own opening brace becomes the comma behind its version.
    match &bytes[brace..] {
        b"{}" => drop(bytes.remove(brace)),
        [b'{', ..] => bytes[brace] = b',',
        _ => return Err(StoreError::Unreadable("the document is not a JSON object".to_owned())),
    }
    String::from_utf8(bytes).map_err(|error| StoreError::Unreadable(error.to_string()))
}

/// Parses a stored text.
///
/// # Errors
/// It is of a later version, or damaged.
pub fn read<T: Document>(text: &str) -> Result<T, StoreError> {
    let version = version(text);
    if version > T::VERSION {
        let known = T::VERSION;
        return Err(StoreError::Unreadable(format!(
            "it has version {version}, and this relay reads versions up to {known}"
        )));
    }
    Ok(serde_json::from_str(text)?)
}

fn version(text: &str) -> u32 {
    let digits = text.strip_prefix(PREFIX).and_then(|rest| rest.split([',', '}']).next());
    digits.map_or(1, |digits| digits.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_version_stands_in_front_and_a_later_one_is_left_alone() {
        let buffer = Buffer::default();
        let text = write(&buffer).unwrap();
        assert!(text.starts_with(r#"{"v":1,""#), "{text}");
        assert_eq!(read::<Buffer>(&text).unwrap(), buffer);
        let before = text.replacen(r#""v":1,"#, "", 1);
        assert_eq!(read::<Buffer>(&before).unwrap(), buffer, "of before there were versions");
        for later in ["2", "99999999999", "1.5", "\"b\""] {
            let text = text.replacen(r#""v":1"#, &format!(r#""v":{later}"#), 1);
            assert!(matches!(read::<Buffer>(&text), Err(StoreError::Unreadable(_))), "{text}");
        }
    }
}
