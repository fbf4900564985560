//! Uploads of files that a message then points to.

use axum::Json;
use axum::extract::{Multipart, Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::ApiError;
use super::origin;
use crate::Sandbox;
use crate::conversation::Conversation;
use crate::files::StoredFile;

/// Ada's limit for a file.
pub(super) const FILE_BYTES: usize = 50 * 1024 * 1024;

/// The file types that Ada takes, by the end of their name.
const ALLOWED: &[&str] = &[
    "txt", "log", "csv", "eml", "png", "svg", "jpeg", "jpg", "gif", "heif", "heic", "avif", "wav", "m4a",
    "mp3", "mp4", "m4v", "mov", "mpeg", "mpg", "zip", "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx",
    "key", "keynote", "pages", "numbers",
];

pub(crate) async fn upload(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    sandbox.peek(&id, |_| ())?;
    let form = form.map_err(|rejection| ApiError::invalid("file", &rejection.body_text()))?;
    let file = file_of(form).await?;
    sandbox.peek(&id, Conversation::require_handoff)??;
    let answer = json!({
        "url": format!("{}{}", origin(&headers), file.path()),
        "mime_type": file.mime_type,
        "filename": file.filename,
    });
    sandbox.0.lock().files.add(file);
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn file_of(mut form: Multipart) -> Result<StoredFile, ApiError> {
    let broken = |error: axum::extract::multipart::MultipartError| {
        ApiError::invalid("file", &format!("The form is broken: {}", error.body_text()))
    };
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.name() != Some("file") {
            continue;
        }
        let filename = field.file_name().unwrap_or_default().to_owned();
        if !is_allowed(&filename) {
            return Err(ApiError::invalid("file", "This type of file is not allowed"));
        }
        let mime_type = field.content_type().unwrap_or("application/octet-stream").to_owned();
        let bytes = field.bytes().await.map_err(broken)?;
        if bytes.len() > FILE_BYTES {
            return Err(ApiError::too_large());
        }
        return Ok(StoredFile { token: Uuid::new_v4().simple().to_string(), filename, mime_type, bytes });
    }
    Err(ApiError::invalid("file", "The form has no file"))
}

fn is_allowed(filename: &str) -> bool {
    let extension = filename.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    extension.is_some_and(|extension| ALLOWED.contains(&extension.as_str()))
}
