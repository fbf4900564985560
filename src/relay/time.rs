//! Instants. Kept in microseconds, shown in RFC 3339 UTC with milliseconds.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant in microseconds since the Unix epoch.
///
/// Ada's `timestamp` has millisecond precision, its `created_at` may have more; the extra digits only
/// break ties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// Neither RFC 3339 nor a date and time without offset.
#[derive(Debug, thiserror::Error)]
#[error("not an RFC 3339 time")]
pub struct NotATime;

impl Time {
    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis * 1_000)
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Cut to whole milliseconds, which is what readers see and sort by.
    pub const fn floor_millis(self) -> Self {
        Self(self.0.div_euclid(1_000) * 1_000)
    }

    /// The second this instant lies in.
    pub const fn second(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// How long after `earlier` this is; zero if it isn't.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Moved by a signed offset.
    #[must_use]
    pub const fn shifted(self, offset: Offset) -> Self {
        Self(self.0.saturating_add(offset.0))
    }
}

impl std::ops::Add<Duration> for Time {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub<Duration> for Time {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// Ada's clock minus ours, in microseconds. Zero until an answer with a `Date` has arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offset(i64);

impl Offset {
    /// The offset that makes `ours` read `theirs`.
    pub const fn between(ours: Time, theirs: Time) -> Self {
        Self(theirs.0.saturating_sub(ours.0))
    }

    /// From microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// In microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

impl FromStr for Time {
    type Err = NotATime;

    /// A time without an offset is taken as UTC: Ada's older answers leave it out. Digits behind the nanosecond are
    /// cut.
    fn from_str(text: &str) -> Result<Self, NotATime> {
        let text = &*to_nanoseconds(text);
        let stamp = match text.parse::<Timestamp>() {
            Ok(stamp) => stamp,
            Err(_) => text
                .parse::<DateTime>()
                .and_then(|naive| naive.to_zoned(TimeZone::UTC))
                .map_err(|_| NotATime)?
                .timestamp(),
        };
        Ok(Self(stamp.as_microsecond()))
    }
}

/// The text without the fraction's digits behind the ninth.
fn to_nanoseconds(text: &str) -> Cow<'_, str> {
    const DIGITS: usize = 9;
    let Some(begin) = text.find(['.', ',']).map(|at| at + 1) else { return text.into() };
    let digits = text[begin..].bytes().take_while(u8::is_ascii_digit).count();
    if digits <= DIGITS {
        return text.into();
    }
    format!("{}{}", &text[..begin + DIGITS], &text[begin + digits..]).into()
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_microsecond(self.floor_millis().0) {
            Ok(stamp) => write!(f, "{stamp:.3}"),
            Err(_) => f.write_str("out of range"),
        }
    }
}

/// Stored in microseconds. It becomes text where it leaves the process.
impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_ada_writes_and_shows_milliseconds() {
        for (text, shown) in [
            ("2026-11-21T04:30:00Z", "2026-11-21T04:30:00.000Z"),
            ("2026-11-21T04:30:00.123456+00:00", "2026-11-21T04:30:00.123Z"),
            ("2026-11-21T06:30:00.9999+02:00", "2026-11-21T04:30:00.999Z"),
            ("2026-11-21T04:30:00.5", "2026-11-21T04:30:00.500Z"),
            ("2026-11-21T04:30:00.1234567899Z", "2026-11-21T04:30:00.123Z"),
            ("2026-11-21T06:30:00.12345678901234567890+02:00", "2026-11-21T04:30:00.123Z"),
            ("1969-12-31T23:59:59.9995Z", "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(text.parse::<Time>().unwrap().to_string(), shown, "{text}");
        }
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "1700000000"] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }
}
