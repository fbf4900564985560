//! Whether a write can be committed: tried, since an empty transaction never touches the disk.

use std::{
    fs::Metadata,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{connect::named, query::Query};
use crate::store::{StoreError, count};

/// A probe holds for so long: asking often doesn't flush as often.
const HOLDS: Duration = Duration::from_secs(1);
/// More than a webhook touches, in bytes. After a failure so much is written: a heartbeat alone may fit where
/// no webhook does.
const ROOM: usize = 65_536;

/// What is known of the disk.
#[derive(Default)]
pub enum WriteProbe {
    /// Nothing.
    #[default]
    None,
    /// A write was committed to prove it.
    Since(Instant),
    /// Something could not be written.
    Refuted,
}

impl WriteProbe {
    /// Writes, unless it did lately. Whether that holds is known once the transaction is committed.
    pub fn renew(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let filler = match self {
            Self::Since(at) if at.elapsed() < HOLDS => return Ok(()),
            Self::Since(_) | Self::None => 0,
            Self::Refuted => ROOM,
        };
        let beat = "UPDATE heartbeat SET at = unixepoch('subsec') * 1000000, filler = randomblob(?1)";
        connection.run(beat, [count(filler)])?;
        *self = Self::Since(Instant::now());
        Ok(())
    }
}

/// The file that a store has open. What is written to one that has lost its name is lost with the process.
pub struct OpenFile {
    path: PathBuf,
    metadata: Metadata,
}

impl OpenFile {
    /// The file at `path`, which has just been opened.
    ///
    /// # Errors
    /// It is not there.
    pub fn at(path: &Path) -> Result<Self, StoreError> {
        let metadata = path.metadata().map_err(|error| named(path, &error))?;
        Ok(Self { path: path.to_owned(), metadata })
    }

    /// Looks whether it still has its name.
    ///
    /// # Errors
    /// It was deleted, moved or replaced.
    pub fn is_there(&self) -> Result<(), StoreError> {
        if self.path.metadata().is_ok_and(|now| is_same(&now, &self.metadata)) {
            return Ok(());
        }
        let gone = "it was deleted, moved or replaced while the relay has it open; put it back, or stop the relay at once";
        Err(named(&self.path, &gone))
    }
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}
