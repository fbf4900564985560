//! What the dial's JSON has in common: durations are whole milliseconds, and numbers have sensible ends.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest wait that can be asked for: ten minutes, past any client's patience.
const LONGEST_MS: u64 = 600_000;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    min: u64,
    max: u64,
}

pub(super) fn to_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn from_ms<E: Error>(ms: u64) -> Result<Duration, E> {
    if ms > LONGEST_MS {
        return Err(E::custom(format!("{ms} ms is too long: at most {LONGEST_MS}")));
    }
    Ok(Duration::from_millis(ms))
}

/// `{"min": 0, "max": 500}`
pub(super) mod range_ms {
    use super::{
        Deserialize, Deserializer, Duration, Error, Range, RangeInclusive, Serialize, Serializer, from_ms,
        to_ms,
    };

    pub(in crate::dial) fn serialize<S: Serializer>(
        range: &RangeInclusive<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Range { min: to_ms(*range.start()), max: to_ms(*range.end()) }.serialize(serializer)
    }

    pub(in crate::dial) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<RangeInclusive<Duration>, D::Error> {
        let Range { min, max } = Range::deserialize(deserializer)?;
        if min > max {
            return Err(D::Error::custom("min is larger than max"));
        }
        Ok(from_ms(min)?..=from_ms(max)?)
    }
}

/// A duration as a number of milliseconds.
pub(super) mod ms {
    use super::{Deserialize, Deserializer, Duration, Serializer, from_ms, to_ms};

    pub(in crate::dial) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(to_ms(*duration))
    }

    pub(in crate::dial) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        from_ms(u64::deserialize(deserializer)?)
    }
}

/// A count of which 0 makes no sense.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(D::Error::custom("0 makes no sense here: 1 or more")),
        count => Ok(count),
    }
}

/// A count that may be missing.
pub(super) fn maybe_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    match Option::deserialize(deserializer)? {
        Some(0) => Err(D::Error::custom("0 makes no sense here: 1 or more, or null for never")),
        count => Ok(count),
    }
}

/// A number of bytes a second.
pub(super) fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        0 => Err(D::Error::custom("0 bytes a second make no sense here: 1 or more, or hang_after")),
        rate => Ok(rate),
    }
}

/// The status of an answer. Others than these can't end a request.
pub(super) fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    match u16::deserialize(deserializer)? {
        status @ 200..=599 => Ok(status),
        other => Err(D::Error::custom(format!("{other} is no status of an answer: from 200 to 599"))),
    }
}
