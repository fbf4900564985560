//! Databases as they are after weeks. Nobody wants to wait for them: a relay makes the file and two handoffs, and those are
//! multiplied in SQL. So this file, and no other of the bench, knows the relay's tables.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, params};

use crate::{
    null_ada::NullAda,
    options::Options,
    relay::{FILE, Relay},
    webhooks::{Ids, svix_id},
};

/// So many ids in one transaction.
const STEP: u32 = 100_000;
/// Of SQLite, in KiB: random ids touch all of the index.
const CACHE: i64 = -1_048_576;
/// One of so many handoffs waits, the others have ended.
const WAITING: u32 = 50;
/// Remembered ids have a series of their own, before those of all rounds.
const SERIES: u64 = 0;

/// So many words are in messages.
const WORDS: u32 = 60_000;

/// What is in a database.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Handoffs with the lines of the relay's own in their threads; most have ended.
    pub handoffs: u32,
    /// Ids of webhooks that have been dealt with.
    pub ids: u32,
}

/// Makes a database in `folder`.
///
/// # Errors
/// The relay's tables are not as this file knows them.
pub fn make(options: &Options, folder: &Path, size: Size, ids: Ids) -> Result<()> {
    let ada = NullAda::start(0)?;
    let relay = Relay::start(options, folder, &ada.url, &[])?;
    let waiting = size.handoffs.div_ceil(WAITING);
    let mut made = Vec::new();
    if waiting > 0 {
        made.push((relay.hands_off(0)?, waiting));
    }
    if size.handoffs > waiting {
        let id = relay.hands_off(1)?;
        relay.ends(&id)?;
        made.push((id, size.handoffs - waiting));
    }
    relay.calm()?;
    relay.child.stop()?;
    let mut connection = Connection::open(folder.join(FILE))?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", CACHE)?;
    for (id, count) in made {
        multiply(&connection, &id, count - 1).context("handoffs could not be multiplied")?;
    }
    remember(&mut connection, size.ids, ids).context("ids could not be written")?;
    // What the relay would find in a log is in the file.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    let kept: u32 = connection.query_row("SELECT count(*) FROM handoffs", [], |row| row.get(0))?;
    ensure!(kept == size.handoffs, "{kept} handoffs were made, not {}", size.handoffs);
    Ok(())
}

