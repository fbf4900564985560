//! Files: where they are kept, how they are fetched, which of them Ada takes, and how they are called.
//!
//! A file passes through a [`Spool`], an anonymous temporary file, and is then kept in [`Files`] under the key of
//! its row. Never more than a few megabytes of it are in memory. This module knows no handoffs, no rules, no doors
//! and nothing of Ada's API.

pub mod fetch;
mod key;
pub mod kinds;
pub mod name;
mod spool;
mod store;

use bytes::Bytes;
use futures_util::stream::BoxStream;

pub use key::FileKey;
pub use spool::{Spool, SpooledFile};
pub use store::Files;

/// The bytes of a file, in order, in pieces of at most a few hundred kilobytes.
pub type ByteStream = BoxStream<'static, Result<Bytes, FilesError>>;

/// Why files can't be kept or read. The sentences are for people and logs, and hold no secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// Not now: the disk is full, the bucket is gone or can't be reached. Try again later.
    #[error("{0}")]
    Unavailable(String),
    /// What `FILES_URL` names can't be used as it is set up.
    #[error("{0}")]
    Unusable(String),
}

impl From<std::io::Error> for FilesError {
    /// Tells the kind alone: what else an error says may hold paths.
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        Self::Unavailable(match error.kind() {
            StorageFull | QuotaExceeded => "the disk for files is full".to_owned(),
            kind => format!("the disk for files: {kind}"),
        })
    }
}
