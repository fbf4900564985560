//! What is known of platforms.

use rusqlite::{Connection, params};

use super::query::{Query, doc};
use crate::store::{StoreError, document, or_note, platforms::PlatformState};

pub fn all(connection: &Connection) -> Result<Vec<PlatformState>, StoreError> {
    let all =
        connection.all("SELECT doc FROM platforms ORDER BY id", (), |row| or_note(doc(row), "platform"))?;
    Ok(all.into_iter().flatten().collect())
}

pub fn put(connection: &Connection, state: &PlatformState) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO platforms (id, doc) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc";
    connection.run(sql, params![state.id.as_str(), document::write(state)?]).map(drop)
}
