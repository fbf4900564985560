//! What the process knows of the file without asking it: what waits, which handoffs are open, how much is queued, and what has
//! changed last.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use rusqlite::Connection;

use super::{journal, open_handoffs::OpenHandoffs, outbox, recent::RecentChanges, waiting::SharedWaiting};
use crate::{
    relay::{delivery::Destination, id::AiAgentId},
    store::StoreError,
};

/// See the module.
#[derive(Default)]
pub struct Known {
    /// What waits in the journal.
    pub waiting: SharedWaiting,
    /// Which conversations have an open handoff, and how many handoffs there are.
    pub open: OpenHandoffs,
    /// How much is queued for each destination.
    pub queued: Queued,
    /// The newest changes that agents see.
    pub recent: RecentChanges,
}

impl Known {
    /// Reads it anew.
    pub fn read(&self, connection: &Connection) -> Result<(), StoreError> {
        *self.waiting.lock() = journal::read(connection)?;
        self.queued.set(outbox::depths(connection)?);
        self.open.read(connection)
    }
}

/// How much is queued for each destination that has any.
#[derive(Default)]
pub struct Queued(Mutex<BTreeMap<Destination, u64>>);

impl Queued {
    /// Of all destinations.
    pub fn all(&self) -> BTreeMap<Destination, u64> {
        self.with(|queued| queued.clone())
    }

    /// Reads from an AI Agent. Few destinations have anything, so none is made to look this one up.
    pub fn reads(&self, ai_agent: &AiAgentId) -> u64 {
        self.with(|queued| {
            let reads = queued.iter().find(|(destination, _)| destination.is_reads_of(ai_agent));
            reads.map_or(0, |(_, queued)| *queued)
        })
    }

    /// There are so many more, or less.
    pub fn grow(&self, growth: BTreeMap<Destination, i64>) {
        self.with(|queued| {
            for (destination, by) in growth {
                let queued = queued.entry(destination).or_default();
                *queued = queued.saturating_add_signed(by);
            }
            queued.retain(|_, queued| *queued > 0);
        });
    }

    fn set(&self, counted: BTreeMap<Destination, u64>) {
        self.with(|queued| *queued = counted);
    }

    fn with<T>(&self, with: impl FnOnce(&mut BTreeMap<Destination, u64>) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
