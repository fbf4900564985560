//! Everything in a file, record by record, for another store. The file stays locked meanwhile, and as it is.

use std::path::Path;

use rusqlite::{Connection, Row};

use super::{
    backup::open_to_read,
    compatibility::NEWEST,
    lock::FileLock,
    migrations,
    query::{Query, doc, text},
};
use crate::{
    relay::{
        event::{Event, SortKey},
        time::Time,
    },
    store::{
        StoreError,
        migrate::table::{Cell, Kind, Record, Table},
    },
};

/// A file that no relay has open, as long as this is there.
pub struct Export {
    connection: Connection,
    _lock: FileLock,
}

impl Export {
    /// Takes the lock of the file at `path` and opens it.
    ///
    /// # Errors
    /// There is none, a relay has it open, it is no database of a relay, or its schema is not the one of this relay.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |why: &str| StoreError::Unavailable(format!("{} {why}", path.display()));
        // A lock would leave a file beside nothing.
        if !path.exists() {
            return Err(StoreError::Unavailable(format!("there is no database at {}", path.display())));
        }
        let lock = FileLock::take(path)?;
        let connection = open_to_read(path)?;
        match migrations::schema(&connection)? {
            None => return Err(failed("is a database, but not of handoff-relay")),
            Some(schema) if schema < NEWEST => {
                return Err(failed(&format!(
                    "has the schema {schema}, and this handoff-relay has {NEWEST}: start this one on it once, which \
                     copies it and brings it up to date, and stop it"
                )));
            }
            Some(schema) if schema > NEWEST => {
                return Err(failed(&format!(
                    "has the schema {schema} of a newer handoff-relay, and this one knows {NEWEST}: move it with that one"
                )));
            }
            Some(_) => {}
        }
        connection.run("BEGIN", ())?;
        Ok(Self { connection, _lock: lock })
    }

    /// How many rows a table has.
    pub fn count(&self, table: &Table) -> Result<u64, StoreError> {
        self.connection.number(&format!("SELECT count(*) FROM {}", table.name), ())
    }

    /// The newest number of each numbered table, also if its row is gone.
    pub fn newest(&self) -> Result<Vec<(&'static str, i64)>, StoreError> {
        let sql = "SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'handoffs'), \
                       (SELECT max(seq) FROM journal), \
                       (SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), \
                       (SELECT seq FROM sqlite_sequence WHERE name = 'changes'), \
                       (SELECT seq FROM sqlite_sequence WHERE name = 'dead_letters')";
        let newest = self.connection.first(sql, (), |row| {
            let tables = ["handoffs", "journal", "outbox", "changes", "dead_letters"].into_iter().enumerate();
            tables.map(|(place, table)| Ok((table, row.get::<_, Option<i64>>(place)?))).collect()
        })?;
        let newest: Vec<(&'static str, Option<i64>)> = newest.unwrap_or_default();
        // One that was never counted has never had a row.
        Ok(newest.into_iter().filter_map(|(table, number)| Some((table, number?))).collect())
    }

    /// Each row of a table, in its order.
    pub fn each(
        &self,
        table: &Table,
        mut read: impl FnMut(Record) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.connection.each(select(table.name), (), |row| {
            let record = if table.name == "journal" { journal(row) } else { record(row, table) };
            read(record.map_err(|error| in_table(table, error))?)
        })
    }
}

/// What can't be read, with the table that it is in.
fn in_table(table: &Table, error: StoreError) -> StoreError {
    match error {
        StoreError::Unreadable(why) => StoreError::Unreadable(format!("table {}: {why}", table.name)),
        other => other,
    }
}

