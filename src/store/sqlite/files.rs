//! Files whose bytes may belong to no row.

use rusqlite::{Connection, params};

use super::query::Query;
use crate::{
    relay::{
        id::{HandoffId, RowId},
        time::Time,
    },
    store::{
        StoreError, count,
        files::{FileChecks, FileOf},
    },
};

/// Those of threads that are about to be forgotten.
pub const OF_THREADS: &str = "INSERT INTO file_checks (handoff, row_id, at) \
    SELECT handoff, id, 0 FROM thread_rows WHERE handoff IN (SELECT value FROM json_each(?1)) \
        AND json_extract(doc, '$.content.type') = 'file' \
    ON CONFLICT DO NOTHING";

pub fn due(connection: &Connection, now: Time, limit: usize) -> Result<Vec<FileOf>, StoreError> {
    let sql = "SELECT handoff, row_id FROM file_checks WHERE at <= ?1 ORDER BY at, row_id LIMIT ?2";
    connection.all(sql, params![now.as_micros(), count(limit)], |row| {
        Ok(FileOf { handoff: HandoffId(row.get(0)?), row: RowId(row.get(1)?) })
    })
}

pub fn change(connection: &Connection, change: FileChecks) -> Result<(), StoreError> {
    match change {
        FileChecks::Later(file, at) => {
            let sql = "INSERT INTO file_checks (handoff, row_id, at) VALUES (?1, ?2, ?3) \
                ON CONFLICT DO NOTHING";
            connection.run(sql, params![file.handoff.as_str(), file.row.as_str(), at.as_micros()])?;
        }
        FileChecks::Done(files) => {
            for file in files {
                let sql = "DELETE FROM file_checks WHERE handoff = ?1 AND row_id = ?2";
                connection.run(sql, [file.handoff.as_str(), file.row.as_str()])?;
            }
        }
    }
    Ok(())
}
