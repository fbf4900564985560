//! Files: sent by agents, and shown to them, both by way of the relay.

use std::ops::RangeInclusive;

use axum::{
    Json,
    body::Body,
    extract::{Request as HttpRequest, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_range_header::{StartPosition, parse_range_header};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::messages::{self, HumanAuthor, check_text, digest, idempotency_key};
use crate::{
    agents::view::MessageView,
    doors::{
        App,
        extract::{Agent, Caller},
    },
    engine::NewFile,
    files::{FileKey, SpooledFile, kinds, name},
    relay::{
        id::{HandoffId, RowId},
        rules::write,
        thread::{Bytes, Content, Missing},
    },
    web::{
        body::declared_length,
        extract::{In, Params},
        form::{Form, Part},
        problem::{Problem, ProblemBody, no_place},
    },
};

/// Ada's limit, in bytes.
pub const MAX_BYTES: u64 = 50 << 20;
/// The limit of an author's size, in bytes.
const MAX_AUTHOR: usize = 16 << 10;
/// The limit of a form's size without the file, in bytes.
const MAX_REST: u64 = 1 << 20;
/// The policy for served files: nothing in them runs, and they load nothing.
const POLICY: &str = "default-src 'none'; sandbox";

/// A file for the end user.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes a form, which is read part by part")]
pub struct NewFileForm {
    /// 1 byte to 50 MB. Name and content must be of a type that Ada accepts.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// A text that is sent before the file: 1 to 50,000 characters.
    text: Option<String>,
    /// The human who sends it, as JSON like that of a message: only a platform's service account may name one.
    author: Option<String>,
}

/// Send a file to the end user. The first one accepts a waiting handoff.
#[utoipa::path(post, path = "/api/handoffs/{id}/files", tag = "messages",
    params(("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, description = "If the request is repeated with the same key within 24 hours, the answer is the first message")),
    request_body(content = NewFileForm, content_type = "multipart/form-data"),
    responses((status = 202, body = MessageView), (status = 400, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 413, body = ProblemBody, description = "The file is over 50 MB"),
        (status = 415, body = ProblemBody, description = "Ada does not accept this type; the detail lists the types that it accepts"),
        (status = 422, body = ProblemBody, description = "The key was used with another body"),
        (status = 429, body = ProblemBody, description = "Too many messages are waiting to be sent, or this agent sends too many files at once"),
        (status = 503, body = ProblemBody, description = "Too many files are being sent at once, or files can't be stored")))]
pub async fn send(
    State(app): State<App>,
    caller: Caller,
    In(id): In<String>,
    headers: HeaderMap,
    request: HttpRequest,
) -> Result<(StatusCode, Json<MessageView>), Problem> {
    let _place =
        app.uploads.take(&caller.agent).map_err(|none| no_place(none, &app.uploads, "files being sent"))?;
    let (id, key) = (HandoffId(id), idempotency_key(&headers)?);
    if key.is_none() {
        // The same request again is answered as the first time, whatever has happened since.
        app.engine.may_write(&id, &caller.agent).await?;
    }
    if declared_length(&headers).is_some_and(|length| length > MAX_BYTES + MAX_REST) {
        return Err(too_large());
    }
    let Received { filename, bytes, text, author } = receive(&app, request).await?;
    let mime_type = fit(&filename, &bytes)?.to_owned();
    let idempotency = key.map(|key| (key, digest_of(&filename, &bytes, text.as_deref(), author.as_ref())));
    let caller = caller.as_of_now(&app).await?;
    let by = messages::request(&caller, idempotency, author)?;
    let file = app.engine.keep_file(&id, NewFile { by, filename, mime_type, bytes, text }).await?;
    let row = caller.act(&app, &id, write::file(id.clone(), file)).await?;
    Ok((StatusCode::ACCEPTED, Json(caller.message(&app, &row))))
}

/// The content of a form.
struct Received {
    filename: String,
    bytes: SpooledFile,
    text: Option<String>,
    author: Option<HumanAuthor>,
}

async fn receive(app: &App, request: HttpRequest) -> Result<Received, Problem> {
    let mut form = Form::of(request).await?;
    let (mut file, mut text, mut author) = (None, None, None);
    while let Some(part) = form.next().await? {
        match part.name() {
            "file" if file.is_none() => file = Some(spool(app, part).await?),
            "text" if text.is_none() => text = Some(part.text(MAX_REST as usize / 2).await?),
            "author" if author.is_none() => author = Some(part.text(MAX_AUTHOR).await?),
            "file" | "text" | "author" => {
                return Err(Problem::bad_request("the form has more than one file, text or author"));
            }
            _ => return Err(Problem::bad_request("the form has a field that is not file, text or author")),
        }
    }
    // What forms send for a field that nobody has filled in.
    let text = text.filter(|text: &String| !text.trim().is_empty());
    if let Some(text) = &text {
        check_text("text", text)?;
    }
    let (filename, bytes) = file.ok_or_else(|| Problem::bad_request("the form has no file"))?;
    let author = author.map(|author| serde_json::from_str(&author));
    let author = author
        .transpose()
        .map_err(|_| Problem::bad_request("author must be JSON such as {\"display_name\": \"Ann\"}"))?;
    Ok(Received { filename, bytes, text, author })
}

/// Writes a file to disk while it arrives.
async fn spool(app: &App, mut part: Part<'_>) -> Result<(String, SpooledFile), Problem> {
    let filename = name::clean(&part.filename());
    let mut spool = app.engine.files().spool()?;
    while let Some(chunk) = part.chunk().await? {
        if spool.len() + chunk.len() as u64 > MAX_BYTES {
            return Err(too_large());
        }
        spool.write(chunk).await?;
    }
    Ok((filename, spool.finish().await?))
}

/// The type of a file, if Ada accepts it.
fn fit(filename: &str, bytes: &SpooledFile) -> Result<&'static str, Problem> {
    if bytes.size() == 0 {
        return Err(Problem::bad_request("the file is empty"));
    }
    kinds::check(filename, bytes)
        .map_err(|unfit| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, unfit.to_string()))
}

