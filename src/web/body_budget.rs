//! How many bytes of request bodies may be in memory at once, and how many bodies may arrive.
//!
//! Nobody knows who sends a body before it is there and its signature has been checked. So whoever needs room gets it:
//! of the bodies that still arrive, the one that has been arriving longest is evicted. A good one is there within a
//! moment. Large ones are apart, a few at a time, so that they never take the room of the usual ones.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// The room is kept in KiB, each body rounded up.
const UNIT: usize = 1024;
/// Up to this many bytes a body shares the room of the usual ones. Over it, it needs a place among the large.
pub const USUAL: usize = 256 << 10;
/// How many large bodies there are at a time. More wait, within their deadlines.
const LARGE_AT_ONCE: usize = 4;
/// How long a large body may arrive while others wait for its place.
const SLOW: Duration = Duration::from_secs(2);

/// The room of a group of doors. Clones share it.
#[derive(Clone, Debug)]
pub struct BodyBudget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    room: Mutex<Room>,
    /// A place among the large is free.
    freed: Notify,
}

#[derive(Debug)]
struct Room {
    free_units: usize,
    free_places: usize,
    next: u64,
    /// In the order in which they began.
    arriving: BTreeMap<u64, Arriving>,
}

#[derive(Debug)]
struct Arriving {
    has: Has,
    evicted: CancellationToken,
}

/// What one body has of the room.
#[derive(Clone, Copy, Debug)]
enum Has {
    Units(usize),
    PlaceSince(Instant),
}

/// Why a body has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// None of the bodies that have it is still arriving.
    Full,
    /// It had been arriving longest when another needed its room.
    Evicted,
}

/// The room of one body that arrives. Dropping it gives the room back.
#[derive(Debug)]
pub struct Arrival {
    budget: BodyBudget,
    id: u64,
    evicted: CancellationToken,
}

/// The room of one body that is there: nobody takes it away. Dropping it gives the room back.
#[derive(Debug)]
pub struct Held {
    budget: BodyBudget,
    has: Has,
}

impl BodyBudget {
    /// Room for `bytes` of usual bodies, rounded down to KiB, and for a few large ones; `most` may arrive at once.
    pub fn new(bytes: usize, most: usize) -> Self {
        let room =
            Room { free_units: bytes / UNIT, free_places: LARGE_AT_ONCE, next: 0, arriving: BTreeMap::new() };
        Self(Arc::new(Inner { most, room: Mutex::new(room), freed: Notify::new() }))
    }

    /// A body begins to arrive. It has no room yet.
    pub fn begin(&self) -> Arrival {
        let evicted = CancellationToken::new();
        let mut room = self.room();
        if room.arriving.len() >= self.0.most
            && let Some(longest) = room.arriving.keys().next().copied()
        {
            room.evict(longest);
        }
        let id = room.next;
        room.next += 1;
        room.arriving.insert(id, Arriving { has: Has::Units(0), evicted: evicted.clone() });
        Arrival { budget: self.clone(), id, evicted }
    }

    /// Room for a body that is there, of up to [`USUAL`] bytes.
    ///
    /// # Errors
    /// See [`NoRoom`].
    pub fn hold(&self, bytes: usize) -> Result<Held, NoRoom> {
        let units = bytes.div_ceil(UNIT);
        self.room().take_units(units, None)?;
        Ok(Held { budget: self.clone(), has: Has::Units(units) })
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.0.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, has: Has) {
        self.room().give_back(has);
        if matches!(has, Has::PlaceSince(_)) {
            self.0.freed.notify_waiters();
        }
    }
}

