//! Uploads of files that a message then points to.

use axum::Json;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::error::ApiError;
use super::origin;
use crate::Sandbox;
use crate::conversation::Conversation;
use crate::files::Minter;
use crate::files::form::{Unfit, receive};

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
    form: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    sandbox.peek(&id, |_| ())?;
    let form = form.map_err(|rejection| ApiError::invalid("file", &rejection.body_text()))?;
    let file = receive(&sandbox.0.files, form, allowed).await?;
    sandbox.peek(&id, Conversation::require_handoff)??;
    let answer = json!({
        "url": Minter::new(&sandbox.0.links, origin(&headers)).url(file.kept.id),
        "mime_type": file.mime_type,
        "filename": file.filename,
    });
    Ok((StatusCode::CREATED, Json(answer)))
}

impl From<Unfit> for ApiError {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Broken(sentence) => Self::invalid("file", &sentence),
            Unfit::Missing => Self::invalid("file", "The form has no file"),
            Unfit::Name => Self::invalid("file", "This type of file is not allowed"),
            Unfit::TooLarge => Self::too_large(),
            Unfit::Disk(error) => {
                tracing::error!("an uploaded file can't be kept: {error}");
                Self::fault(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

/// The name, if Ada takes files of its type.
fn allowed(filename: &str) -> Option<String> {
    let extension = filename.rsplit_once('.')?.1.to_lowercase();
    ALLOWED.contains(&extension.as_str()).then(|| filename.to_owned())
}
