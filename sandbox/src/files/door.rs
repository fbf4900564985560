//! `GET /files/{token}`: whoever has a good URL may read the file, as with a presigned URL of S3.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::links::Reading;
use super::{FileId, Telling, tell};
use crate::{FileFault, Sandbox};

/// Answers as S3 does: a URL that isn't good any more, or never was, gets 403; a key in the headers 400.
pub(crate) async fn serve(
    State(sandbox): State<Sandbox>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let (file, response) = match sandbox.0.links.read(&token, &query, Timestamp::now()) {
        Reading::Forged => return refusal(StatusCode::FORBIDDEN, "Access Denied"),
        Reading::Expired(file) => (file, refusal(StatusCode::FORBIDDEN, "Request has expired")),
        Reading::Good(file) if headers.contains_key(header::AUTHORIZATION) => {
            (file, refusal(StatusCode::BAD_REQUEST, "Only one auth mechanism allowed"))
        }
        Reading::Good(file) => (file, sandbox.tell_file(file, &headers).await),
    };
    sandbox.0.files.fetched(file, response.status().as_u16());
    sandbox.0.changed();
    response
}

/// A URL that is signed for `GET` is good for nothing else.
pub(crate) async fn refuse_head() -> Response {
    StatusCode::FORBIDDEN.into_response()
}

impl Sandbox {
    async fn tell_file(&self, file: FileId, headers: &HeaderMap) -> Response {
        let (fault, run) = {
            let mut state = self.0.lock();
            (state.file_faults.take(), state.run.clone())
        };
        let mut telling = Telling::default();
        match fault {
            None => {}
            Some(FileFault::Status(status)) => return failure(status),
            Some(FileFault::Slow(bytes_per_second)) => telling.bytes_per_second = Some(bytes_per_second),
            Some(FileFault::CutAfter(bytes)) => telling.at_most = Some(bytes),
            Some(FileFault::HangAfter(bytes)) => {
                telling = Telling { at_most: Some(bytes), hang: Some(run), ..telling };
            }
            Some(FileFault::WrongLength(announced)) => telling.announced = Some(announced),
        }
        let gone = || refusal(StatusCode::NOT_FOUND, "The specified key does not exist.");
        let Some(file) = self.0.files.find(file) else { return gone() };
        tell(&file, headers, telling).await.unwrap_or_else(gone)
    }
}

fn failure(status: u16) -> Response {
    let status = StatusCode::from_u16(status).ok().filter(|status| status.as_u16() >= 200);
    refusal(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), "The sandbox was told to fail")
}

/// An error in S3's words.
fn refusal(status: StatusCode, message: &str) -> Response {
    let code = match status {
        StatusCode::FORBIDDEN => "AccessDenied",
        StatusCode::NOT_FOUND => "NoSuchKey",
        StatusCode::SERVICE_UNAVAILABLE => "SlowDown",
        status if status.is_client_error() => "InvalidArgument",
        _ => "InternalError",
    };
    let headers: [(HeaderName, &str); 2] =
        [(header::CONTENT_TYPE, "application/xml"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    (status, headers, body).into_response()
}
