//! Places for what takes long, such as uploads and event streams: so many in all, and so many of one agent, so that
//! nobody takes those of the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// See the module. Clones share the places.
#[derive(Clone, Debug)]
pub struct Places {
    limits: PlaceLimits,
    taken: Arc<Mutex<Taken>>,
}

/// How many there are.
#[derive(Clone, Copy, Debug)]
pub struct PlaceLimits {
    /// In all.
    pub in_all: usize,
    /// Of one agent.
    pub of_one: usize,
}

#[derive(Debug, Default)]
struct Taken {
    in_all: usize,
    by: HashMap<String, usize>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// Others have them all.
    InAll,
    /// The agent has their share.
    OfOne,
}

/// A place; dropping it gives it back.
#[derive(Debug)]
pub struct Place {
    agent: String,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    /// All of them free.
    pub fn new(limits: PlaceLimits) -> Self {
        Self { limits, taken: Arc::default() }
    }

    /// How many there are.
    pub const fn limits(&self) -> PlaceLimits {
        self.limits
    }

    /// Takes a place for `agent`.
    ///
    /// # Errors
    /// There is none.
    pub fn take(&self, agent: &str) -> Result<Place, NoPlace> {
        let mut taken = lock(&self.taken);
        let own = taken.by.get(agent).copied().unwrap_or(0);
        if own >= self.limits.of_one {
            return Err(NoPlace::OfOne);
        }
        if taken.in_all >= self.limits.in_all {
            return Err(NoPlace::InAll);
        }
        taken.in_all += 1;
        taken.by.insert(agent.to_owned(), own + 1);
        Ok(Place { agent: agent.to_owned(), taken: Arc::clone(&self.taken) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.in_all = taken.in_all.saturating_sub(1);
        if let Some(own) = taken.by.get_mut(&self.agent) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.by.remove(&self.agent);
            }
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_the_places_of_the_others() {
        let places = Places::new(PlaceLimits { in_all: 5, of_one: 2 });
        let mut alexs = vec![places.take("Alex").unwrap(), places.take("Alex").unwrap()];
        assert_eq!(places.take("Alex").unwrap_err(), NoPlace::OfOne);
        let _others = ["Sam", "Kim", "Lou"].map(|agent| places.take(agent).unwrap());
        assert_eq!(places.take("Sam").unwrap_err(), NoPlace::InAll);
        alexs.pop();
        let sams = places.take("Sam").unwrap();
        drop((alexs, sams));
        assert!(places.take("Alex").is_ok());
        assert_eq!(lock(&places.taken).by.len(), 3, "who has none is forgotten");
    }
}
