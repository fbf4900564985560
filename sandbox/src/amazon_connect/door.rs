//! What every request of an operation passes: its signature or token, its shape, the trouble that was asked for,
//! and the record.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State as Extracted};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::dial::{ConnectFault, Trouble};
use super::error::ApiError;
use super::operation::{Operation, Service, by_path};
use super::record::RecordedRequest;
use super::sigv4::{Claim, Signed};
use super::state::State;
use super::{ConnectStandIn, contacts, query};
use crate::connection::Connection;

const BODY_BYTES: usize = 1024 * 1024;
/// How long an answer waits for the notifications that are to come first.
const FIRST: Duration = Duration::from_secs(5);
const SECRET_HEADERS: [&str; 3] = ["authorization", "x-amz-bearer", "x-amz-security-token"];

/// A request whose operation is known.
pub(super) struct Call {
    pub(super) operation: &'static Operation,
    pub(super) given: Map<String, Value>,
}

/// What comes of a call.
struct Outcome {
    answer: Result<Value, ApiError>,
    html: Option<u16>,
    is_dropped: bool,
    latency: Duration,
    /// What must have been tried before the answer.
    first: Vec<CancellationToken>,
}

impl Outcome {
    fn of(answer: Result<Value, ApiError>) -> Self {
        Self { answer, html: None, is_dropped: false, latency: Duration::ZERO, first: Vec::new() }
    }

    fn status(&self) -> u16 {
        match (&self.answer, self.html) {
            _ if self.is_dropped => 0,
            (_, Some(status)) => status,
            (Ok(_), None) => 200,
            (Err(error), None) => error.status,
        }
    }
}

pub(super) async fn answer(
    Extracted(stand_in): Extracted<ConnectStandIn>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES).await else {
        return ApiError::new(413, "RequestEntityTooLarge", "The request is too long")
            .answer(Service::Connect);
    };
    let call = match read(&parts, &body) {
        Ok(call) => call,
        Err(error) => {
            let what = format!("{} {}: {}: {}", parts.method, parts.uri.path(), error.code, error.message);
            stand_in.with(|state| state.records.violations.push(what));
            return error.answer(Service::Connect);
        }
    };
    let (mut outcome, tried) = stand_in.with_tried(|state| stand_in.outcome(state, &call, &parts, &body));
    if call.operation.name == "StartContactStreaming" && stand_in.dial().early_notification {
        outcome.first = tried;
    }
    stand_in.carry_out(&call, outcome, &connection).await
}

/// The operation that was called, with all its members.
fn read(parts: &Parts, body: &[u8]) -> Result<Call, ApiError> {
    let path = parts.uri.path();
    if path == "/" {
        return query::read(parts, body);
    }
    let unknown = || ApiError::violation(404, "UnknownOperationException", "There is no such operation");
    let (operation, mut given) = by_path(&parts.method, path).ok_or_else(unknown)?;
    if !body.is_empty() {
        let content_type = parts.headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes());
        if !content_type.is_some_and(|value| value.starts_with(b"application/json")) {
            return Err(ApiError::violation(415, "UnsupportedMediaTypeException", "The body must be JSON"));
        }
        let members: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| ApiError::violation(400, "SerializationException", error.to_string()))?;
        given.extend(members);
    }
    Ok(Call { operation, given })
}

impl ConnectStandIn {
    fn outcome(&self, state: &mut State, call: &Call, parts: &Parts, body: &[u8]) -> Outcome {
        let outcome = self.attempt(state, call, parts, body);
        let headers = parts.headers.iter().filter(|(name, _)| !SECRET_HEADERS.contains(&name.as_str()));
        let headers = headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        if let Err(error) = &outcome.answer
            && error.is_violation
        {
            let what = format!("{}: {}: {}", call.operation.name, error.code, error.message);
            tracing::warn!("a request breaks a rule: {what}");
            state.records.violations.push(what);
        }
        state.records.add(RecordedRequest {
            service: call.operation.service.name().to_owned(),
            operation: call.operation.name.to_owned(),
            body: Value::Object(call.given.clone()),
            headers: headers.collect(),
            status: outcome.status(),
            at: Timestamp::now(),
        });
        outcome
    }

