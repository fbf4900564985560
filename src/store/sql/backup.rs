//! Copies of a database: of one that is in use, of one whose schema is about to change, and back in place.

use std::{
    fs::{File, remove_file, rename},
    path::{Path, PathBuf},
};

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{
    compatibility, create_private,
    inspect::{self, beside, check_head, folder_of},
    lock,
};
use crate::store::StoreError;

/// The name of the copy that is made before the schema goes to `N`, behind the database's own: `.before-N`.
const BEFORE: &str = ".before-";

/// Copies the database at `from` to `to`, as it stands at one moment, also while a relay has it open.
///
/// # Errors
/// There is no database; there is something at `to`; it can't be written, then nothing is left there.
pub async fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
    let mut connection = open_to_read(from).await?;
    let copied = copy(&mut connection, to).await;
    let closed = connection.close().await;
    copied?;
    closed.map_err(StoreError::from)
}

/// Opens the database at `path` for reading, whether or not a relay has it open.
///
/// # Errors
/// There is none, or it can't be read by this relay.
pub async fn open_to_read(path: &Path) -> Result<SqliteConnection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Unavailable(format!("there is no database at {}", path.display())));
    }
    check_head(path)?;
    // A relay may start on it meanwhile: SQLite has to take its locks, which it can't where nothing can be written.
    let can_lock = inspect::writable(folder_of(path)).is_ok();
    if !can_lock && (inspect::is_locked(path)? || beside(path, "-wal").exists()) {
        let path = path.display();
        return Err(StoreError::Unavailable(format!(
            "{path} is in use or was not closed: to read it then, this user must be able to write its folder"
        )));
    }
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(!can_lock);
    let named = |error: sqlx::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(named)?;
    compatibility::check(&mut connection, path).await?;
    Ok(connection)
}

/// Puts the database at `from`, which nobody may have open, at `to`, where nothing may be.
///
/// # Errors
/// There is something at `to`, or a relay runs on it; it can't be written, then nothing is left there.
pub async fn restore(from: &Path, to: &Path) -> Result<(), StoreError> {
    for left in [to.to_owned(), beside(to, "-wal"), beside(to, "-journal")] {
        if left.exists() {
            let left = left.display();
            return Err(StoreError::Unavailable(format!("{left} is there: move it away before a restore")));
        }
    }
    let _lock = lock(to)?;
    backup(from, to).await
}

/// Before the schema of the database at `path` changes: a copy beside it, instead of the one of the change before.
///
/// # Errors
/// There is no room for it, say. The text names the flag that does without.
pub async fn before_migration(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let Some(schema) = schema(connection).await?.filter(|schema| *schema < compatibility::NEWEST) else {
        return Ok(());
    };
    let newest = compatibility::NEWEST;
    let to = beside(path, &format!("{BEFORE}{newest}"));
    // Of a start that didn't get to the end: it is the only one of how everything was.
    if to.exists() {
        tracing::warn!(copy = %to.display(), "a copy from before this change of the schema is there already, and stays");
        return Ok(());
    }
    copy(connection, &to).await.map_err(|error| {
        StoreError::Unavailable(format!(
            "{}: its schema goes from {schema} to {newest}, and there can be no copy of it as it is: {error}; \
             make room, or start once with --no-copy",
            path.display()
        ))
    })?;
    for former in copies(path).filter(|copy| *copy != to) {
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

/// The schema, if the database has one.
async fn schema(connection: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    let has_one = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_sqlx_migrations'";
    if sqlx::query(has_one).fetch_optional(&mut *connection).await?.is_none() {
        return Ok(None);
    }
    let newest = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations");
    Ok(newest.fetch_one(&mut *connection).await?)
}

/// The whole of it or nothing: under another name first, and on the disk before it gets its own.
async fn copy(connection: &mut SqliteConnection, to: &Path) -> Result<(), StoreError> {
    let failed =
        |error: &dyn std::fmt::Display| StoreError::Unavailable(format!("{}: {error}", to.display()));
    if to.exists() {
        return Err(failed(&"there is a file already"));
    }
    let part = beside(to, ".part");
    let _ = remove_file(&part);
    create_private(&part)?;
    let copied = async {
        let name = part.to_str().ok_or_else(|| failed(&"its name is not UTF-8"))?;
        sqlx::query("VACUUM INTO $1").bind(name).execute(connection).await.map_err(|error| failed(&error))?;
        keep(&part, to).map_err(|error| failed(&error))
    };
    let copied = copied.await;
    if copied.is_err() {
        let _ = remove_file(&part);
    }
    copied
}

fn keep(part: &Path, to: &Path) -> std::io::Result<()> {
    File::open(part)?.sync_all()?;
    rename(part, to)?;
    File::open(folder_of(to))?.sync_all()
}