fn digest_of(
    filename: &str,
    bytes: &SpooledFile,
    text: Option<&str>,
    author: Option<&HumanAuthor>,
) -> String {
    let mut body = bytes.sha256().to_vec();
    body.extend_from_slice(filename.as_bytes());
    let name = author.map(|author| author.display_name.as_str());
    let avatar = author.and_then(|author| author.avatar.as_deref());
    for (mark, field) in [(0, text), (1, name), (2, avatar)] {
        if let Some(field) = field {
            body.push(mark);
            body.extend_from_slice(field.as_bytes());
        }
    }
    digest("file ", &body)
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the file is over 50 MB")
}

/// How to get a file.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct How {
    /// Any value except 0: serve the file as a download, even if a browser could show it.
    #[param(minimum = 0, maximum = 255)]
    download: Option<u8>,
}

/// Get the bytes of a file, or a range of them.
#[utoipa::path(get, path = "/api/handoffs/{id}/messages/{row}/file", tag = "messages",
    params(("id" = String, Path), ("row" = String, Path), How,
        ("Range" = Option<String>, Header, description = "One range of bytes")),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The range"), (status = 304, description = "The file has not changed"),
        (status = 404, body = ProblemBody),
        (status = 410, body = ProblemBody, description = "The file can no longer be downloaded"),
        (status = 416, body = ProblemBody, description = "The range is outside of the file"),
        (status = 502, body = ProblemBody, description = "The file could not be downloaded from its address at Ada, or that address is not allowed"),
        (status = 503, body = ProblemBody, description = "The file has not been downloaded yet")))]
pub async fn get(
    State(app): State<App>,
    _agent: Agent,
    In((id, row)): In<(String, String)>,
    Params(how): Params<How>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    serve(&app, &id, row, how.download.unwrap_or(0) == 0, &headers).await
}

