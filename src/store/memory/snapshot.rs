//! A copy of a memory store, for simulating restored backups and the storing of documents in a file.

use super::{MemoryStore, State};
use crate::store::{
    StoreError,
    document::{self, Document},
};

/// A copy of all data at one moment.
pub struct Snapshot(State);

impl MemoryStore {
    /// A copy of everything.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.lock().clone())
    }

    /// Goes back to a copy, as a restored backup does.
    pub fn restore(&self, snapshot: &Snapshot) {
        *self.lock() = snapshot.0.clone();
    }

    /// Has every document stored and read again, as if relay and file had changed hands: from a newer version, which
    /// has added a field to each.
    ///
    /// # Errors
    /// One can't be.
    pub fn through_documents(&self) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.handoffs.values_mut().try_for_each(through_document)?;
        state.threads.values_mut().flat_map(|rows| rows.values_mut()).try_for_each(through_document)?;
        state.inbox.values_mut().flat_map(|events| events.values_mut()).try_for_each(through_document)?;
        state.buffers.values_mut().try_for_each(|(buffer, _)| through_document(buffer))?;
        state.dead_letters.values_mut().try_for_each(through_document)?;
        state.idempotency.values_mut().try_for_each(|(_, known)| through_document(known))?;
        state.contacts.values_mut().try_for_each(|(contact, _)| through_document(contact))?;
        state.replies.values_mut().try_for_each(through_document)?;
        state.outbox.deliveries_mut().try_for_each(through_document)
    }
}

fn through_document<T: Document>(value: &mut T) -> Result<(), StoreError> {
    let text = document::write(value)?;
    let newer = text.replacen(',', r#","of_a_newer_relay":[{"deep":1}],"#, 1);
    *value = document::read(&newer)?;
    Ok(())
}
