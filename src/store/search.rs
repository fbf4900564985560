//! What a search looks through, the same in every store: of a handoff its ids, who the end user is and what the start call
//! said; of its thread the words of messages, notes and links, and the names of files.

use serde_json::Value;

use super::fold::{find, fold};
use crate::relay::{
    handoff::{EndUser, Handoff},
    thread::{Content, Row},
};

/// A text that is wanted has so many characters at most; what is behind them does not count.
const LONGEST: usize = 256;
/// Indexes know three characters and more. What is shorter is looked for in what handoffs themselves say, not in their
/// messages, and in so many of the newest handoffs.
pub const SHORTEST_IN_INDEX: usize = 3;
/// See [`SHORTEST_IN_INDEX`].
pub const NEWEST: u64 = 2_000;
/// Shown of a text before and behind where the wanted one begins, in characters.
const SHOWN: (usize, usize) = (40, 120);

/// What somebody looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted(String);

/// Where a text was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// In what.
    pub place: Place,
    /// What stands there, cut.
    pub text: String,
}

/// What a text can be found in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The id of the conversation or of the handoff.
    Id,
    /// The customer's name or id.
    EndUser,
    /// A field of what the start call said.
    Context(String),
    /// The row with this number in its thread.
    Row(u64),
}

/// How far the index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexProgress {
    /// It has everything.
    All,
    /// New changes wait.
    Part,
    /// What was there before the index waits.
    Filling,
}

impl Wanted {
    /// What is looked for with this text; none if everything has it.
    pub fn new(text: &str) -> Option<Self> {
        let folded: String = fold(text).chars().take(LONGEST).collect();
        (!folded.is_empty()).then_some(Self(folded))
    }

    /// As it stands in the index.
    pub fn folded(&self) -> &str {
        &self.0
    }

    /// Whether an index knows texts of its length.
    pub fn is_in_index(&self) -> bool {
        self.0.chars().count() >= SHORTEST_IN_INDEX
    }

    /// Where a handoff itself has it.
    pub fn in_handoff(&self, handoff: &Handoff) -> Option<Found> {
        units(handoff).into_iter().find_map(|(place, text)| Some(Found { place, text: self.shown(&text)? }))
    }

    /// Where a row has it.
    pub fn in_row(&self, row: &Row) -> Option<Found> {
        let text = self.shown(&words(row)?)?;
        Some(Found { place: Place::Row(row.seq), text })
    }

    /// The text around where it begins.
    fn shown(&self, text: &str) -> Option<String> {
        let at = find(text, &self.0)?;
        let begin = text[..at].char_indices().rev().nth(SHOWN.0).map(|(begin, c)| begin + c.len_utf8());
        let end = text[at..].char_indices().nth(SHOWN.1).map(|(end, _)| at + end);
        let part: Vec<&str> =
            text[begin.unwrap_or(0)..end.unwrap_or(text.len())].split_whitespace().collect();
        let cut = |is_cut: bool| if is_cut { "…" } else { "" };
        Some(format!("{}{}{}", cut(begin.is_some()), part.join(" "), cut(end.is_some())))
    }
}

/// What is looked through of a handoff itself, folded. It is the entry 0 of its thread.
pub fn text_of_handoff(handoff: &Handoff) -> String {
    let units: Vec<String> = units(handoff).iter().map(|(_, text)| fold(text)).collect();
    units.join("\n")
}

/// What is looked through of a row, folded; none if it has no words.
pub fn text_of_row(row: &Row) -> Option<String> {
    words(row).map(|words| fold(&words)).filter(|words| !words.is_empty())
}

fn units(handoff: &Handoff) -> Vec<(Place, String)> {
    let ids = [&handoff.key.conversation.0, &handoff.id.0].map(|id| (Place::Id, id.clone()));
    let EndUser { id, name, display_name, .. } = &handoff.end_user;
    let user = [name, display_name, id].into_iter().flatten();
    let context = handoff.context.iter().map(|(field, value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        (Place::Context(field.clone()), text)
    });
    user.map(|text| (Place::EndUser, text.clone())).chain(ids).chain(context).collect()
}

fn words(row: &Row) -> Option<String> {
    Some(match &row.content {
        Content::Text { body } | Content::Note { body } => body.clone(),
        Content::File { filename, .. } => filename.clone(),
        Content::Link { url, link_text: None } => url.clone(),
        Content::Link { url, link_text: Some(text) } => format!("{text}\n{url}"),
        Content::Presence { .. }
        | Content::Event { .. }
        | Content::Unknown { .. }
        | Content::Unreadable { .. } => {
            return None;
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_around_where_it_begins() {
        let shown = |text: &str, wanted: &str| Wanted::new(wanted).unwrap().shown(text);
        assert_eq!(shown("Das ist\n\näußerst  gut", "ÄUSSERST").as_deref(), Some("Das ist äußerst gut"));
        let long = format!("{} here {}", "a".repeat(99), "b".repeat(999));
        let cut = format!("…{} here {}…", "a".repeat(39), "b".repeat(115));
        assert_eq!(shown(&long, "HERE"), Some(cut));
        assert_eq!(shown("nothing", "here"), None);
    }

    #[test]
    fn nothing_is_wanted_by_what_is_folded_to_nothing() {
        assert_eq!(Wanted::new("\u{301}"), None);
        assert_eq!(Wanted::new(&"ä".repeat(999)).unwrap().folded().len(), LONGEST);
    }
}
