//! Agents' files, and the removal of bytes that belong to no row.

use std::time::Duration;

use super::{Engine, EngineError};
use crate::{
    files::{FileKey, Files, FilesError, SpooledFile},
    relay::{
        delivery::Attachment,
        id::{HandoffId, RowId},
        rules::{
            act::{self, Refusal},
            write::{AgentFile, Request},
        },
    },
    store::{
        PURGE_STEP, PurgeProgress, StoreError,
        files::{FileChecks, FileOf},
    },
};

/// After this time, bytes that were stored for a message belong to its row, or to none.
const UNSURE_FOR: Duration = Duration::from_hours(1);

/// A file that an agent sends.
pub struct NewFile {
    /// Who sends it.
    pub by: Request,
    /// Its name, clean.
    pub filename: String,
    /// Its type: one that Ada accepts.
    pub mime_type: String,
    /// Its bytes: at least one, and at most as many as Ada accepts.
    pub bytes: SpooledFile,
    /// A text that is sent before it.
    pub text: Option<String>,
}

/// Why bytes were not stored, or not removed.
#[derive(Debug, thiserror::Error)]
pub enum KeepFileError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its bytes could not be stored.
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl Engine {
    /// The file store.
    pub const fn files(&self) -> &Files {
        &self.files
    }

    /// Whether `agent` may write in a handoff. Called before the message has arrived completely.
    ///
    /// # Errors
    /// As [`act::may_write`], or the store failed.
    pub async fn may_write(&self, id: &HandoffId, agent: &str) -> Result<(), EngineError> {
        let handoff = self.store.handoff(id).await?.ok_or(Refusal::Unknown)?;
        Ok(act::may_write(&handoff, agent, self.environment.now())?)
    }

    /// Stores the bytes of a file that an agent sends. Gives what `rules::write::file` takes, which is to follow soon: bytes that
    /// belong to no row are removed later.
    ///
    /// # Errors
    /// The store or the file store failed.
    pub async fn keep_file(&self, id: &HandoffId, new: NewFile) -> Result<AgentFile, KeepFileError> {
        let row = RowId(self.environment.new_id());
        let key = FileKey::new(id.as_str(), row.as_str());
        let check = FileOf { handoff: id.clone(), row: row.clone() };
        let check = FileChecks::Later(check, self.environment.now() + UNSURE_FOR);
        self.store.change_file_checks(check).await?;
        self.files.keep(&key, &new.bytes).await?;
        let NewFile { by, filename, mime_type, bytes, text } = new;
        let file = Attachment { filename, mime_type, size: bytes.size(), uploaded: None };
        Ok(AgentFile { by, row, file, text })
    }

    /// Removes bytes that belong to no row. Returns whether all of them are done.
    ///
    /// # Errors
    /// The store or the file store failed. The next call does the rest.
    pub async fn purge_files(&self) -> Result<PurgeProgress, KeepFileError> {
        let due = self.store.due_file_checks(self.environment.now(), PURGE_STEP).await?;
        let mut of_no_row = Vec::new();
        for file in &due {
            if self.store.row(&file.row).await?.is_none() {
                of_no_row.push(FileKey::new(file.handoff.as_str(), file.row.as_str()));
            }
        }
        self.files.forget(&of_no_row).await?;
        let more = due.len() == PURGE_STEP;
        self.store.change_file_checks(FileChecks::Done(due)).await?;
        Ok(if more { PurgeProgress::Part } else { PurgeProgress::All })
    }
}
