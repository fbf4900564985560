//! A message on the wire: the parts that webhooks and the message list share.

use serde_json::Value;

use crate::relay::thread::{Author, Bytes, Content, Role};

/// The longest id we take, in characters: those of Ada's are under 50.
pub const MAX_ID_CHARS: usize = 200;

/// Why something of Ada's can't be used. Names the field, never quotes it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// Says which field is not what it should be.
pub fn unreadable(field: &str, what: &str) -> Unreadable {
    Unreadable(format!("`{field}` {what}"))
}

/// The id under `field`.
pub fn id(object: &Value, field: &str) -> Result<String, Unreadable> {
    let text = object.get(field).and_then(Value::as_str);
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| unreadable(field, "is missing"))?;
    if text.chars().count() > MAX_ID_CHARS || text.chars().any(char::is_control) {
        return Err(unreadable(field, "is not an id"));
    }
    Ok(text.to_owned())
}

/// `author`: a role, known or new, and how to show it.
pub fn author(data: &Value) -> Result<Author, Unreadable> {
    let author = data.get("author").ok_or_else(|| unreadable("author", "is missing"))?;
    let role = author.get("role").and_then(Value::as_str);
    let role = match role.ok_or_else(|| unreadable("author.role", "is missing"))? {
        "end_user" => Role::EndUser,
        "ai_agent" => Role::AiAgent,
        "human_agent" => Role::HumanAgent,
        _ => Role::Unknown,
    };
    Ok(Author { role, display_name: text(author, "display_name"), avatar: text(author, "avatar") })
}

/// `content`: one of the types known, or the name of a new one.
pub fn content(data: &Value) -> Result<Content, Unreadable> {
    let content = data.get("content").ok_or_else(|| unreadable("content", "is missing"))?;
    let needed = |field: &str| {
        text(content, field).ok_or_else(|| unreadable(&format!("content.{field}"), "is missing"))
    };
    Ok(match needed("type")?.as_str() {
        "text" => Content::Text { body: needed("body")? },
        "presence" => Content::Presence { body: needed("body")? },
        "link" => Content::Link { url: needed("url")?, link_text: text(content, "link_text") },
        "file" => Content::File {
            filename: text(content, "filename").unwrap_or_else(|| "file".to_owned()),
            mime_type: text(content, "mime_type").unwrap_or_else(|| "application/octet-stream".to_owned()),
            source_url: text(content, "url"),
            bytes: Bytes::Awaited,
        },
        other => Content::Unknown { name: other.to_owned() },
    })
}

fn text(object: &Value, field: &str) -> Option<String> {
    object.get(field).and_then(Value::as_str).map(str::to_owned)
}
