//! What becomes of a call: an answer, a late one, or none. Here faults and rate limits turn into HTTP.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio_util::sync::CancellationToken;

use super::error::ApiError;
use crate::connection::Connection;
use crate::dial::{Admission, Fault, Quota};

/// The end of a call.
pub(super) struct Outcome {
    response: Response,
    ending: Ending,
}

enum Ending {
    Answer,
    Late(Duration),
    Hang,
    Drop,
}

impl Outcome {
    /// A call with a fault, or without.
    pub(super) async fn of(fault: Option<Fault>, request: Request, next: Next) -> Self {
        let stored = next.run(request);
        match fault {
            None => Self::answer(stored.await),
            Some(Fault::Status { status, retry_after }) => Self::answer(failure(status, retry_after)),
            Some(Fault::Hang) => Self::none(Ending::Hang),
            Some(Fault::Dropped) => Self::none(Ending::Drop),
            Some(Fault::StoredThenHang) => Self { response: stored.await, ending: Ending::Hang },
            Some(Fault::StoredThenDropped) => Self { response: stored.await, ending: Ending::Drop },
            Some(Fault::StoredThenStatus(status)) => {
                stored.await;
                Self::answer(failure(status, None))
            }
            Some(Fault::Slow(delay)) => Self { response: stored.await, ending: Ending::Late(delay) },
            Some(Fault::BrokenBody) => Self::answer(halved(stored.await).await),
        }
    }

    pub(super) fn answer(answer: impl IntoResponse) -> Self {
        Self { response: answer.into_response(), ending: Ending::Answer }
    }

    fn none(ending: Ending) -> Self {
        Self { response: ().into_response(), ending }
    }

    /// The status that the client sees, 0 when it sees none.
    pub(super) fn status(&self) -> u16 {
        match self.ending {
            Ending::Answer | Ending::Late(_) => self.response.status().as_u16(),
            Ending::Hang | Ending::Drop => 0,
        }
    }

    /// Adds what the limits say, except over a test's own headers.
    pub(super) fn with_quota(mut self, admission: Admission) -> Self {
        let Some(Quota { limit, remaining, reset }) = admission.quota else { return self };
        let mut told = vec![
            (HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from(limit)),
            (HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from(remaining)),
            (HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from(reset)),
        ];
        if admission.refused {
            told.push((header::RETRY_AFTER, HeaderValue::from(reset)));
        }
        for (name, value) in told {
            self.response.headers_mut().entry(name).or_insert(value);
        }
        self
    }

    /// Comes to the end. A server that stops waits for nothing here.
    pub(super) async fn carry_out(self, connection: &Connection, run: CancellationToken) -> Response {
        match self.ending {
            Ending::Answer => {}
            Ending::Late(delay) => drop(run.run_until_cancelled(tokio::time::sleep(delay)).await),
            Ending::Hang => {
                run.cancelled().await;
                connection.cut();
            }
            Ending::Drop => connection.cut(),
        }
        self.response
    }
}

fn failure(status: u16, retry_after: Option<u64>) -> Response {
    let status = StatusCode::from_u16(status).ok().filter(|status| status.as_u16() >= 200);
    let mut response = ApiError::fault(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The same answer with half of its body: no JSON document survives that.
async fn halved(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    // Our own answers are in memory and can't fail to be read.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body.slice(..body.len() / 2)))
}
