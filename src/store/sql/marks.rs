//! What a row is found by when it comes again: Ada's ids of it, and what it says.

use rusqlite::Connection;

use super::query::Query;
use crate::store::StoreError;

/// One of Ada's ids of a message, as a mark.
pub fn id(ada_id: &str) -> String {
    format!("id {ada_id}")
}

/// A row's fingerprint, as a mark.
pub fn alike(fingerprint: &str) -> String {
    format!("like {fingerprint}")
}

/// A row of a handoff is found by this mark from now on.
pub fn put(connection: &Connection, handoff: &str, mark: &str, row: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO row_marks (handoff, mark, row_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    connection.run(sql, [handoff, mark, row]).map(drop)
}
