//! `GetTranscript`: pages of a chat's items.

use serde_json::{Value, json};

use super::chat::Chat;
use super::error::ApiError;
use super::item::Item;

const DEFAULT_RESULTS: u64 = 10;

/// One page. A token is the number of items that came before.
pub(super) fn page(chat: &Chat, given: &Value) -> Result<Value, ApiError> {
    if let Some(contact) = given["ContactId"].as_str()
        && !chat.segments.iter().any(|segment| segment.contact_id == contact)
    {
        return Err(ApiError::validation("ContactId is of another chat"));
    }
    let found = scanned(chat, given)?;
    let skip = match given["NextToken"].as_str() {
        Some(token) => token.parse().map_err(|_| ApiError::validation("NextToken is none of ours"))?,
        None => 0,
    };
    let most = given["MaxResults"].as_u64().filter(|most| *most > 0).unwrap_or(DEFAULT_RESULTS) as usize;
    let mut items: Vec<_> = found.iter().skip(skip).take(most).copied().collect();
    items.sort_by(|one, other| one.absolute_time.cmp(&other.absolute_time));
    if given["SortOrder"] != "ASCENDING" {
        items.reverse();
    }
    let items: Vec<_> = items.into_iter().map(shown).collect();
    let mut answer = json!({ "InitialContactId": chat.initial_id, "Transcript": items });
    if skip + most < found.len() {
        answer["NextToken"] = (skip + most).to_string().into();
    }
    Ok(answer)
}

/// The items from the position on, in the direction of the scan.
fn scanned<'a>(chat: &'a Chat, given: &Value) -> Result<Vec<&'a Item>, ApiError> {
    let items = &chat.items;
    let is_forward = given["ScanDirection"] == "FORWARD";
    let start = &given["StartPosition"];
    let at = if let Some(id) = start["Id"].as_str() {
        let at = items.iter().position(|item| item.id == id);
        Some(at.ok_or_else(|| ApiError::validation("StartPosition.Id is not in the transcript"))?)
    } else if let Some(time) = start["AbsoluteTime"].as_str() {
        let time: jiff::Timestamp =
            time.parse().map_err(|_| ApiError::validation("StartPosition.AbsoluteTime is no time"))?;
        let before =
            |item: &Item| item.absolute_time.parse().is_ok_and(|known: jiff::Timestamp| known < time);
        let first = items.partition_point(before);
        // Backward, an item of exactly that time is the first one.
        let is_exact = items
            .get(first)
            .is_some_and(|item| item.absolute_time.parse().is_ok_and(|known: jiff::Timestamp| known == time));
        if !is_forward && !is_exact && first == 0 {
            return Ok(Vec::new());
        }
        Some(if is_forward || is_exact { first } else { first - 1 })
    } else {
        start["MostRecent"].as_u64().map(|recent| items.len().saturating_sub(recent as usize))
    };
    Ok(match (is_forward, at) {
        (true, at) => items[at.unwrap_or(0).min(items.len())..].iter().collect(),
        (false, Some(at)) => items[..(at + 1).min(items.len())].iter().rev().collect(),
        (false, None) => items.iter().rev().collect(),
    })
}

/// An item as the API shows it.
fn shown(item: &Item) -> Value {
    let mut shown = serde_json::to_value(item).unwrap_or_default();
    if let Some(members) = shown.as_object_mut() {
        members.remove("InitialContactId");
    }
    shown
}
