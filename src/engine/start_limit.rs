//! Without a shared key, anyone who knows the URL can start handoffs. This limits them per minute.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
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
        // Concurrent calls may take their places in another order. Times further in the future are from before the
        // clock was set back.
        recent.retain(|at| now.since(*at) < WINDOW && at.since(now) < WINDOW);
        let is_left = recent.len() < NEW_HANDOFFS_PER_MINUTE;
        if is_left {
            recent.push_back(now);
        }
        is_left
    }

    fn give_back(&self, now: Time) {
        let mut recent = self.recent();
        if let Some(place) = recent.iter().rposition(|at| *at == now) {
            recent.remove(place);
        }
    }
}

/// A place that a decision may take. It is given back unless the decision is committed.
#[derive(Clone)]
pub struct Reservation(Arc<ReservationState>);

struct ReservationState {
    limit: Arc<StartLimit>,
    at: Time,
    taken: AtomicBool,
}

impl Reservation {
    /// None yet.
    pub fn new(limit: Arc<StartLimit>, at: Time) -> Self {
        Self(Arc::new(ReservationState { limit, at, taken: AtomicBool::new(false) }))
    }

    /// Takes one, if one is left.
    pub fn take(&self) -> bool {
        let has = self.0.limit.take(self.0.at);
        self.0.taken.store(has, Ordering::Relaxed);
        has
    }

    /// The decision has been committed.
    pub fn keep(&self) {
        self.0.taken.store(false, Ordering::Relaxed);
    }
}

impl Drop for ReservationState {
    fn drop(&mut self) {
        if *self.taken.get_mut() {
            self.limit.give_back(self.at);
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
    fn a_place_is_given_back_unless_it_is_kept() {
        let limit = Arc::new(StartLimit::default());
        let place = |keep: bool| {
            let place = Reservation::new(Arc::clone(&limit), Time::from_millis(0));
            let rule_place = place.clone();
            let has = rule_place.take();
            if keep {
                place.keep();
            }
            has
        };
        assert!((0..200).all(|_| place(false)), "nothing came of it");
        assert!((0..NEW_HANDOFFS_PER_MINUTE).all(|_| place(true)));
        assert!(!place(true));
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
