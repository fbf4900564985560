//! Whether this relay may use a file that a newer one has changed.

use std::path::Path;

use sqlx::{Row as _, SqliteConnection};

use crate::store::StoreError;

/// The newest schema that this relay knows.
pub const NEWEST: i64 = 14;

/// Refuses a file that this relay would misread.
///
/// # Errors
/// A newer relay has changed it in a way that this one can't live with. The text names the file and that relay.
pub async fn check(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let has_minimum = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'compatibility'";
    let unreadable = |error: sqlx::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    if sqlx::query(has_minimum).fetch_optional(&mut *connection).await.map_err(unreadable)?.is_none() {
        return Ok(());
    }
    let newest = sqlx::query("SELECT minimum, relay FROM compatibility ORDER BY minimum DESC LIMIT 1");
    let Some(newest) = newest.fetch_optional(&mut *connection).await.map_err(unreadable)? else {
        return Ok(());
    };
    let (minimum, relay): (i64, String) = (newest.get(0), newest.get(1));
    if minimum <= NEWEST {
        return Ok(());
    }
    let (file, own) = (path.display(), env!("CARGO_PKG_VERSION"));
    Err(StoreError::Unavailable(format!(
        "{file}: handoff-relay {relay} has changed this database, and this is {own}: use {relay} or a newer one"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_schema_is_that_of_the_last_migration() {
        let migrations = sqlx::migrate!("src/store/migrations");
        assert_eq!(migrations.iter().map(|migration| migration.version).max(), Some(NEWEST));
    }
}
