//! Writing what a decision changed.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use rusqlite::{Connection, params};

use super::{
    contacts, handoffs, outbox,
    query::{Query, text},
    recent::Written,
    refused_starts,
};
use crate::{
    relay::{
        changes::{DeadLetter, WriteSet},
        delivery::Destination,
        id::HandoffId,
        thread::Row,
    },
    store::{FeedItem, StoreError, document, marks, signed, unsigned},
};

type Done = Result<(), StoreError>;

/// What was written.
#[derive(Default)]
pub struct Applied {
    /// What is there more of, or less.
    pub growth: Growth,
    /// The handoffs and rows, in the order of their changes.
    pub written: Vec<Written>,
}

/// What is there more of, or less.
#[derive(Default)]
pub struct Growth {
    /// Deliveries, by their destination.
    pub queued: BTreeMap<Destination, i64>,
    /// New handoffs.
    pub begun: HashSet<HandoffId>,
}

/// Writes everything but what the journal keeps. Handoffs and rows leave the changes.
pub fn changes(connection: &Connection, changes: &mut WriteSet) -> Result<Applied, StoreError> {
    let Applied { mut growth, mut written } = Applied::default();
    for (handoff, is_seen) in seen_and_unseen(&mut changes.handoffs, &mut changes.handoffs_unseen) {
        let (handoff, put) = handoffs::put(connection, handoff)?;
        if put.is_new {
            growth.begun.insert(handoff.id.clone());
        }
        let number = is_seen.then(|| record_change(connection, handoff.id.as_str(), None)).transpose()?;
        written.push(Written { number, item: FeedItem::Handoff(Arc::new(handoff)), bytes: put.bytes });
    }
    for (row, is_seen) in seen_and_unseen(&mut changes.rows, &mut changes.rows_unseen) {
        let bytes = put_row(connection, &row)?;
        let record = || record_change(connection, row.handoff.as_str(), Some(row.id.as_str()));
        let number = is_seen.then(record).transpose()?;
        written.push(Written { number, item: FeedItem::Row(Arc::new(row)), bytes });
    }
    for delivery in &changes.deliveries {
        if outbox::put(connection, delivery)? {
            *growth.queued.entry(delivery.destination()).or_default() += 1;
        }
    }
    for id in &changes.deliveries_done {
        if let Some(destination) = outbox::remove(connection, id, changes.at)? {
            *growth.queued.entry(destination).or_default() -= 1;
        }
    }
    for letter in &changes.dead_letters {
        put_dead_letter(connection, letter)?;
    }
    for id in &changes.dead_letters_done {
        connection.run("DELETE FROM dead_letters WHERE id = ?1", [id])?;
    }
    if let Some((key, until)) = &changes.start_refused {
        refused_starts::put(connection, key, *until)?;
    }
    if let Some((contact, due_at)) = &changes.contact {
        contacts::put(connection, contact, *due_at)?;
    }
    if let Some((asked, known)) = &changes.idempotent {
        let sql = "INSERT INTO idempotency (agent, handoff, key, at, doc) VALUES (?1, ?2, ?3, ?4, ?5)";
        let (handoff, at) = (asked.handoff.as_str(), changes.at.as_micros());
        connection.run(sql, params![asked.agent, handoff, asked.key, at, document::write(known)?])?;
    }
    Ok(Applied { growth, written })
}

/// Takes both, and says of each whether agents are told.
fn seen_and_unseen<T>(seen: &mut Vec<T>, unseen: &mut Vec<T>) -> impl Iterator<Item = (T, bool)> {
    let seen = std::mem::take(seen).into_iter().map(|one| (one, true));
    seen.chain(std::mem::take(unseen).into_iter().map(|one| (one, false)))
}

/// Gives how many bytes its document has.
fn put_row(connection: &Connection, row: &Row) -> Result<usize, StoreError> {
    let document = document::write(row)?;
    let bytes = document.len();
    let (id, handoff, fingerprint) = (row.id.as_str(), row.handoff.as_str(), row.fingerprint());
    let unread = i64::from(row.counts_as_unread());
    let known = "SELECT fingerprint FROM thread_rows WHERE id = ?1";
    let before = connection.first(known, [id], |row| Ok(text(row, 0)?.to_owned()))?;
    if before.is_some() {
        let sql = "UPDATE thread_rows SET fingerprint = ?2, unread = ?3, doc = ?4 WHERE id = ?1";
        connection.run(sql, params![id, fingerprint, unread, document])?;
    } else {
        let sql = "INSERT INTO thread_rows (id, handoff, seq, fingerprint, unread, doc) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let seq = signed(row.seq);
        connection.run(sql, params![id, handoff, seq, fingerprint, unread, document])?;
    }
    if before.as_ref() != Some(&fingerprint) {
        if let Some(before) = before {
            let sql = "DELETE FROM row_marks WHERE handoff = ?1 AND mark = ?2 AND row_id = ?3";
            connection.run(sql, [handoff, &marks::alike(&before), id])?;
        }
        put_mark(connection, handoff, &marks::alike(&fingerprint), id)?;
    }
    row.ids.all().try_for_each(|ada_id| put_mark(connection, handoff, &marks::id(ada_id.as_str()), id))?;
    Ok(bytes)
}

/// A row of a handoff is found by this mark from now on.
fn put_mark(connection: &Connection, handoff: &str, mark: &str, row: &str) -> Done {
    let sql = "INSERT INTO row_marks (handoff, mark, row_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    connection.run(sql, [handoff, mark, row]).map(drop)
}

fn put_dead_letter(connection: &Connection, letter: &DeadLetter) -> Done {
    let sql = "INSERT INTO dead_letters (id, doc, at) VALUES (?1, ?2, ?3) \
               ON CONFLICT (id) DO UPDATE SET doc = excluded.doc";
    connection.run(sql, params![letter.id, document::write(letter)?, letter.at.as_micros()]).map(drop)
}

/// Numbers a change of a handoff or of one of its rows; without a handoff, of the canned replies. Gives the number.
pub fn record_change(connection: &Connection, handoff: &str, row: Option<&str>) -> Result<u64, StoreError> {
    let sql = "INSERT INTO changes (handoff, row_id) VALUES (?1, ?2)";
    connection.run(sql, params![handoff, row])?;
    Ok(unsigned(connection.last_insert_rowid()))
}
