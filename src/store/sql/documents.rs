//! Documents in the first column of what was asked for.

use sqlx::{Row as _, sqlite::SqliteRow};

use crate::store::{
    StoreError,
    document::{self, Document},
};

/// The document in the first column.
pub fn doc<T: Document>(row: &SqliteRow) -> Result<T, StoreError> {
    document::read(row.try_get(0)?)
}

/// The same of each row.
pub fn docs<T: Document>(rows: &[SqliteRow]) -> Result<Vec<T>, StoreError> {
    rows.iter().map(doc).collect()
}

/// The same of each row that can be read: one that can't, as a newer relay may have written it, costs no other. `what` they
/// are is for the log.
pub fn readable<T: Document>(rows: &[SqliteRow], what: &str) -> Vec<T> {
    rows.iter().filter_map(|row| or_note(doc(row), what)).collect()
}

/// What was read, or a line in the log that it can't be.
pub fn or_note<T>(read: Result<T, StoreError>, what: &str) -> Option<T> {
    read.inspect_err(|error| tracing::error!(error = %error, "a {what} can't be read, and is left out")).ok()
}
