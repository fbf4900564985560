//! What handlers ask of a request. Each refusal is a problem.

use axum::{
    extract::{FromRequestParts, Path, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, error::Category};

use super::{
    body::{Bodies, HeldBody},
    peer::Peer,
    problem::Problem,
};
use crate::json::mended;

/// The bearer token of a request.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// 401.
pub fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail)
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Problem;

    /// Each connection tells it of its requests.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let peer = parts.extensions.get().copied();
        peer.ok_or_else(|| Problem::unavailable("the client's address is unknown"))
    }
}

/// Path parameters.
pub struct In<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for In<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(path)| Self(path)).map_err(|_| Problem::bad_request("the path is not UTF-8"))
    }
}

/// Query parameters.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|error| {
            // The rejection's own words don't say which, its source's do: "limit: invalid digit found in string".
            let reason = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            Problem::bad_request(match reason.split_once(": ") {
                Some((field, _)) => format!("the query parameter {field} has the wrong type"),
                None => format!("query: {reason}"),
            })
        })
    }
}

/// What the JSON object says that a request's body is, and its bytes, which hold their share of the memory for bodies.
///
/// # Errors
/// 415, what is wrong with it and where, or as [`Bodies::read`].
pub async fn json<T: DeserializeOwned>(bodies: &Bodies, request: Request) -> Result<(T, HeldBody), Problem> {
    let (parts, body) = request.into_parts();
    require_json(&parts.headers)?;
    let held = bodies.read(&parts.headers, body).await?;
    let bytes: &[u8] = if held.bytes.is_empty() { b"{}" } else { &held.bytes };
    // By way of a map: serde would read a struct from an array, too.
    let fields = Value::Object(object(bytes).map_err(Problem::bad_request)?);
    let value = serde_path_to_error::deserialize(fields);
    Ok((value.map_err(|error| wrong_field(&error))?, held))
}

/// The JSON object that a body is.
///
/// # Errors
/// What is wrong and where, without quoting values: they may be a customer's words.
fn object(body: &[u8]) -> Result<Map<String, Value>, String> {
    serde_json::from_slice(&mended(body)).map_err(|error| match error.classify() {
        Category::Data => "the body is not a JSON object".to_owned(),
        _ if error.to_string().starts_with("recursion limit exceeded") => {
            "the body is nested too deeply".to_owned()
        }
        _ => format!("the body is not JSON (line {}, column {})", error.line(), error.column()),
    })
}

/// The same of fields.
fn wrong_field(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let text = error.inner().to_string();
    Problem::bad_request(match text.strip_prefix("missing field ") {
        Some(field) => format!("the field {field} is missing"),
        None => format!("the field `{}` has the wrong type", error.path()),
    })
}

/// Refuses a body that is packed: nothing is ever unpacked here.
///
/// # Errors
/// 415.
pub fn require_plain(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    if codings.all(|coding| coding.is_empty() || coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    let detail = "the body has a content encoding; send it without one";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

/// Refuses a body that says it is something other than JSON, or is packed; saying nothing is fine.
///
/// # Errors
/// 415.
pub fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    require_plain(headers)?;
    let Some(said) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = said.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let json = essence.is_empty()
        || essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    let refusal =
        || Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the content type is not application/json");
    json.then_some(()).ok_or_else(refusal)
}
