//! Chat contacts in Amazon Connect.

use super::{
    connection::Connection,
    query::{Statement, Value, all, doc, first, key, time, values},
};
use crate::{
    relay::{
        contact::{Contact, ContactState},
        id::HandoffId,
        time::Time,
    },
    store::{Due, StoreError, document},
};

pub async fn one(client: &Connection, handoff: &HandoffId) -> Result<Option<Contact>, StoreError> {
    let sql = "SELECT doc FROM contacts WHERE handoff = $1";
    first(client, sql, vec![Value::key(handoff.as_str())]).await?.map(|row| doc(&row, 0)).transpose()
}

pub async fn handoff_of(client: &Connection, contact: &str) -> Result<Option<HandoffId>, StoreError> {
    let sql = "SELECT handoff FROM contacts WHERE contact = $1";
    let handoff = first(client, sql, vec![Value::key(contact)]).await?;
    handoff.map(|row| Ok(HandoffId(key(&row, 0)?))).transpose()
}

pub async fn due(client: &Connection, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError> {
    let sql =
        "SELECT handoff, due_at FROM contacts WHERE due_at IS NOT NULL ORDER BY due_at, handoff LIMIT $1";
    let mut due = Due { items: Vec::new(), next: None };
    for row in all(client, sql, values![limit.saturating_add(1)]).await? {
        let at = time(&row, 1)?;
        if at > now || due.items.len() == limit {
            due.next = Some(at);
            break;
        }
        due.items.push(HandoffId(key(&row, 0)?));
    }
    Ok(due)
}

pub async fn open(
    client: &Connection,
    after: Option<&HandoffId>,
    limit: usize,
) -> Result<Vec<HandoffId>, StoreError> {
    let sql = "SELECT handoff FROM contacts WHERE handoff > $1 AND NOT is_closed ORDER BY handoff LIMIT $2";
    let after = Value::key(after.map_or("", HandoffId::as_str));
    let open = all(client, sql, values![after, limit]).await?;
    open.iter().map(|row| Ok(HandoffId(key(row, 0)?))).collect()
}

pub fn put(contact: &Contact, due_at: Option<Time>) -> Result<Statement, StoreError> {
    let sql = "INSERT INTO contacts (handoff, contact, due_at, is_closed, doc) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (handoff) DO UPDATE SET contact = excluded.contact, due_at = excluded.due_at, \
                   is_closed = excluded.is_closed, doc = excluded.doc";
    let id = Value::optional_key(contact.made.as_ref().map(|made| made.id.as_str()));
    let is_closed = matches!(contact.state, ContactState::Closed);
    let handoff = Value::key(contact.handoff.as_str());
    Ok(Statement::new(sql, values![handoff, id, due_at, is_closed, document::write(contact)?]))
}
