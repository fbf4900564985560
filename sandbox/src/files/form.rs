//! The file of a multipart form, streamed to disk.

use std::io;
use std::sync::Arc;

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};

use super::Files;
use super::store::StoredFile;

/// What a file is called when its form says nothing.
const UNKNOWN: &str = "application/octet-stream";

/// Why a form brings no file.
pub(crate) enum Unfit {
    /// It isn't a multipart form, or it ended early: a sentence.
    Broken(String),
    /// It has no field `file` with a name.
    Missing,
    /// Files of that name aren't taken.
    Name,
    /// More than 50 MiB.
    TooLarge,
    /// The disk takes nothing.
    Disk(io::Error),
}

impl From<MultipartError> for Unfit {
    fn from(error: MultipartError) -> Self {
        Self::Broken(format!("The form is broken: {}", error.body_text()))
    }
}

impl From<io::Error> for Unfit {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Keeps the first field called `file` under the name that `named` makes of its own; without one it isn't taken.
pub(crate) async fn receive(
    files: &Files,
    mut form: Multipart,
    named: impl Fn(&str) -> Option<String>,
) -> Result<Arc<StoredFile>, Unfit> {
    while let Some(field) = form.next_field().await? {
        if field.name() == Some("file") {
            let filename = field.file_name().filter(|name| !name.is_empty()).ok_or(Unfit::Missing)?;
            let filename = named(filename).ok_or(Unfit::Name)?;
            return keep(files, field, filename).await;
        }
    }
    Err(Unfit::Missing)
}

async fn keep(files: &Files, mut field: Field<'_>, filename: String) -> Result<Arc<StoredFile>, Unfit> {
    let mime_type = field.content_type().unwrap_or(UNKNOWN).to_owned();
    let mut incoming = files.begin()?;
    while let Some(chunk) = field.chunk().await? {
        if !incoming.write(&chunk).await? {
            return Err(Unfit::TooLarge);
        }
    }
    Ok(files.keep(incoming, filename, mime_type).await?)
}
