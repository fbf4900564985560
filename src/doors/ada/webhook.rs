//! Ada's webhook endpoint: verified first, kept before it is acknowledged.

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use serde_json::{Value, json};

use crate::{
    ada::signature::{self, SignatureError},
    doors::App,
    relay::rules::arrive::Arrival,
    web::{extract::require_plain, problem::Problem},
};

/// `POST /webhooks/message`
pub async fn webhook(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Json<Value>, Problem> {
    let now_unix = app.engine.environment().now().second();
    signature::precheck(&headers, now_unix).map_err(|error| refuse(&app, error))?;
    require_plain(&headers)?;
    let held = app.bodies.webhooks.read(&headers, body).await?;
    let webhook =
        app.engine.ai_agents().verify(&headers, &held.bytes).map_err(|error| refuse(&app, error))?;
    match app.engine.webhook(webhook).await? {
        Arrival::Full => Err(Problem::unavailable("too much waits to be worked off; try again")),
        arrival => {
            tracing::debug!(arrival = ?arrival, "webhook");
            Ok(Json(json!({"status": "ok"})))
        }
    }
}

fn refuse(app: &App, error: SignatureError) -> Problem {
    app.metrics.webhook("invalid_signature");
    app.warnings.say("webhook refused", error.reason());
    Problem::bad_request("Invalid signature")
}