    fn attempt(&self, state: &mut State, call: &Call, parts: &Parts, body: &[u8]) -> Outcome {
        let well_formed = || super::shape::check(call.operation.members, &call.given);
        let chat =
            match self.authenticate(state, call, parts, body).and_then(|chat| well_formed().map(|()| chat)) {
                Ok(chat) => chat,
                Err(error) => return Outcome::of(Err(error)),
            };
        let Trouble { mut fault, latency, expires_token } = trouble(state, call.operation);
        if expires_token && expire_token(state, parts) {
            return Outcome { latency, ..Outcome::of(Err(ApiError::denied("The token has expired"))) };
        }
        let before = |answer| Outcome { latency, ..Outcome::of(answer) };
        match fault.take() {
            Some(ConnectFault::Error { status, code, message }) => {
                before(Err(ApiError::new(status, &code, message)))
            }
            Some(ConnectFault::Html { status }) => Outcome { html: Some(status), ..before(Ok(Value::Null)) },
            Some(ConnectFault::Drop) => Outcome { is_dropped: true, ..before(Ok(Value::Null)) },
            Some(ConnectFault::DropAnswer) => {
                Outcome { is_dropped: true, ..before(self.once(state, call, &chat)) }
            }
            Some(ConnectFault::Slow { ms }) => {
                let latency = latency + Duration::from_millis(ms);
                Outcome { latency, ..before(self.once(state, call, &chat)) }
            }
            None => before(self.once(state, call, &chat)),
        }
    }

    /// Does it, or answers what it answered to the same token before.
    fn once(&self, state: &mut State, call: &Call, chat: &str) -> Result<Value, ApiError> {
        let given = Value::Object(call.given.clone());
        let token =
            given["ClientToken"].as_str().filter(|token| call.operation.is_idempotent && !token.is_empty());
        let key = token.map(|token| (call.operation.name, chat.to_owned(), token.to_owned()));
        if let Some((before, answer)) = key.as_ref().and_then(|key| state.done.get(key)) {
            if *before != given {
                let message = "ClientToken was used for another request";
                return Err(ApiError::violation(400, "InvalidRequestException", message));
            }
            return Ok(answer.clone());
        }
        let name = call.operation.name;
        let answer = match call.operation.service {
            Service::Connect => contacts::perform(state, &self.0.options, name, &given),
            Service::Participant => self.perform_as_customer(state, name, chat, &given),
            Service::Sts | Service::Sns => query::perform(state, &self.0.options, name, &given),
        }?;
        if let Some(key) = key {
            state.done.insert(key, (given, answer.clone()));
        }
        Ok(answer)
    }

    /// Who calls: for a participant, of which chat.
    fn authenticate(
        &self,
        state: &mut State,
        call: &Call,
        parts: &Parts,
        body: &[u8],
    ) -> Result<String, ApiError> {
        let service = match call.operation.service {
            Service::Participant => return participant(state, call, parts),
            Service::Sns if call.operation.name == "ConfirmSubscription" => return Ok(String::new()),
            service => service.name(),
        };
        let claim = Claim::of(&parts.headers)?;
        let options = &self.0.options;
        let secret = if claim.key_id == options.access_key_id {
            options.secret_access_key.clone()
        } else {
            session_secret(state, claim.key_id, parts)?
        };
        let signed = Signed {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            body,
        };
        claim.verify(&signed, &secret, &options.region, service)?;
        Ok(String::new())
    }

