//! Copies of a database: of one that is in use, of one whose schema is about to change, and back in place.

use std::{
    fs::{File, remove_file, rename},
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use uuid::Uuid;

use super::{
    compatibility,
    connect::{self, Access},
    create_private,
    inspect::{self, beside, check_head, folder_of},
    lock::FileLock,
    migrations,
    query::Query,
};
use crate::store::StoreError;

/// The name of the copy that is made before the schema goes to `N`, behind the database's own: `.before-N`.
const BEFORE: &str = ".before-";

/// Copies the database at `from` to `to`, as it stands at one moment, also while a relay has it open.
///
/// # Errors
/// There is no database; there is something at `to`; it can't be written, then nothing is left there.
pub fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
    // Of its own: another backup may be on its way to the same name.
    let part = beside(to, &format!(".{}.part", Uuid::new_v4().simple()));
    copy(&open_to_read(from)?, &part, to)
}

/// Opens the database at `path` for reading, whether or not a relay has it open.
///
/// # Errors
/// There is none, or it can't be read by this relay.
pub fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Unavailable(format!("there is no database at {}", path.display())));
    }
    check_head(path)?;
    // A relay may start on it meanwhile: SQLite has to take its locks, which it can't where nothing can be written.
    let can_lock = inspect::writable(folder_of(path)).is_ok();
    if !can_lock && (FileLock::is_taken(path)? || beside(path, "-wal").exists()) {
        let path = path.display();
        return Err(StoreError::Unavailable(format!(
            "{path} is in use or was not closed: to read it then, this user must be able to write its folder"
        )));
    }
    let connection = connect::open(path, if can_lock { Access::Read } else { Access::ReadUnchanging })?;
    compatibility::check(&connection, path)?;
    Ok(connection)
}

/// Puts the database at `from`, which nobody may have open, at `to`, where nothing may be.
///
/// # Errors
/// There is something at `to`, or a relay runs on it; it can't be written, then nothing is left there.
pub fn restore(from: &Path, to: &Path) -> Result<(), StoreError> {
    for left in [to.to_owned(), beside(to, "-wal"), beside(to, "-journal")] {
        if left.exists() {
            let left = left.display();
            return Err(StoreError::Unavailable(format!("{left} is there: move it away before a restore")));
        }
    }
    let _lock = FileLock::take(to)?;
    backup(from, to)
}

/// Before the schema of the database at `path` changes: a copy beside it, instead of the one of the change before.
///
/// # Errors
/// There is no room for it, say. The text names the flag that does without.
pub fn before_migration(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let Some(schema) = migrations::schema(connection)?.filter(|schema| *schema < compatibility::NEWEST)
    else {
        return Ok(());
    };
    let newest = compatibility::NEWEST;
    let to = beside(path, &format!("{BEFORE}{newest}"));
    // Of a start that didn't get to the end: it is the only one of how everything was.
    if to.exists() {
        tracing::warn!(copy = %to.display(), "a copy from before this change of the schema is there already, and stays");
        return Ok(());
    }
    let part = beside(&to, ".part");
    let _ = remove_file(&part);
    copy(connection, &part, &to).map_err(|error| {
        StoreError::Unavailable(format!(
            "{}: its schema goes from {schema} to {newest}, and there can be no copy of it as it is: {error}; \
             make room, or start once with --no-copy",
            path.display()
        ))
    })?;
    // By name: a path may lead to the same folder in several ways.
    for former in copies(path).filter(|copy| copy.file_name() != to.file_name()) {
        let _ = remove_file(former);
    }
    tracing::info!(
        from = schema,
        to = newest,
        copy = %to.display(),
        "the database's schema changes; to go back, stop this relay, put the copy in the database's place, and start the \
         former version"
    );
    Ok(())
}

/// The copies that were made before changes of the schema.
fn copies(path: &Path) -> impl Iterator<Item = PathBuf> {
    let begin =
        path.file_name().map(|name| format!("{}{BEFORE}", name.to_string_lossy())).unwrap_or_default();
    let entries = std::fs::read_dir(folder_of(path)).into_iter().flatten().flatten();
    let is_copy = move |entry: &std::fs::DirEntry| {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(&begin));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    entries.filter(is_copy).map(|entry| entry.path())
}

/// The whole of it or nothing: as `part` first, and on the disk before it gets its own name.
fn copy(connection: &Connection, part: &Path, to: &Path) -> Result<(), StoreError> {
    let failed =
        |error: &dyn std::fmt::Display| StoreError::Unavailable(format!("{}: {error}", to.display()));
    if to.exists() {
        return Err(failed(&"there is a file already"));
    }
    create_private(part)?;
    let name = connect::literal(part);
    let name = name.to_str().ok_or_else(|| failed(&"its name is not UTF-8"))?;
    let copied = connection.run("VACUUM INTO ?1", [name]).map_err(|error| failed(&error));
    let copied = copied.and_then(|_| keep(part, to).map_err(|error| failed(&error)));
    if copied.is_err() {
        let _ = remove_file(part);
    }
    copied
}

fn keep(part: &Path, to: &Path) -> std::io::Result<()> {
    File::open(part)?.sync_all()?;
    rename(part, to)?;
    File::open(folder_of(to))?.sync_all()
}
