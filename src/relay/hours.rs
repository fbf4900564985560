//! The hours of a team: when it is open, and when it opens next.

use std::collections::BTreeSet;

use jiff::{
    Timestamp, ToSpan,
    civil::{self, Date},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use super::time::Time;

/// The next opening is looked for so far ahead: over any holidays, and not for ever.
const DAYS_AHEAD: i64 = 366;

/// A part of a day, in minutes since midnight: from `begin` on, and until before `end`, which is 24:00 at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Its first minute.
    pub begin: u16,
    /// The minute behind its last.
    pub end: u16,
}

/// The hours of a week in a time zone, without holidays.
#[derive(Clone, Debug)]
pub struct Hours {
    /// Whose clocks count.
    pub zone: TimeZone,
    /// From Monday on, each day's in their order.
    pub week: [Vec<Span>; 7],
    /// Days on which it is closed.
    pub holidays: BTreeSet<Date>,
}

/// What somebody has decided in place of the hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Open or closed.
    pub is_open: bool,
    /// Until then; for good, if it is not said.
    pub until: Option<Time>,
    /// Who has decided.
    pub by: String,
    /// When.
    pub at: Time,
}

/// Whether a team is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Whether it is open now.
    pub is_open: bool,
    /// When it opens next, if it is closed and that is known.
    pub opens_at: Option<Time>,
}

impl Opening {
    /// Open at all times.
    pub const ALWAYS: Self = Self { is_open: true, opens_at: None };

    /// Of a team with these hours, if it has any, and with what was decided in their place.
    pub fn at(now: Time, hours: Option<&Hours>, decided: Option<&Override>) -> Self {
        let decided = decided.filter(|decided| decided.counts_at(now));
        match decided {
            None => hours.map_or(Self::ALWAYS, |hours| hours.opening(now)),
            Some(Override { is_open: true, .. }) => Self::ALWAYS,
            Some(Override { until, .. }) => {
                let then = |until| match hours.map_or(Self::ALWAYS, |hours| hours.opening(until)) {
                    Self { is_open: true, .. } => Some(until),
                    Self { opens_at, .. } => opens_at,
                };
                Self { is_open: false, opens_at: until.and_then(then) }
            }
        }
    }
}

impl Override {
    /// Whether it still counts.
    pub fn counts_at(&self, now: Time) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

impl Hours {
    /// What its clocks show, such as `Mon 09:30`.
    pub fn clock(&self, now: Time) -> Option<String> {
        let stamp = Timestamp::from_microsecond(now.as_micros()).ok()?;
        Some(stamp.to_zoned(self.zone.clone()).strftime("%a %H:%M").to_string())
    }

    fn opening(&self, now: Time) -> Opening {
        let Ok(stamp) = Timestamp::from_microsecond(now.as_micros()) else { return Opening::ALWAYS };
        let local = stamp.to_zoned(self.zone.clone()).datetime();
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        let today = local.date();
        if self.spans(today).iter().any(|span| (span.begin..span.end).contains(&minute)) {
            return Opening::ALWAYS;
        }
        let days = (0..=DAYS_AHEAD).filter_map(|days| today.checked_add(days.days()).ok());
        let begins =
            days.flat_map(|day| self.spans(day).iter().filter_map(move |span| self.time(day, span.begin)));
        Opening { is_open: false, opens_at: begins.into_iter().find(|begin| *begin > now) }
    }

    fn spans(&self, day: Date) -> &[Span] {
        if self.holidays.contains(&day) {
            return &[];
        }
        let index = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs());
        self.week.get(index).map_or(&[], Vec::as_slice)
    }

