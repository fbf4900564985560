//! What every API request passes: the key, the limits of size and rate, a test's scripted answer or fault,
//! and the record.

use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::body::Arrival;
use super::error::ApiError;
use super::outcome::Outcome;
use crate::connection::Connection;
use crate::{Call, RecordedCall, Sandbox, ScriptedAnswer};

pub(crate) async fn guard(
    State(sandbox): State<Sandbox>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let at = Timestamp::now();
    let (parts, body) = request.into_parts();
    let admission = sandbox.knows_key(&parts).then(|| sandbox.arrive());
    let call = Call::of(&parts.method, parts.uri.path());
    let arrival = Arrival::of(call, body).await;
    let mut record = RecordedCall {
        call,
        method: parts.method.to_string(),
        path: format!("/api{}", parts.uri.path()),
        query: parts.uri.query().map(str::to_owned),
        status: 0,
        body: arrival.recordable(),
        authorized: admission.is_some(),
        at,
    };
    let outcome = match (admission, arrival.body()) {
        (None, _) => Outcome::answer(ApiError::unauthorized()),
        (Some(admission), _) if admission.refused => {
            Outcome::answer(ApiError::too_many()).with_quota(admission)
        }
        (Some(admission), None) => Outcome::answer(ApiError::too_large()).with_quota(admission),
        (Some(admission), Some(body)) => {
            let request = Request::from_parts(parts, body);
            sandbox.outcome(call, request, next).await.with_quota(admission)
        }
    };
    arrival.finish().await;
    record.status = outcome.status();
    let run = sandbox.recorded(record);
    outcome.carry_out(&connection, run).await
}

impl Sandbox {
    fn knows_key(&self, parts: &Parts) -> bool {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        value.and_then(|value| value.strip_prefix("Bearer ")) == Some(&self.0.api_key)
    }

    async fn outcome(&self, call: Option<Call>, request: Request, next: Next) -> Outcome {
        let scripted = self.0.lock().records.scripted(call);
        if let Some(answer) = scripted {
            return Outcome::answer(answer);
        }
        let fault = self.0.lock().faults.take(call);
        Outcome::of(fault, request, next).await
    }

    /// Records a call, before a fault can make its client go away. Returns the present run.
    fn recorded(&self, call: RecordedCall) -> CancellationToken {
        let run = {
            let mut state = self.0.lock();
            state.records.record(call);
            state.run.clone()
        };
        self.0.changed();
        run
    }
}

impl IntoResponse for ScriptedAnswer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = match self.body {
            serde_json::Value::Null => status.into_response(),
            body => (status, axum::Json(body)).into_response(),
        };
        for (name, value) in self.headers {
            match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                (Ok(name), Ok(value)) => drop(response.headers_mut().insert(name, value)),
                _ => tracing::warn!("a scripted header isn't valid and was left out"),
            }
        }
        response
    }
}
