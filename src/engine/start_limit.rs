//! Without a shared key anyone who knows the URL can start handoffs: at most so many a minute.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{relay::time::Time, settings::NEW_HANDOFFS_PER_MINUTE};

const WINDOW: Duration = Duration::from_secs(60);

/// New handoffs of the last minute.
#[derive(Default)]
pub struct StartLimit(Mutex<VecDeque<Time>>);

impl StartLimit {
    fn recent(&self) -> MutexGuard<'_, VecDeque<Time>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place at `now`, if one is left.
    pub fn take(&self, now: Time) -> bool {
        let mut recent = self.recent();
        // Calls that come at once may take their places in another order. What lies further in the future is from before
        // our clock was set back.
        recent.retain(|at| now.since(*at) < WINDOW && at.since(now) < WINDOW);
        let is_left = recent.len() < NEW_HANDOFFS_PER_MINUTE;
        if is_left {
            recent.push_back(now);
        }
        is_left
    }

    /// Gives a place back that was taken at `now`, and nothing came of it.
    pub fn give_back(&self, now: Time) {
        let mut recent = self.recent();
        if let Some(place) = recent.iter().rposition(|at| *at == now) {
            recent.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_a_minute() {
        let limit = StartLimit::default();
        let at = |millis| Time::from_millis(millis);
        assert!((0..60).all(|second| limit.take(at(second * 500))));
        assert!(!limit.take(at(59_999)));
        limit.give_back(at(29_500));
        assert!(limit.take(at(59_999)) && !limit.take(at(59_999)));
        assert!(limit.take(at(60_000)), "the first is a minute old");
        assert!(!limit.take(at(60_000)));
    }

    #[test]
    fn calls_at_once_count_in_any_order() {
        let limit = StartLimit::default();
        let at = |micros| Time::from_micros(micros);
        assert!((0..60).rev().all(|micros| limit.take(at(micros))));
        assert!(!limit.take(at(0)) && !limit.take(at(60)));
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nobody_out() {
        let limit = StartLimit::default();
        while limit.take(Time::from_millis(1_000_000)) {}
        assert!(limit.take(Time::from_millis(0)));
    }
}
