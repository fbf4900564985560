//! Chat contacts in Amazon Connect.

use rusqlite::{Connection, params};

use super::query::{Query, doc, text};
use crate::{
    relay::{contact::Contact, id::HandoffId, time::Time},
    store::{Due, StoreError, count, document, or_note},
};

pub fn one(connection: &Connection, handoff: &HandoffId) -> Result<Option<Contact>, StoreError> {
    connection.first("SELECT doc FROM contacts WHERE handoff = ?1", [handoff.as_str()], doc)
}

pub fn handoff_of(connection: &Connection, contact: &str) -> Result<Option<HandoffId>, StoreError> {
    let sql = "SELECT handoff FROM contacts WHERE contact = ?1";
    connection.first(sql, [contact], |row| Ok(HandoffId(text(row, 0)?.to_owned())))
}

pub fn due(connection: &Connection, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError> {
    let sql =
        "SELECT handoff, due_at FROM contacts WHERE due_at IS NOT NULL ORDER BY due_at, handoff LIMIT ?1";
    let first = connection.all(sql, params![count(limit.saturating_add(1))], |row| {
        Ok((HandoffId(text(row, 0)?.to_owned()), Time::from_micros(row.get(1)?)))
    })?;
    let due = first.iter().take(limit).take_while(|(_, at)| *at <= now);
    let items: Vec<HandoffId> = due.map(|(handoff, _)| handoff.clone()).collect();
    let next = first.get(items.len()).map(|(_, at)| *at);
    Ok(Due { items, next })
}

pub fn open(
    connection: &Connection,
    after: Option<&HandoffId>,
    limit: usize,
) -> Result<Vec<HandoffId>, StoreError> {
    let sql = "SELECT handoff FROM contacts WHERE handoff > ?1 AND json_extract(doc, '$.state') <> 'closed' \
               ORDER BY handoff LIMIT ?2";
    let after = after.map_or("", HandoffId::as_str);
    let open = connection.all(sql, params![after, count(limit)], |row| {
        or_note(Ok(HandoffId(text(row, 0)?.to_owned())), "contact")
    })?;
    Ok(open.into_iter().flatten().collect())
}

pub fn put(connection: &Connection, contact: &Contact, due_at: Option<Time>) -> Result<(), StoreError> {
    let sql = "INSERT INTO contacts (handoff, contact, due_at, doc) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (handoff) DO UPDATE \
               SET contact = excluded.contact, due_at = excluded.due_at, doc = excluded.doc";
    let id = contact.made.as_ref().map(|made| made.id.as_str());
    let due_at = due_at.map(Time::as_micros);
    let values = params![contact.handoff.as_str(), id, due_at, document::write(contact)?];
    connection.run(sql, values).map(drop)
}
