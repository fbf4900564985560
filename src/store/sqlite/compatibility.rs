//! Whether this relay may use a file that a newer one has changed.

use std::path::Path;

use rusqlite::Connection;

use super::{
    connect::named,
    query::{Query, text},
};
use crate::store::StoreError;

/// The newest schema that this relay knows.
pub const NEWEST: i64 = 21;

/// Refuses a file that this relay would misread.
///
/// # Errors
/// A newer relay has changed it in a way that this one can't live with. The text names the file and that relay.
pub fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let has_minimum = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'compatibility'";
    let unreadable = |error: StoreError| match error {
        StoreError::Unavailable(error) => named(path, &error),
        other => other,
    };
    if !connection.exists(has_minimum, ()).map_err(unreadable)? {
        return Ok(());
    }
    let newest = "SELECT minimum, relay FROM compatibility ORDER BY minimum DESC LIMIT 1";
    let newest = connection.first(newest, (), |row| Ok((row.get::<_, i64>(0)?, text(row, 1)?.to_owned())));
    let Some((minimum, relay)) = newest.map_err(unreadable)? else { return Ok(()) };
    if minimum <= NEWEST {
        return Ok(());
    }
    let (file, own) = (path.display(), env!("CARGO_PKG_VERSION"));
    Err(StoreError::Unavailable(format!(
        "{file}: handoff-relay {relay} has changed this database, and this is {own}: use {relay} or a newer one"
    )))
}
