//! The customer's side: a chat page and the few calls it makes.

mod files;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{Stream, StreamExt, unfold};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;

use crate::conversation::Conversation;
use crate::{Refusal, Sandbox};

/// More than anyone types into a chat window.
const TEXT_CHARS: usize = 10_000;
/// Often enough for proxies not to give up on a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes of the page.
pub(crate) fn router() -> Router<Sandbox> {
    let calls = Router::new()
        .route("/conversations", post(open))
        .route("/conversations/{id}/events", get(events))
        .route("/conversations/{id}/messages", post(say))
        .route("/conversations/{id}/files", post(files::send).layer(DefaultBodyLimit::disable()))
        .route("/conversations/{id}/files/{message}", get(files::show))
        .route("/conversations/{id}/end", post(end))
        .layer(from_fn(same_site_only));
    let page = || asset("text/html; charset=utf-8", include_str!("../../page/index.html"));
    Router::new()
        .route("/chat", get(move || async move { page() }))
        .route("/chat/", get(move || async move { page() }))
        .route(
            "/chat/chat.css",
            get(|| async { asset("text/css; charset=utf-8", include_str!("../../page/chat.css")) }),
        )
        .route("/chat/chat.js", get(|| async { script(include_str!("../../page/chat.js")) }))
        .route("/chat/files.js", get(|| async { script(include_str!("../../page/files.js")) }))
        .route("/chat/uploads.js", get(|| async { script(include_str!("../../page/uploads.js")) }))
        .route("/chat/disorder.js", get(|| async { script(include_str!("../../page/disorder.js")) }))
        .nest("/chat/api", calls)
}

fn script(text: &'static str) -> Response {
    asset("text/javascript; charset=utf-8", text)
}

/// A part of a page.
pub(crate) fn asset(mime_type: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, mime_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}

/// Other sites that the developer has open must not write as the customer.
pub(crate) async fn same_site_only(request: Request, next: Next) -> Response {
    match request.headers().get("sec-fetch-site").map(|site| site.as_bytes()) {
        None | Some(b"same-origin" | b"none") => next.run(request).await,
        Some(_) => StatusCode::FORBIDDEN.into_response(),
    }
}

async fn open(State(sandbox): State<Sandbox>) -> Response {
    (StatusCode::CREATED, Json(json!({ "id": sandbox.open_conversation() }))).into_response()
}

#[derive(Deserialize)]
struct NewMessage {
    text: String,
}

async fn say(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    Json(message): Json<NewMessage>,
) -> Response {
    let text = message.text.trim();
    if text.is_empty() || text.chars().count() > TEXT_CHARS {
        return StatusCode::BAD_REQUEST.into_response();
    }
    match sandbox.customer_says(&id, text).await {
        Ok(message_id) => (StatusCode::CREATED, Json(json!({ "message_id": message_id }))).into_response(),
        Err(error) => refused(&error),
    }
}

async fn end(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    match sandbox.customer_ends_chat(&id).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(&error),
    }
}

fn refused(error: &anyhow::Error) -> Response {
    let status = match error.downcast_ref() {
        Some(Refusal::UnknownConversation) => StatusCode::NOT_FOUND,
        Some(_) => StatusCode::CONFLICT,
        None => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, Json(json!({ "error": error.to_string() }))).into_response()
}

/// The conversation as a whole, now and after each change: nothing to merge, nothing to miss.
async fn events(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    if sandbox.peek(&id, |_| ()).is_err() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let stopped = sandbox.0.lock().run.clone().cancelled_owned();
    let stream = snapshots(sandbox, id).map(|snapshot| Ok::<_, Infallible>(Event::default().data(snapshot)));
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (headers, Sse::new(stream.take_until(stopped)).keep_alive(keep_alive)).into_response()
}

fn snapshots(sandbox: Sandbox, id: String) -> impl Stream<Item = String> + Send {
    let mut changes: watch::Receiver<u64> = sandbox.changes();
    changes.mark_changed();
    unfold((sandbox, id, changes, String::new()), |(sandbox, id, mut changes, last)| async move {
        loop {
            changes.changed().await.ok()?;
            let next = sandbox.peek(&id, Conversation::end_users_view).ok()?.to_string();
            // Most changes are other conversations'.
            if next != last {
                return Some((next.clone(), (sandbox, id, changes, next)));
            }
        }
    })
}
