//! The files of messages: what uploads left (`store`), the URLs that point to them for a while (`links`), the
//! door that answers those URLs (`door`), and how one file is told over HTTP (`answer`).
//!
//! Ada's API and the chat page take files in through `form`; both hand them out by message.

mod answer;
mod door;
pub(crate) mod form;
mod links;
mod store;
mod watch;

pub(crate) use self::answer::{Telling, tell};
pub(crate) use self::door::{refuse_head, serve};
pub(crate) use self::links::{Links, Minter};
pub use self::store::KeptFile;
pub(crate) use self::store::{FileId, Files, StoredFile};
pub use self::watch::SentFile;

/// Ada's limit for a file: 50 MiB.
pub(crate) const FILE_BYTES: u64 = 50 * 1024 * 1024;
