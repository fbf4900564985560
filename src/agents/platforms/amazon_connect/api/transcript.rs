//! What was said in a chat so far.

use serde_json::json;

use super::{Connect, Operation, participant::participant, unreadable};
use crate::{
    agents::platforms::amazon_connect::{aws::CallError, item::WireItem},
    json::{Object, repaired},
    relay::time::Time,
    secret::Secret,
};

/// The most that one page may have.
const PAGE: u32 = 100;

/// A part of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptPage {
    /// The oldest first.
    pub items: Vec<WireItem>,
    /// With it, the next page is read; `None` at the end.
    pub next: Option<String>,
}

impl Connect {
    /// `GetTranscript`: a page of at most 100 items, the oldest first, from `since` on. `next` is that of the page
    /// before.
    ///
    /// # Errors
    /// See [`CallError`]; `Denied` if the connection has expired or the chat is over.
    pub async fn transcript(
        &self,
        connection: &Secret,
        contact_id: &str,
        next: Option<&str>,
        since: Option<Time>,
    ) -> Result<TranscriptPage, CallError> {
        const CALL: Operation = participant("GetTranscript");
        let mut body = json!({
            "ContactId": contact_id,
            "MaxResults": PAGE,
            "ScanDirection": "FORWARD",
            "SortOrder": "ASCENDING",
        });
        if let Some(next) = next {
            body["NextToken"] = next.into();
        }
        if let Some(since) = since {
            body["StartPosition"] = json!({ "AbsoluteTime": since.to_string() });
        }
        let answer = self.as_participant(CALL, "/participant/transcript", connection, &body).await?;
        let body = repaired(&answer.body);
        let page = Object::read(&body).map_err(|_| unreadable(CALL))?;
        let items =
            page.get("Transcript").and_then(crate::json::Field::items).ok_or_else(|| unreadable(CALL))?;
        let items =
            items.into_iter().filter_map(|item| item.object()).map(|item| WireItem::of(&item)).collect();
        Ok(TranscriptPage { items, next: page.text("NextToken").filter(|next| !next.is_empty()) })
    }
}
