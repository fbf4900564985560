//! The download of a file that Ada's side sent. Its bytes are stored under the row's id.

use std::{sync::Arc, time::Duration};

use crate::relay::{
    backoff,
    changes::Scope,
    delivery::{Delivery, Fetch, FetchFailure, Job},
    event::Message,
    id::{HandoffId, RowId},
    likeness::alike,
    rule::Rule,
    thread::{Bytes, Content, Missing, Row},
    transaction::Transaction,
};

/// How long a download is retried: Ada's presigned URLs are valid for 7 days.
pub const TRIED_FOR: Duration = Duration::from_hours(7 * 24);

/// A fetch and its outcome.
#[derive(Clone, Debug)]
pub struct FetchResult {
    /// The delivery it was made for.
    pub delivery: Delivery,
    /// How many bytes are stored now, or why there are none.
    pub outcome: Result<u64, FetchFailure>,
    /// The file's new URL, if Ada was asked for one.
    pub renewed: Option<String>,
    /// Drawn anew for each attempt, 0 to 1.
    pub jitter: f64,
}

/// Settles a download: the row has the file's state. After a temporary failure, the download is tried again while the
/// URL is valid.
pub fn settle(fetched: Arc<FetchResult>) -> Rule<()> {
    Rule::new(Scope::attempted(&fetched.delivery), move |tx| settle_fetch(tx, &fetched))
}

fn settle_fetch(tx: &mut Transaction<'_>, fetched: &FetchResult) {
    let Some(index) = tx.find_attempted(&fetched.delivery) else { return };
    let Job::Fetch(Fetch::File { row }) = &fetched.delivery.job else { return };
    if let (Some(at), Some(url)) = (tx.find_row(row), &fetched.renewed) {
        point_to(tx, at, url);
    }
    match &fetched.outcome {
        Ok(size) => done(tx, index, row, Bytes::Kept { size: *size }),
        Err(FetchFailure::Never(why, error)) => {
            done(tx, index, row, Bytes::Missing { why: *why, error: error.clone() });
        }
        Err(FetchFailure::Passing(error)) => {
            let delivery = &tx.view.outbox[index];
            if tx.now.at.since(delivery.queued_at) >= TRIED_FOR {
                let missing = Bytes::Missing { why: Missing::Gone, error: error.clone() };
                return done(tx, index, row, missing);
            }
            let due_at = tx.now.at + backoff::file_delay(delivery.attempts, fetched.jitter);
            tx.put_back(index).due_at = due_at;
        }
    }
}

fn done(tx: &mut Transaction<'_>, index: usize, row: &RowId, now: Bytes) {
    tx.finish_delivery(index);
    set(tx, row, now);
}

fn set(tx: &mut Transaction<'_>, row: &RowId, now: Bytes) {
    let Some(index) = tx.find_row(row) else { return };
    tx.change_row(index, |row| {
        if let Content::File { bytes, .. } = &mut row.content {
            *bytes = now;
        }
    });
}

/// Another source has another URL for the file. The newest URL is valid longest.
pub fn point_to(tx: &mut Transaction<'_>, index: usize, url: &str) {
    tx.change_row(index, |row| {
        if let Content::File { source_url, bytes: Bytes::Awaited, .. } = &mut row.content {
            *source_url = Some(url.to_owned());
        }
    });
}

/// The same, for a message that has arrived from another source than before.
pub fn seen_again(tx: &mut Transaction<'_>, index: usize, message: &Message) {
    if let Content::File { source_url: Some(url), .. } = &message.content {
        point_to(tx, index, url);
    }
}

/// Whether `message`, from Ada's list, is the row's.
pub fn is_of(row: &Row, message: &Message) -> bool {
    let same_words = row.author.role == message.author.role
        && alike(&row.content, &message.content)
        && row.created_at.second() == message.created_at.second();
    row.ids.all().any(|id| *id == message.id) || same_words
}

/// Tries again to fetch a file that is missing. `None` for every other row.
pub fn fetch_again(tx: &mut Transaction<'_>, id: &HandoffId, row: &RowId) -> Option<Row> {
    let (handoff, index) = (tx.find_handoff(id)?, tx.find_row(row)?);
    let found = &tx.view.rows[index];
    if found.handoff != *id || !matches!(found.content, Content::File { bytes: Bytes::Missing { .. }, .. }) {
        return None;
    }
    set(tx, row, Bytes::Awaited);
    tx.deliver(handoff, Fetch::File { row: row.clone() });
    Some(tx.view.rows[index].clone())
}
