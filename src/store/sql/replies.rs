//! Canned replies.

use sqlx::{Row as _, SqliteConnection, SqlitePool};

use super::{
    apply::record_change,
    documents::{doc, docs},
    unsigned,
};
use crate::store::{
    StoreError, document,
    replies::{CannedReply, MOST_REPLIES, ReplyChange, ReplyOutcome, sorted},
};

type Outcome = Result<ReplyOutcome, StoreError>;

pub async fn all(pool: &SqlitePool) -> Result<Vec<CannedReply>, StoreError> {
    Ok(sorted(docs(&sqlx::query("SELECT doc FROM canned_replies").fetch_all(pool).await?)?))
}

pub async fn change(connection: &mut SqliteConnection, change: ReplyChange) -> Outcome {
    let outcome = match change {
        ReplyChange::Add(reply) => add(connection, reply).await?,
        ReplyChange::Replace(reply) => replace(connection, reply).await?,
        ReplyChange::Drop(id) => remove(connection, &id).await?,
    };
    if matches!(outcome, ReplyOutcome::Done(_)) {
        // No handoff: all of them.
        record_change(connection, "", None).await?;
    }
    Ok(outcome)
}

async fn add(connection: &mut SqliteConnection, reply: CannedReply) -> Outcome {
    if has_title(connection, &reply).await? {
        return Ok(ReplyOutcome::TitleTaken);
    }
    let count = sqlx::query("SELECT COUNT(*) FROM canned_replies").fetch_one(&mut *connection).await?;
    if unsigned(count.try_get(0)?) >= MOST_REPLIES as u64 {
        return Ok(ReplyOutcome::TooMany);
    }
    put(connection, reply).await
}

async fn replace(connection: &mut SqliteConnection, reply: CannedReply) -> Outcome {
    let Some(known) = one(connection, &reply.id).await? else { return Ok(ReplyOutcome::Unknown) };
    let reply = CannedReply { created_at: known.created_at, ..reply };
    if has_title(connection, &reply).await? {
        return Ok(ReplyOutcome::TitleTaken);
    }
    put(connection, reply).await
}

async fn remove(connection: &mut SqliteConnection, id: &str) -> Outcome {
    let Some(known) = one(connection, id).await? else { return Ok(ReplyOutcome::Unknown) };
    sqlx::query("DELETE FROM canned_replies WHERE id = $1").bind(id).execute(&mut *connection).await?;
    Ok(ReplyOutcome::Done(known))
}

async fn one(connection: &mut SqliteConnection, id: &str) -> Result<Option<CannedReply>, StoreError> {
    let row = sqlx::query("SELECT doc FROM canned_replies WHERE id = $1").bind(id);
    row.fetch_optional(&mut *connection).await?.as_ref().map(doc).transpose()
}

/// Whether another one has its title.
async fn has_title(connection: &mut SqliteConnection, reply: &CannedReply) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM canned_replies WHERE title_key = $1 AND id <> $2";
    let other = sqlx::query(sql).bind(reply.title_key()).bind(&reply.id);
    Ok(other.fetch_optional(&mut *connection).await?.is_some())
}

async fn put(connection: &mut SqliteConnection, reply: CannedReply) -> Outcome {
    let sql = "INSERT INTO canned_replies (id, title_key, doc) VALUES ($1, $2, $3) \
               ON CONFLICT (id) DO UPDATE SET title_key = excluded.title_key, doc = excluded.doc";
    let put = sqlx::query(sql).bind(&reply.id).bind(reply.title_key()).bind(document::write(&reply)?);
    put.execute(&mut *connection).await?;
    Ok(ReplyOutcome::Done(reply))
}
