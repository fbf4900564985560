//! What decides whether an event is ours. It is read no further than that takes: most webhooks may be of others.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};

use crate::json::{Name, Tree};

/// Of an event's `data`: whose it is.
pub const INTEGRATION: &str = "handoff_integration";
/// And where it happened.
pub const CONVERSATION: &str = "conversation_id";

/// The deciding fields of an event, as far as they were read.
#[derive(Default)]
pub struct Deciding<'a> {
    /// Its `type`.
    pub name: Option<Cow<'a, str>>,
    /// Those of its `data`. Of a name that stands twice the last counts.
    pub data: Vec<(Cow<'a, str>, Tree<'a>)>,
}

impl<'a> Deciding<'a> {
    /// Reads mended bytes until this is enough, or to their end. None if they can't be read so far.
    pub fn read(mended: &'a [u8], is_enough: impl Fn(&Self) -> bool) -> Option<Self> {
        let text = std::str::from_utf8(mended).ok()?;
        let mut reading = Reading { found: Self::default(), is_enough, was_enough: false };
        let mut json = serde_json::Deserializer::from_str(text);
        let whole = Part { reading: &mut reading, is_data: false }.deserialize(&mut json);
        let is_read = reading.was_enough || whole.and_then(|()| json.end()).is_ok();
        is_read.then_some(reading.found)
    }

    /// A field of the data, if it was read.
    pub fn field(&self, name: &str) -> Option<&Tree<'a>> {
        self.data.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

struct Reading<'a, E> {
    found: Deciding<'a>,
    is_enough: E,
    was_enough: bool,
}

/// The event, or the data in it.
struct Part<'r, 'a, E> {
    reading: &'r mut Reading<'a, E>,
    is_data: bool,
}

impl<'de, E: Fn(&Deciding<'de>) -> bool> DeserializeSeed<'de> for Part<'_, 'de, E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, E: Fn(&Deciding<'de>) -> bool> Visitor<'de> for Part<'_, 'de, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            let found = &mut self.reading.found;
            match (self.is_data, &*name) {
                (false, "type") => found.name = Some(map.next_value::<Name<'de>>()?.0),
                (false, "data") => {
                    found.data.clear();
                    map.next_value_seed(Part { reading: &mut *self.reading, is_data: true })?;
                }
                (true, INTEGRATION | CONVERSATION) => found.data.push((name, map.next_value()?)),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            }
            if (self.reading.is_enough)(&self.reading.found) {
                // The reader takes what is left for a mistake, which costs less than to make one here.
                self.reading.was_enough = true;
                return Ok(());
            }
        }
        Ok(())
    }
}
