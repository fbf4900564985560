//! An agent sends a file, and the bytes that belong to nothing are forgotten.

use std::time::Duration;

use super::{Engine, EngineError};
use crate::{
    files::{FileKey, Files, FilesError, SpooledFile},
    relay::{
        delivery::Attachment,
        id::{HandoffId, RowId},
        rules::{
            act::{self, Refusal},
            write::{self, AgentFile, Request},
        },
        thread::Row,
    },
    store::{
        PURGE_STEP, PurgeProgress, StoreError,
        files::{FileChecks, FileOf},
    },
};

/// By then bytes that were kept for a message belong to its row, or to none.
const UNSURE_FOR: Duration = Duration::from_hours(1);

/// A file that an agent sends.
pub struct NewFile {
    /// Who sends it.
    pub by: Request,
    /// Its name, clean.
    pub filename: String,
    /// Its type: one that Ada takes.
    pub mime_type: String,
    /// Its bytes: at least one, and no more than Ada takes.
    pub bytes: SpooledFile,
    /// Words that go before it.
    pub text: Option<String>,
}

/// Why a file was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendFileError {
    /// The rules say no, or the store failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Its bytes could not be kept.
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl From<StoreError> for SendFileError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// Where the bytes of files are kept.
    pub const fn files(&self) -> &Files {
        &self.files
    }

    /// Whether `agent` may write in a handoff, as far as can be told before what they write is there.
    ///
    /// # Errors
    /// As [`write::file`], or the store failed.
    pub async fn may_write(&self, id: &HandoffId, agent: &str) -> Result<(), EngineError> {
        let handoff = self.store.handoff(id).await?.ok_or(Refusal::Unknown)?;
        Ok(act::may_write(&handoff, agent)?)
    }

    /// An agent sends a file. Once this returns [`Ok`] its bytes and its row are kept.
    ///
    /// # Errors
    /// As [`write::file`]; the store or the file store failed. Bytes that belong to no row are forgotten later.
    pub async fn send_file(&self, id: HandoffId, new: NewFile) -> Result<Row, SendFileError> {
        let row = RowId(self.environment.new_id());
        let key = FileKey::new(id.as_str(), row.as_str());
        let check = FileOf { handoff: id.clone(), row: row.clone() };
        let check = FileChecks::Later(check, self.environment.now() + UNSURE_FOR);
        self.store.change_file_checks(check).await?;
        self.files.keep(&key, &new.bytes).await?;
        let NewFile { by, filename, mime_type, bytes, text } = new;
        let file = Attachment { filename, mime_type, size: bytes.size(), uploaded: None };
        let message = AgentFile { by, row, file, text };
        Ok(self.act(write::file(id, message)).await?)
    }

    /// Purges the bytes that belong to no row. Says whether it got to the end.
    ///
    /// # Errors
    /// The store or the file store failed. What is left is looked at the next time.
    pub async fn purge_files(&self) -> Result<PurgeProgress, SendFileError> {
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
