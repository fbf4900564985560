//! Whether the user of `DATABASE_URL` may do there what a relay does.

use super::{
    connection::Connection,
    query::{Value, first},
};
use crate::store::StoreError;

/// What a relay reads and writes.
pub const TABLES: [&str; 28] = [
    "agents",
    "buffers",
    "calls",
    "canned_replies",
    "changes",
    "compatibility",
    "contacts",
    "contexts",
    "dead_letters",
    "feed",
    "file_checks",
    "handoffs",
    "history",
    "idempotency",
    "journal",
    "lines",
    "outbox",
    "places",
    "platforms",
    "refused_starts",
    "row_marks",
    "search_state",
    "search_texts",
    "server_life",
    "sessions",
    "sign_in_codes",
    "teams",
    "thread_rows",
];

/// Looks whether all tables that are there can be read and written.
///
/// # Errors
/// One can't, or none can be written at all. The text says which.
pub async fn check(client: &Connection) -> Result<(), StoreError> {
    let sql = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean, \
                   (SELECT string_agg(name, ', ' ORDER BY name) FROM unnest($1) AS needed (name) \
                    WHERE NOT (has_table_privilege(to_regclass(name), 'SELECT') \
                        AND has_table_privilege(to_regclass(name), 'INSERT') \
                        AND has_table_privilege(to_regclass(name), 'UPDATE') \
                        AND has_table_privilege(to_regclass(name), 'DELETE')))";
    let Some(row) = first(client, sql, vec![Value::keys(TABLES)]).await? else { return Ok(()) };
    if row.try_get(0)? {
        return Err(read_only());
    }
    match row.try_get::<_, Option<String>>(1)? {
        None => Ok(()),
        Some(tables) => Err(StoreError::Unavailable(format!(
            "the user of DATABASE_URL may not read and write these tables: {tables}"
        ))),
    }
}

/// It is a standby, or set so.
pub fn read_only() -> StoreError {
    StoreError::Unavailable("the database can be read, and not be written".to_owned())
}