/// The bytes of a row's file, for somebody who may have them.
///
/// # Errors
/// There are none, or not now.
pub async fn serve(
    app: &App,
    id: &str,
    row: String,
    may_show: bool,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let row = app.engine.store().row(&RowId(row)).await?.filter(|row| row.handoff.as_str() == id);
    let row = row.ok_or_else(|| Problem::not_found("no such message"))?;
    let Content::File { filename, mime_type, bytes, .. } = &row.content else {
        return Err(Problem::not_found("this message has no file"));
    };
    let size = available(bytes)?;
    let served = kinds::served_as(mime_type);
    let inline = served.inline && may_show;
    let etag = HeaderValue::try_from(format!("\"{}\"", row.id));
    let etag = etag.map_err(|_| Problem::not_found("no such message"))?;
    let about = [
        (header::ETAG, etag.clone()),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::CONTENT_TYPE, HeaderValue::from_static(served.content_type)),
        (header::CONTENT_DISPOSITION, name::disposition(inline, filename)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        // Kept by the browser, shown only to who is signed in.
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    ];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| names(known, &etag)) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let range = match asked_range(headers, &etag, size) {
        Asked::All => None,
        Asked::Range(range) => Some(range),
        Asked::Unfit => return Ok(unfit_range(size)),
    };
    let key = FileKey::new(row.handoff.as_str(), row.id.as_str());
    let wanted = range.as_ref().map(|range| *range.start()..*range.end() + 1);
    let Some(bytes) = app.engine.files().read(&key, wanted).await? else {
        tracing::error!(handoff.id = %row.handoff, row.id = %row.id, "a file is not in the file store");
        return Err(Problem::new(StatusCode::GONE, "the file is no longer in the file store"));
    };
    let body = Body::from_stream(bytes);
    Ok(match range {
        None => (about, [(header::CONTENT_LENGTH, HeaderValue::from(size))], body).into_response(),
        Some(range) => {
            let length = HeaderValue::from(range.end() - range.start() + 1);
            let place = format!("bytes {}-{}/{size}", range.start(), range.end());
            let of = [(header::CONTENT_RANGE, place)];
            (StatusCode::PARTIAL_CONTENT, about, of, [(header::CONTENT_LENGTH, length)], body).into_response()
        }
    })
}

/// The file's size, if its bytes are available.
fn available(bytes: &Bytes) -> Result<u64, Problem> {
    match bytes {
        Bytes::Kept { size } => Ok(*size),
        Bytes::Awaited => Err(Problem::unavailable("the file has not been downloaded yet")),
        Bytes::Missing { why: Missing::Gone, error } => Err(Problem::new(StatusCode::GONE, error.clone())),
        Bytes::Missing { why: Missing::Refused, error } => {
            Err(Problem::new(StatusCode::BAD_GATEWAY, error.clone()))
        }
    }
}

/// Whether a list of entity tags names this one.
fn names(list: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(list), Ok(etag)) = (list.to_str(), etag.to_str()) else { return false };
    list.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

enum Asked {
    All,
    Range(RangeInclusive<u64>),
    Unfit,
}

/// The requested range (RFC 9110, 14). If several ranges are requested, the answer is the whole file.
fn asked_range(headers: &HeaderMap, etag: &HeaderValue, size: u64) -> Asked {
    let Some(range) = headers.get(header::RANGE).and_then(|range| range.to_str().ok()) else {
        return Asked::All;
    };
    if headers.get(header::IF_RANGE).is_some_and(|known| known != etag) {
        return Asked::All;
    }
    let Ok(mut ranges) = parse_range_header(range) else { return Asked::All };
    for range in &mut ranges.ranges {
        // Of a file that is shorter, the last so many bytes are all of it.
        if let StartPosition::FromLast(length) = &mut range.start {
            *length = size.min(*length);
        }
    }
    match ranges.validate(size).as_deref() {
        // Nothing is no range.
        Ok(_) if size == 0 => Asked::All,
        Ok([range]) => Asked::Range(range.clone()),
        Ok(_) => Asked::All,
        Err(_) => Asked::Unfit,
    }
}

fn unfit_range(size: u64) -> Response {
    let detail = format!("the file has {size} bytes, and the requested range is outside of it");
    let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, detail);
    ([(header::CONTENT_RANGE, format!("bytes */{size}"))], problem).into_response()
}
