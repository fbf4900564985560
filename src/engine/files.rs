//! The bytes of files: fetched from where Ada's messages point, kept, and brought to Ada before ours point there.

use std::{io, sync::Arc, time::Duration};

use futures_util::StreamExt;

use super::{
    Engine, EngineError,
    outbox::{Held, begin, patiently},
};
use crate::{
    ada::{
        answer::Answer,
        api::Upload,
        limits::{Permit, Priority},
    },
    files::{FileKey, Files, FilesError, Spooled, fetch::FetchError},
    relay::{
        delivery::{Attachment, Delivery, Failure, Task, Unfetched},
        id::{HandoffId, RowId},
        rules::{
            act::{self, Refusal},
            attempt::{Begun, Step, Turn},
            file::{self, Fetched},
            settle::{self, Attempt},
            write::{self, FileMessage, Request},
        },
        thread::{Content, Missing, Row},
        time::Time,
    },
    store::{
        FORGET_STEP, Forgotten, StoreError,
        files::{FileChecks, FileOf},
    },
};

/// By then bytes that were kept for a message belong to its row, or to none.
const UNSURE_FOR: Duration = Duration::from_hours(1);

/// Fetches the file of a row whose turn has come, and keeps it.
///
/// # Errors
/// It could not begin.
pub async fn fetch(engine: &Engine, held: &Arc<Held>, turn: Turn) -> Result<Option<Begun>, StoreError> {
    let begun = begin(engine, turn).await?;
    let Some(Begun { delivery, step: Step::Fetch { row } }) = begun else { return Ok(None) };
    let _held = held.hold(&delivery.id);
    let (outcome, renewed) = find_and_get(engine, &delivery, &row).await;
    note_outcome(engine, &row, &outcome);
    let jitter = engine.environment.jitter();
    let fetched = Arc::new(Fetched { delivery, outcome, renewed, jitter });
    let settled = patiently(engine, &fetched.delivery, || file::settle(Arc::clone(&fetched)));
    // What can't be noted is fetched again.
    drop(settled.await);
    Ok(None)
}

fn note_outcome(engine: &Engine, row: &Row, outcome: &Result<u64, Unfetched>) {
    let (counted, reason) = match outcome {
        Ok(_) => return engine.metrics.fetched("kept"),
        Err(Unfetched::Passing(reason)) => ("passing", reason),
        Err(Unfetched::Never(Missing::Gone, reason)) => ("gone", reason),
        Err(Unfetched::Never(Missing::Refused, reason)) => ("refused", reason),
    };
    engine.metrics.fetched(counted);
    tracing::warn!(handoff.id = %row.handoff, row.id = %row.id, reason, "a file could not be fetched");
}

/// What came of it, and the URL that Ada gave when the one we knew was not good any more.
async fn find_and_get(
    engine: &Engine,
    delivery: &Delivery,
    row: &Row,
) -> (Result<u64, Unfetched>, Option<String>) {
    let Content::File { source_url, .. } = &row.content else {
        return (Err(Unfetched::Never(Missing::Gone, "this row has no file".to_owned())), None);
    };
    let got = match source_url {
        Some(url) => get(engine, row, url).await,
        None => Err(FetchError::Expired("Ada did not say where the file is".to_owned())),
    };
    let reason = match got {
        Ok(size) => return (Ok(size), None),
        Err(FetchError::Expired(reason)) => reason,
        Err(error) => return (Err(unfetched(error)), None),
    };
    match renew(engine, delivery, row).await {
        Ok(Some(url)) if Some(&url) != source_url.as_ref() => {
            (get(engine, row, &url).await.map_err(unfetched), Some(url))
        }
        Ok(_) => (Err(Unfetched::Never(Missing::Gone, reason)), None),
        Err(failure) => (Err(Unfetched::Passing(failure.reason().to_owned())), None),
    }
}

async fn get(engine: &Engine, row: &Row, url: &str) -> Result<u64, FetchError> {
    let Content::File { mime_type, .. } = &row.content else { return Ok(0) };
    let spool = engine.files.spool().map_err(FetchError::Local)?;
    let spooled = engine.fetcher.fetch(url, mime_type, spool).await?;
    engine.files.keep(&key(row), &spooled).await.map_err(FetchError::Local)?;
    Ok(spooled.size())
}

