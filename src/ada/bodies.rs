//! What the calls of Ada's API say, and what their answers hold.

use serde_json::{Value, json};

use super::{
    api::Says,
    message::{author, content, id},
};
use crate::relay::{
    delivery::{Failure, Receipt, Uploaded},
    event::Message,
    id::MessageId,
};

/// A message of a human agent.
pub fn said(display_name: &str, says: Says<'_>) -> Value {
    let content = match says {
        Says::Text(text) => json!({ "type": "text", "body": text }),
        Says::File(Uploaded { url, filename, mime_type }) => {
            json!({ "type": "file", "url": url, "mime_type": mime_type, "filename": filename })
        }
    };
    json!({
        "author": {"role": "human_agent", "display_name": display_name},
        "content": content,
    })
}

/// Ada has it once it answers 2xx, readable or not.
pub fn receipt(stored: &Value) -> Receipt {
    let created_at = stored.get("created_at").and_then(Value::as_str);
    Receipt {
        message_id: id(stored, "id").ok().map(MessageId),
        created_at: created_at.and_then(|text| text.parse().ok()),
    }
}

/// What Ada calls a file, or else what we do.
///
/// # Errors
/// It doesn't say where the file is, and without that no message can point to it.
pub fn uploaded(stored: &Value, filename: String, mime_type: String) -> Result<Uploaded, Failure> {
    let said = |field: &str| stored.get(field).and_then(Value::as_str).map(str::to_owned);
    let url = said("url").filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| Failure::Unclear("Ada did not say where the file is".to_owned()))?;
    let filename = said("filename").unwrap_or(filename);
    Ok(Uploaded { url, filename, mime_type: said("mime_type").unwrap_or(mime_type) })
}

/// The messages of a page of the list that can be read.
///
/// # Errors
/// It is no page.
pub fn messages(page: &Value) -> Result<impl Iterator<Item = Message>, Failure> {
    let rows = page.get("data").and_then(Value::as_array);
    let rows = rows.ok_or_else(|| Failure::Unclear("Ada's message list is not one".to_owned()))?;
    Ok(rows.iter().filter_map(message))
}

/// A row of the message list; other types than `message_logs` are none.
fn message(row: &Value) -> Option<Message> {
    if row.get("type").and_then(Value::as_str).is_some_and(|kind| kind != "message_logs") {
        return None;
    }
    Some(Message {
        id: MessageId(id(row, "message_id").ok()?),
        created_at: row.get("created_at")?.as_str()?.parse().ok()?,
        author: author(row).ok()?,
        content: content(row).ok()?,
    })
}
