//! Hours of operation: when a queue is open, week by week.

use jiff::{Timestamp, civil::Weekday, tz::TimeZone};
use serde::{Deserialize, Deserializer};

use crate::relay::time::Time;

/// The weekly hours of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Hours {
    /// Its IANA name, such as `Europe/Berlin`.
    pub time_zone: String,
    /// When it is open. Several of a day are possible.
    #[serde(rename = "Config", default)]
    pub entries: Vec<Entry>,
}

/// One span of being open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Entry {
    /// The day on which it begins.
    #[serde(deserialize_with = "day")]
    pub day: Weekday,
    /// Hours and minutes.
    #[serde(rename = "StartTime", deserialize_with = "clock")]
    pub start: (u8, u8),
    /// Hours and minutes of its end, which is no longer open. Unless later than the start, it is on the next day.
    #[serde(rename = "EndTime", deserialize_with = "clock")]
    pub end: (u8, u8),
}

/// The time zone is none that is known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time zone of the hours of operation is unknown")]
pub struct UnknownTimeZone;

impl Hours {
    /// Whether it is open at this instant.
    ///
    /// # Errors
    /// The time zone is unknown.
    pub fn is_open(&self, at: Time) -> Result<bool, UnknownTimeZone> {
        let zone = TimeZone::get(&self.time_zone).map_err(|_| UnknownTimeZone)?;
        let stamp = Timestamp::from_microsecond(at.as_micros()).map_err(|_| UnknownTimeZone)?;
        let there = zone.to_datetime(stamp);
        let now = (u8::try_from(there.hour()).unwrap_or(0), u8::try_from(there.minute()).unwrap_or(0));
        Ok(self.entries.iter().any(|entry| entry.contains(there.weekday(), now)))
    }
}

impl Entry {
    fn contains(&self, day: Weekday, now: (u8, u8)) -> bool {
        if self.start < self.end {
            return day == self.day && (self.start..self.end).contains(&now);
        }
        (day == self.day && now >= self.start) || (day == self.day.next() && now < self.end)
    }
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Weekday, D::Error> {
    const DAYS: [(&str, Weekday); 7] = [
        ("MONDAY", Weekday::Monday),
        ("TUESDAY", Weekday::Tuesday),
        ("WEDNESDAY", Weekday::Wednesday),
        ("THURSDAY", Weekday::Thursday),
        ("FRIDAY", Weekday::Friday),
        ("SATURDAY", Weekday::Saturday),
        ("SUNDAY", Weekday::Sunday),
    ];
    let name = String::deserialize(deserializer)?;
    let found = DAYS.iter().find(|(known, _)| *known == name).map(|(_, day)| *day);
    found.ok_or_else(|| serde::de::Error::custom("not a day"))
}

fn clock<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(u8, u8), D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Slice {
        hours: u8,
        #[serde(default)]
        minutes: u8,
    }
    Slice::deserialize(deserializer).map(|slice| (slice.hours, slice.minutes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    type Span = (Weekday, (u8, u8), (u8, u8));

    fn hours(zone: &str, entries: &[Span]) -> Hours {
        let entries = entries.iter().map(|(day, start, end)| Entry { day: *day, start: *start, end: *end });
        Hours { time_zone: zone.to_owned(), entries: entries.collect() }
    }

    #[test]
    fn it_is_open_where_the_queue_is() {
        let weekday = hours("Europe/Berlin", &[(Weekday::Monday, (9, 0), (17, 30))]);
        let night = hours("America/New_York", &[(Weekday::Saturday, (22, 0), (2, 0))]);
        let always = hours("UTC", &[(Weekday::Sunday, (0, 0), (0, 0))]);
        let split = hours("UTC", &[(Weekday::Monday, (9, 0), (12, 0)), (Weekday::Monday, (13, 0), (17, 0))]);
        for (hours, at, is_open) in [
            // Winter, and summer: the zone's own clock counts.
            (&weekday, "2026-11-23T08:00:00Z", true),
            (&weekday, "2026-11-23T07:59:59Z", false),
            (&weekday, "2026-11-23T16:29:59Z", true),
            (&weekday, "2026-11-23T16:30:00Z", false),
            (&weekday, "2026-07-20T07:00:00Z", true),
            (&weekday, "2026-07-20T06:59:00Z", false),
            (&weekday, "2026-11-24T10:00:00Z", false),
            (&night, "2026-11-22T03:00:00Z", true),
            (&night, "2026-11-22T02:59:59Z", false),
            (&night, "2026-11-22T06:59:59Z", true),
            (&night, "2026-11-22T07:00:00Z", false),
            (&night, "2026-11-21T06:00:00Z", false),
            (&always, "2026-11-22T00:00:00Z", true),
            (&always, "2026-11-22T23:59:59Z", true),
            (&always, "2026-11-23T00:00:00Z", false),
            (&always, "2026-11-21T23:59:59Z", false),
            (&split, "2026-11-23T12:30:00Z", false),
            (&split, "2026-11-23T13:00:00Z", true),
        ] {
            assert_eq!(hours.is_open(at.parse().unwrap()), Ok(is_open), "{hours:?} {at}");
        }
        assert_eq!(hours("Mars/Base", &[]).is_open(Time::default()), Err(UnknownTimeZone));
    }
}
