//! The message list and new messages.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::page::Page;
use super::{object, origin};
use crate::conversation::{Author, Content, Conversation};
use crate::dial::oddities::{odd, unsay};
use crate::files::Minter;
use crate::{Role, Sandbox, StoredMessage};

pub(crate) async fn list(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    sandbox.peek(&id, |_| ())?;
    let is_odd = sandbox.0.lock().oddities;
    let page = Page::of(query.as_deref().unwrap_or_default())?;
    let origin = origin(&headers);
    let (messages, more) = sandbox.peek(&id, |conversation| page.entries(&conversation.messages))?;
    let next = more.then(|| page.next_url(&format!("{origin}/api/v2/conversations/{id}/messages/")));
    let minter = Minter::new(&sandbox.0.links, origin);
    let row = |(number, message): (usize, &StoredMessage)| {
        let mut row = message.list_row(&minter);
        if !is_odd {
            return row.to_string();
        }
        unsay(&mut row, message, page.start + number);
        odd(&row, page.start + number)
    };
    let rows: Vec<String> = messages.iter().enumerate().map(row).collect();
    let meta = json!({ "next_page_url": next });
    let body = format!(r#"{{"data":[{}],"meta":{meta}}}"#, rows.join(","));
    Ok(([(CONTENT_TYPE, "application/json")], body))
}

pub(crate) async fn create(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    sandbox.peek(&id, |_| ())?;
    let body = object(&body)?;
    let (author, content) = (author(&body)?, sandbox.content(&body)?);
    let say = |conversation: &mut Conversation| conversation.api_says(author, content);
    let (message, early) = sandbox.change_and_send(&id, say)?;
    for echo in early {
        echo.tried().await;
    }
    let minter = Minter::new(&sandbox.0.links, origin(&headers));
    Ok((StatusCode::CREATED, Json(message.created_json(&id, &minter))))
}

fn author(body: &Map<String, Value>) -> Result<Author, ApiError> {
    let Some(Value::Object(author)) = body.get("author") else {
        return Err(ApiError::invalid("author", "An object is required"));
    };
    let field = |name: &str| author.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
    let role = match field("role") {
        Some("human_agent") if field("display_name").is_none() => {
            return Err(ApiError::invalid("author.display_name", "Required for a human_agent"));
        }
        Some("end_user") if field("id").is_none() => {
            return Err(ApiError::invalid("author.id", "Required for an end_user"));
        }
        Some("human_agent") => Role::HumanAgent,
        Some("end_user") => Role::EndUser,
        _ => return Err(ApiError::invalid("author.role", "One of end_user, human_agent")),
    };
    let owned = |name: &str| field(name).map(str::to_owned);
    let id = if role == Role::EndUser { owned("id") } else { None };
    Ok(Author { role, id, avatar: owned("avatar"), display_name: owned("display_name") })
}

impl Sandbox {
    /// The content with the fields that Ada knows, and no others. A URL of ours, also one that has expired,
    /// means the file that it pointed to.
    fn content(&self, body: &Map<String, Value>) -> Result<Content, ApiError> {
        let Some(Value::Object(content)) = body.get("content") else {
            return Err(ApiError::invalid("content", "An object is required"));
        };
        let field = |name: &str| {
            let value = content.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
            value.ok_or_else(|| ApiError::invalid(&format!("content.{name}"), "A string is required"))
        };
        match content.get("type").and_then(Value::as_str) {
            Some("text") => Ok(Content::of_text(field("body")?)),
            Some("file") => {
                let (url, mime_type, filename) = (field("url")?, field("mime_type")?, field("filename")?);
                let ours = self.0.links.file_of(url).and_then(|file| self.0.files.find(file));
                Ok(match ours {
                    Some(file) => Content::of_file(file.kept.clone(), filename, mime_type),
                    None => Content::of_link(url, filename, mime_type),
                })
            }
            _ => Err(ApiError::invalid("content.type", "One of text, file")),
        }
    }
}
