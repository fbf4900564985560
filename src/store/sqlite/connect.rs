//! Connections to a database file: the one that writes, and a few that read beside it.

use std::{
    borrow::Cow,
    fs::{remove_file, rename},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::sync::Semaphore;

use super::{backup, compatibility, create_private, inspect, inspect::beside, migrations};
use crate::store::{Copies, StoreError};

/// Readers beside the one writer; agents' reads are short.
const READERS: u32 = 4;
/// How long a statement waits for another process that has the file locked.
const BUSY: Duration = Duration::from_secs(5);
/// More statements than there are.
const STATEMENTS: usize = 256;
/// What a burst has made of the write-ahead log is cut back to this, in bytes.
const WAL_LIMIT: i64 = 8_388_608;
/// What stands for itself in the URI of a file.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_');

/// What a connection may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Write, and make the file.
    Write,
    /// Read, beside a writer.
    Read,
    /// Read a file that nobody writes: then SQLite needs no file beside it.
    ReadUnchanging,
}

/// Opens the file at `path`.
///
/// # Errors
/// It can't be opened. The text names it.
pub fn open(path: &Path, access: Access) -> Result<Connection, StoreError> {
    try_open(path, access).map_err(|error| named(path, &error))
}

/// An error about the file at `path`.
pub fn named(path: &Path, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", path.display()))
}

/// The same path, as SQLite takes it for one: a name that begins with `file:` would be a URI to it.
pub fn literal(path: &Path) -> Cow<'_, Path> {
    if path.as_os_str().as_encoded_bytes().starts_with(b"file:") {
        return Path::new(".").join(path).into();
    }
    path.into()
}

fn try_open(path: &Path, access: Access) -> Result<Connection, rusqlite::Error> {
    let path = &*literal(path);
    let threads = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match access {
        Access::Write => {
            let write = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
            Connection::open_with_flags(path, write | threads)?
        }
        Access::Read => Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | threads)?,
        Access::ReadUnchanging => {
            let path = path.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(path.to_owned()))?;
            let uri = format!("file:{}?immutable=1", utf8_percent_encode(path, PLAIN));
            let read = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            Connection::open_with_flags(uri, read | threads)?
        }
    };
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else what has `LIMIT ?`, or compares a column of a partial index with a parameter, is parsed and planned again for each
    // value: another plan might suit it better.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // A savepoint keeps what it may have to undo in a file otherwise.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// The one connection that writes, to a file that is there and has the newest schema.
pub fn writer(path: &Path, copies: Copies) -> Result<Connection, StoreError> {
    if path.exists() {
        inspect::check_head(path)?;
    } else {
        begin(path)?;
    }
    create_private(path)?;
    let mut connection = open(path, Access::Write)?;
    set_up(&connection).map_err(|error| named(path, &error))?;
    compatibility::check(&connection, path)?;
    if copies == Copies::Make {
        backup::before_migration(&connection, path)?;
    }
    migrations::run(&mut connection).map_err(|error| named(path, &error))?;
    // A migration takes pages that are not soon needed again.
    connection.pragma_update(None, "shrink_memory", "").map_err(|error| named(path, &error))?;
    Ok(connection)
}

/// Makes the file at `path`: under another name until it has its tables, since a start that is killed would leave an empty one.
fn begin(path: &Path) -> Result<(), StoreError> {
    let begun = beside(path, ".new");
    for left in [begun.clone(), beside(&begun, "-wal"), beside(&begun, "-shm")] {
        let _ = remove_file(left);
    }
    create_private(&begun)?;
    let mut connection = open(&begun, Access::Write)?;
    set_up(&connection).map_err(|error| named(path, &error))?;
    migrations::run(&mut connection).map_err(|error| named(path, &error))?;
    // It folds the write-ahead log into the file.
    connection.close().map_err(|(_, error)| named(path, &error))?;
    rename(&begun, path).map_err(|error| named(path, &error))
}

fn set_up(connection: &Connection) -> Result<(), rusqlite::Error> {
    // It can be chosen only before anything is written.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is moved or replaced within a page leaves nothing behind there, which a purge would not find.
    connection.pragma_update(None, "secure_delete", "FAST")?;
    connection.pragma_update(None, "journal_size_limit", WAL_LIMIT)
}

/// The connections that read.
pub struct Readers {
    idle: Mutex<Vec<Connection>>,
    places: Semaphore,
}

impl Readers {
    /// Opens them.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let idle = (0..READERS).map(|_| open(path, Access::Read)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { idle: Mutex::new(idle), places: Semaphore::new(READERS as usize) })
    }

    /// Reads with one of them, on a thread that may wait for the disk.
    pub async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(self);
        // The place belongs to the read, which goes on when whoever asked has gone.
        let place = self.places.acquire().await.map_err(|_| StoreError::Stopped)?;
        place.forget();
        let reading = tokio::task::spawn_blocking(move || {
            let lent = Lent { connection: readers.take(), readers };
            let connection = lent.connection.as_ref().ok_or(StoreError::Stopped)?;
            read(connection)
        });
        reading.await.map_err(|error| {
            tracing::error!(error = %error, "a read of the store failed");
            StoreError::Panicked
        })?
    }

    /// Closes them, once none reads any more.
    pub async fn close(&self) {
        if let Ok(places) = self.places.acquire_many(READERS).await {
            places.forget();
        }
        self.places.close();
        self.connections().clear();
    }

    fn take(&self) -> Option<Connection> {
        self.connections().pop()
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // What a reader did can't leave the list half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader that goes back when it is done, whatever happened.
struct Lent {
    connection: Option<Connection>,
    readers: Arc<Readers>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.readers.connections().extend(self.connection.take());
        self.readers.places.add_permits(1);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests: what is unexpected ends the test")]
mod tests {
    use rusqlite::{StatementStatus, params};

    use super::*;

    #[test]
    fn a_name_is_no_uri() {
        assert_eq!(literal(Path::new("file:a.db")), Path::new("./file:a.db"));
        for path in ["a.db", "b/file:a.db", "/file:a.db"] {
            assert_eq!(literal(Path::new(path)), Path::new(path));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a?mode=memory.db");
        open(&path, Access::Write).unwrap().execute_batch("CREATE TABLE rows (a)").unwrap();
        assert!(path.exists());
    }

    #[test]
    fn a_statement_is_planned_once_whatever_its_parameters() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join("relay.db"), Access::Write).unwrap();
        let table = "CREATE TABLE rows (kind TEXT, number INTEGER); \
                     CREATE INDEX numbers_of_files ON rows (number) WHERE kind = 'files'";
        connection.execute_batch(table).unwrap();
        let sql = "SELECT 1 FROM rows WHERE kind = ?1 ORDER BY number LIMIT ?2";
        let mut statement = connection.prepare(sql).unwrap();
        for (kind, limit) in [("files", 1), ("texts", 2)] {
            assert!(!statement.exists(params![kind, limit]).unwrap());
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
