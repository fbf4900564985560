//! What was said in a contact arrives, waits for its quiet period, and joins the thread in order.

use std::{collections::BTreeMap, mem, time::Duration};

use serde_json::{Map, Value};

use super::{begin::AGENT_VARIABLE, close, find, note, note_as, put, scope};
use crate::relay::{
    changes::Scope,
    contact::{self, Contact, Happening, Item, LeftAt, PENDING_LIMIT, Participant, Speaker, SpeakerRole},
    delivery::{ShownAuthor, Update},
    handoff::Status,
    id::{HandoffId, RowId},
    rule::Rule,
    rules::{act, say},
    thread::{Author, Bytes, Content, Missing, Role, Source},
    time::Time,
    transaction::{NewRow, Transaction},
};

/// What becomes of items that arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// They wait for their quiet period, or were there already.
    Yes,
    /// Too many wait.
    Full,
    /// There is no such contact.
    NoContact,
}

/// Takes in what a notification, or the contact's transcript, brings.
pub fn arrive(handoff: HandoffId, items: Vec<Item>, rows: Vec<RowId>) -> Rule<Taken> {
    Rule::new(Scope { rows, ..scope(&handoff) }, move |tx| {
        let Some((_, mut contact)) = find(tx, &handoff) else { return Taken::NoContact };
        let now = tx.now.at;
        let mut is_changed = false;
        for item in items {
            if tx.find_row(&contact.row_of(&item)).is_some() {
                continue;
            }
            if contact.pending.len() >= PENDING_LIMIT {
                return Taken::Full;
            }
            is_changed |= contact.take_in(item, now);
        }
        if is_changed {
            put(tx, contact);
        }
        Taken::Yes
    })
}

/// The contact was compared with its transcript, which had everything `until` then, by Amazon Connect's clock.
pub fn compared(handoff: HandoffId, until: Option<Time>) -> Rule<()> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((_, mut contact)) = find(tx, &handoff) else { return };
        contact.compared_at = tx.now.at;
        contact.compared_until = contact.compared_until.max(until);
        put(tx, contact);
    })
}

/// What came of the files that wait, by the ids of their items.
pub type FetchedFiles = BTreeMap<String, Result<FetchedFile, String>>;

/// A file whose bytes are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedFile {
    /// Its name, clean.
    pub filename: String,
    /// Its type, as Ada takes it.
    pub mime_type: String,
    /// How many bytes it has.
    pub size: u64,
}

/// What waits in a contact joins the thread, if its quiet period is over; up to the first file that is not in `files`.
pub fn due(handoff: HandoffId, rows: Vec<RowId>, files: FetchedFiles) -> Rule<()> {
    Rule::new(Scope { rows, ..scope(&handoff) }, move |tx| {
        let Some((index, mut contact)) = find(tx, &handoff) else { return };
        if contact.release_at.is_none_or(|at| at > tx.now.at) {
            return;
        }
        let is_ready =
            |item: &Item| !matches!(item.what, Happening::File { .. }) || files.contains_key(&item.id);
        let all = contact.in_order();
        let ready = all.iter().take_while(|item| is_ready(item)).count();
        contact.pending = all[ready..].to_vec();
        // Each file has its own time: that of the next one begins when what was before it is done.
        let since = if ready > 0 { Some(tx.now.at) } else { contact.waits_since };
        contact.waits_since = since.filter(|_| !contact.pending.is_empty());
        contact.release_at = contact.release_at.filter(|_| !contact.pending.is_empty());
        put(tx, contact);
        for item in &all[..ready] {
            let Some(contact) = (*tx.view.contact).clone() else { return };
            if tx.find_row(&contact.row_of(item)).is_none() {
                happened(tx, index, contact, item, &files);
            }
        }
    })
}

/// An agent has left, nobody came for the time of grace, and no transfer or timer explains it: the chat is over.
pub fn agent_is_gone(handoff: HandoffId) -> Rule<bool> {
    Rule::new(scope(&handoff), move |tx| {
        let Some((index, contact)) = find(tx, &handoff) else { return false };
        let Some(policy) = &tx.policy.platforms.contacts else { return false };
        let is_gone =
            contact.agent_left_at.is_some_and(|left| left.ours + policy.agent_left_grace <= tx.now.at);
        if !is_gone || !contact.is_live() || !contact.pending.is_empty() {
            return false;
        }
        // The contact itself is ended by the handoff's end, which comes to its lane.
        let mut contact = contact;
        contact.agent_left_at = None;
        put(tx, contact);
        end_by_agent(tx, index);
        true
    })
}

fn end_by_agent(tx: &mut Transaction<'_>, index: usize) {
    let Status::Active { agent } = tx.view.handoffs[index].status.clone() else { return };
    if contact::is_in_connect(&agent) {
        super::ending::end_at_ada(tx, index, crate::relay::handoff::EndedBy::Agent, agent);
    }
}

