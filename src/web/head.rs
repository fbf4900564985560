//! What a request's head must be before any door looks at it.

use axum::http::StatusCode;
use axum::{
    extract::Request,
    http::{HeaderValue, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{connections::MAX_HEAD, problem::Problem};

/// Lets a request pass whose head is within its limit and names the host once (RFC 9112, 3.2).
pub async fn check(request: Request, next: Next) -> Response {
    match refusal(&request) {
        None => next.run(request).await,
        Some(refusal) => refusal,
    }
}

/// What a request is told whose head is over its limit, or names the host never or twice.
pub fn refusal(request: &Request) -> Option<Response> {
    let mut response = fault(request)?.into_response();
    // What follows on this connection may be read otherwise by whoever passed it on.
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Some(response)
}

fn fault(request: &Request) -> Option<Problem> {
    if size(request) > MAX_HEAD {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Some(Problem::new(status, "the request's head is too large"));
    }
    let hosts = request.headers().get_all(header::HOST).iter().count();
    // Checks of a load balancer's may be of the version before, which needs none.
    let least = usize::from(request.version() >= Version::HTTP_11);
    (!(least..=1).contains(&hosts)).then(|| Problem::bad_request("the request needs one Host header"))
}

/// As it was sent, but for blanks around values. hyper reads up to twice its buffer before it looks.
fn size(request: &Request) -> usize {
    let uri = request.uri();
    // Most requests name a path alone, whose length needs no copy.
    let uri = match (uri.scheme(), uri.authority(), uri.path_and_query()) {
        (None, None, Some(path)) => path.as_str().len(),
        _ => uri.to_string().len(),
    };
    let line = request.method().as_str().len() + uri + " HTTP/1.1\r\n".len() + 1;
    let headers =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    line + headers.sum::<usize>() + "\r\n".len()
}
