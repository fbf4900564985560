//! A handoff's contact in Amazon Connect: it is made, agents speak in it, it ends.
//!
//! The courier makes the calls, one decision after each, so that a crash at any instant goes on where it was. What the
//! contact says joins the thread by [`release::due`].

pub mod begin;
pub mod close;
pub mod progress;
pub mod release;

use super::{ending, say};
use crate::relay::{
    changes::Scope,
    contact::{self, Contact},
    delivery::ShownAuthor,
    handoff::{EndedBy, Status},
    id::{HandoffId, RowId},
    thread::{Author, Content, Source},
    transaction::{NewRow, Transaction, system},
};

/// A handoff with its contact.
fn scope(handoff: &HandoffId) -> Scope {
    Scope { with_contact: true, ..Scope::handoff(handoff).with_outbox() }
}

/// The handoff's index and its contact, if it has one.
fn find(tx: &Transaction<'_>, handoff: &HandoffId) -> Option<(usize, Contact)> {
    Some((tx.find_handoff(handoff)?, (*tx.view.contact).clone()?))
}

/// Keeps the contact as it is now.
fn put(tx: &mut Transaction<'_>, contact: Contact) {
    let due_at = contact.due_at(tx.policy.platforms.contacts.as_ref());
    *tx.view.contact = Some(contact.clone());
    tx.writes().contact = Some((contact, due_at));
}

/// Whether the handoff is Amazon Connect's to have: it waits, or an agent there has it.
fn is_free(tx: &Transaction<'_>, handoff: usize) -> bool {
    match &tx.view.handoffs[handoff].status {
        Status::Waiting => true,
        Status::Active { agent } => contact::is_in_connect(agent),
        Status::Ended(_) => false,
    }
}

/// Tells agents something about the contact.
fn note(tx: &mut Transaction<'_>, handoff: usize, text: String) {
    let row = RowId(tx.new_id());
    note_as(tx, handoff, row, text);
}

/// The same under an id that it has already.
fn note_as(tx: &mut Transaction<'_>, handoff: usize, row: RowId, text: String) {
    let at = tx.own_at(handoff);
    let author = Author { display_name: Some("Amazon Connect".to_owned()), ..system() };
    tx.add_row_as(row, handoff, NewRow::own(at, author, Content::Note { body: text }, Source::Relay));
}

/// The contact can't be made: agents are told, and the handoff ends if the settings say so and nobody has it.
fn fail(tx: &mut Transaction<'_>, handoff: usize, reason: &str) {
    if !tx.view.handoffs[handoff].is_open() {
        return;
    }
    note(tx, handoff, format!("No chat could be made in Amazon Connect: {reason}"));
    let policy = tx.policy.platforms.contacts.as_ref();
    let Some(text) = policy.and_then(|policy| policy.end_if_unavailable.clone()) else { return };
    if tx.view.handoffs[handoff].status == Status::Waiting {
        let by = ShownAuthor::named(super::time_out::SUPPORT.to_owned());
        say::say(tx, handoff, by, text, Source::Relay);
        ending::end_at_ada(tx, handoff, EndedBy::System, EndedBy::System.as_str().to_owned());
    }
}
