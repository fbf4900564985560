//! The Conversations API, as far as a custom handoff uses it. A new call is a route here, a variant of
//! [`Call`](crate::Call) and a handler.

mod attachments;
mod body;
mod conversations;
mod end_users;
mod error;
mod guard;
mod messages;
mod outcome;
mod page;
mod webhooks;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, patch, post};
use serde_json::Value;

use self::error::ApiError;
use crate::Sandbox;

/// The routes below `/api`.
pub(crate) fn router(sandbox: Sandbox) -> Router<Sandbox> {
    let routes = [
        ("/v2/webhooks", get(webhooks::list).post(webhooks::create)),
        ("/v2/webhooks/{id}", get(webhooks::read).patch(webhooks::update).delete(webhooks::delete)),
        ("/v2/webhooks/{id}/secret", get(webhooks::secret)),
        ("/v2/end-users/{id}", get(end_users::read).patch(end_users::update)),
        ("/v2/conversations/{id}", get(conversations::read).patch(conversations::update)),
        ("/v2/conversations/{id}/messages", get(messages::list).post(messages::create)),
        ("/v2/conversations/{id}/end-handoff", post(conversations::end_handoff)),
        ("/v2/conversations/{id}/handoff-queue", patch(conversations::set_queue)),
        ("/v2/conversations/{id}/attachments", post(attachments::upload)),
    ];
    routes
        .into_iter()
        .fold(Router::new(), with_and_without_slash)
        .fallback(async || ApiError::not_found("Not found"))
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        // The guard has read the body within the limit of the call; an upload counts its file itself.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(sandbox, guard::guard))
}

/// Ada's reference writes every path with a trailing slash, its guide without.
fn with_and_without_slash(
    router: Router<Sandbox>,
    (path, methods): (&str, MethodRouter<Sandbox>),
) -> Router<Sandbox> {
    router.route(path, methods.clone()).route(&format!("{path}/"), methods)
}

/// The body as a JSON object.
fn object(body: &[u8]) -> Result<serde_json::Map<String, Value>, ApiError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ApiError::invalid("body", "The body must be a JSON object")),
        Err(error) => Err(ApiError::invalid("body", &format!("The body is not JSON: {error}"))),
    }
}

/// The origin that the caller sees.
fn origin(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("http://{host}")
}
