//! Forgetting what is old, a step at a time. Each kind is a transaction of its own: it is short, and waits for nobody.

use super::{
    connect::Connections,
    connection::Connection,
    files, journal,
    query::{Statement, Value, all, key, run, run_together, values},
    quotas, refused_starts, search,
};
use crate::{
    relay::time::Time,
    store::{
        CHANGES_KEPT, ID_MEMORY, IDEMPOTENCY_MEMORY, PURGE_STEP, PurgeProgress, RetentionPeriods, StoreError,
        sessions::{CODE_GOOD_FOR, SESSION_IDLE, SESSION_MAX},
        signed, unsigned,
    },
};

const IDEMPOTENCY: &str = "DELETE FROM idempotency WHERE (handoff, agent, key) IN \
    (SELECT handoff, agent, key FROM idempotency WHERE at < $1 ORDER BY at LIMIT $2)";
const DEAD_LETTERS: &str = "DELETE FROM dead_letters WHERE position IN \
    (SELECT position FROM dead_letters WHERE at < $1 ORDER BY at, position LIMIT $2)";
const CHANGES: &str = "DELETE FROM changes WHERE id IN (SELECT id FROM changes WHERE number <= \
    (SELECT last FROM feed) - $1 ORDER BY number LIMIT $2)";
const SESSIONS_UNUSED: &str = "DELETE FROM sessions WHERE id IN \
    (SELECT id FROM sessions WHERE used_at < $1 ORDER BY used_at LIMIT $2)";
const CODES_OLD: &str = "DELETE FROM sign_in_codes WHERE id IN \
    (SELECT id FROM sign_in_codes WHERE made_at < $1 ORDER BY made_at LIMIT $2)";
const SESSIONS_OLD: &str = "DELETE FROM sessions WHERE id IN \
    (SELECT id FROM sessions WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
/// Handoffs that ended long ago. Their conversations are locked: no decision about them is under way, and none begins.
const OLD: &str = "SELECT id FROM (SELECT id, ai_agent, conversation FROM handoffs WHERE ended_at < $1 \
    ORDER BY ended_at, position LIMIT $2) AS old \
    WHERE pg_try_advisory_xact_lock(hashtextextended(ai_agent || E'\\n' || conversation, 17))";
/// Those of them for which nothing waits, and how long their threads are.
const DONE_WITH: &str = "SELECT id, last_seq FROM handoffs WHERE id = ANY($1) AND ended_at < $2 \
    AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.handoff = handoffs.id) \
    AND NOT EXISTS (SELECT 1 FROM journal WHERE journal.ai_agent = handoffs.ai_agent \
        AND journal.conversation = handoffs.conversation AND journal.doc <> '') \
    ORDER BY ended_at, position";
/// Everything of some handoffs.
const OF_HANDOFFS: [&str; 9] = [
    files::OF_THREADS,
    search::OF_HANDOFFS,
    "DELETE FROM thread_rows WHERE handoff = ANY($1)",
    "DELETE FROM row_marks WHERE handoff = ANY($1)",
    "DELETE FROM contexts WHERE handoff = ANY($1)",
    "DELETE FROM idempotency WHERE handoff = ANY($1)",
    "DELETE FROM contacts WHERE handoff = ANY($1)",
    "DELETE FROM changes WHERE handoff = ANY($1)",
    "DELETE FROM handoffs WHERE id = ANY($1)",
];

/// Forgets a step's worth of each kind.
pub async fn step(
    connections: &Connections,
    now: Time,
    keep: RetentionPeriods,
) -> Result<PurgeProgress, StoreError> {
    let before = |kept: std::time::Duration| (now - kept).as_micros();
    let client = connections.get().await?;
    let is_full = |purged: u64| purged >= PURGE_STEP as u64;
    let mut more = is_full(journal::purge(&client, before(ID_MEMORY)).await?);
    for (sql, bound) in [
        (IDEMPOTENCY, Some(before(IDEMPOTENCY_MEMORY))),
        (DEAD_LETTERS, keep.dead_letters.map(before)),
        (CHANGES, Some(signed(CHANGES_KEPT))),
        (SESSIONS_UNUSED, Some(before(SESSION_IDLE))),
        (SESSIONS_OLD, Some(before(SESSION_MAX))),
        (CODES_OLD, Some(before(CODE_GOOD_FOR))),
    ] {
        let Some(bound) = bound else { continue };
        more |= is_full(run(&client, sql, values![bound, PURGE_STEP]).await?);
    }
    refused_starts::purge(&client, now).await?;
    quotas::purge(&client).await?;
    drop(client);
    if let Some(kept) = keep.ended {
        let transaction = connections.begin().await?;
        more |= handoffs(transaction.client(), before(kept)).await?;
        transaction.commit().await?;
    }
    Ok(if more { PurgeProgress::Part } else { PurgeProgress::All })
}

/// Removes ended handoffs whole, until their threads make up a step; says whether there may be more.
async fn handoffs(client: &Connection, ended_before: i64) -> Result<bool, StoreError> {
    let locked = all(client, OLD, values![ended_before, PURGE_STEP]).await?;
    let locked: Vec<String> = locked.iter().map(|row| key(row, 0)).collect::<Result<_, _>>()?;
    let is_full = locked.len() == PURGE_STEP;
    let locked = Value::keys(locked.iter().map(String::as_str));
    let old = all(client, DONE_WITH, values![locked, ended_before]).await?;
    let (mut ids, mut rows) = (Vec::new(), 0);
    for handoff in &old {
        if rows >= PURGE_STEP as u64 {
            break;
        }
        ids.push(key(handoff, 0)?);
        rows += unsigned(handoff.try_get(1)?);
    }
    if ids.is_empty() {
        return Ok(false);
    }
    let more = ids.len() < old.len() || is_full;
    let of_them = || vec![Value::keys(ids.iter().map(String::as_str))];
    run_together(client, OF_HANDOFFS.map(|sql| Statement::new(sql, of_them())).into()).await?;
    Ok(more)
}
