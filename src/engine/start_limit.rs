//! Without a shared key, anyone who knows the URL can start handoffs. This limits them per minute.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::runtime::Handle;

use crate::{
    relay::{id::AiAgentId, time::Time},
    settings::NEW_HANDOFFS_PER_MINUTE,
    store::{
        Store, StoreError,
        quota::{Place, Quota},
    },
};

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
    shared: Option<SharedPlace>,
}

impl Reservation {
    /// None yet. Relays that share a store have the limit together, so that a place in the store comes first: a decision
    /// can't ask for one.
    ///
    /// # Errors
    /// The store failed.
    pub async fn new(
        limit: &Arc<StartLimit>,
        store: &Arc<dyn Store>,
        ai_agent: &AiAgentId,
        at: Time,
    ) -> Result<Self, StoreError> {
        let shared = if store.is_shared() { Some(SharedPlace::take(store, ai_agent).await?) } else { None };
        Ok(Self(Arc::new(ReservationState {
            limit: Arc::clone(limit),
            at,
            taken: AtomicBool::new(false),
            shared,
        })))
    }

    /// Takes one, if one is left.
    pub fn take(&self) -> bool {
        let shared = self.0.shared.as_ref();
        let has = shared.is_none_or(|place| place.numbers.is_some()) && self.0.limit.take(self.0.at);
        self.0.taken.store(has, Ordering::Relaxed);
        has
    }

    /// The decision has been committed.
    pub fn keep(&self) {
        if self.0.taken.swap(false, Ordering::Relaxed)
            && let Some(place) = &self.0.shared
        {
            place.is_kept.store(true, Ordering::Relaxed);
        }
    }
}

/// A place among the starts at all relays.
struct SharedPlace {
    store: Arc<dyn Store>,
    /// None if there was none left.
    numbers: Option<Vec<u64>>,
    is_kept: AtomicBool,
}

impl SharedPlace {
    async fn take(store: &Arc<dyn Store>, ai_agent: &AiAgentId) -> Result<Self, StoreError> {
        let times = u32::try_from(NEW_HANDOFFS_PER_MINUTE).unwrap_or(u32::MAX);
        let quota = Quota { name: format!("starts of {ai_agent}"), times, within: WINDOW };
        let numbers = match store.take_place(&[quota]).await? {
            Place::Taken(numbers) => Some(numbers),
            Place::NoneFor(_) => None,
        };
        Ok(Self { store: Arc::clone(store), numbers, is_kept: AtomicBool::new(false) })
    }
}

impl Drop for SharedPlace {
    fn drop(&mut self) {
        let (Some(numbers), false) = (self.numbers.take(), *self.is_kept.get_mut()) else { return };
        let store = Arc::clone(&self.store);
        // Where there is no runtime, the place is free again in a minute.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = store.give_back_place(&numbers).await {
                    tracing::warn!(error = %error, "a place among the starts is free in a minute only");
                }
            });
        }
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

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

    #[tokio::test]
    async fn a_place_is_given_back_unless_it_is_kept() {
        let (limit, now) = (Arc::new(StartLimit::default()), Time::from_millis(0));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(now));
        let place = async |keep: bool| {
            let place = Reservation::new(&limit, &store, &AiAgentId::default(), now).await.unwrap();
            let rule_place = place.clone();
            let has = rule_place.take();
            if keep {
                place.keep();
            }
            has
        };
        for _ in 0..200 {
            assert!(place(false).await, "nothing came of it");
        }
        for _ in 0..NEW_HANDOFFS_PER_MINUTE {
            assert!(place(true).await);
        }
        assert!(!place(true).await);
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
