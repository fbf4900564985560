//! How many connections a listener has at once, and which of them leaves when one more comes: of those that wait for a
//! request of their client's, the one that has waited longest. So nobody keeps others out by holding connections open.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
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
    /// Counts how often a connection began to wait.
    waits: AtomicU64,
    /// One has been closed, or has begun to wait.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    waiting: Waiting,
    leaves: CancellationToken,
}

/// Whether a connection waits for a request, and since when. Clones are of one connection.
#[derive(Clone, Debug)]
pub struct Waiting {
    since: Arc<AtomicU64>,
    slots: Slots,
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
        let (open, waits, changed) = (Mutex::default(), AtomicU64::new(0), Notify::new());
        Self(Arc::new(Inner { most: most.max(1), open, waits, changed }))
    }

    /// For a connection that has just been accepted.
    pub fn waiting(&self) -> Waiting {
        let waiting = Waiting { since: Arc::default(), slots: self.clone() };
        waiting.begins();
        waiting
    }

    /// A place for a connection that `leaves` can tell to go. If none is free and all others are busy, this waits.
    pub async fn take(&self, waiting: &Waiting, leaves: &CancellationToken) -> Slot {
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            changed.as_mut().enable();
            if let Some(id) = self.open().enter(self.0.most, waiting, leaves) {
                return Slot { slots: self.clone(), id };
            }
            changed.await;
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn enter(&mut self, most: usize, waiting: &Waiting, leaves: &CancellationToken) -> Option<u64> {
        if self.connections.len() >= most {
            self.close_one()?;
        }
        let id = self.next;
        self.next += 1;
        let connection = Connection { waiting: waiting.clone(), leaves: leaves.clone() };
        self.connections.insert(id, connection);
        Some(id)
    }

    /// Who is told to leave does so at once, and is counted no more.
    fn close_one(&mut self) -> Option<()> {
        let waiting = self.connections.iter().filter_map(|(id, one)| Some((one.waiting.since()?, *id)));
        let (_, longest) = waiting.min()?;
        self.connections.remove(&longest)?.leaves.cancel();
        Some(())
    }
}

impl Waiting {
    const BUSY: u64 = u64::MAX;

    /// A request has come.
    pub fn ends(&self) {
        self.since.store(Self::BUSY, Ordering::Relaxed);
    }

    /// It has been answered.
    pub fn begins(&self) {
        let count = self.slots.0.waits.fetch_add(1, Ordering::Relaxed);
        self.since.store(count, Ordering::Relaxed);
        self.slots.0.changed.notify_waiters();
    }

    /// Whether it waits.
    pub fn is_on(&self) -> bool {
        self.since().is_some()
    }

    fn since(&self) -> Option<u64> {
        Some(self.since.load(Ordering::Relaxed)).filter(|since| *since != Self::BUSY)
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
        waiting: Waiting,
        leaves: CancellationToken,
        _slot: Slot,
    }

    fn come(slots: &Slots) -> Option<Client> {
        let (waiting, leaves) = (slots.waiting(), CancellationToken::new());
        let slot = slots.take(&waiting, &leaves).now_or_never()?;
        Some(Client { waiting, leaves, _slot: slot })
    }

    fn gone(clients: &[Option<Client>]) -> Vec<bool> {
        clients.iter().flatten().map(|client| client.leaves.is_cancelled()).collect()
    }

    #[tokio::test]
    async fn the_one_that_has_waited_longest_leaves() {
        let slots = Slots::new(3);
        let mut clients: Vec<_> = (0..3).map(|_| come(&slots)).collect();
        if let [Some(first), Some(second), _] = &clients[..] {
            first.waiting.ends();
            second.waiting.ends();
            first.waiting.begins();
        }
        clients.push(come(&slots));
        assert_eq!(
            gone(&clients),
            [false, false, true, false],
            "the second is busy, the first waits since later"
        );
        clients.push(come(&slots));
        assert_eq!(gone(&clients), [true, false, true, false, false]);
        drop(clients);
        assert!(slots.open().connections.is_empty());
    }

    #[tokio::test]
    async fn where_all_are_busy_one_more_waits_for_the_first_that_is_not() {
        let slots = Slots::new(2);
        let clients = [come(&slots), come(&slots)];
        clients.iter().flatten().for_each(|client| client.waiting.ends());
        let (waiting, leaves) = (slots.waiting(), CancellationToken::new());
        let mut third = Box::pin(slots.take(&waiting, &leaves));
        assert!(third.as_mut().now_or_never().is_none());
        clients[1].iter().for_each(|client| client.waiting.begins());
        let third = third.as_mut().now_or_never();
        assert_eq!((third.is_some(), gone(&clients)), (true, vec![false, true]));
        waiting.ends();
        let mut fourth = Box::pin(slots.take(&waiting, &leaves));
        assert!(fourth.as_mut().now_or_never().is_none());
        drop(clients);
        assert!(fourth.now_or_never().is_some());
    }
}
