//! Which conversations have an open handoff: known to the process, so that events of all others cost no look at the disk.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rusqlite::Connection;

use super::query::Query;
use crate::{
    relay::handoff::Handoff,
    store::{StatusFilter, StoreError},
};

/// See the module. Handoffs by conversation; one has more than one only where several AI Agents have it.
#[derive(Default)]
pub struct OpenHandoffs(Mutex<HashMap<String, Vec<String>>>);

impl OpenHandoffs {
    /// Whether a conversation has one.
    pub fn has(&self, conversation: &str) -> bool {
        self.lock().contains_key(conversation)
    }

    /// A handoff has changed.
    pub fn changed(&self, handoff: &Handoff) {
        let mut open = self.lock();
        let (conversation, id) = (handoff.key.conversation.as_str(), handoff.id.as_str());
        let is_open = StatusFilter::of(handoff) != StatusFilter::Ended;
        match open.get_mut(conversation) {
            Some(ids) => {
                ids.retain(|other| other != id);
                ids.extend(is_open.then(|| id.to_owned()));
                if ids.is_empty() {
                    open.remove(conversation);
                }
            }
            None if is_open => drop(open.insert(conversation.to_owned(), vec![id.to_owned()])),
            None => {}
        }
    }

    /// Reads them anew.
    pub fn read(&self, connection: &Connection) -> Result<(), StoreError> {
        let mut open = HashMap::<String, Vec<String>>::new();
        let sql = "SELECT conversation, id FROM handoffs WHERE status IN ('waiting', 'active')";
        connection.each(sql, (), |row| {
            open.entry(row.get(0)?).or_default().push(row.get(1)?);
            Ok(())
        })?;
        *self.lock() = open;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
