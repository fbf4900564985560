//! Files whose bytes may belong to no row: those of an upload that has yet to become a message, and those of a
//! purged thread. Their keys are stored before the bytes, so that no bytes stay forever.

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

/// A change of the stored keys.
#[derive(Clone, Debug)]
pub enum FileChecks {
    /// From this time on, check whether the file has a row. A key that is stored already keeps its time.
    Later(FileOf, Time),
    /// These have been checked.
    Done(Vec<FileOf>),
}
