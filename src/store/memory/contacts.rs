//! Chat contacts in Amazon Connect, in the memory store.

use super::state::State;
use crate::{
    relay::{
        contact::{Contact, ContactState},
        id::HandoffId,
        time::Time,
    },
    store::Due,
};

impl State {
    pub fn put_contact(&mut self, contact: Contact, due_at: Option<Time>) {
        let handoff = contact.handoff.clone();
        if let Some((_, Some(before))) = self.contacts.get(&handoff) {
            self.due_contacts.remove(&(*before, handoff.clone()));
        }
        self.due_contacts.extend(due_at.map(|at| (at, handoff.clone())));
        if let Some(made) = &contact.made {
            self.contact_ids.insert(made.id.clone(), handoff.clone());
        }
        self.contacts.insert(handoff, (contact, due_at));
    }

    pub fn due_contacts(&self, now: Time, limit: usize) -> Due<HandoffId> {
        let due = self.due_contacts.iter().take_while(|(at, _)| *at <= now).take(limit);
        let items: Vec<HandoffId> = due.map(|(_, handoff)| handoff.clone()).collect();
        let next = self.due_contacts.iter().nth(items.len()).map(|(at, _)| *at);
        Due { items, next }
    }

    pub fn open_contacts(&self, after: Option<&HandoffId>, limit: usize) -> Vec<HandoffId> {
        let open = self.contacts.iter().filter(|(_, (contact, _))| contact.state != ContactState::Closed);
        let behind = open.filter(|(handoff, _)| after.is_none_or(|after| *handoff > after));
        behind.take(limit).map(|(handoff, _)| handoff.clone()).collect()
    }

    pub fn forget_contacts(&mut self, is_gone: impl Fn(&HandoffId) -> bool) {
        self.contacts.retain(|handoff, _| !is_gone(handoff));
        self.contact_ids.retain(|_, handoff| !is_gone(handoff));
        self.due_contacts.retain(|(_, handoff)| !is_gone(handoff));
    }
}