/// Where Ada says now that the file is: its message list is read until the message comes.
async fn renew(engine: &Engine, delivery: &Delivery, row: &Row) -> Result<Option<String>, Failure> {
    let conversation = &delivery.key.conversation;
    let mut page: Option<String> = None;
    loop {
        let permit = engine.ada.turn(Priority::Read).await;
        let answer = engine.ada.list_messages(permit, Priority::Read, conversation, page.as_deref()).await;
        let listed = match answer.outcome {
            Ok(listed) => listed,
            // There is no such conversation any more.
            Err(Failure::NoHandoff(_) | Failure::UnknownConversation(_)) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let found = listed.messages.into_iter().find(|message| file::is_of(row, message));
        if let Some(message) = found {
            let Content::File { source_url, .. } = message.content else { return Ok(None) };
            return Ok(source_url);
        }
        if !listed.more || listed.page == page {
            return Ok(None);
        }
        page = listed.page;
    }
}

fn unfetched(error: FetchError) -> Unfetched {
    match error {
        FetchError::Passing(reason) => Unfetched::Passing(reason),
        FetchError::Expired(reason) => Unfetched::Never(Missing::Gone, reason),
        FetchError::Refused(reason) => Unfetched::Never(Missing::Refused, reason),
        FetchError::Local(error) => Unfetched::Passing(error.to_string()),
    }
}

/// Brings the file of a message to Ada.
pub async fn upload(engine: &Engine, permit: Permit, delivery: Delivery, began: Time, file: Attachment) {
    let Task::Send { row, .. } = &delivery.task else { return };
    let answer = match read(engine, &FileKey::new(delivery.handoff.as_str(), row.as_str()), file).await {
        Ok(upload) => {
            let answer = engine.ada.upload(permit, &delivery.key.conversation, upload).await;
            engine.note_outcome(&delivery, answer.outcome.as_ref().err());
            answer
        }
        Err(failure) => Answer { outcome: Err(failure), answered_at: None },
    };
    let Answer { outcome, answered_at } = answer;
    let jitter = engine.environment.jitter();
    let attempt = Arc::new(Attempt { delivery, began, outcome, answered_at, jitter });
    let settled = patiently(engine, &attempt.delivery, || settle::upload(Arc::clone(&attempt)));
    // What can't be noted is uploaded again.
    drop(settled.await);
}

async fn read(engine: &Engine, key: &FileKey, file: Attachment) -> Result<Upload, Failure> {
    let bytes = match engine.files.read(key, None).await {
        Ok(Some(bytes)) => bytes.map(|chunk| chunk.map_err(io::Error::other)).boxed(),
        Ok(None) => return Err(Failure::Refused("the relay does not have its bytes any more".to_owned())),
        Err(error) => return Err(Failure::Unreached(error.to_string())),
    };
    let Attachment { filename, mime_type, size, .. } = file;
    Ok(Upload { filename, mime_type, size, bytes })
}

/// Under what the bytes of a row's file are kept.
fn key(row: &Row) -> FileKey {
    FileKey::new(row.handoff.as_str(), row.id.as_str())
}

/// A file that an agent sends.
pub struct NewFile {
    /// Who sends it.
    pub by: Request,
    /// Its name, clean.
    pub filename: String,
    /// Its type: one that Ada takes.
    pub mime_type: String,
    /// Its bytes: at least one, and no more than Ada takes.
    pub bytes: Spooled,
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
        let message = FileMessage { by, row, file, text };
        Ok(self.act(write::file(id, message)).await?)
    }

    /// Forgets the bytes that belong to no row. Says whether it got to the end.
    ///
    /// # Errors
    /// The store or the file store failed. What is left is looked at the next time.
    pub async fn forget_files(&self) -> Result<Forgotten, SendFileError> {
        let due = self.store.due_file_checks(self.environment.now(), FORGET_STEP).await?;
        let mut of_no_row = Vec::new();
        for file in &due {
            if self.store.row(&file.row).await?.is_none() {
                of_no_row.push(FileKey::new(file.handoff.as_str(), file.row.as_str()));
            }
        }
        self.files.forget(&of_no_row).await?;
        let more = due.len() == FORGET_STEP;
        self.store.change_file_checks(FileChecks::Done(due)).await?;
        Ok(if more { Forgotten::Part } else { Forgotten::All })
    }
}
