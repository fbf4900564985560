//! Multipart forms, read as they arrive: what is in memory of one is little, however large it is.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream},
    extract::{
        FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, timeout_at};

use super::{filename::filename, problem::Problem};

/// How long nothing may come.
const IDLE: Duration = Duration::from_secs(30);
/// How long all of it may take: 50 MB over a slow line.
const MOST: Duration = Duration::from_secs(30 * 60);
/// What the parser may hold, in bytes: heads of parts are short, and contents pass through.
const MAX_HELD: usize = 1 << 20;

/// A form whose parts come one after another.
pub struct Form {
    parts: Multipart,
    pace: Pace,
}

/// A part of a form.
pub struct Part<'a> {
    field: Field<'a>,
    pace: &'a Pace,
}

/// What a form may take.
struct Pace {
    held: Arc<AtomicUsize>,
    until: Instant,
}

impl Pace {
    /// Waits for the next of it.
    async fn wait<T>(&self, next: impl Future<Output = Result<T, MultipartError>>) -> Result<T, Problem> {
        let came = timeout_at(self.until.min(Instant::now() + IDLE), next).await;
        self.held.store(0, Ordering::Relaxed);
        came.map_err(|_| too_slow())?.map_err(broken)
    }
}

impl Form {
    /// The form that a request is.
    ///
    /// # Errors
    /// 415 if it is something else, 400 if it says so and isn't.
    pub async fn of(request: Request) -> Result<Self, Problem> {
        if !is_form(request.headers()) {
            let detail = "the content type is not multipart/form-data";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let held = Arc::new(AtomicUsize::new(0));
        let sparing = |body: Body| {
            let body = body.into_data_stream();
            Body::from_stream(Sparing { body, held: Arc::clone(&held), rests: false })
        };
        let parts = Multipart::from_request(request.map(sparing), &()).await;
        let parts = parts.map_err(|_| Problem::bad_request("the form has no boundary"))?;
        Ok(Self { parts, pace: Pace { held, until: Instant::now() + MOST } })
    }

    /// The next part; the one before must have been read.
    ///
    /// # Errors
    /// 400 if the form is broken, 408 if nothing comes.
    pub async fn next(&mut self) -> Result<Option<Part<'_>>, Problem> {
        let field = self.pace.wait(self.parts.next_field()).await?;
        Ok(field.map(|field| Part { field, pace: &self.pace }))
    }
}

impl Part<'_> {
    /// The name of the field.
    pub fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// The name of the file that it is, as its sender calls it.
    pub fn filename(&self) -> String {
        let disposition = self.field.headers().get(header::CONTENT_DISPOSITION);
        filename(disposition.map(HeaderValue::as_bytes).unwrap_or_default(), self.field.file_name())
    }

    /// The next bytes of it.
    ///
    /// # Errors
    /// 400 if the form breaks off, 408 if nothing comes.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        self.pace.wait(self.field.chunk()).await
    }

    /// All of it as text.
    ///
    /// # Errors
    /// 413 if it is over `limit` bytes, 400 if it is no UTF-8, and as [`Part::chunk`].
    pub async fn text(mut self, limit: usize) -> Result<String, Problem> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if bytes.len() + chunk.len() > limit {
                let detail = format!("{} in the form is too long", self.name());
                return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
            }
            bytes.extend_from_slice(&chunk);
        }
        String::from_utf8(bytes).map_err(|_| Problem::bad_request("the form is not UTF-8"))
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
    let essence = said.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("multipart/form-data")
}

fn broken(_: MultipartError) -> Problem {
    Problem::bad_request("the form is malformed or incomplete")
}

fn too_slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")
}

/// A body that comes no faster than it is used. The parser takes all that is there, and looks for the end of a
/// head for as long as something comes; so it gets one piece at a time, and not too much without giving any on.
struct Sparing {
    body: BodyDataStream,
    held: Arc<AtomicUsize>,
    rests: bool,
}

impl Stream for Sparing {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.rests) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = std::task::ready!(Pin::new(&mut self.body).poll_next(cx));
        if let Some(Ok(bytes)) = &next {
            self.rests = true;
            if self.held.fetch_add(bytes.len(), Ordering::Relaxed) > MAX_HELD {
                return Poll::Ready(Some(Err(axum::Error::new("no part in sight"))));
            }
        }
        Poll::Ready(next)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures_util::{StreamExt, stream};
    use tokio::time::sleep;

    use super::*;

    const HEAD: &str = "--B\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n";

    /// A form whose file comes a byte at a time, with this long between, and never ends.
    fn dripping(pause: Duration) -> Request {
        let drops = stream::repeat(()).then(move |()| async move {
            sleep(pause).await;
            Ok::<_, std::io::Error>(Bytes::from_static(b"x"))
        });
        let body = stream::iter([Ok(Bytes::from_static(HEAD.as_bytes()))]).chain(drops);
        let request = Request::builder().header("content-type", "multipart/form-data; boundary=B");
        request.body(Body::from_stream(body)).unwrap()
    }

    /// How long it is read until it is given up.
    async fn is_read_for(pause: Duration) -> Duration {
        let begun = Instant::now();
        let mut form = Form::of(dripping(pause)).await.unwrap();
        let mut part = form.next().await.unwrap().unwrap();
        while let Ok(chunk) = part.chunk().await {
            assert!(chunk.is_some());
        }
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_form_may_be_slow_but_not_for_ever() {
        let near = |took: Duration, limit: Duration| took.abs_diff(limit) < Duration::from_secs(1);
        let took = is_read_for(IDLE - Duration::from_secs(2)).await;
        assert!(near(took, MOST), "{took:?}");
        let took = is_read_for(IDLE * 2).await;
        assert!(near(took, IDLE), "{took:?}");
    }
}
