//! Ada's webhook endpoint: verified first, kept before it is acknowledged.

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use crate::{
    ada::signature::{SignatureError, Signed},
    doors::App,
    relay::rules::arrive::Arrival,
    web::{extract::require_plain, head, problem::Problem},
};

/// What Ada is told of every webhook that needn't come again.
pub struct Accepted;

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(r#"{"status":"ok"}"#));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

/// The same door, where nobody has looked at the request's head yet.
pub async fn checked(app: App, request: Request) -> Response {
    if let Some(refusal) = head::refusal(&request) {
        return refusal;
    }
    let (parts, body) = request.into_parts();
    webhook(State(app), parts.headers, body).await.into_response()
}

/// `POST /webhooks/message`
pub async fn webhook(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Accepted, Problem> {
    let now_unix = app.engine.environment().now().second();
    let signed = Signed::read(&headers).map_err(|error| refuse(&app, error))?;
    signed.precheck(now_unix).map_err(|error| refuse(&app, error))?;
    require_plain(&headers)?;
    let held = app.bodies.webhooks.read(&headers, body).await?;
    let ai_agents = app.engine.ai_agents();
    let webhook = ai_agents.verify(&signed, &held.bytes).map_err(|error| refuse(&app, error))?;
    match app.engine.webhook(&ai_agents, webhook).await? {
        Arrival::Full => Err(Problem::unavailable("too many events are waiting to be processed; try again")),
        arrival => {
            tracing::debug!(arrival = ?arrival, "webhook");
            Ok(Accepted)
        }
    }
}

fn refuse(app: &App, error: SignatureError) -> Problem {
    app.metrics.webhook("invalid_signature");
    app.warnings.say("webhook refused", error.reason());
    Problem::bad_request("Invalid signature")
}
