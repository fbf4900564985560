//! What has been sent to a contact.

use super::{find, note, put, scope};
use crate::relay::{contact::SentParts, id::HandoffId, rule::Rule};

/// Of a row that takes several messages, so many have been sent.
pub fn part_sent(handoff: HandoffId, sent: SentParts) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((_, mut contact)) = find(tx, &handoff) else { return };
        contact.parts_sent = Some(sent);
        put(tx, contact);
    })
}

/// A file has been attached.
pub fn attached(handoff: HandoffId) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((_, mut contact)) = find(tx, &handoff) else { return };
        contact.attachments += 1;
        put(tx, contact);
    })
}

/// Agents are told something about the contact.
pub fn tell_agents(handoff: HandoffId, text: String) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        if let Some(index) = tx.find_handoff(&handoff) {
            note(tx, index, text);
        }
    })
}
