//! A day by the clocks of a time zone, which may have 23 or 25 hours.

use std::time::Duration;

use jiff::{Timestamp, Zoned, civil::Date, tz::TimeZone};

use crate::relay::time::Time;

const HOUR: Duration = Duration::from_hours(1);
/// `2026-11-30`.
const DATE_LENGTH: usize = 10;

/// See the module.
#[derive(Clone, Debug)]
pub struct Day {
    /// Which one.
    pub date: Date,
    zone: TimeZone,
    /// Its first instant.
    pub from: Time,
    /// The first instant of the next day.
    pub until: Time,
}

impl Day {
    /// That of this date. `None` if it is out of range.
    pub fn new(date: Date, zone: TimeZone) -> Option<Self> {
        let begin = |date: Date| Some(time(&date.to_zoned(zone.clone()).ok()?));
        let (from, until) = (begin(date)?, begin(date.tomorrow().ok()?)?);
        Some(Self { date, zone, from, until })
    }

    /// The one in which this instant lies. `None` if it is out of range.
    pub fn of(at: Time, zone: TimeZone) -> Option<Self> {
        let date = local(at, &zone)?.date();
        Self::new(date, zone)
    }

    /// The date that a text such as `2026-11-30` names.
    pub fn date(text: &str) -> Option<Date> {
        text.parse().ok().filter(|_| text.len() == DATE_LENGTH)
    }

    /// The time zone with a name such as `Europe/Berlin`.
    pub fn zone(name: &str) -> Option<TimeZone> {
        TimeZone::get(name).ok()
    }

    /// The name of its time zone.
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// When its hours begin. They are counted from its beginning, so that each has the same length, whatever the clocks
    /// do; only the last one may be shorter.
    pub fn hours(&self) -> impl Iterator<Item = Time> {
        let until = self.until;
        std::iter::successors(Some(self.from), |at| Some(*at + HOUR)).take_while(move |at| *at < until)
    }

    /// In which of its hours an instant lies, from 0.
    pub fn hour_of(&self, at: Time) -> usize {
        usize::try_from(at.since(self.from).as_secs() / HOUR.as_secs()).unwrap_or(usize::MAX)
    }

    /// What its clocks show at an instant: `09:00`.
    pub fn clock(&self, at: Time) -> String {
        self.shown(at, "%H:%M")
    }

    /// The date and the time that its clocks show at an instant: `2026-11-30 09:00:00`.
    pub fn date_and_clock(&self, at: Time) -> String {
        self.shown(at, "%Y-%m-%d %H:%M:%S")
    }

    fn shown(&self, at: Time, format: &str) -> String {
        local(at, &self.zone).map_or_else(String::new, |local| local.strftime(format).to_string())
    }
}

fn time(zoned: &Zoned) -> Time {
    Time::from_micros(zoned.timestamp().as_microsecond())
}

fn local(at: Time, zone: &TimeZone) -> Option<Zoned> {
    Some(Timestamp::from_microsecond(at.as_micros()).ok()?.to_zoned(zone.clone()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn day(date: &str, zone: &str) -> Day {
        Day::new(Day::date(date).unwrap(), Day::zone(zone).unwrap()).unwrap()
    }

    #[test]
    fn a_day_begins_and_ends_by_the_clocks_of_its_zone() {
        for (date, zone, from, hours, third) in [
            ("2026-11-30", "UTC", "2026-11-30T00:00:00.000Z", 24, "02:00"),
            ("2026-11-30", "Europe/Berlin", "2026-11-29T23:00:00.000Z", 24, "02:00"),
            ("2026-11-30", "Asia/Kolkata", "2026-11-29T18:30:00.000Z", 24, "02:00"),
            // The clocks go forward at 2, and back at 3.
            ("2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00.000Z", 23, "03:00"),
            ("2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00.000Z", 25, "02:00"),
            ("2026-11-01", "America/New_York", "2026-11-01T04:00:00.000Z", 25, "01:00"),
            // By half an hour.
            ("2026-04-05", "Australia/Lord_Howe", "2026-04-04T13:00:00.000Z", 25, "01:30"),
            // This day began at 1.
            ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00.000Z", 23, "03:00"),
            // This one was left out.
            ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00.000Z", 0, ""),
        ] {
            let day = day(date, zone);
            assert_eq!(day.from.to_string(), from, "{date} {zone}");
            let begins: Vec<Time> = day.hours().collect();
            assert_eq!(begins.len(), hours, "{date} {zone}");
            assert_eq!(begins.get(2).map_or_else(String::new, |at| day.clock(*at)), third, "{date} {zone}");
            for (number, begin) in begins.iter().enumerate() {
                assert_eq!(day.hour_of(*begin), number);
                assert_eq!(day.hour_of(*begin + (HOUR - Duration::from_micros(1))), number);
            }
            assert_eq!(day.zone_name(), zone);
        }
    }

    #[test]
    fn the_day_of_an_instant_is_that_of_its_zone() {
        let at = "2026-11-30T23:30:00Z".parse().unwrap();
        for (zone, date, shown) in [
            ("UTC", "2026-11-30", "2026-11-30 23:30:00"),
            ("Europe/Berlin", "2026-12-01", "2026-12-01 00:30:00"),
            ("America/New_York", "2026-11-30", "2026-11-30 18:30:00"),
        ] {
            let day = Day::of(at, Day::zone(zone).unwrap()).unwrap();
            assert_eq!((day.date.to_string().as_str(), &*day.date_and_clock(at)), (date, shown), "{zone}");
            assert!(day.from <= at && at < day.until, "{zone}");
        }
    }

    #[test]
    fn other_texts_name_no_date_and_no_zone() {
        for text in [
            "",
            "today",
            "2026-13-01",
            "2026-02-29",
            "2026-1-1",
            "20261130",
            "2026-11-30T00:00",
            "-009999-01-01",
        ] {
            assert_eq!(Day::date(text), None, "{text}");
        }
        for name in ["", "Mars", "../etc/passwd", "Europe/Berlin ", "+01:00"] {
            assert_eq!(Day::zone(name), None, "{name}");
        }
        let last = Day::date("9999-12-31").unwrap();
        assert!(Day::new(last, TimeZone::UTC).is_none(), "it has no next day");
    }
}