    /// A minute of a day. One that is skipped when clocks are put forward is the next that there is.
    fn time(&self, day: Date, minute: u16) -> Option<Time> {
        let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
        let local = day.to_datetime(civil::Time::new(hour, minute, 0, 0).ok()?);
        let stamp = local.to_zoned(self.zone.clone()).ok()?.timestamp();
        Some(Time::from_micros(stamp.as_microsecond()))
    }
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Reads `Mon-Fri 09:00-17:30` or `Sat 10:00-24:00` into the days of a week; `None` if it is none of these.
pub fn add_to_week(week: &mut [Vec<Span>; 7], text: &str) -> Option<()> {
    let (days, times) = text.split_once(' ')?;
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    let day = |name: &str| DAYS.iter().position(|known| known.eq_ignore_ascii_case(name.trim()));
    let (first, last) = (day(first)?, day(last)?);
    let (begin, end) = times.trim().split_once('-')?;
    let span = Span { begin: minute(begin)?, end: minute(end)? };
    if span.begin >= span.end {
        return None;
    }
    // `Sat-Mon` goes over the end of the week.
    let count = (last + 7 - first) % 7 + 1;
    for day in (0..count).map(|more| (first + more) % 7) {
        let spans = week.get_mut(day)?;
        spans.push(span);
        spans.sort_unstable();
    }
    Some(())
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u16>().ok()).flatten()
    };
    let minutes = number(hour)? * 60 + number(minute).filter(|minute| *minute < 60)?;
    (minutes <= 24 * 60).then_some(minutes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn hours(zone: &str, lines: &[&str], holidays: &[&str]) -> Hours {
        let mut week = <[Vec<Span>; 7]>::default();
        for line in lines {
            add_to_week(&mut week, line).unwrap();
        }
        let holidays = holidays.iter().map(|day| day.parse().unwrap()).collect();
        Hours { zone: TimeZone::get(zone).unwrap(), week, holidays }
    }

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn a_team_is_open_at_its_hours_by_its_own_clocks() {
        let berlin = hours(
            "Europe/Berlin",
            &["Mon-Fri 09:00-12:00", "Mon-Fri 13:00-17:30", "Sat 22:00-24:00"],
            &["2026-12-25"],
        );
        for (now, open, opens) in [
            // Winter: an hour ahead of UTC.
            ("2026-11-30T07:59:59Z", false, Some("2026-11-30T08:00:00Z")),
            ("2026-11-30T08:00:00Z", true, None),
            ("2026-11-30T10:59:59Z", true, None),
            ("2026-11-30T11:00:00Z", false, Some("2026-11-30T12:00:00Z")),
            ("2026-11-30T16:29:59Z", true, None),
            ("2026-11-30T16:30:00Z", false, Some("2026-12-01T08:00:00Z")),
            // Saturday until midnight, then not before Monday.
            ("2026-12-05T22:59:59Z", true, None),
            ("2026-12-05T23:00:00Z", false, Some("2026-12-07T08:00:00Z")),
            // A holiday on Friday.
            ("2026-12-24T16:30:00Z", false, Some("2026-12-26T21:00:00Z")),
            ("2026-12-25T10:00:00Z", false, Some("2026-12-26T21:00:00Z")),
            // Summer: two hours ahead.
            ("2026-07-01T07:00:00Z", true, None),
            ("2026-07-01T06:59:00Z", false, Some("2026-07-01T07:00:00Z")),
        ] {
            let opening = Opening::at(time(now), Some(&berlin), None);
            assert_eq!((opening.is_open, opening.opens_at), (open, opens.map(time)), "{now}");
        }
    }

    #[test]
    fn hours_that_are_skipped_or_never_come_are_no_trouble() {
        // On 2026-03-29 there is no 02:30 in Berlin.
        let night = hours("Europe/Berlin", &["Sun 02:30-04:00"], &[]);
        let opening = Opening::at(time("2026-03-29T00:00:00Z"), Some(&night), None);
        assert_eq!((opening.is_open, opening.opens_at), (false, Some(time("2026-03-29T01:30:00Z"))));
        let never = hours("UTC", &[], &[]);
        assert_eq!(Opening::at(time("2026-03-29T00:00:00Z"), Some(&never), None).opens_at, None);
        let all = hours("UTC", &["Sat-Fri 00:00-24:00"], &[]);
        assert_eq!(Opening::at(time("2026-03-29T23:59:59Z"), Some(&all), None), Opening::ALWAYS);
        assert_eq!(Opening::at(time("2026-03-29T23:59:59Z"), None, None), Opening::ALWAYS);
    }

    #[test]
    fn what_somebody_decided_counts_before_the_hours_as_long_as_it_lasts() {
        let office = hours("UTC", &["Mon-Fri 09:00-17:00"], &[]);
        let (monday, evening) = (time("2026-11-30T10:00:00Z"), time("2026-11-30T20:00:00Z"));
        let decided = |is_open, until: Option<&str>| Override {
            is_open,
            until: until.map(time),
            by: "Kim".to_owned(),
            at: monday,
        };
        for (now, decided, hours, open, opens) in [
            (evening, decided(true, None), Some(&office), true, None),
            (
                evening,
                decided(true, Some("2026-11-30T20:00:00Z")),
                Some(&office),
                false,
                Some("2026-12-01T09:00:00Z"),
            ),
            (monday, decided(false, None), Some(&office), false, None),
            (
                monday,
                decided(false, Some("2026-11-30T12:00:00Z")),
                Some(&office),
                false,
                Some("2026-11-30T12:00:00Z"),
            ),
            (
                monday,
                decided(false, Some("2026-11-30T18:00:00Z")),
                Some(&office),
                false,
                Some("2026-12-01T09:00:00Z"),
            ),
            (monday, decided(false, Some("2026-11-30T18:00:00Z")), None, false, Some("2026-11-30T18:00:00Z")),
        ] {
            let opening = Opening::at(now, hours, Some(&decided));
            assert_eq!((opening.is_open, opening.opens_at), (open, opens.map(time)), "{decided:?}");
        }
    }

    #[test]
    fn what_is_not_written_as_hours_is_refused() {
        let mut week = <[Vec<Span>; 7]>::default();
        for text in [
            "",
            "Mon",
            "Mon 9:00-17:00",
            "Mon 09:00",
            "Mon 17:00-09:00",
            "Mon 09:00-09:00",
            "Mon 09:60-10:00",
            "Mon 09:00-24:01",
            "Day 09:00-10:00",
            "Mon-Day 09:00-10:00",
            "Mon 09-10",
            "Mon +9:00-10:00",
        ] {
            assert_eq!(add_to_week(&mut week, text), None, "{text}");
        }
        assert!(week.iter().all(Vec::is_empty));
        for text in ["mon 09:00-10:00", "Tue-Tue 00:00-24:00", "Sat-Mon  09:00 - 10:00"] {
            assert!(add_to_week(&mut week, text).is_some(), "{text}");
        }
        assert_eq!(week.each_ref().map(Vec::len), [2, 1, 0, 0, 0, 1, 1]);
    }
}
