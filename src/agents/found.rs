//! Where a search has found its text, as JSON.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::search::{Found, Place};

/// Where the text of a search was found.
#[derive(Serialize, ToSchema)]
#[schema(as = Found)]
pub struct FoundView {
    /// `id` (of the conversation or the handoff), `end_user`, `context`, or `message` (a row of the thread).
    #[serde(rename = "in")]
    #[schema(example = "message")]
    place: &'static str,
    /// The field of `context`.
    field: Option<String>,
    /// The `seq` of the row: the newest that has it.
    seq: Option<u64>,
    /// The text around it, cut.
    text: String,
}

impl From<Found> for FoundView {
    fn from(found: Found) -> Self {
        let (place, field, seq) = match found.place {
            Place::Id => ("id", None, None),
            Place::EndUser => ("end_user", None, None),
            Place::Context(field) => ("context", Some(field), None),
            Place::Row(seq) => ("message", None, Some(seq)),
        };
        Self { place, field, seq, text: found.text }
    }
}
