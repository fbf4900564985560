//! Without a shared key anyone who knows the URL can start handoffs: at most so many a minute.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::relay::time::Time;

const LIMIT: usize = 60;
const WINDOW: Duration = Duration::from_secs(60);

/// New handoffs of the last minute.
#[derive(Default)]
pub struct StartLimit(Mutex<VecDeque<Time>>);

impl StartLimit {
    /// Whether one more would be within the limit at `now`.
    pub fn allows(&self, now: Time) -> bool {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while recent.front().is_some_and(|oldest| now.since(*oldest) >= WINDOW) {
            recent.pop_front();
        }
        recent.len() < LIMIT
    }

    /// Counts one that has begun.
    pub fn count(&self, now: Time) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_a_minute() {
        let limit = StartLimit::default();
        for second in 0..60 {
            assert!(limit.allows(Time::from_millis(second * 500)));
            limit.count(Time::from_millis(second * 500));
        }
        assert!(!limit.allows(Time::from_millis(59_999)));
        assert!(limit.allows(Time::from_millis(60_000)));
    }
}
