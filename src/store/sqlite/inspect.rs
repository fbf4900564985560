//! A database file is looked at, and nothing of it or beside it changes.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    compatibility,
    connect::{self, Access},
    lock::FileLock,
    migrations,
    query::Query,
};
use crate::{
    relay::id::AiAgentId,
    store::{StoreError, at_work::AT_WORK},
};

/// What every database of SQLite begins with, says its file format.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How a database file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// There is none: the first start makes one.
    Missing,
    /// A relay has it open.
    InUse,
    /// A process died while it had it open: the next start takes in what its write-ahead log holds.
    NotClosed,
    /// It can be opened.
    Closed {
        /// Its schema.
        schema: i64,
        /// The one that the next start brings it to.
        newest: i64,
    },
}

/// Looks at the file at `path`.
///
/// # Errors
/// It is empty, not a database, or one that a newer relay has changed; or its folder is missing, or it or the folder can't
/// be written.
pub fn inspect(path: &Path) -> Result<FileState, StoreError> {
    let failed = |what: String| StoreError::Unavailable(what);
    let folder = folder_of(path);
    if !folder.is_dir() {
        return Err(failed(format!("there is no folder {}", folder.display())));
    }
    writable(folder)?;
    if !path.exists() {
        return Ok(FileState::Missing);
    }
    writable(path)?;
    check_head(path)?;
    if FileLock::is_taken(path)? {
        return Ok(FileState::InUse);
    }
    if beside(path, "-wal").metadata().is_ok_and(|log| log.len() > 0) {
        return Ok(FileState::NotClosed);
    }
    let connection = connect::open(path, Access::ReadUnchanging)?;
    compatibility::check(&connection, path)?;
    let Some(schema) = migrations::schema(&connection)? else {
        return Err(failed(format!("{} is a database, but not of handoff-relay", path.display())));
    };
    Ok(FileState::Closed { schema, newest: compatibility::NEWEST })
}

/// Which AI Agents have something open in a file that nobody writes.
///
/// # Errors
/// It can't be read.
pub fn ai_agents_at_work(path: &Path) -> Result<Vec<AiAgentId>, StoreError> {
    let connection = connect::open(path, Access::ReadUnchanging)?;
    connection.all(AT_WORK, [], |row| Ok(AiAgentId(row.get(0)?)))
}

/// Whether something can be read and written.
pub fn writable(path: &Path) -> Result<(), StoreError> {
    let access = rustix::fs::access(path, rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK);
    access.map_err(|error| {
        let error = std::io::Error::from(error).kind();
        StoreError::Unavailable(format!("{} can't be written: {error}", path.display()))
    })
}

/// Refuses a file that is there and no database: an empty one is what is left of a database, not a new one.
pub fn check_head(path: &Path) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    let mut head = Vec::new();
    File::open(path).map_err(failed)?.take(16).read_to_end(&mut head).map_err(failed)?;
    if head.is_empty() {
        let path = path.display();
        return Err(StoreError::Unavailable(format!(
            "{path} is empty: put a backup in its place, or delete it to begin with nothing"
        )));
    }
    if head != MAGIC {
        return Err(StoreError::Unavailable(format!("{}: file is not a database", path.display())));
    }
    Ok(())
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file whose name is that of `path` and `suffix`.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
