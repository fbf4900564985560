//! The courier for downloads: downloads files from the URLs in Ada's messages, and stores them.

use std::sync::Arc;

use super::{Errand, begin, patiently};
use crate::{
    ada::limits::Priority,
    engine::Engine,
    files::{FileKey, fetch::FetchError},
    relay::{
        delivery::{Delivery, Failure, FetchFailure},
        rules::{
            attempt::{AttemptStart, Step, Turn},
            file::{self, FetchResult},
        },
        thread::{Content, Missing, Row},
    },
    store::StoreError,
};

/// Downloads and stores the next file.
///
/// # Errors
/// It could not begin.
pub async fn carry(errand: &Errand<'_>, turn: Turn) -> Result<(), StoreError> {
    let engine = errand.engine;
    let Some(AttemptStart { delivery, step: Step::Fetch { row } }) = begin(engine, turn).await? else {
        return Ok(());
    };
    let _held = errand.held.hold(&delivery.id);
    let (outcome, renewed) = find_and_get(engine, &delivery, &row).await;
    record_outcome(engine, &row, &outcome);
    let jitter = engine.environment.jitter();
    let fetched = Arc::new(FetchResult { delivery, outcome, renewed, jitter });
    // If the outcome can't be stored, the file is downloaded again.
    drop(patiently(engine, &fetched.delivery, || file::settle(Arc::clone(&fetched))).await);
    Ok(())
}

fn record_outcome(engine: &Engine, row: &Row, outcome: &Result<u64, FetchFailure>) {
    let (counted, reason) = match outcome {
        Ok(_) => return engine.metrics.fetched("kept"),
        Err(FetchFailure::Passing(reason)) => ("passing", reason),
        Err(FetchFailure::Never(Missing::Gone, reason)) => ("gone", reason),
        Err(FetchFailure::Never(Missing::Refused, reason)) => ("refused", reason),
    };
    engine.metrics.fetched(counted);
    tracing::warn!(handoff.id = %row.handoff, row.id = %row.id, reason, "a file could not be downloaded");
}

/// The outcome, and the file's new URL if the known one had expired.
async fn find_and_get(
    engine: &Engine,
    delivery: &Delivery,
    row: &Row,
) -> (Result<u64, FetchFailure>, Option<String>) {
    let Content::File { source_url, .. } = &row.content else {
        return (Err(FetchFailure::Never(Missing::Gone, "this row has no file".to_owned())), None);
    };
    let got = match source_url {
        Some(url) => get(engine, row, url).await,
        None => Err(FetchError::Expired("Ada did not return the file's URL".to_owned())),
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
        Ok(_) => (Err(FetchFailure::Never(Missing::Gone, reason)), None),
        Err(failure) => (Err(FetchFailure::Passing(failure.reason().to_owned())), None),
    }
}

async fn get(engine: &Engine, row: &Row, url: &str) -> Result<u64, FetchError> {
    let Content::File { mime_type, .. } = &row.content else { return Ok(0) };
    let spool = engine.files.spool().map_err(FetchError::Local)?;
    let spooled = engine.fetcher.fetch(url, mime_type, spool).await?;
    engine.files.keep(&key(row), &spooled).await.map_err(FetchError::Local)?;
    Ok(spooled.size())
}

/// The file's current URL: Ada's message list is read until it has the message.
async fn renew(engine: &Engine, delivery: &Delivery, row: &Row) -> Result<Option<String>, Failure> {
    let (ada, key) = (engine.ada(&delivery.key), &delivery.key);
    let mut page: Option<String> = None;
    loop {
        let permit = ada.turn(Priority::Read).await;
        let answer = ada.list_messages(permit, Priority::Read, key, page.as_deref()).await;
        let listed = match answer.outcome {
            Ok(listed) => listed,
            // The conversation no longer exists.
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

fn unfetched(error: FetchError) -> FetchFailure {
    match error {
        FetchError::Passing(reason) => FetchFailure::Passing(reason),
        FetchError::Expired(reason) => FetchFailure::Never(Missing::Gone, reason),
        FetchError::Refused(reason) => FetchFailure::Never(Missing::Refused, reason),
        FetchError::Local(error) => FetchFailure::Passing(error.to_string()),
    }
}

/// The key of a row's file in the file store.
fn key(row: &Row) -> FileKey {
    FileKey::new(row.handoff.as_str(), row.id.as_str())
}
