//! What handlers ask of a request. Each refusal is a problem.

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, error::Category};

use super::{
    App,
    body::{Bodies, HeldBody},
    connections::Peer,
    origin,
    problem::Problem,
};
use crate::{agents::sign_in::SignedIn, json::mended, settings::Secret};

/// The bearer token of a request.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Refuses a request without this key.
///
/// # Errors
/// 401.
pub fn require_key(headers: &HeaderMap, key: &Secret) -> Result<(), Problem> {
    match bearer(headers) {
        Some(token) if key.matches(token) => Ok(()),
        Some(_) => Err(unauthorized("the bearer key is not the one of HANDOFF_AUTH_KEY")),
        None => Err(unauthorized("an Authorization header with the bearer key is missing")),
    }
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail)
}

impl FromRequestParts<App> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        peer(parts)
    }
}

/// Each connection tells it of its requests.
fn peer(parts: &Parts) -> Result<Peer, Problem> {
    let peer = parts.extensions.get().copied();
    peer.ok_or_else(|| Problem::unavailable("nobody knows where this request is from"))
}

/// Who makes a request, and how that is proven: by a bearer token, failing that by the console's cookie.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The agent's name.
    pub agent: String,
    /// The session, without a token.
    pub session: Option<SignedIn>,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if let Some(token) = bearer(&parts.headers) {
            let agent = app.sign_in.bearer(token, peer(parts)?.0)?;
            return Ok(Self { agent: agent.to_owned(), session: None });
        }
        let secret = app.cookie.of(&parts.headers);
        let secret = secret.ok_or_else(|| unauthorized("neither a bearer token nor a session is there"))?;
        if !parts.method.is_safe() {
            origin::require_our_page(&parts.headers)?;
        }
        let session = app.sign_in.visit(secret).await?;
        let session = session.ok_or_else(|| unauthorized("the session is over; sign in again"))?;
        Ok(Self { agent: session.agent.clone(), session: Some(session) })
    }
}

/// The name of the agent who makes a request.
#[derive(Clone, Debug)]
pub struct Agent(pub String);

impl FromRequestParts<App> for Agent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Caller::from_request_parts(parts, app).await.map(|caller| Self(caller.agent))
    }
}

/// Path parameters.
pub struct In<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for In<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, app).await;
        path.map(|Path(path)| Self(path)).map_err(|_| Problem::bad_request("the path is not UTF-8"))
    }
}

/// Query parameters.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, app).await;
        query.map(|Query(query)| Self(query)).map_err(|error| {
            // The rejection's own words don't say which, its source's do: "limit: invalid digit found in string".
            let reason = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            Problem::bad_request(match reason.split_once(": ") {
                Some((field, _)) => format!("{field} in the query is not of the type that this call takes"),
                None => format!("query: {reason}"),
            })
        })
    }
}

/// A JSON body of an agent, and its bytes for digests.
pub struct Body<T> {
    /// What it says.
    pub value: T,
    /// As it came; holds its share of the memory for bodies.
    pub held: HeldBody,
}

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        json(&app.bodies.agents, request).await
    }
}

/// A JSON body of somebody who isn't signed in yet.
pub struct StrangersBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for StrangersBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        json(&app.bodies.sign_in, request).await.map(|body| Self(body.value))
    }
}

async fn json<T: DeserializeOwned>(bodies: &Bodies, request: Request) -> Result<Body<T>, Problem> {
    let (parts, body) = request.into_parts();
    require_json(&parts.headers)?;
    let held = bodies.read(&parts.headers, body).await?;
    let bytes: &[u8] = if held.bytes.is_empty() { b"{}" } else { &held.bytes };
    // By way of a map: serde would read a struct from an array, too.
    let fields = Value::Object(object(bytes).map_err(Problem::bad_request)?);
    let value = serde_path_to_error::deserialize(fields);
    Ok(Body { value: value.map_err(|error| wrong_field(&error))?, held })
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
        None => format!("the field `{}` is not of the type that this call takes", error.path()),
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
    let detail = "the body has a content encoding; send it as it is";
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
