//! How many connections a listener has at once, and which of them leaves when one more comes: of those that wait for
//! their client, the one that has waited longest. So nobody keeps others out by holding connections open.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The connections of a listener. Clones are of one listener.
#[derive(Clone, Debug)]
pub struct Slots(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    open: Mutex<Open>,
    /// Counts the turns of all clients.
    turns: AtomicU64,
    /// One has been closed, or has begun to wait.
    changed: Notify,
    /// How many wait for that. While nobody does, a turn that changes wakes nobody.
    queued: AtomicUsize,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    turn: Turn,
    evicted: CancellationToken,
}

/// Whose turn it is on a connection, and since when. Clones are of one connection.
#[derive(Clone, Debug)]
pub struct Turn(Arc<State>);

#[derive(Debug)]
struct State {
    /// Three times the count of turns when it began, and whose it is: one number, so that both change together.
    now: AtomicU64,
    slots: Slots,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The client's: to make a request.
    Request,
    /// Ours: to answer it.
    Answer,
    /// The client's: to take an answer that has been made.
    Taking,
}

/// The place of one connection. Dropping it frees it.
#[derive(Debug)]
pub struct Slot {
    slots: Slots,
    id: u64,
}

impl Slots {
    /// At most so many connections, and at least one.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Inner {
            most: most.max(1),
            open: Mutex::default(),
            turns: AtomicU64::new(0),
            changed: Notify::new(),
            queued: AtomicUsize::new(0),
        }))
    }

    /// For a connection that has just been accepted.
    pub fn turn(&self) -> Turn {
        let turn = Turn(Arc::new(State { now: AtomicU64::new(0), slots: self.clone() }));
        turn.set(Whose::Request);
        turn
    }

    /// A place for a connection, which loses it when `evicted` is cancelled: then it must end at once, unless it is our
    /// turn. If no place is free and it is our turn on all others, this waits.
    pub async fn take(&self, turn: &Turn, evicted: &CancellationToken) -> Slot {
        let _queued = Queued::join(&self.0.queued);
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            changed.as_mut().enable();
            if let Some(id) = self.open().enter(self.0.most, turn, evicted) {
                return Slot { slots: self.clone(), id };
            }
            changed.await;
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Is counted as long as it waits for a place.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    /// Whoever does not see this one's turn as it is now finds it counted: see [`Turn::set`].
    fn join(queued: &'a AtomicUsize) -> Self {
        queued.fetch_add(1, Ordering::SeqCst);
        Self(queued)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Open {
    fn enter(&mut self, most: usize, turn: &Turn, evicted: &CancellationToken) -> Option<u64> {
        if self.connections.len() >= most {
            self.evict()?;
        }
        let id = self.next;
        self.next += 1;
        self.connections.insert(id, Connection { turn: turn.clone(), evicted: evicted.clone() });
        Some(id)
    }

    /// Who is evicted is counted no more.
    fn evict(&mut self) -> Option<()> {
        let waiting = self.connections.iter().filter_map(|(id, one)| Some((one.turn.waits_since()?, *id)));
        let (_, longest) = waiting.min()?;
        self.connections.remove(&longest)?.evicted.cancel();
        Some(())
    }
}

impl Turn {
    /// Whose turn it is from now on.
    pub fn set(&self, whose: Whose) {
        let slots = &self.0.slots.0;
        if whose == Whose::Answer {
            self.0.now.store(whose as u64, Ordering::Relaxed);
            return;
        }
        let count = slots.turns.fetch_add(1, Ordering::Relaxed);
        // Either whoever waits for a place sees this turn, or it is counted here: both orders are the same to all.
        self.0.now.store(count * 3 + whose as u64, Ordering::SeqCst);
        if slots.queued.load(Ordering::SeqCst) > 0 {
            slots.changed.notify_waiters();
        }
    }

    /// Whether it is this one's.
    pub fn is(&self, whose: Whose) -> bool {
        self.0.now.load(Ordering::Relaxed) % 3 == whose as u64
    }

    /// Since when it is the client's, counted in turns of all connections.
    fn waits_since(&self) -> Option<u64> {
        let now = self.0.now.load(Ordering::SeqCst);
        (now % 3 != Whose::Answer as u64).then_some(now)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.open().connections.remove(&self.id);
        self.slots.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    struct Client {
        turn: Turn,
        evicted: CancellationToken,
        _slot: Slot,
    }

    fn come(slots: &Slots) -> Option<Client> {
        let (turn, evicted) = (slots.turn(), CancellationToken::new());
        let slot = slots.take(&turn, &evicted).now_or_never()?;
        Some(Client { turn, evicted, _slot: slot })
    }

    fn gone(clients: &[Option<Client>]) -> Vec<bool> {
        clients.iter().flatten().map(|client| client.evicted.is_cancelled()).collect()
    }

    fn set(clients: &[Option<Client>], at: usize, whose: Whose) {
        clients[at].iter().for_each(|client| client.turn.set(whose));
    }

    #[tokio::test]
    async fn the_one_that_has_waited_longest_for_its_client_leaves() {
        let slots = Slots::new(4);
        let mut clients: Vec<_> = (0..4).map(|_| come(&slots)).collect();
        set(&clients, 0, Whose::Answer);
        set(&clients, 1, Whose::Answer);
        set(&clients, 2, Whose::Taking);
        set(&clients, 0, Whose::Request);
        for wanted in [[false, false, false, true], [false, false, true, true], [true, false, true, true]] {
            clients.push(come(&slots));
            assert_eq!(gone(&clients[..4]), wanted);
        }
        drop(clients);
        assert!(slots.open().connections.is_empty());
    }

    #[tokio::test]
    async fn where_all_are_busy_one_more_waits_for_the_first_that_is_not() {
        let slots = Slots::new(2);
        let clients = [come(&slots), come(&slots)];
        set(&clients, 0, Whose::Answer);
        set(&clients, 1, Whose::Answer);
        let (turn, evicted) = (slots.turn(), CancellationToken::new());
        let mut third = Box::pin(slots.take(&turn, &evicted));
        assert!(third.as_mut().now_or_never().is_none());
        set(&clients, 1, Whose::Taking);
        let third = third.as_mut().now_or_never();
        assert_eq!((third.is_some(), gone(&clients)), (true, vec![false, true]));
        turn.set(Whose::Answer);
        let mut fourth = Box::pin(slots.take(&turn, &evicted));
        assert!(fourth.as_mut().now_or_never().is_none());
        drop(clients);
        assert!(fourth.now_or_never().is_some());
    }
}
