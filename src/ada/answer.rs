//! What Ada's answers mean for a delivery.

use std::{borrow::Cow, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::limits::LimitHeaders;
use crate::{
    json::{Object, repaired},
    outbound::{MAX_RETRY_AFTER, date, retry_after},
    relay::{delivery::Failure, time::Time},
};

/// A hundred messages of Ada's largest size would not fit; a hundred of real size do many times over.
const MAX_ANSWER_BYTES: usize = 32 << 20;
/// September 2001 in Unix seconds: no wait is so long.
const SMALLEST_DATE: u64 = 1_000_000_000;
/// How much of an error text of Ada's people get to see, in characters.
const MAX_REASON_CHARS: usize = 500;

/// What came of a call, and when Ada says it answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T> {
    /// The result.
    pub outcome: Result<T, Failure>,
    /// The `Date` of the (last) answer.
    pub answered_at: Option<Time>,
}

impl<T> Answer<T> {
    /// The same answer, with what it means.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { outcome: self.outcome.map(change), answered_at: self.answered_at }
    }
}

/// The body of an answer that is a success, to be read as JSON: an empty object if it is none.
pub struct AnswerBody(Bytes);

impl AnswerBody {
    /// The bytes, with half letters repaired.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// What it says.
    pub fn object(&self) -> Object<'_> {
        Object::read(&self.0).unwrap_or_default()
    }
}

/// What an answer says, or why there is none.
///
/// # Errors
/// By status; see [`Failure`].
pub async fn read(response: Response) -> Result<AnswerBody, Failure> {
    let (status, retry_after) = (response.status(), retry_after(&response));
    let body = body(response).await.unwrap_or_default();
    if status.is_success() {
        let body = body.freeze();
        return Ok(AnswerBody(match repaired(&body) {
            Cow::Borrowed(good) => body.slice_ref(good),
            Cow::Owned(repaired) => repaired.into(),
        }));
    }
    Err(failure(status, retry_after, json(&body).as_ref()))
}

/// Whether it is Ada who says whether there is such a conversation: other servers answer 200 and 404, too.
///
/// # Errors
/// It isn't, or it says neither.
pub async fn recognise(response: Response) -> Result<(), Failure> {
    let (status, retry_after) = (response.status(), retry_after(&response));
    let json = json(&body(response).await.unwrap_or_default());
    match status.as_u16() {
        200..=299 if json.as_ref().is_some_and(Value::is_object) => Ok(()),
        404 if has_errors(json.as_ref()) => Ok(()),
        code @ (200..=299 | 404 | 422) => {
            Err(Failure::Refused(format!("something other than Ada's API answered {code}")))
        }
        _ => Err(failure(status, retry_after, json.as_ref())),
    }
}

/// Whether an error is in Ada's shape, rather than some server's in between.
fn has_errors(json: Option<&Value>) -> bool {
    json.and_then(|json| json.get("errors")).is_some_and(Value::is_array)
}

fn failure(status: StatusCode, retry_after: Option<Duration>, json: Option<&Value>) -> Failure {
    let reason = reason(status, json);
    match status.as_u16() {
        404 if has_errors(json) => Failure::UnknownConversation(reason),
        404 | 422 => Failure::NoHandoff(reason),
        401 | 403 => Failure::Denied(reason),
        429 => Failure::Throttled { reason, retry_after },
        408 | 500.. => Failure::Unclear(reason),
        _ => Failure::Refused(reason),
    }
}

fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(&repaired(body)).ok()
}

async fn body(mut response: Response) -> Result<BytesMut, ()> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| ())? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Ada's own words where it has some: `{"errors":[{"type","message","details"}]}`.
fn reason(status: StatusCode, body: Option<&Value>) -> String {
    let words = body.and_then(|body| body.pointer("/errors/0")).map(|error| {
        let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
        match error.get("details") {
            None | Some(Value::Null) => message.to_owned(),
            Some(Value::String(details)) => format!("{message} ({details})"),
            Some(details) => format!("{message} ({details})"),
        }
    });
    let words = words.filter(|words| !words.is_empty());
    let words = words.unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason given").to_owned());
    let words: String = words.chars().filter(|c| !c.is_control()).take(MAX_REASON_CHARS).collect();
    format!("Ada answered {}: {words}", status.as_u16())
}

/// A call without an answer may have reached Ada, unless there never was a connection.
pub fn unanswered(error: &reqwest::Error) -> Failure {
    if error.is_connect() {
        return Failure::Unreached("Ada could not be reached".to_owned());
    }
    let reason =
        if error.is_timeout() { "Ada did not answer in time" } else { "the connection to Ada broke" };
    Failure::Unclear(reason.to_owned())
}

/// What the answer says about limits.
pub fn limit_headers(response: &Response) -> LimitHeaders {
    LimitHeaders {
        status: Some(response.status()),
        retry_after: retry_after(response),
        remaining: number(response, "x-ratelimit-remaining").and_then(|left| left.try_into().ok()),
        reset_in: number(response, "x-ratelimit-reset").and_then(|reset| reset_in(reset, date(response))),
    }
}

fn number(response: &Response, name: &str) -> Option<u64> {
    response.headers().get(name)?.to_str().ok()?.trim().parse().ok()
}

/// `X-RateLimit-Reset` is undocumented: a number as large as a date is one, a small one is a wait. Where the answer has no
/// `Date` nobody knows how far away a date is.
fn reset_in(reset: u64, date: Option<Time>) -> Option<Duration> {
    let wait = if reset < SMALLEST_DATE {
        Duration::from_secs(reset)
    } else {
        let at = Time::from_micros(i64::try_from(reset).unwrap_or(0).saturating_mul(1_000_000));
        at.since(date?)
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reasons_are_adas_own_words() {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let body = json!({"errors": [{"type": "x", "message": "Not in a handoff", "details": "over"}]});
        assert_eq!(reason(status, Some(&body)), "Ada answered 422: Not in a handoff (over)");
        assert_eq!(reason(status, None), "Ada answered 422: Unprocessable Entity");
    }
}
