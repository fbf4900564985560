//! Files whose bytes may belong to no row: those of an upload that has yet to become a message, and those of a
//! thread that was forgotten. They are written down before the bytes are, so that none stay behind for ever.

use crate::relay::{
    id::{HandoffId, RowId},
    time::Time,
};

/// The file of a row, whether there is such a row or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileOf {
    /// Whose thread the row is in.
    pub handoff: HandoffId,
    /// The row.
    pub row: RowId,
}

/// A change of what is written down.
#[derive(Clone, Debug)]
pub enum FileChecks {
    /// From this time on, look whether the file has a row. One that is written down already keeps its time.
    Later(FileOf, Time),
    /// These have been seen to.
    Done(Vec<FileOf>),
}
