//! Every error of every door: `application/problem+json` (RFC 9457).

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    body::BodyError,
    places::{NoPlace, Places},
};

/// The media type of errors.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// What a caller should wait when the relay can't take more just now, in seconds.
const RETRY_AFTER: u64 = 5;

/// An error as callers see it. Its sentence names what is wrong, and never holds a secret or a customer's
/// words.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    retry_after: u64,
    opens_at: Option<String>,
}

/// An error: a problem detail (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct ProblemBody {
    /// `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub kind: &'static str,
    /// The status in words.
    #[schema(example = "Conflict")]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 409)]
    pub status: u16,
    /// One sentence that names what is wrong.
    #[schema(example = "Sam has this handoff; take it over first")]
    pub detail: String,
    /// To a start call: when the team opens, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub opens_at: Option<String>,
}

impl Problem {
    /// A problem with its sentence.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: RETRY_AFTER, opens_at: None }
    }

    /// 409: nobody takes a handoff before `opens_at`, if that is known.
    pub fn closed(detail: impl Into<String>, opens_at: Option<String>) -> Self {
        Self { opens_at, ..Self::new(StatusCode::CONFLICT, detail) }
    }

    /// 400.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 503, to be tried again.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// 429, not to be tried again before `wait` has passed.
    pub fn too_many(detail: impl Into<String>, wait: Duration) -> Self {
        let retry_after = wait.as_secs_f64().ceil() as u64;
        Self { retry_after, ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// What it says, without the HTTP around it.
    pub fn json(self) -> String {
        serde_json::to_string(&self.body()).unwrap_or_default()
    }

    fn body(self) -> ProblemBody {
        ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail,
            opens_at: self.opens_at,
        }
    }
}

/// That there is no place for one more of `what`.
pub fn no_place(none: NoPlace, places: &Places, what: &str) -> Problem {
    match none {
        NoPlace::InAll => Problem::unavailable(format!("there are too many {what}; try again")),
        NoPlace::OfOne => {
            let most = places.limits().of_one;
            let detail = format!("you have {most} {what}, which is the limit");
            Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status, self.retry_after);
        let mut response = (status, axum::Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::TimedOut => StatusCode::REQUEST_TIMEOUT,
            BodyError::Overloaded | BodyError::Evicted => StatusCode::SERVICE_UNAVAILABLE,
            BodyError::Broken => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.to_string())
    }
}