/// Adds `messages` to the thread of each handoff that is there, each of words that differ and a number of its own, and gives the
/// handoffs to 50 agents in turn. The relay's search index takes them in when it starts.
///
/// # Errors
/// The relay's tables are not as this file knows them.
pub fn add_messages(folder: &Path, messages: u32) -> Result<()> {
    let connection = Connection::open(folder.join(FILE))?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", CACHE)?;
    connection.execute_batch("BEGIN")?;
    let word = |place: u32| {
        format!("printf('%x', ((position * 31 + n * 7 + {place}) * 2654435761) % {WORDS} + 4096)")
    };
    let words: Vec<String> = (0..8).map(word).collect();
    let body =
        format!("'My order ' || {} || ' needle-' || position || '-' || n || ';'", words.join(" || ' ' || "));
    let sql = format!(
        "INSERT INTO thread_rows (id, handoff, seq, fingerprint, unread, doc) \
         WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1) \
         SELECT handoffs.id || '-m' || n, handoffs.id, 1000 + n, '', 0, json_set(row.doc, '$.id', handoffs.id || '-m' || n, \
             '$.handoff', handoffs.id, '$.seq', 1000 + n, '$.content', json_object('type', 'text', 'body', {body})) \
         FROM handoffs, numbers, (SELECT doc FROM thread_rows ORDER BY rowid LIMIT 1) AS row"
    );
    connection.execute(&sql, [messages]).context("messages could not be written")?;
    connection.execute_batch(
        "UPDATE handoffs SET agent = 'Agent ' || (position % 50); \
         UPDATE search_state SET filled = ((SELECT max(position) FROM handoffs) + 1) << 24; COMMIT",
    )?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// Adds so many messages to the one thread that is there, all of them read; gives the number of its last row.
///
/// # Errors
/// The relay's tables are not as this file knows them.
pub fn lengthen(folder: &Path, messages: u32) -> Result<u32> {
    let connection = Connection::open(folder.join(FILE))?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    let first: u32 = connection.query_row("SELECT max(seq) FROM thread_rows", [], |row| row.get(0))?;
    connection.execute_batch("BEGIN")?;
    let sql = "INSERT INTO thread_rows (id, handoff, seq, fingerprint, unread, doc) \
         WITH RECURSIVE numbers(n) AS (SELECT ?1 + 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1 + ?2) \
         SELECT row.handoff || '-m' || n, row.handoff, n, '', 0, json_set(row.doc, '$.id', row.handoff || '-m' || n, \
             '$.seq', n, '$.content', json_object('type', 'text', 'body', 'This is message ' || n || ' of many.')) \
         FROM numbers, (SELECT handoff, doc FROM thread_rows ORDER BY seq LIMIT 1) AS row";
    connection.execute(sql, [first, messages]).context("a thread could not be made longer")?;
    let last = first + messages;
    connection.execute_batch(&format!(
        "INSERT INTO row_marks (handoff, mark, row_id) SELECT handoff, 'id ' || id, id FROM thread_rows WHERE seq > {first}; \
         UPDATE handoffs SET doc = json_set(doc, '$.last_seq', {last}, '$.read_up_to', {last}); COMMIT"
    ))?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(last)
}

/// Copies of a handoff and of its rows, under other ids.
fn multiply(connection: &Connection, handoff: &str, copies: u32) -> Result<()> {
    if copies == 0 {
        return Ok(());
    }
    connection.execute_batch("BEGIN")?;
    let numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)";
    let copy = |table: &str, of: &str, replaced: &[(&str, &str)]| -> Result<()> {
        let columns = columns(connection, table)?;
        let value = |column: &String| {
            let other = replaced.iter().find(|(name, _)| name == column);
            other.map_or_else(|| format!("old.{column}"), |(_, value)| (*value).to_owned())
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        let sql = format!(
            "INSERT INTO {table} ({}) {numbers} SELECT {} FROM numbers, (SELECT * FROM {table} WHERE {of} = ?2) AS old WHERE n <= ?1",
            columns.join(", "),
            values.join(", ")
        );
        connection.execute(&sql, params![copies, handoff]).with_context(|| format!("table {table}"))?;
        Ok(())
    };
    let id = "printf('%s-%d', old.id, n)";
    let conversation = "printf('%s-%d', old.conversation, n)";
    let doc = format!("json_set(old.doc, '$.id', {id})");
    copy(
        "thread_rows",
        "handoff",
        &[("id", id), ("handoff", "printf('%s-%d', old.handoff, n)"), ("doc", &doc)],
    )?;
    let doc = format!("json_set(old.doc, '$.id', {id}, '$.key.conversation', {conversation})");
    copy(
        "handoffs",
        "id",
        &[("position", "NULL"), ("id", id), ("conversation", conversation), ("doc", &doc)],
    )?;
    copy("contexts", "handoff", &[("handoff", "printf('%s-%d', old.handoff, n)")])?;
    connection.execute_batch("COMMIT")?;
    Ok(())
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let columns = statement.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(columns)
}

fn remember(connection: &mut Connection, count: u32, ids: Ids) -> Result<()> {
    let now: i64 =
        connection
            .query_row("SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER)", [], |row| row.get(0))?;
    for from in (0..count).step_by(STEP as usize) {
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO journal (svix_id, at, ai_agent, conversation, doc) VALUES (?1, ?2, '', '', '')",
            )?;
            for number in from..count.min(from + STEP) {
                let id = svix_id(ids, (SERIES << 32) | u64::from(number));
                insert.execute(params![id, now - i64::from(count - number)])?;
            }
        }
        transaction.commit()?;
    }
    // None of these waits.
    connection
        .execute("UPDATE journal_floor SET seq = (SELECT coalesce(max(seq), 0) + 1 FROM journal)", [])?;
    Ok(())
}
