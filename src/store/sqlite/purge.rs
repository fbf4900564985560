//! Forgetting what is old, a step at a time: each step is short, so that arrivals don't wait behind it.

use rusqlite::{Connection, params};

use super::{files, journal, query::Query, refused_starts, search, writer::WriterState};
use crate::{
    relay::{
        id::{AiAgentId, ConversationId, ConversationKey},
        time::Time,
    },
    store::{
        CHANGES_KEPT, ID_MEMORY, IDEMPOTENCY_MEMORY, PURGE_STEP, PurgeProgress, RetentionPeriods, StoreError,
        count,
        sessions::{SESSION_IDLE, SESSION_MAX},
        signed, unsigned,
    },
};

/// Gives free pages back to the file system: 4 MB in a step.
const SHRINK: &str = "PRAGMA incremental_vacuum(1000)";
const IDEMPOTENCY: &str = "DELETE FROM idempotency WHERE rowid IN \
    (SELECT rowid FROM idempotency WHERE at < ?1 ORDER BY at LIMIT ?2)";
const DEAD_LETTERS: &str = "DELETE FROM dead_letters WHERE position IN \
    (SELECT position FROM dead_letters WHERE at < ?1 ORDER BY at, position LIMIT ?2)";
const CHANGES: &str = "DELETE FROM changes WHERE id IN (SELECT id FROM changes WHERE id <= \
    (SELECT seq FROM sqlite_sequence WHERE name = 'changes') - ?1 ORDER BY id LIMIT ?2)";
const SESSIONS_UNUSED: &str = "DELETE FROM sessions WHERE id IN \
    (SELECT id FROM sessions WHERE used_at < ?1 ORDER BY used_at LIMIT ?2)";
const SESSIONS_OLD: &str = "DELETE FROM sessions WHERE id IN \
    (SELECT id FROM sessions WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)";
/// Ended handoffs for which nothing waits any more, and how long their threads are.
const HANDOFFS: &str = "SELECT id, json_extract(doc, '$.last_seq'), ai_agent, conversation FROM handoffs WHERE ended_at < ?1 \
    AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.handoff = handoffs.id) \
    ORDER BY ended_at, position LIMIT ?2";
/// Everything of some handoffs.
const OF_HANDOFFS: [&str; 9] = [
    files::OF_THREADS,
    search::OF_HANDOFFS,
    "DELETE FROM thread_rows WHERE handoff IN (SELECT value FROM json_each(?1))",
    "DELETE FROM row_marks WHERE handoff IN (SELECT value FROM json_each(?1))",
    "DELETE FROM contexts WHERE handoff IN (SELECT value FROM json_each(?1))",
    "DELETE FROM idempotency WHERE handoff IN (SELECT value FROM json_each(?1))",
    "DELETE FROM contacts WHERE handoff IN (SELECT value FROM json_each(?1))",
    "DELETE FROM changes WHERE handoff IN (SELECT value FROM json_each(?1))",
    "DELETE FROM handoffs WHERE id IN (SELECT value FROM json_each(?1))",
];

/// Forgets a step's worth of each kind, and overwrites what it deletes.
pub fn step(
    connection: &Connection,
    state: &mut WriterState,
    now: Time,
    keep: RetentionPeriods,
) -> Result<PurgeProgress, StoreError> {
    // Pages that are not needed any more are overwritten, too: that costs writes, so it is for this alone.
    connection.pragma_update(None, "secure_delete", true)?;
    let progress = forget(connection, state, now, keep);
    connection.pragma_update(None, "secure_delete", "FAST")?;
    progress
}

fn forget(
    connection: &Connection,
    state: &mut WriterState,
    now: Time,
    keep: RetentionPeriods,
) -> Result<PurgeProgress, StoreError> {
    let before = |kept: std::time::Duration| (now - kept).as_micros();
    let mut more = journal::purge(connection, &state.known.waiting, before(ID_MEMORY))? >= PURGE_STEP;
    for (sql, bound) in [
        (IDEMPOTENCY, Some(before(IDEMPOTENCY_MEMORY))),
        (DEAD_LETTERS, keep.dead_letters.map(before)),
        (CHANGES, Some(signed(CHANGES_KEPT))),
        (SESSIONS_UNUSED, Some(before(SESSION_IDLE))),
        (SESSIONS_OLD, Some(before(SESSION_MAX))),
    ] {
        let Some(bound) = bound else { continue };
        more |= connection.run(sql, params![bound, count(PURGE_STEP)])? >= PURGE_STEP;
    }
    refused_starts::purge(connection, now)?;
    if let Some(kept) = keep.ended {
        more |= handoffs(connection, state, before(kept))?;
    }
    more |= shrink(connection)?;
    Ok(if more { PurgeProgress::Part } else { PurgeProgress::All })
}

/// Removes ended handoffs whole, until their threads make up a step; says whether there may be more.
fn handoffs(connection: &Connection, state: &mut WriterState, ended_before: i64) -> Result<bool, StoreError> {
    let old = connection.all(HANDOFFS, params![ended_before, count(PURGE_STEP)], |handoff| {
        let (ai_agent, conversation) = (AiAgentId(handoff.get(2)?), ConversationId(handoff.get(3)?));
        let length = handoff.get::<_, Option<i64>>(1)?.map_or(0, unsigned);
        Ok((handoff.get::<_, String>(0)?, length, ConversationKey { ai_agent, conversation }))
    })?;
    let (mut ids, mut rows) = (Vec::new(), 0);
    for (id, length, key) in &old {
        if rows >= PURGE_STEP as u64 {
            break;
        }
        if !state.known.waiting.lock().has(key) {
            ids.push(id);
            rows += length;
        }
    }
    if ids.is_empty() {
        return Ok(false);
    }
    let more = ids.len() < old.len() || old.len() == PURGE_STEP;
    let purged = ids.len();
    let ids = serde_json::to_string(&ids)?;
    for sql in OF_HANDOFFS {
        connection.run(sql, [&ids])?;
    }
    state.known.open.purged(purged);
    state.forgets();
    Ok(more)
}

/// Gives free pages back, in a file that was made for it; says whether there are more.
fn shrink(connection: &Connection) -> Result<bool, StoreError> {
    let before = free_pages(connection)?;
    if before == 0 {
        return Ok(false);
    }
    connection.each(SHRINK, (), |_| Ok(()))?;
    let after = free_pages(connection)?;
    Ok(after > 0 && after < before)
}

fn free_pages(connection: &Connection) -> Result<u64, StoreError> {
    connection.number("PRAGMA freelist_count", ())
}
