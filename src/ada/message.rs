//! A message on the wire: the parts that webhooks and the message list share.

use std::borrow::Cow;

use crate::{
    json::Fields,
    relay::{
        context::{bounded_name, filled_name},
        thread::{Author, Bytes, Content, Role},
        time::Time,
    },
};

/// The longest id we take, in characters: those of Ada's are under 50.
pub const MAX_ID_CHARS: usize = 200;

/// The longest URL of an avatar.
const MAX_URL_BYTES: usize = 4_096;

/// Why something of Ada's can't be used. Names the field, never quotes it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// Says which field is not what it should be.
pub fn unreadable(field: &str, what: &str) -> Unreadable {
    Unreadable(format!("`{field}` {what}"))
}

/// The id under `field`.
pub fn id(object: &impl Fields, field: &str) -> Result<String, Unreadable> {
    let text = object.text(field);
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| unreadable(field, "is missing"))?;
    let is_long = text.len() > MAX_ID_CHARS && text.chars().count() > MAX_ID_CHARS;
    let has_control = if text.is_ascii() {
        text.bytes().any(|byte| byte.is_ascii_control())
    } else {
        text.chars().any(char::is_control)
    };
    if is_long || has_control {
        return Err(unreadable(field, "is not an id"));
    }
    Ok(text.into_owned())
}

/// The time under `field`.
pub fn time(object: &impl Fields, field: &str) -> Result<Time, Unreadable> {
    let text = object.text(field).ok_or_else(|| unreadable(field, "is missing"))?;
    text.parse().map_err(|_| unreadable(field, "is not an RFC 3339 time"))
}

/// `author`: a role, known or new, and how to show it.
pub fn author(data: &impl Fields) -> Result<Author, Unreadable> {
    let author = data.object("author");
    let role = author.text("role").ok_or_else(|| unreadable("author.role", "is missing"))?;
    let role = match &*role {
        "end_user" => Role::EndUser,
        "ai_agent" => Role::AiAgent,
        "human_agent" => Role::HumanAgent,
        _ => Role::Unknown,
    };
    let display_name = author.text("display_name").and_then(|name| filled_name(&name));
    let avatar = author.text("avatar").filter(|url| url.len() <= MAX_URL_BYTES).map(Cow::into_owned);
    Ok(Author { role, display_name, avatar })
}

/// `content`: one of the types known, or the name of a new one.
pub fn content(data: &impl Fields) -> Result<Content, Unreadable> {
    let content = data.object("content");
    let needed = |field: &str| {
        content.text(field).ok_or_else(|| unreadable(&format!("content.{field}"), "is missing"))
    };
    let text = |field: &str| content.text(field).map(Cow::into_owned);
    Ok(match &*needed("type")? {
        "text" => Content::Text { body: needed("body")?.into_owned() },
        "presence" => Content::Presence { body: needed("body")?.into_owned() },
        "link" => Content::Link { url: needed("url")?.into_owned(), link_text: text("link_text") },
        "file" => Content::File {
            filename: text("filename").unwrap_or_else(|| "file".to_owned()),
            mime_type: text("mime_type").unwrap_or_else(|| "application/octet-stream".to_owned()),
            source_url: text("url"),
            bytes: Bytes::Awaited,
        },
        other => Content::Unknown { name: bounded_name(other) },
    })
}
