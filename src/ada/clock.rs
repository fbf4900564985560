//! How far Ada's clock is from ours, learned from the `Date` of its answers.
//!
//! `Date` is cut to the second and an answer takes its time, so one answer names a window of over a second. The
//! truth lies in the windows of all answers, and what they share is narrow.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::relay::time::{Offset, Time};

/// A slower answer says too little.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(5);
/// Clocks drift: so fast does the window grow with the age of what it was learned from.
const DRIFT_PER_SECOND: i64 = 50;
const SECOND: i64 = 1_000_000;

/// What is known of the offset.
#[derive(Default)]
pub struct AdaClock(Mutex<Option<Window>>);

/// Ada's clock minus ours, in microseconds, at least and at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    least: i64,
    most: i64,
    learned_at: Time,
}

impl AdaClock {
    /// The offset, in the middle of what is possible; zero until an answer has told.
    pub fn offset(&self) -> Offset {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Offset::from_micros(known.map_or(0, |window| i64::midpoint(window.least, window.most)))
    }

    /// A call made at `asked_at` was answered at `answered_at`, both by our clock, with this `Date`.
    pub fn learn(&self, asked_at: Time, answered_at: Time, date: Time) {
        if answered_at.since(asked_at) >= MAX_ROUND_TRIP || answered_at < asked_at {
            return;
        }
        let told = Window {
            least: date.as_micros() - answered_at.as_micros(),
            most: date.as_micros() + SECOND - asked_at.as_micros(),
            learned_at: answered_at,
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(known.and_then(|known| known.narrowed(told)).unwrap_or(told));
    }
}

impl Window {
    /// What both windows share; `None` if one of the clocks has been set since.
    fn narrowed(self, told: Self) -> Option<Self> {
        let age = i64::try_from(told.learned_at.since(self.learned_at).as_secs()).unwrap_or(i64::MAX);
        let drift = age.saturating_mul(DRIFT_PER_SECOND);
        let least = self.least.saturating_sub(drift).max(told.least);
        let most = self.most.saturating_add(drift).min(told.most);
        (least <= most).then_some(Self { least, most, learned_at: told.learned_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer that took 20 ms, of an Ada that is so far ahead.
    fn hear(clock: &AdaClock, at_millis: i64, ahead_millis: i64) {
        let (asked, answered) = (Time::from_millis(at_millis), Time::from_millis(at_millis + 20));
        let theirs = at_millis + 10 + ahead_millis;
        clock.learn(asked, answered, Time::from_millis(theirs.div_euclid(1_000) * 1_000));
    }

    fn error(clock: &AdaClock, ahead_millis: i64) -> i64 {
        (clock.offset().as_micros() / 1_000 - ahead_millis).abs()
    }

    #[test]
    fn answers_narrow_it_down() {
        for ahead in [-90_000, -700, 0, 300, 12_345] {
            let clock = AdaClock::default();
            assert_eq!(clock.offset().as_micros(), 0);
            hear(&clock, 1_000_000, ahead);
            assert!(error(&clock, ahead) <= 520, "{ahead}: {}", error(&clock, ahead));
            for step in 1..40 {
                hear(&clock, 1_000_000 + step * 1_370, ahead);
            }
            assert!(error(&clock, ahead) <= 40, "{ahead}: {}", error(&clock, ahead));
        }
    }

    #[test]
    fn a_clock_that_was_set_is_learned_anew() {
        let clock = AdaClock::default();
        hear(&clock, 1_000_000, 0);
        hear(&clock, 1_002_000, 60_000);
        assert!(error(&clock, 60_000) <= 520);
    }

    #[test]
    fn a_slow_answer_tells_nothing() {
        let clock = AdaClock::default();
        clock.learn(Time::from_millis(0), Time::from_millis(5_000), Time::from_millis(90_000));
        assert_eq!(clock.offset(), Offset::default());
    }
}
