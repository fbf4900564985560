//! Canned replies.

use super::{
    connection::Connection,
    query::{Value, all, doc, first, number, run, values},
};
use crate::store::{
    StoreError, document,
    replies::{CannedReply, ReplyChange, ReplyOutcome, sorted},
};

type Outcome = Result<ReplyOutcome, StoreError>;

/// One change at a time: titles and the number of replies are looked at before anything is written.
const LOCK: &str = "SELECT pg_advisory_xact_lock(17, 2)";

pub async fn all_replies(client: &Connection) -> Result<Vec<CannedReply>, StoreError> {
    let rows = all(client, "SELECT doc FROM canned_replies", values![]).await?;
    Ok(sorted(rows.iter().map(|row| doc(row, 0)).collect::<Result<_, _>>()?))
}

pub async fn change(client: &Connection, change: ReplyChange) -> Outcome {
    all(client, LOCK, values![]).await?;
    match change {
        ReplyChange::Add(reply) => add(client, reply).await,
        ReplyChange::Replace(reply) => replace(client, reply).await,
        ReplyChange::Drop { id, by } => remove(client, &id, &by).await,
    }
}

async fn add(client: &Connection, reply: CannedReply) -> Outcome {
    if has_title(client, &reply).await? {
        return Ok(ReplyOutcome::TitleTaken);
    }
    if count(client, &reply).await? >= reply.most() as u64 {
        return Ok(ReplyOutcome::TooMany);
    }
    put(client, reply).await
}

async fn replace(client: &Connection, reply: CannedReply) -> Outcome {
    let known = one(client, &reply.id).await?;
    let Some(reply) = known.and_then(|known| known.changed_to(reply)) else {
        return Ok(ReplyOutcome::Unknown);
    };
    if has_title(client, &reply).await? {
        return Ok(ReplyOutcome::TitleTaken);
    }
    put(client, reply).await
}

async fn remove(client: &Connection, id: &str, by: &str) -> Outcome {
    let known = one(client, id).await?.filter(|known| known.is_seen_by(by));
    let Some(known) = known else { return Ok(ReplyOutcome::Unknown) };
    run(client, "DELETE FROM canned_replies WHERE id = $1", vec![Value::key(id)]).await?;
    Ok(ReplyOutcome::Done(known))
}

async fn one(client: &Connection, id: &str) -> Result<Option<CannedReply>, StoreError> {
    let reply = first(client, "SELECT doc FROM canned_replies WHERE id = $1", vec![Value::key(id)]).await?;
    reply.map(|row| doc(&row, 0)).transpose()
}

/// How many there are of its owner.
async fn count(client: &Connection, reply: &CannedReply) -> Result<u64, StoreError> {
    let prefix = reply.key_prefix();
    if prefix.is_empty() {
        let sql = "SELECT COUNT(*) FROM canned_replies WHERE strpos(title_key, chr(31)) = 0";
        return number(client, sql, values![]).await;
    }
    let sql = "SELECT COUNT(*) FROM canned_replies WHERE starts_with(title_key, $1)";
    number(client, sql, vec![Value::key(&prefix)]).await
}

/// Whether another one has its title.
async fn has_title(client: &Connection, reply: &CannedReply) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM canned_replies WHERE title_key = $1 AND id <> $2";
    Ok(first(client, sql, vec![Value::key(&reply.title_key()), Value::key(&reply.id)]).await?.is_some())
}

async fn put(client: &Connection, reply: CannedReply) -> Outcome {
    let sql = "INSERT INTO canned_replies (id, title_key, doc) VALUES ($1, $2, $3) \
               ON CONFLICT (id) DO UPDATE SET title_key = excluded.title_key, doc = excluded.doc";
    let values = values![Value::key(&reply.id), Value::key(&reply.title_key()), document::write(&reply)?];
    run(client, sql, values).await?;
    Ok(ReplyOutcome::Done(reply))
}
