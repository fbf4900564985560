//! A contact ends: by us, or by Amazon Connect.

use super::{find, is_free, put, scope};
use crate::relay::{
    contact::{Contact, ContactState, Happening, Item},
    handoff::{EndedBy, Status},
    id::HandoffId,
    rule::Rule,
    rules::ending,
    transaction::Transaction,
};

/// Why the relay ends a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// The handoff is over.
    Ended,
    /// Somebody elsewhere has the handoff.
    HasAnother,
}

/// The relay begins to end a contact: what comes from it takes nothing over and ends nothing from now on. `None` if
/// there is nothing to end: no contact, one that is over, or the handoff is Amazon Connect's after all.
pub fn begin(handoff: HandoffId, because: Because) -> Rule<Option<Contact>> {
    Rule::new(scope(&handoff), move |tx| {
        let (index, mut contact) = find(tx, &handoff)?;
        if because == Because::HasAnother && is_free(tx, index) {
            return None;
        }
        match contact.state {
            ContactState::Closed => return None,
            ContactState::Failed if contact.made.is_none() && !contact.may_exist => return None,
            ContactState::Starting | ContactState::Open | ContactState::Closing | ContactState::Failed => {}
        }
        contact.state = ContactState::Closing;
        contact.agent_left_at = None;
        contact.compared_at = tx.now.at;
        put(tx, contact.clone());
        Some(contact)
    })
}

/// The contact is over, and its tokens with it.
pub fn closed(handoff: HandoffId) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        if let Some((_, contact)) = find(tx, &handoff) {
            over(tx, contact);
        }
    })
}

pub(super) fn over(tx: &mut Transaction<'_>, mut contact: Contact) {
    contact.state = ContactState::Closed;
    (contact.opening, contact.agent_left_at) = (None, None);
    put(tx, contact);
}

/// A call has found the contact to be over: that joins what waits, behind it.
pub fn found_over(handoff: HandoffId) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((_, mut contact)) = find(tx, &handoff) else { return };
        if contact.state == ContactState::Closed {
            return;
        }
        let now = tx.now.at;
        let at = contact.newest_at.max(Some(now)).unwrap_or(now);
        let what = Happening::Ended;
        contact.take_in(Item { id: FOUND_OVER.to_owned(), at, contact: None, what }, now);
        // There is nothing more to read.
        contact.compared_at = now;
        put(tx, contact);
    })
}

/// The id of an end that no notification has told. It sorts behind ids of Amazon Connect's of the same instant.
const FOUND_OVER: &str = "~over";

/// The contact has ended in Amazon Connect: then the handoff ends, unless the relay has ended the contact, or somebody
/// elsewhere has the handoff.
pub(super) fn ended_there(tx: &mut Transaction<'_>, index: usize, contact: Contact) {
    let was_live = contact.is_live();
    over(tx, contact);
    if !was_live || !is_free(tx, index) {
        return;
    }
    let owner = match &tx.view.handoffs[index].status {
        Status::Active { agent } => Some(agent.clone()),
        Status::Waiting | Status::Ended(_) => None,
    };
    let (kind, name) = match owner {
        Some(agent) => (EndedBy::Agent, agent),
        None => (EndedBy::System, "Amazon Connect".to_owned()),
    };
    ending::end_at_ada(tx, index, kind, name);
}