/// What gives a table's columns. What only documents say is looked up in them, as far as they can be read. Claims are void,
/// as after a stop.
fn select(table: &str) -> &'static str {
    match table {
        "handoffs" => {
            "SELECT position, id, ai_agent, conversation, status, agent, platforms, ended_at, idle_since, took_until, \
                 CASE WHEN json_valid(doc) THEN coalesce(CAST(json_extract(doc, '$.last_seq') AS INTEGER), 0) ELSE 0 END, \
                 team, route, doc, end_user, missed \
             FROM handoffs ORDER BY position"
        }
        "contexts" => "SELECT handoff, doc FROM contexts",
        "thread_rows" => {
            "SELECT id, handoff, seq, fingerprint, unread, \
                 CASE WHEN json_valid(doc) THEN json_extract(doc, '$.content.type') IS 'file' ELSE 0 END, doc \
             FROM thread_rows"
        }
        "row_marks" => "SELECT handoff, mark, row_id FROM row_marks",
        "journal" => "SELECT doc, seq, svix_id, at, ai_agent, conversation FROM journal ORDER BY seq",
        "outbox" => {
            "SELECT position, id, handoff, lane, CASE queue WHEN 'unreadable' THEN 'fresh' ELSE queue END, destination, \
                 ai_agent, conversation, is_notice, is_next, \
                 CASE WHEN json_valid(doc) THEN coalesce(CAST(json_extract(doc, '$.queued_at') AS INTEGER), due_at) \
                     ELSE due_at END, \
                 due_at, '', 0, CASE holder WHEN '' THEN ready_at ELSE due_at END, expires_at, doc \
             FROM outbox ORDER BY position"
        }
        "changes" => "SELECT id, id, handoff, row_id FROM changes ORDER BY id",
        "dead_letters" => "SELECT position, id, at, doc FROM dead_letters ORDER BY position",
        "idempotency" => "SELECT agent, handoff, key, at, doc FROM idempotency",
        "sessions" => "SELECT id, token, created_at, used_at FROM sessions",
        "canned_replies" => "SELECT id, title_key, doc FROM canned_replies",
        "file_checks" => "SELECT handoff, row_id, at FROM file_checks",
        "platforms" => "SELECT id, doc FROM platforms",
        "teams" => "SELECT name, doc FROM teams",
        "agents" => "SELECT name, is_away, seen_at FROM agents",
        "contacts" => {
            "SELECT handoff, contact, due_at, \
                 CASE WHEN json_valid(doc) THEN coalesce(json_extract(doc, '$.state') = 'closed', 1) ELSE 1 END, doc \
             FROM contacts"
        }
        "refused_starts" => "SELECT ai_agent, conversation, until FROM refused_starts",
        other => unreachable!("a table {other} is not moved"),
    }
}

fn record(row: &Row<'_>, table: &Table) -> Result<Record, StoreError> {
    let cells = table.columns.iter().enumerate().map(|(place, column)| match column.kind {
        Kind::Key | Kind::Text => Ok(Cell::Text(optional_text(row, place)?)),
        Kind::Number => Ok(Cell::Number(row.get(place)?)),
        Kind::Flag => Ok(Cell::Flag(row.get::<_, i64>(place)? != 0)),
    });
    Ok(Record(cells.collect::<Result<_, StoreError>>()?))
}

fn optional_text(row: &Row<'_>, column: usize) -> Result<Option<String>, StoreError> {
    let value = row.get_ref(column)?.as_str_or_null();
    let value = value.map_err(|_| StoreError::Unreadable(format!("column {column} holds no text")))?;
    Ok(value.map(str::to_owned))
}

/// An event that waits, or an id that is remembered. What waits has been counted: its debounce is made anew.
fn journal(row: &Row<'_>) -> Result<Record, StoreError> {
    let (stored, at) = (text(row, 0)?, Time::from_micros(row.get(3)?));
    let (SortKey(time, created, id), received_at) = match doc::<Event>(row) {
        _ if stored.is_empty() => (SortKey::default(), Time::default()),
        Ok(event) => (event.sort_key(), event.received_at),
        // Whoever looks at it says what becomes of it.
        Err(StoreError::Unreadable(_)) => (SortKey::default(), at),
        Err(error) => return Err(error),
    };
    let number = |time: Time| Cell::Number(Some(time.as_micros()));
    let text_in = |column| Ok::<_, StoreError>(Cell::Text(optional_text(row, column)?));
    Ok(Record(vec![
        Cell::Number(row.get(1)?),
        text_in(2)?,
        number(at),
        text_in(4)?,
        text_in(5)?,
        number(time),
        number(created),
        Cell::Text(Some(id)),
        number(received_at),
        Cell::Flag(true),
        Cell::Text(Some(stored.to_owned())),
    ]))
}
