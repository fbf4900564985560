//! Files whose bytes may belong to no row.

use sqlx::{Row as _, SqliteConnection, SqlitePool};

use super::count;
use crate::{
    relay::{
        id::{HandoffId, RowId},
        time::Time,
    },
    store::{
        StoreError,
        files::{FileChecks, FileOf},
    },
};

/// Those of threads that are about to be forgotten.
pub const OF_THREADS: &str = "INSERT INTO file_checks (handoff, row_id, at) \
    SELECT handoff, id, 0 FROM thread_rows WHERE handoff IN (SELECT value FROM json_each($1)) \
        AND json_extract(doc, '$.content.type') = 'file' \
    ON CONFLICT DO NOTHING";

pub async fn due(pool: &SqlitePool, now: Time, limit: usize) -> Result<Vec<FileOf>, StoreError> {
    let sql = "SELECT handoff, row_id FROM file_checks WHERE at <= $1 ORDER BY at, row_id LIMIT $2";
    let rows = sqlx::query(sql).bind(now.as_micros()).bind(count(limit)).fetch_all(pool).await?;
    let file = |row: &sqlx::sqlite::SqliteRow| {
        Ok(FileOf { handoff: HandoffId(row.try_get(0)?), row: RowId(row.try_get(1)?) })
    };
    rows.iter().map(file).collect()
}

pub async fn change(connection: &mut SqliteConnection, change: FileChecks) -> Result<(), StoreError> {
    match change {
        FileChecks::Later(file, at) => {
            let sql = "INSERT INTO file_checks (handoff, row_id, at) VALUES ($1, $2, $3) \
                ON CONFLICT DO NOTHING";
            let later = sqlx::query(sql).bind(file.handoff.as_str()).bind(file.row.as_str());
            later.bind(at.as_micros()).execute(&mut *connection).await?;
        }
        FileChecks::Done(files) => {
            for file in files {
                let done = sqlx::query("DELETE FROM file_checks WHERE handoff = $1 AND row_id = $2");
                let done = done.bind(file.handoff.as_str()).bind(file.row.as_str());
                done.execute(&mut *connection).await?;
            }
        }
    }
    Ok(())
}
