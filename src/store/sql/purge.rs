//! Forgetting what is old, a step at a time: each step is short, so that arrivals don't wait behind it.

use sqlx::{Row as _, SqliteConnection};

use super::{count, files, signed, unsigned};
use crate::{
    relay::time::Time,
    store::{
        CHANGES_KEPT, ID_MEMORY, IDEMPOTENCY_MEMORY, PURGE_STEP, PurgeProgress, RetentionPeriods, StoreError,
        sessions::{SESSION_IDLE, SESSION_MAX},
    },
};

/// Gives free pages back to the file system: 4 MB in a step.
const SHRINK: &str = "PRAGMA incremental_vacuum(1000)";
const SEEN: &str = "DELETE FROM seen WHERE svix_id IN \
    (SELECT svix_id FROM seen WHERE at < $1 ORDER BY at LIMIT $2)";
const IDEMPOTENCY: &str = "DELETE FROM idempotency WHERE rowid IN \
    (SELECT rowid FROM idempotency WHERE at < $1 ORDER BY at LIMIT $2)";
const DEAD_LETTERS: &str = "DELETE FROM dead_letters WHERE position IN \
    (SELECT position FROM dead_letters WHERE at < $1 ORDER BY at, position LIMIT $2)";
const CHANGES: &str = "DELETE FROM changes WHERE id IN (SELECT id FROM changes WHERE id <= \
    (SELECT seq FROM sqlite_sequence WHERE name = 'changes') - $1 ORDER BY id LIMIT $2)";
const SESSIONS_UNUSED: &str = "DELETE FROM sessions WHERE id IN \
    (SELECT id FROM sessions WHERE used_at < $1 ORDER BY used_at LIMIT $2)";
const SESSIONS_OLD: &str = "DELETE FROM sessions WHERE id IN \
    (SELECT id FROM sessions WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
/// Ended handoffs for which nothing waits any more, and how long their threads are.
const HANDOFFS: &str = "SELECT id, json_extract(doc, '$.last_seq') FROM handoffs WHERE ended_at < $1 \
    AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.handoff = handoffs.id) \
    AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.ai_agent = handoffs.ai_agent \
        AND inbox.conversation = handoffs.conversation) \
    ORDER BY ended_at, position LIMIT $2";
/// Everything of some handoffs.
const OF_HANDOFFS: [&str; 6] = [
    files::OF_THREADS,
    "DELETE FROM thread_rows WHERE handoff IN (SELECT value FROM json_each($1))",
    "DELETE FROM row_ids WHERE handoff IN (SELECT value FROM json_each($1))",
    "DELETE FROM idempotency WHERE handoff IN (SELECT value FROM json_each($1))",
    "DELETE FROM changes WHERE handoff IN (SELECT value FROM json_each($1))",
    "DELETE FROM handoffs WHERE id IN (SELECT value FROM json_each($1))",
];

/// Forgets a step's worth of each kind.
pub async fn step(
    connection: &mut SqliteConnection,
    now: Time,
    keep: RetentionPeriods,
) -> Result<PurgeProgress, StoreError> {
    let mut more = false;
    let before = |kept: std::time::Duration| (now - kept).as_micros();
    for (sql, bound) in [
        (SEEN, Some(before(ID_MEMORY))),
        (IDEMPOTENCY, Some(before(IDEMPOTENCY_MEMORY))),
        (DEAD_LETTERS, keep.dead_letters.map(before)),
        (CHANGES, Some(signed(CHANGES_KEPT))),
        (SESSIONS_UNUSED, Some(before(SESSION_IDLE))),
        (SESSIONS_OLD, Some(before(SESSION_MAX))),
    ] {
        let Some(bound) = bound else { continue };
        let done = sqlx::query(sql).bind(bound).bind(count(PURGE_STEP)).execute(&mut *connection).await?;
        more |= done.rows_affected() >= PURGE_STEP as u64;
    }
    if let Some(kept) = keep.ended {
        more |= handoffs(connection, before(kept)).await?;
    }
    more |= shrink(connection).await?;
    Ok(if more { PurgeProgress::Part } else { PurgeProgress::All })
}

/// Removes ended handoffs whole, until their threads make up a step; says whether there may be more.
async fn handoffs(connection: &mut SqliteConnection, ended_before: i64) -> Result<bool, StoreError> {
    let old = sqlx::query(HANDOFFS).bind(ended_before).bind(count(PURGE_STEP));
    let old = old.fetch_all(&mut *connection).await?;
    let (mut ids, mut rows) = (Vec::<String>::new(), 0);
    for handoff in &old {
        if rows >= PURGE_STEP as u64 {
            break;
        }
        ids.push(handoff.try_get(0)?);
        rows += unsigned(handoff.try_get(1)?);
    }
    if ids.is_empty() {
        return Ok(false);
    }
    let more = ids.len() < old.len() || old.len() == PURGE_STEP;
    let ids = serde_json::to_string(&ids)?;
    for sql in OF_HANDOFFS {
        sqlx::query(sql).bind(&ids).execute(&mut *connection).await?;
    }
    Ok(more)
}

/// Gives free pages back, in a file that was made for it; says whether there are more.
async fn shrink(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    let before = free_pages(connection).await?;
    if before == 0 {
        return Ok(false);
    }
    sqlx::query(SHRINK).execute(&mut *connection).await?;
    let after = free_pages(connection).await?;
    Ok(after > 0 && after < before)
}

async fn free_pages(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query("PRAGMA freelist_count").fetch_one(&mut *connection).await?.try_get(0)?)
}
