//! The schema, step by step. SQLite's `user_version` says which steps a file has taken.

use rusqlite::Connection;

use super::{compatibility::NEWEST, query::Query};
use crate::store::StoreError;

/// The steps, in order. One that has landed never changes.
const STEPS: &[&str] = &[
    include_str!("migrations/0001_begin.sql"),
    include_str!("migrations/0002_keep.sql"),
    include_str!("migrations/0003_idle.sql"),
    include_str!("migrations/0004_ready.sql"),
    include_str!("migrations/0005_heartbeat.sql"),
    include_str!("migrations/0006_queue.sql"),
    include_str!("migrations/0007_sessions.sql"),
    include_str!("migrations/0008_canned_replies.sql"),
    include_str!("migrations/0009_files.sql"),
    include_str!("migrations/0010_next.sql"),
    include_str!("migrations/0011_expiry.sql"),
    include_str!("migrations/0012_took_until.sql"),
    include_str!("migrations/0013_destinations.sql"),
    include_str!("migrations/0014_versions.sql"),
    include_str!("migrations/0015_journal.sql"),
    include_str!("migrations/0016_fewer_bytes.sql"),
    include_str!("migrations/0017_platforms.sql"),
    include_str!("migrations/0018_contacts.sql"),
    include_str!("migrations/0019_search.sql"),
    include_str!("migrations/0020_teams.sql"),
    include_str!("migrations/0021_missed.sql"),
];

/// Brings the file to the newest schema: all of it or nothing. A newer relay may have added what this one needn't know:
/// [`compatibility::check`](super::compatibility::check) has found that it can live with it.
pub fn run(connection: &mut Connection) -> Result<(), StoreError> {
    let schema = schema(connection)?.unwrap_or(0);
    if schema > NEWEST {
        return Ok(());
    }
    let begin = usize::try_from(schema).unwrap_or(0);
    let change = connection.transaction()?;
    for step in STEPS.iter().skip(begin) {
        change.execute_batch(step)?;
    }
    change.pragma_update(None, "user_version", NEWEST)?;
    Ok(change.commit()?)
}

/// The schema of a file; none if nothing was ever made in it.
pub fn schema(connection: &Connection) -> Result<Option<i64>, StoreError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > 0 {
        return Ok(Some(version));
    }
    // Until version 14 a table of its own held the steps.
    let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_sqlx_migrations'";
    if !connection.exists(table, ())? {
        return Ok(None);
    }
    let newest = "SELECT max(version) FROM _sqlx_migrations WHERE success";
    Ok(connection.first(newest, (), |row| Ok(row.get(0)?))?.flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_schema_is_that_of_the_last_step() {
        assert_eq!(i64::try_from(STEPS.len()), Ok(NEWEST));
    }
}