impl Arrival {
    /// Has room for `bytes` in all afterwards. Waits for a place among the large if it needs one.
    ///
    /// # Errors
    /// See [`NoRoom`].
    pub async fn grow_to(&self, bytes: usize) -> Result<(), NoRoom> {
        if bytes <= USUAL {
            return self.budget.room().grow_to(self.id, bytes.div_ceil(UNIT));
        }
        loop {
            let mut freed = std::pin::pin!(self.budget.0.freed.notified());
            freed.as_mut().enable();
            let wait = self.budget.room().take_place(self.id, Instant::now())?;
            match wait {
                None => return Ok(()),
                Some(Wait::For(slow)) => tokio::select! { () = freed => {} () = sleep_until(slow) => {} },
                Some(Wait::ForEnd) => freed.await,
            }
        }
    }

    /// Returns when others have taken its room.
    pub async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// It is there. One that is evicted in this very moment is good all the same.
    pub fn arrived(self) -> Held {
        let arrived = self.budget.room().arriving.remove(&self.id);
        Held { budget: self.budget.clone(), has: arrived.map_or(Has::Units(0), |body| body.has) }
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let arriving = self.budget.room().arriving.remove(&self.id);
        if let Some(body) = arriving {
            self.budget.give_back(body.has);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.give_back(self.has);
    }
}

/// For what a large body waits.
enum Wait {
    /// Until the one that has arrived longest is slow.
    For(Instant),
    /// Until one is done with.
    ForEnd,
}

impl Room {
    fn give_back(&mut self, has: Has) {
        match has {
            Has::Units(units) => self.free_units += units,
            Has::PlaceSince(_) => self.free_places += 1,
        }
    }

    fn grow_to(&mut self, id: u64, units: usize) -> Result<(), NoRoom> {
        let held = match self.arriving.get(&id).ok_or(NoRoom::Evicted)?.has {
            Has::Units(held) => held,
            Has::PlaceSince(_) => return Ok(()),
        };
        self.take_units(units.saturating_sub(held), Some(id))?;
        if let Some(body) = self.arriving.get_mut(&id) {
            body.has = Has::Units(units);
        }
        Ok(())
    }

    /// Takes them for one body, from others that still arrive if need be.
    fn take_units(&mut self, units: usize, own: Option<u64>) -> Result<(), NoRoom> {
        while self.free_units < units {
            let others = |(other, body): (&u64, &Arriving)| {
                (Some(*other) != own && matches!(body.has, Has::Units(1..))).then_some(*other)
            };
            let longest = self.arriving.iter().find_map(others).ok_or(NoRoom::Full)?;
            self.evict(longest);
        }
        self.free_units -= units;
        Ok(())
    }

    /// `None` if it has one.
    fn take_place(&mut self, id: u64, now: Instant) -> Result<Option<Wait>, NoRoom> {
        let units = match self.arriving.get(&id).ok_or(NoRoom::Evicted)?.has {
            Has::Units(units) => units,
            Has::PlaceSince(_) => return Ok(None),
        };
        if self.free_places == 0 {
            let places = self.arriving.iter().filter_map(|(id, body)| match body.has {
                Has::PlaceSince(since) => Some((since, *id)),
                Has::Units(_) => None,
            });
            let Some((since, longest)) = places.min() else { return Ok(Some(Wait::ForEnd)) };
            if now < since + SLOW {
                return Ok(Some(Wait::For(since + SLOW)));
            }
            self.evict(longest);
        }
        self.free_places -= 1;
        self.free_units += units;
        if let Some(body) = self.arriving.get_mut(&id) {
            body.has = Has::PlaceSince(now);
        }
        Ok(None)
    }

