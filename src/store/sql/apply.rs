//! Writing what a decision changed.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::{outbox, query::Query, signed};
use crate::{
    relay::{
        changes::{DeadLetter, WriteSet},
        delivery::Destination,
        handoff::Handoff,
        thread::Row,
        time::Time,
    },
    store::{StatusFilter, StoreError, document, search_text},
};

type Done = Result<(), StoreError>;

/// By how much the queues of deliveries have grown.
pub type Growth = BTreeMap<Destination, i64>;

/// Writes everything but what the journal keeps.
pub fn changes(connection: &Connection, changes: &WriteSet) -> Result<Growth, StoreError> {
    for handoff in &changes.handoffs {
        put_handoff(connection, handoff)?;
        record_change(connection, handoff.id.as_str(), None)?;
    }
    for handoff in &changes.handoffs_unseen {
        put_handoff(connection, handoff)?;
    }
    for row in &changes.rows {
        put_row(connection, row)?;
        record_change(connection, row.handoff.as_str(), Some(row.id.as_str()))?;
    }
    for row in &changes.rows_unseen {
        put_row(connection, row)?;
    }
    let mut growth = Growth::default();
    for delivery in &changes.deliveries {
        if outbox::put(connection, delivery)? {
            *growth.entry(delivery.destination()).or_default() += 1;
        }
    }
    for id in &changes.deliveries_done {
        if let Some(destination) = outbox::remove(connection, id, changes.at)? {
            *growth.entry(destination).or_default() -= 1;
        }
    }
    for letter in &changes.dead_letters {
        put_dead_letter(connection, letter)?;
    }
    for id in &changes.dead_letters_done {
        connection.run("DELETE FROM dead_letters WHERE id = ?1", [id])?;
    }
    if let Some((asked, known)) = &changes.idempotent {
        let sql = "INSERT INTO idempotency (agent, handoff, key, at, doc) VALUES (?1, ?2, ?3, ?4, ?5)";
        let (handoff, at) = (asked.handoff.as_str(), changes.at.as_micros());
        connection.run(sql, params![asked.agent, handoff, asked.key, at, document::write(known)?])?;
    }
    Ok(growth)
}

fn put_handoff(connection: &Connection, handoff: &Handoff) -> Done {
    let sql = "INSERT INTO handoffs \
                   (id, ai_agent, conversation, status, agent, search, doc, ended_at, idle_since, took_until) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
               ON CONFLICT (id) DO UPDATE SET status = excluded.status, agent = excluded.agent, \
                   search = excluded.search, doc = excluded.doc, ended_at = excluded.ended_at, \
                   idle_since = excluded.idle_since, took_until = excluded.took_until";
    let parameters = params![
        handoff.id.as_str(),
        handoff.key.ai_agent.as_str(),
        handoff.key.conversation.as_str(),
        StatusFilter::of(handoff).as_str(),
        handoff.agent(),
        search_text(handoff),
        document::write(handoff)?,
        handoff.end().map(|end| end.at.as_micros()),
        handoff.idle_since().map(Time::as_micros),
        handoff.took_until().map(Time::as_micros),
    ];
    connection.run(sql, parameters).map(drop)
}

fn put_row(connection: &Connection, row: &Row) -> Done {
    let sql = "INSERT INTO thread_rows (id, handoff, seq, fingerprint, unread, doc) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
               ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, \
                   unread = excluded.unread, doc = excluded.doc";
    let parameters = params![
        row.id.as_str(),
        row.handoff.as_str(),
        signed(row.seq),
        row.fingerprint(),
        i64::from(row.counts_as_unread()),
        document::write(row)?,
    ];
    connection.run(sql, parameters)?;
    for id in row.ids.all() {
        let sql = "INSERT INTO row_ids (handoff, ada_id, row_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        connection.run(sql, [row.handoff.as_str(), id.as_str(), row.id.as_str()])?;
    }
    Ok(())
}

fn put_dead_letter(connection: &Connection, letter: &DeadLetter) -> Done {
    let sql = "INSERT INTO dead_letters (id, doc, at) VALUES (?1, ?2, ?3) \
               ON CONFLICT (id) DO UPDATE SET doc = excluded.doc";
    connection.run(sql, params![letter.id, document::write(letter)?, letter.at.as_micros()]).map(drop)
}

/// Numbers a change of a handoff or of one of its rows; without a handoff, of the canned replies.
pub fn record_change(connection: &Connection, handoff: &str, row: Option<&str>) -> Done {
    let sql = "INSERT INTO changes (handoff, row_id) VALUES (?1, ?2)";
    connection.run(sql, params![handoff, row]).map(drop)
}
