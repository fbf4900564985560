//! The bytes of a file that Ada's side sent: they are fetched, and kept under the row's id.

use std::{sync::Arc, time::Duration};

use crate::relay::{
    backoff,
    changes::Scope,
    delivery::{Delivery, Fetch, Job, Unfetched},
    draft::Draft,
    event::Message,
    id::{HandoffId, RowId},
    rule::Rule,
    thread::{Bytes, Content, Missing, Row, alike},
};

/// How long a file is tried for: Ada's presigned URLs are good for 7 days.
pub const TRIED_FOR: Duration = Duration::from_hours(7 * 24);

/// A fetch and its outcome.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The delivery it was made for.
    pub delivery: Delivery,
    /// How many bytes are kept now, or why none are.
    pub outcome: Result<u64, Unfetched>,
    /// Where the file is, if Ada had to be asked for that anew.
    pub renewed: Option<String>,
    /// Drawn anew for each attempt, 0 to 1.
    pub jitter: f64,
}

/// Settles a fetch: the row says whether its file is there. One that failed for now is tried again, for as long as
/// the URL is good.
pub fn settle(fetched: Arc<Fetched>) -> Rule<()> {
    Rule::new(Scope::attempted(&fetched.delivery), move |draft| settle_fetch(draft, &fetched))
}

fn settle_fetch(draft: &mut Draft<'_>, fetched: &Fetched) {
    let Some(place) = draft.find_attempted(&fetched.delivery) else { return };
    let Job::Fetch(Fetch::File { row }) = &fetched.delivery.job else { return };
    if let (Some(at), Some(url)) = (draft.find_row(row), &fetched.renewed) {
        point_to(draft, at, url);
    }
    match &fetched.outcome {
        Ok(size) => done(draft, place, row, Bytes::Kept { size: *size }),
        Err(Unfetched::Never(why, error)) => {
            done(draft, place, row, Bytes::Missing { why: *why, error: error.clone() });
        }
        Err(Unfetched::Passing(error)) => {
            let delivery = &draft.view.outbox[place];
            if draft.now.at.since(delivery.queued_at) >= TRIED_FOR {
                let missing = Bytes::Missing { why: Missing::Gone, error: error.clone() };
                return done(draft, place, row, missing);
            }
            let due_at = draft.now.at + backoff::file_delay(delivery.attempts, fetched.jitter);
            draft.put_back(place).due_at = due_at;
        }
    }
}

fn done(draft: &mut Draft<'_>, place: usize, row: &RowId, now: Bytes) {
    draft.finish_delivery(place);
    set(draft, row, now);
}

fn set(draft: &mut Draft<'_>, row: &RowId, now: Bytes) {
    let Some(place) = draft.find_row(row) else { return };
    draft.change_row(place, |row| {
        if let Content::File { bytes, .. } = &mut row.content {
            *bytes = now;
        }
    });
}

/// Another source shows the file under another URL, and the newest is good for the longest.
pub fn point_to(draft: &mut Draft<'_>, place: usize, url: &str) {
    draft.change_row(place, |row| {
        if let Content::File { source_url, bytes: Bytes::Awaited, .. } = &mut row.content {
            *source_url = Some(url.to_owned());
        }
    });
}

/// The same, where a message has come by another way than before.
pub fn seen_again(draft: &mut Draft<'_>, place: usize, message: &Message) {
    if let Content::File { source_url: Some(url), .. } = &message.content {
        point_to(draft, place, url);
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
pub fn fetch_again(draft: &mut Draft<'_>, id: &HandoffId, row: &RowId) -> Option<Row> {
    let (handoff, place) = (draft.find_handoff(id)?, draft.find_row(row)?);
    let found = &draft.view.rows[place];
    if found.handoff != *id || !matches!(found.content, Content::File { bytes: Bytes::Missing { .. }, .. }) {
        return None;
    }
    set(draft, row, Bytes::Awaited);
    draft.deliver(handoff, Fetch::File { row: row.clone() });
    Some(draft.view.rows[place].clone())
}