    /// Its bytes go as soon as its task looks, which is at once.
    fn evict(&mut self, id: u64) {
        if let Some(body) = self.arriving.remove(&id) {
            self.give_back(body.has);
            body.evicted.cancel();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const LARGE: usize = USUAL + 1;

    fn free(budget: &BodyBudget) -> (usize, usize) {
        let room = budget.room();
        (room.free_units, room.free_places)
    }

    async fn arriving(budget: &BodyBudget, bytes: usize) -> Arrival {
        let arrival = budget.begin();
        arrival.grow_to(bytes).await.unwrap();
        arrival
    }

    fn is_over(arrival: &Arrival) -> bool {
        arrival.evicted().now_or_never().is_some()
    }

    #[tokio::test]
    async fn what_is_dropped_gives_back_its_room() {
        let budget = BodyBudget::new(10 * UNIT + 1023, 9);
        let arrival = arriving(&budget, 1).await;
        arrival.grow_to(UNIT + 1).await.unwrap();
        assert_eq!(free(&budget), (8, LARGE_AT_ONCE));
        let held = arrival.arrived();
        assert_eq!(free(&budget), (8, LARGE_AT_ONCE));
        let another = arriving(&budget, 8 * UNIT).await;
        another.grow_to(LARGE).await.unwrap();
        another.grow_to(9 * LARGE).await.unwrap();
        assert_eq!(free(&budget), (8, LARGE_AT_ONCE - 1));
        drop((held, another.arrived()));
        drop(arriving(&budget, 3).await);
        assert_eq!(free(&budget), (10, LARGE_AT_ONCE));
        assert!(budget.room().arriving.is_empty());
    }

    #[tokio::test]
    async fn the_one_that_has_been_arriving_longest_is_evicted() {
        let budget = BodyBudget::new(4 * UNIT, 9);
        let none = budget.begin();
        let (first, second) = (arriving(&budget, 1).await, arriving(&budget, 2 * UNIT).await);
        let third = arriving(&budget, 1).await;
        third.grow_to(2 * UNIT).await.unwrap();
        assert_eq!([&none, &first, &second, &third].map(is_over), [false, true, false, false]);
        assert_eq!(first.grow_to(1).await, Err(NoRoom::Evicted));
        let held = third.arrived();
        let fourth = arriving(&budget, 2 * UNIT).await;
        assert_eq!([&none, &second, &fourth].map(is_over), [false, true, false]);
        assert_eq!(fourth.grow_to(3 * UNIT).await, Err(NoRoom::Full), "what is there stays");
        assert_eq!(budget.begin().grow_to(2 * UNIT).await, Ok(()), "and a refused one leaves");
        drop((none, first, second, held, fourth));
        assert_eq!(free(&budget), (4, LARGE_AT_ONCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_one_waits_for_its_place_until_one_is_done_or_slow() {
        let budget = BodyBudget::new(USUAL * 9, 9);
        let mut first = Vec::new();
        for _ in 0..LARGE_AT_ONCE {
            first.push(arriving(&budget, LARGE).await);
        }
        let before = Instant::now();
        let waits = budget.begin();
        let mut growing = Box::pin(waits.grow_to(LARGE));
        assert_eq!(growing.as_mut().now_or_never(), None);
        drop(first.pop());
        assert_eq!(growing.await, Ok(()));
        assert_eq!(before.elapsed(), Duration::ZERO);
        let held: Vec<Held> = first.into_iter().map(Arrival::arrived).collect();
        let next = arriving(&budget, LARGE).await;
        assert_eq!(before.elapsed(), SLOW, "those that are there keep theirs");
        assert_eq!([&waits, &next].map(is_over), [true, false]);
        drop((held, waits, next));
        assert_eq!(free(&budget), (USUAL * 9 / UNIT, LARGE_AT_ONCE));
    }

    #[tokio::test]
    async fn where_too_many_arrive_the_first_is_evicted() {
        let budget = BodyBudget::new(UNIT, 2);
        let [first, second, third] = [budget.begin(), budget.begin(), budget.begin()];
        assert_eq!([&first, &second, &third].map(is_over), [true, false, false]);
        drop(second.arrived());
        assert!(!is_over(&third) && !is_over(&budget.begin()));
    }

    #[tokio::test]
    async fn large_ones_take_no_room_of_the_usual() {
        let budget = BodyBudget::new(USUAL, 9);
        let mut large = Vec::new();
        for _ in 0..LARGE_AT_ONCE {
            large.push(arriving(&budget, 40 * LARGE).await);
        }
        let usual = arriving(&budget, USUAL).await;
        assert!(!large.iter().chain([&usual]).any(is_over));
    }
}