fn happened(tx: &mut Transaction<'_>, index: usize, mut contact: Contact, item: &Item, files: &FetchedFiles) {
    if let (Some(made), Some(now)) = (&mut contact.made, &item.contact)
        && made.current_since.is_none_or(|since| since <= item.at)
    {
        made.current_id.clone_from(now);
        made.current_since = Some(item.at);
    }
    let row = contact.row_of(item);
    match &item.what {
        Happening::Text { by, body } => {
            speaks(tx, index, contact, by, item.at);
            let content = Content::Text { body: body.clone() };
            say(tx, index, row, by, content);
        }
        Happening::File { by, filename, mime_type, .. } => {
            speaks(tx, index, contact, by, item.at);
            let fetched =
                files.get(&item.id).cloned().unwrap_or_else(|| Err("it was not fetched".to_owned()));
            let (filename, mime_type, bytes) = match fetched {
                Ok(FetchedFile { filename, mime_type, size }) => (filename, mime_type, Bytes::Kept { size }),
                Err(error) => {
                    let text =
                        format!("A file of {} does not reach the customer: {filename}: {error}", by.shown());
                    note(tx, index, text);
                    let why = Missing::Gone;
                    (filename.clone(), mime_type.clone(), Bytes::Missing { why, error })
                }
            };
            say(tx, index, row, by, Content::File { filename, mime_type, source_url: None, bytes });
        }
        Happening::FileRejected { by, filename } => {
            put(tx, contact);
            let by = by.shown();
            note_as(tx, index, row, format!("Amazon Connect has refused a file of {by}: {filename}"));
        }
        Happening::Joined { by } => joined(tx, index, contact, row, by, item.at),
        Happening::Left { by } => left(tx, index, contact, row, by, item.at),
        Happening::Transferred | Happening::AutoDisconnected => {
            // What comes again, or late, explains nothing that happened since.
            if contact.agent_left_at.is_some_and(|left| is_together(left.theirs, item.at)) {
                contact.agent_left_at = None;
            }
            contact.leaves_explained_at.push(item.at);
            let spare = contact.leaves_explained_at.len().saturating_sub(EXPLANATIONS);
            contact.leaves_explained_at.drain(..spare);
            put(tx, contact);
        }
        Happening::Ended => close::ended_there(tx, index, contact),
    }
}

/// An agent speaks: who waits is theirs, unless the relay ends the contact.
fn speaks(tx: &mut Transaction<'_>, index: usize, mut contact: Contact, by: &Speaker, at: Time) {
    if by.role == SpeakerRole::Agent {
        let known = Participant { name: by.shown(), is_here: true, at };
        let participant = contact.participants.entry(by.participant.clone()).or_insert(known);
        participant.at = participant.at.max(at);
        if !mem::replace(&mut contact.agent_is_told, true) {
            let id = Value::from(by.participant.clone());
            let values = Map::from_iter([(AGENT_VARIABLE.to_owned(), id)]);
            tx.deliver(index, Update::UpdateEndUser { values: values.clone() });
            tx.deliver(index, Update::UpdateConversation { values });
        }
    }
    let is_live = contact.is_live();
    put(tx, contact);
    if by.role == SpeakerRole::Agent && is_live {
        takes(tx, index, by);
    }
}

/// The handoff is this agent's, if it waits or another in Amazon Connect has it.
fn takes(tx: &mut Transaction<'_>, index: usize, by: &Speaker) {
    let owner = by.as_owner();
    match tx.view.handoffs[index].status.clone() {
        Status::Waiting => act::accept_if_waiting(tx, index, &owner, ShownAuthor::named(by.shown())),
        Status::Active { agent } if agent != owner && contact::is_in_connect(&agent) => {
            act::take_over(tx, index, &owner);
        }
        Status::Active { .. } | Status::Ended(_) => {}
    }
}

/// Adds what was said to the thread, and sends it to the customer. Behind the end of the handoff, it fails.
fn say(tx: &mut Transaction<'_>, index: usize, row: RowId, by: &Speaker, content: Content) {
    let shown = ShownAuthor::named(by.shown());
    if tx.view.handoffs[index].is_open() {
        say::say_as(tx, index, row, shown, content);
    } else {
        say::fail_as(tx, index, row, shown, content, "the handoff had ended before this could be sent");
    }
}

fn joined(tx: &mut Transaction<'_>, index: usize, mut contact: Contact, row: RowId, by: &Speaker, at: Time) {
    if !moves(&mut contact, by, true, at) {
        return put(tx, contact);
    }
    contact.agent_left_at = None;
    let is_live = contact.is_live();
    put(tx, contact);
    presence(tx, index, row, by, "joined the chat");
    if is_live {
        takes(tx, index, by);
    }
}

fn left(tx: &mut Transaction<'_>, index: usize, mut contact: Contact, row: RowId, by: &Speaker, at: Time) {
    if !moves(&mut contact, by, false, at) {
        return put(tx, contact);
    }
    // Who hands a chat on, and whom a timer takes out, leaves at about the same time.
    let is_explained = contact.leaves_explained_at.iter().any(|explained| is_together(*explained, at));
    if !contact.has_agent() && !is_explained {
        contact.agent_left_at = Some(LeftAt { ours: tx.now.at, theirs: at });
    }
    put(tx, contact);
    presence(tx, index, row, by, "left the chat");
}

/// How far apart, by Amazon Connect's clock, are an agent's leaving and what explains it.
const TOGETHER: Duration = Duration::from_secs(10);
/// How many explanations are kept.
const EXPLANATIONS: usize = 20;

fn is_together(one: Time, other: Time) -> bool {
    one.since(other) <= TOGETHER && other.since(one) <= TOGETHER
}

/// Records that somebody came or went; false if something later is known of them.
fn moves(contact: &mut Contact, by: &Speaker, is_here: bool, at: Time) -> bool {
    let known = contact.participants.get(&by.participant);
    if known.is_some_and(|known| known.at > at) {
        return false;
    }
    contact.participants.insert(by.participant.clone(), Participant { name: by.shown(), is_here, at });
    true
}

fn presence(tx: &mut Transaction<'_>, index: usize, row: RowId, by: &Speaker, what: &str) {
    let author = Author { role: Role::HumanAgent, display_name: Some(by.shown()), avatar: None };
    let content = Content::Presence { body: format!("{} {what} in Amazon Connect", by.shown()) };
    let new = NewRow::own(tx.own_at(index), author, content, Source::Relay);
    tx.add_row_as(row, index, new);
}
