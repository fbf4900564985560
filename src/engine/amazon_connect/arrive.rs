//! Notifications arrive.

use std::time::Duration;

use crate::{
    agents::platforms::amazon_connect::{AmazonConnect, happening, item::WireItem},
    engine::Engine,
    relay::{
        contact::{Contact, Item},
        id::RowId,
        rules::contact::release::{self, Taken},
    },
    store::StoreError,
};

/// A contact may not be known yet for so long after its first notification.
const YOUNG: Duration = Duration::from_mins(2);

/// What came of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactArrival {
    /// It is kept, or was before.
    Kept,
    /// Nobody needs it.
    Ignored,
    /// Its contact is not known, and so young that it may be soon: it must come again.
    TooEarly,
    /// Too many wait: it must come again.
    Full,
}

impl Engine {
    /// Keeps what a verified notification says.
    ///
    /// # Errors
    /// The store failed: the notification must come again.
    pub async fn notified(
        &self,
        connect: &AmazonConnect,
        item: &WireItem,
    ) -> Result<ContactArrival, StoreError> {
        let items = happening::of(item, connect.settings.system_messages);
        let Some(first) = items.first() else { return Ok(ContactArrival::Ignored) };
        let Some(id) = item.initial_contact_id.as_ref().or(item.contact_id.as_ref()) else {
            return Ok(ContactArrival::Ignored);
        };
        let Some(handoff) = self.store.handoff_of_contact(id).await? else {
            let is_young = self.environment.now().since(first.at) < YOUNG;
            return Ok(if is_young { ContactArrival::TooEarly } else { ContactArrival::Ignored });
        };
        let Some(contact) = self.store.contact(&handoff).await? else { return Ok(ContactArrival::Ignored) };
        Ok(match self.take_in(&contact, items).await? {
            Taken::Yes => ContactArrival::Kept,
            Taken::Full => ContactArrival::Full,
            Taken::NoContact => ContactArrival::Ignored,
        })
    }

    pub(super) async fn take_in(&self, contact: &Contact, items: Vec<Item>) -> Result<Taken, StoreError> {
        if items.is_empty() {
            return Ok(Taken::Yes);
        }
        let rows: Vec<RowId> = items.iter().map(|item| contact.row_of(item)).collect();
        self.decide(release::arrive(contact.handoff.clone(), items, rows)).await
    }
}
