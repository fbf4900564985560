//! Which conversations have an open handoff, so that events of all others cost no look at the disk, and how many handoffs
//! there are of each status.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rusqlite::Connection;

use super::query::{Query, text};
use crate::{
    relay::handoff::Handoff,
    store::{StatusFilter, StoreError, unsigned},
};

/// See the module.
#[derive(Default)]
pub struct OpenHandoffs(Mutex<State>);

#[derive(Default)]
struct State {
    /// By conversation; one has more than one only where several AI Agents have it.
    open: HashMap<String, Vec<OpenHandoff>>,
    /// Waiting, active, ended.
    counts: [u64; 3],
}

struct OpenHandoff {
    id: String,
    status: StatusFilter,
}

impl OpenHandoffs {
    /// Whether a conversation has one.
    pub fn has(&self, conversation: &str) -> bool {
        self.lock().open.contains_key(conversation)
    }

    /// How many are waiting, active and ended.
    pub fn counts(&self) -> [u64; 3] {
        self.lock().counts
    }

    /// A handoff is new, or has changed.
    pub fn changed(&self, handoff: &Handoff, is_new: bool) {
        let mut state = self.lock();
        let (conversation, id) = (handoff.key.conversation.as_str(), handoff.id.as_str());
        let status = StatusFilter::of(handoff);
        let before = state.close(conversation, id).or_else(|| (!is_new).then_some(StatusFilter::Ended));
        if let Some(before) = before {
            state.count(before, -1);
        }
        state.count(status, 1);
        if status != StatusFilter::Ended {
            let open = OpenHandoff { id: id.to_owned(), status };
            state.open.entry(conversation.to_owned()).or_default().push(open);
        }
    }

    /// So many ended ones are gone.
    pub fn purged(&self, ended: usize) {
        self.lock().count(StatusFilter::Ended, -i64::try_from(ended).unwrap_or(i64::MAX));
    }

    /// Reads them anew.
    pub fn read(&self, connection: &Connection) -> Result<(), StoreError> {
        let mut state = State::default();
        let sql = "SELECT conversation, id, status FROM handoffs WHERE status IN ('waiting', 'active')";
        connection.each(sql, (), |row| {
            let status =
                if text(row, 2)? == "waiting" { StatusFilter::Waiting } else { StatusFilter::Active };
            state.count(status, 1);
            let open = OpenHandoff { id: row.get(1)?, status };
            state.open.entry(row.get(0)?).or_default().push(open);
            Ok(())
        })?;
        let ended = "SELECT count(*) FROM handoffs WHERE status = 'ended'";
        state.counts[2] = connection.first(ended, (), |row| Ok(unsigned(row.get(0)?)))?.unwrap_or_default();
        *self.lock() = state;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Removes an open handoff, and gives the status that it had.
    fn close(&mut self, conversation: &str, id: &str) -> Option<StatusFilter> {
        let of_conversation = self.open.get_mut(conversation)?;
        let index = of_conversation.iter().position(|open| open.id == id)?;
        let was = of_conversation.swap_remove(index);
        if of_conversation.is_empty() {
            self.open.remove(conversation);
        }
        Some(was.status)
    }

    fn count(&mut self, status: StatusFilter, by: i64) {
        let index = match status {
            StatusFilter::Waiting => 0,
            StatusFilter::Active => 1,
            StatusFilter::Ended => 2,
        };
        self.counts[index] = self.counts[index].saturating_add_signed(by);
    }
}
