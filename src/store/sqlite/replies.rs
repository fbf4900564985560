//! Canned replies.

use rusqlite::{Connection, params};

use super::{
    apply::record_change,
    query::{Query, doc},
    recent::Written,
    writer::WriterState,
};
use crate::store::{
    FeedItem, StoreError, document,
    replies::{CannedReply, ReplyChange, ReplyOutcome, sorted},
    signals::TouchedTopics,
};

type Outcome = Result<ReplyOutcome, StoreError>;

pub fn all(connection: &Connection) -> Result<Vec<CannedReply>, StoreError> {
    Ok(sorted(connection.all("SELECT doc FROM canned_replies", (), doc)?))
}

pub fn change(connection: &Connection, state: &mut WriterState, change: ReplyChange) -> Outcome {
    let outcome = match change {
        ReplyChange::Add(reply) => add(connection, reply)?,
        ReplyChange::Replace(reply) => replace(connection, reply)?,
        ReplyChange::Drop { id, by } => remove(connection, &id, &by)?,
    };
    if matches!(outcome, ReplyOutcome::Done(_)) {
        // No handoff: all of them.
        let number = Some(record_change(connection, "", None)?);
        state.wrote([Written { number, item: FeedItem::CannedReplies, bytes: 0 }]);
        state.touch(TouchedTopics::of_feed());
    }
    Ok(outcome)
}

fn add(connection: &Connection, reply: CannedReply) -> Outcome {
    if has_title(connection, &reply)? {
        return Ok(ReplyOutcome::TitleTaken);
    }
    if count(connection, &reply)? >= reply.most() as u64 {
        return Ok(ReplyOutcome::TooMany);
    }
    put(connection, reply)
}

fn replace(connection: &Connection, reply: CannedReply) -> Outcome {
    let known = one(connection, &reply.id)?;
    let Some(reply) = known.and_then(|known| known.changed_to(reply)) else {
        return Ok(ReplyOutcome::Unknown);
    };
    if has_title(connection, &reply)? {
        return Ok(ReplyOutcome::TitleTaken);
    }
    put(connection, reply)
}

fn remove(connection: &Connection, id: &str, by: &str) -> Outcome {
    let known = one(connection, id)?.filter(|known| known.is_seen_by(by));
    let Some(known) = known else { return Ok(ReplyOutcome::Unknown) };
    connection.run("DELETE FROM canned_replies WHERE id = ?1", [id])?;
    Ok(ReplyOutcome::Done(known))
}

fn one(connection: &Connection, id: &str) -> Result<Option<CannedReply>, StoreError> {
    connection.first("SELECT doc FROM canned_replies WHERE id = ?1", [id], doc)
}

/// How many there are of its owner.
fn count(connection: &Connection, reply: &CannedReply) -> Result<u64, StoreError> {
    let prefix = reply.key_prefix();
    if prefix.is_empty() {
        return connection
            .number("SELECT COUNT(*) FROM canned_replies WHERE instr(title_key, char(31)) = 0", ());
    }
    let sql = "SELECT COUNT(*) FROM canned_replies WHERE substr(title_key, 1, length(?1)) = ?1";
    connection.number(sql, [prefix])
}

/// Whether another one has its title.
fn has_title(connection: &Connection, reply: &CannedReply) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM canned_replies WHERE title_key = ?1 AND id <> ?2";
    connection.exists(sql, params![reply.title_key(), reply.id])
}

fn put(connection: &Connection, reply: CannedReply) -> Outcome {
    let sql = "INSERT INTO canned_replies (id, title_key, doc) VALUES (?1, ?2, ?3) \
               ON CONFLICT (id) DO UPDATE SET title_key = excluded.title_key, doc = excluded.doc";
    connection.run(sql, params![reply.id, reply.title_key(), document::write(&reply)?])?;
    Ok(ReplyOutcome::Done(reply))
}
