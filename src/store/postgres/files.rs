//! Files whose bytes may belong to no row.

use super::{
    connection::Connection,
    query::{Statement, Value, all, key, values},
};
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
    SELECT handoff, id, 0 FROM thread_rows WHERE handoff = ANY($1) AND is_file ON CONFLICT DO NOTHING";

pub async fn due(client: &Connection, now: Time, limit: usize) -> Result<Vec<FileOf>, StoreError> {
    let sql = "SELECT handoff, row_id FROM file_checks WHERE at <= $1 ORDER BY at, row_id LIMIT $2";
    let due = all(client, sql, values![now, limit]).await?;
    due.iter().map(|row| Ok(FileOf { handoff: HandoffId(key(row, 0)?), row: RowId(key(row, 1)?) })).collect()
}

/// The statement of a change.
pub fn change(change: FileChecks) -> Statement {
    match change {
        FileChecks::Later(file, at) => {
            let sql =
                "INSERT INTO file_checks (handoff, row_id, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            let [handoff, row] = [file.handoff.as_str(), file.row.as_str()].map(Value::key);
            Statement::new(sql, values![handoff, row, at])
        }
        FileChecks::Done(files) => {
            let sql = "DELETE FROM file_checks USING unnest($1, $2) AS done (handoff, row_id) \
                       WHERE file_checks.handoff = done.handoff AND file_checks.row_id = done.row_id";
            let handoffs = Value::keys(files.iter().map(|file| file.handoff.as_str()));
            let rows = Value::keys(files.iter().map(|file| file.row.as_str()));
            Statement::new(sql, vec![handoffs, rows])
        }
    }
}