    async fn carry_out(&self, call: &Call, outcome: Outcome, connection: &Connection) -> Response {
        for tried in &outcome.first {
            let _ = tokio::time::timeout(FIRST, tried.cancelled()).await;
        }
        tokio::time::sleep(outcome.latency).await;
        if outcome.is_dropped {
            connection.cut();
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        if let Some(status) = outcome.html {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            let page = "<html><body><h1>Service unavailable</h1></body></html>";
            return (status, [(header::CONTENT_TYPE, "text/html")], page).into_response();
        }
        match outcome.answer {
            Err(error) => error.answer(call.operation.service),
            Ok(answer) => answered(call.operation, &answer),
        }
    }
}

fn answered(operation: &Operation, answer: &Value) -> Response {
    let id = (HeaderName::from_static("x-amzn-requestid"), Uuid::new_v4().to_string());
    match operation.service {
        Service::Sts | Service::Sns => {
            let headers = [(header::CONTENT_TYPE, "text/xml".to_owned()), id];
            (headers, query::xml(operation.name, answer)).into_response()
        }
        Service::Connect | Service::Participant => {
            ([(header::CONTENT_TYPE, "application/json".to_owned()), id], answer.to_string()).into_response()
        }
    }
}

fn trouble(state: &mut State, operation: &Operation) -> Trouble {
    let scripted = state.scripts.get_mut(operation.name).and_then(std::collections::VecDeque::pop_front);
    let is_participant = operation.service == Service::Participant;
    let dial = state.dial.clone();
    match operation.service {
        // Faults are those of the two services that chats need.
        Service::Sts | Service::Sns => Trouble { fault: scripted, ..Trouble::default() },
        _ if scripted.is_some() => Trouble { fault: scripted, ..Trouble::default() },
        _ => dial.trouble(operation.name, is_participant, &mut state.dice),
    }
}

fn bearer(parts: &Parts) -> Result<&str, ApiError> {
    let value = parts.headers.get("x-amz-bearer").and_then(|value| value.to_str().ok());
    value.ok_or_else(|| ApiError::violation(403, "AccessDeniedException", "Missing X-Amz-Bearer"))
}

/// The chat that a participant's token is of.
fn participant(state: &mut State, call: &Call, parts: &Parts) -> Result<String, ApiError> {
    let token = bearer(parts)?;
    let by_participant = state.chats.values().find(|chat| chat.participant_token == token);
    let by_participant = by_participant.map(|chat| chat.initial_id.clone());
    let wrong = |message| Err(ApiError::violation(403, "AccessDeniedException", message));
    if call.operation.name == "CreateParticipantConnection" {
        return match by_participant {
            Some(chat) => Ok(chat),
            None if state.connections.contains_key(token) => {
                wrong("A connection token is no participant token")
            }
            None => Err(ApiError::denied("The token is unknown")),
        };
    }
    if by_participant.is_some() {
        return wrong("A participant token is no connection token");
    }
    let now = state.now();
    match state.connections.get_mut(token).filter(|connection| now < connection.until) {
        Some(connection) => {
            connection.uses += 1;
            Ok(connection.chat.clone())
        }
        None => Err(ApiError::denied("The token is unknown or has expired")),
    }
}

/// Ends the life of a connection token that was good for a call before.
fn expire_token(state: &mut State, parts: &Parts) -> bool {
    let Ok(token) = bearer(parts) else { return false };
    let is_used = state.connections.get(token).is_some_and(|connection| connection.uses > 1);
    is_used && state.connections.remove(token).is_some()
}

/// The secret of an assumed role's key.
fn session_secret(state: &State, key: &str, parts: &Parts) -> Result<String, ApiError> {
    let message = "The security token included in the request is invalid";
    let unknown = || ApiError::violation(403, "UnrecognizedClientException", message);
    let session = state.sessions.get(key).ok_or_else(unknown)?;
    let token = parts.headers.get("x-amz-security-token").map(|value| value.as_bytes());
    if token != Some(session.token.as_bytes()) {
        return Err(unknown());
    }
    if state.now() >= session.until {
        return Err(ApiError::new(403, "ExpiredTokenException", "The security token has expired"));
    }
    Ok(session.secret.clone())
}
