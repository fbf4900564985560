//! Uploaded attachments, kept in memory and served by an unguessable address.

use std::collections::VecDeque;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Sandbox;

/// All files together; past it the oldest go.
const BYTES_KEPT: usize = 256 * 1024 * 1024;

/// What may stand in a path segment as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A file that was uploaded.
#[derive(Clone)]
pub(crate) struct StoredFile {
    pub(crate) token: String,
    pub(crate) filename: String,
    pub(crate) mime_type: String,
    pub(crate) bytes: Bytes,
}

impl StoredFile {
    /// The path it is served at.
    pub(crate) fn path(&self) -> String {
        format!("/files/{}/{}", self.token, encoded(&self.filename))
    }
}

/// All files, oldest first.
#[derive(Default)]
pub(crate) struct Files {
    files: VecDeque<StoredFile>,
    bytes: usize,
}

impl Files {
    pub(crate) fn add(&mut self, file: StoredFile) {
        self.bytes += file.bytes.len();
        self.files.push_back(file);
        while self.bytes > BYTES_KEPT {
            let Some(oldest) = self.files.pop_front() else { break };
            self.bytes -= oldest.bytes.len();
        }
    }

    fn find(&self, token: &str) -> Option<StoredFile> {
        self.files.iter().find(|file| file.token == token).cloned()
    }
}

/// `GET /files/{token}/{name}`: whoever has the address may read it, as with a presigned URL.
pub(crate) async fn serve(
    State(sandbox): State<Sandbox>,
    Path((token, _)): Path<(String, String)>,
) -> Response {
    let found = sandbox.0.lock().files.find(&token);
    let Some(file) = found else { return StatusCode::NOT_FOUND.into_response() };
    let disposition = format!("attachment; filename*=UTF-8''{}", encoded(&file.filename));
    let headers = [
        (header::CONTENT_TYPE, file.mime_type),
        (header::CONTENT_DISPOSITION, disposition),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, file.bytes).into_response()
}

fn encoded(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}
