//! S3: uploads and downloads by signed URLs.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::ConnectStandIn;
use super::error::escaped;

/// More than any attachment.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// An error in S3's words.
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    is_violation: bool,
}

fn refusal(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { status, code, message: message.into(), is_violation: true }
}

fn signature(query: &str) -> &str {
    query.split('&').find_map(|part| part.strip_prefix("X-Amz-Signature=")).unwrap_or_default()
}

pub(super) async fn put(
    State(stand_in): State<ConnectStandIn>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let body = axum::body::to_bytes(body, MOST_BYTES).await.unwrap_or_default();
    let query = query.unwrap_or_default();
    let result = stand_in.check(&file, signature(&query), &headers, true).and_then(|()| {
        stand_in.with(|state| {
            let known = state.files.get_mut(&file).filter(|known| known.size == body.len() as u64);
            let known =
                known.ok_or_else(|| refusal(403, "SignatureDoesNotMatch", "The length is another one"))?;
            known.bytes = Some(body);
            Ok(())
        })
    });
    stand_in.answer_as_storage("PUT", result.map(|()| StatusCode::OK.into_response()))
}

pub(super) async fn get(
    State(stand_in): State<ConnectStandIn>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let result = stand_in.check(&file, signature(&query), &headers, false).and_then(|()| {
        let state = stand_in.0.lock();
        let known = state.files.get(&file);
        let missing = || refusal(404, "NoSuchKey", "The specified key does not exist.");
        let known = known.ok_or_else(missing)?;
        let bytes = known.bytes.clone().ok_or_else(missing)?;
        Ok(([(header::CONTENT_TYPE, known.about.content_type.clone())], bytes).into_response())
    });
    stand_in.answer_as_storage("GET", result)
}

impl ConnectStandIn {
    /// Whether a request may use its URL.
    fn check(&self, file: &str, token: &str, headers: &HeaderMap, is_upload: bool) -> Result<(), Refusal> {
        let state = self.0.lock();
        let link = state.links.get(token).filter(|link| link.file == file && link.is_upload == is_upload);
        let link =
            link.ok_or_else(|| refusal(403, "SignatureDoesNotMatch", "The URL is not signed for this"))?;
        if state.now() >= link.until {
            let expired = refusal(403, "AccessDenied", "Request has expired");
            return Err(Refusal { is_violation: false, ..expired });
        }
        if headers.contains_key(header::AUTHORIZATION) || headers.contains_key("x-amz-bearer") {
            return Err(refusal(400, "InvalidArgument", "Only one auth mechanism allowed"));
        }
        if headers.contains_key(header::TRANSFER_ENCODING) {
            let message = "A header you provided implies functionality that is not implemented";
            return Err(refusal(501, "NotImplemented", message));
        }
        for (name, value) in &link.headers {
            let given: Vec<_> = headers.get_all(name.as_str()).iter().collect();
            if given.len() != 1 || given[0].as_bytes() != value.as_bytes() {
                return Err(refusal(
                    403,
                    "SignatureDoesNotMatch",
                    format!("{name} must be there once, as signed"),
                ));
            }
        }
        Ok(())
    }

    fn answer_as_storage(&self, method: &str, result: Result<Response, Refusal>) -> Response {
        let Refusal { status, code, message, is_violation } = match result {
            Ok(response) => return response,
            Err(refusal) => refusal,
        };
        if is_violation {
            self.with(|state| state.records.violations.push(format!("{method} /storage: {code}: {message}")));
        }
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{}</Message></Error>",
            escaped(&message)
        );
        (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
    }
}
