//! Whoever guesses is slowed down. Behind a tunnel all come from one address, so addresses don't count: the
//! same guess may be wrong a few times, and all together so many times a minute.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{relay::time::Time, store::sessions::Digest};

/// How often the same guess may be wrong, and within which time.
const OF_ONE: (usize, Duration) = (5, Duration::from_secs(10 * 60));
/// The same of all together. No more than so many are remembered for each minute of the longer time.
const OF_ALL: (usize, Duration) = (30, Duration::from_secs(60));

/// What was wrong lately, oldest first.
#[derive(Default)]
pub struct Failures(Mutex<VecDeque<(Time, Digest)>>);

impl Failures {
    /// What `find` finds for a guess; that it finds nothing is remembered.
    ///
    /// # Errors
    /// Nobody has looked: too much was wrong lately. How long to wait.
    pub fn judge<T>(
        &self,
        now: Time,
        guess: &Digest,
        find: impl FnOnce() -> Option<T>,
    ) -> Result<Option<T>, Duration> {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What lies in the future is from before our clock was set back.
        failures.retain(|(at, _)| *at <= now && now.since(*at) < OF_ONE.1);
        let of_one = failures.iter().filter(|(_, known)| known == guess).map(|(at, _)| *at);
        let wait = wait(of_one.collect(), OF_ONE, now);
        let wait = wait.max(self::wait(failures.iter().map(|(at, _)| *at).collect(), OF_ALL, now));
        if !wait.is_zero() {
            return Err(wait);
        }
        let found = find();
        if found.is_none() {
            failures.push_back((now, guess.clone()));
        }
        Ok(found)
    }
}

/// How long until fewer than `most` of these times lie within `window`.
fn wait(times: Vec<Time>, (most, window): (usize, Duration), now: Time) -> Duration {
    let until = times.len().checked_sub(most).map(|last| times[last] + window);
    until.map_or(Duration::ZERO, |until| until.since(now))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn wrong(failures: &Failures, now: Time, guess: &str) -> Result<Option<()>, Duration> {
        failures.judge(now, &Digest::of(guess), || None)
    }

    #[test]
    fn the_same_guess_is_wrong_five_times_in_ten_minutes() {
        let failures = Failures::default();
        for second in 0..5 {
            assert_eq!(wrong(&failures, at(second * 100), "a"), Ok(None));
        }
        assert_eq!(wrong(&failures, at(401), "a"), Err(seconds(199)));
        assert_eq!(wrong(&failures, at(599), "a"), Err(seconds(1)));
        let found = failures.judge(at(599), &Digest::of("b"), || Some("b"));
        assert_eq!(found, Ok(Some("b")), "others are not concerned");
        // What was refused without a look doesn't count.
        assert_eq!(wrong(&failures, at(600), "a"), Ok(None));
        assert_eq!(wrong(&failures, at(601), "a"), Err(seconds(99)));
    }

    #[test]
    fn all_guesses_are_wrong_thirty_times_a_minute() {
        let failures = Failures::default();
        for number in 0..30 {
            assert_eq!(wrong(&failures, at(number), &number.to_string()), Ok(None));
        }
        let looks = || unreachable!("nobody looks");
        let found: Result<Option<()>, Duration> = failures.judge(at(30), &Digest::of("good"), looks);
        assert_eq!(found, Err(seconds(30)));
        assert_eq!(wrong(&failures, at(60), "x"), Ok(None));
        assert_eq!(wrong(&failures, at(60), "y"), Err(seconds(1)));
    }

    #[test]
    fn what_is_right_never_counts() {
        let failures = Failures::default();
        for _ in 0..100 {
            assert_eq!(failures.judge(at(0), &Digest::of("good"), || Some(())), Ok(Some(())));
        }
    }

    #[test]
    fn not_more_is_remembered_than_matters() {
        let failures = Failures::default();
        for second in 0..10_000 {
            let _ = wrong(&failures, at(second), &second.to_string());
        }
        assert!(failures.0.lock().unwrap().len() <= 10 * OF_ALL.0);
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nobody_out() {
        let failures = Failures::default();
        for number in 0..30 {
            let _ = wrong(&failures, at(1_000_000), &number.to_string());
        }
        assert_eq!(wrong(&failures, at(0), "a"), Ok(None));
    }
}
