//! How often callers may call, each for itself.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::relay::time::Time;

/// Callers whose last call is longer ago are forgotten.
const WINDOW: Duration = Duration::from_secs(60);

/// So many calls of each caller in a minute.
pub struct CallLimit {
    most: u32,
    /// When the minute of each began, and how many calls it has had.
    callers: Mutex<HashMap<String, (Time, u32)>>,
}

impl CallLimit {
    /// At most so many calls.
    pub fn new(most: u32) -> Self {
        Self { most, callers: Mutex::default() }
    }

    /// Counts a call of `caller`.
    ///
    /// # Errors
    /// It is one too many: how long to wait.
    pub fn count(&self, caller: &str, now: Time) -> Result<(), Duration> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        // What lies in the future is from before the clock was set back.
        callers.retain(|_, (began, _)| *began <= now && now.since(*began) < WINDOW);
        let (began, calls) = callers.entry(caller.to_owned()).or_insert((now, 0));
        if *calls >= self.most {
            return Err(WINDOW.saturating_sub(now.since(*began)));
        }
        *calls += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_a_minute_of_their_own() {
        let limit = CallLimit::new(2);
        let at = |seconds: i64| Time::from_millis(seconds * 1_000);
        let waits = |seconds| Err(Duration::from_secs(seconds));
        for (caller, second, outcome) in [
            ("a", 100, Ok(())),
            ("a", 101, Ok(())),
            ("a", 110, waits(50)),
            ("b", 110, Ok(())),
            ("a", 159, waits(1)),
            ("a", 160, Ok(())),
            ("b", 160, Ok(())),
            // The clock was set back.
            ("a", 10, Ok(())),
            ("a", 11, Ok(())),
            ("a", 12, waits(58)),
        ] {
            assert_eq!(limit.count(caller, at(second)), outcome, "{caller} {second}");
        }
    }
}
