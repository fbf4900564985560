//! Whether a write can be committed: tried, since an empty transaction never touches the disk.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::query::Query;
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
