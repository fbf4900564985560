//! One file as an HTTP answer: whole or a range of it, as planned, or cut short.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use tokio_util::sync::CancellationToken;

use super::store::StoredFile;

/// How much is read at once.
const CHUNK: u64 = 64 * 1024;
/// How often a slow answer goes on.
const BEAT: Duration = Duration::from_millis(50);
/// A file shown by itself runs nothing and loads nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
/// What may stand in an extended parameter as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How a file is told. The default is as it should be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Telling {
    /// The `Content-Length`, when it isn't the right one.
    pub(crate) announced: Option<u64>,
    pub(crate) bytes_per_second: Option<u64>,
    /// At most so many bytes are sent. When more were announced, the connection is closed after them.
    pub(crate) at_most: Option<u64>,
    /// It isn't closed before this.
    pub(crate) hang: Option<CancellationToken>,
}

/// Answers with a file; `None` when it isn't there any more.
pub(crate) async fn tell(file: &StoredFile, asked: &HeaderMap, telling: Telling) -> Option<Response> {
    let mut opened = File::open(file.path()).await.ok()?;
    let size = file.kept.size;
    let (status, start, end) = match range(asked, size) {
        Range::All => (StatusCode::OK, 0, size),
        Range::Part(start, end) => (StatusCode::PARTIAL_CONTENT, start, end),
        Range::Outside => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return Some((StatusCode::RANGE_NOT_SATISFIABLE, range).into_response());
        }
    };
    opened.seek(SeekFrom::Start(start)).await.ok()?;
    let announced = telling.announced.unwrap_or(end - start);
    let rest = Rest::of(opened, end - start, announced, telling);
    let mut response = Body::from_stream(chunks(rest)).into_response();
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, announced.into());
    headers.insert(header::CONTENT_TYPE, mime_type(file));
    headers.insert(
        header::CONTENT_DISPOSITION,
        text(&format!("attachment; filename*=UTF-8''{}", encoded(&file.filename))),
    );
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if status == StatusCode::PARTIAL_CONTENT {
        headers.insert(header::CONTENT_RANGE, text(&format!("bytes {start}-{}/{size}", end - 1)));
    }
    Some(response)
}

fn mime_type(file: &StoredFile) -> HeaderValue {
    let unknown = HeaderValue::from_static("application/octet-stream");
    HeaderValue::try_from(&file.mime_type).ok().filter(|value| !value.is_empty()).unwrap_or(unknown)
}

/// Digits and percent-encoded text.
fn text(value: &str) -> HeaderValue {
    HeaderValue::try_from(value).expect("it is plain ASCII")
}

fn encoded(name: &str) -> String {
    utf8_percent_encode(name, PLAIN).to_string()
}

enum Range {
    All,
    /// From the first to before the second.
    Part(u64, u64),
    Outside,
}

/// The one range that is asked for. Several, and what makes no sense, mean the whole file.
fn range(asked: &HeaderMap, size: u64) -> Range {
    let value = asked.get(header::RANGE).and_then(|value| value.to_str().ok());
    let Some((first, last)) = value.and_then(|value| value.strip_prefix("bytes=")?.split_once('-')) else {
        return Range::All;
    };
    let (start, end) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.saturating_add(1).min(size)),
        (Ok(first), Err(_)) if last.is_empty() => (first, size),
        (Err(_), Ok(last)) if first.is_empty() => (size.saturating_sub(last), size),
        _ => return Range::All,
    };
    if start < end { Range::Part(start, end) } else { Range::Outside }
}

/// What is left to send.
struct Rest {
    file: File,
    left: u64,
    /// What is announced and never comes.
    missing: bool,
    telling: Telling,
}

impl Rest {
    fn of(file: File, length: u64, announced: u64, telling: Telling) -> Self {
        let left = length.min(announced).min(telling.at_most.unwrap_or(u64::MAX));
        Self { file, left, missing: left < announced, telling }
    }

    async fn read(&mut self) -> io::Result<Bytes> {
        let mut most = CHUNK.min(self.left);
        if let Some(rate) = self.telling.bytes_per_second {
            let beats = u64::try_from(Duration::from_secs(1).as_millis() / BEAT.as_millis()).unwrap_or(1);
            most = most.min((rate / beats).max(1));
            tokio::time::sleep(Duration::from_secs_f64(most as f64 / rate.max(1) as f64)).await;
        }
        let mut buffer = vec![0; usize::try_from(most).unwrap_or(usize::MAX)];
        self.file.read_exact(&mut buffer).await?;
        self.left -= most;
        Ok(buffer.into())
    }
}

fn chunks(rest: Rest) -> impl Stream<Item = io::Result<Bytes>> + Send {
    unfold(Some(rest), async |rest| {
        let mut rest = rest?;
        if rest.left > 0 {
            return Some(match rest.read().await {
                Ok(bytes) => (Ok(bytes), Some(rest)),
                Err(error) => (Err(error), None),
            });
        }
        if !rest.missing {
            return None;
        }
        match rest.telling.hang {
            Some(end) => end.cancelled().await,
            // What was written goes out while the server waits for more.
            None => tokio::time::sleep(BEAT).await,
        }
        Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None))
    })
}
