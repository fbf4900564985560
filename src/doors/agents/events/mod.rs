//! The event stream (SSE): everything that is new or has changed, as it is now.
//!
//! Each event stands for a change with a number, but for `arriving` and `presence`. A client opens the stream first and loads then,
//! or begins with the `last_event_id` of a list: whoever comes with `Last-Event-ID` gets all changes since, or `reset` if that is
//! too long ago.
//!
//! A [`Follower`] renders each change once for all streams of an [`Audience`]. A stream leaves out what its agent may not
//! see, and reads the store only for what came before it, or while it was too slow.

mod audience;
mod follower;
mod parts;
mod passed_rows;
mod place;
mod render;
mod stream;

pub use audience::Audiences;
pub use follower::followers;
pub use place::{Place, SightMark};

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio_util::sync::CancellationToken;

use crate::{
    accounts::Account,
    doors::{App, extract::Caller},
    store::{Since, sessions::Digest},
    web::problem::{Problem, ProblemBody, no_place},
};
use audience::Member;
use render::COMMENT;
use stream::EventStream;

#[cfg(doc)]
use {audience::Audience, follower::Follower};

/// Stream all changes of handoffs and messages. The stream ends with the session that opened it, and when the agent's token, role or teams change.
#[utoipa::path(get, path = "/api/events", tag = "events",
    params(("Last-Event-ID" = Option<String>, Header, description = "Replays all changes since that event")),
    responses((status = 200, content_type = "text/event-stream", body = String,
            description = "`event: handoff` and `event: message` with the same JSON as elsewhere; `event: arriving` with a message of the end user that waits for its quiet period (`seq: null`), which a `message` with the same `message_id` follows, or with its withdrawal (`message_id`, `handoff_id`, `withdrawn`, `moved_to`): an event without `id`, which is not replayed, so that a client that reconnects loads `arriving` of the threads that it shows; `event: presence` with `handoff_id`, `agent` and `state` when somebody looks at a handoff, writes in it, or has gone (see `PUT /api/handoffs/{id}/presence`): also without `id`, repeated as long as it is so, and over after 25 seconds without a repetition; `event: hidden` with `handoff_id` and `version` when a handoff has left the agent's sight, so that what is known of it up to this version is to be forgotten (it may come for a handoff that the agent never saw, if that was handed over, released or taken over, or its team is gone); `event: canned_replies` without data when canned replies have changed; `event: reset` when the client must load everything again, as after a change of what the agent may see. An id is opaque. A block without an event may say a newer one, as the HTML standard has it"),
        (status = 401, body = ProblemBody),
        (status = 429, body = ProblemBody, description = "This agent has too many open event streams"), (status = 503, body = ProblemBody)))]
pub async fn stream(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    let place = app.streams.take(&caller.agent);
    let place = place.map_err(|none| no_place(none, &app.streams, "open event streams"))?;
    let audience = app.audiences.of(caller.platform.as_ref());
    let audience = audience.ok_or_else(|| Problem::not_found("no such platform"))?;
    let mut member = audience.join(*app.engine.store().signals().feed().borrow());
    let view = SightMark::of(&caller.sight);
    let first = first_event(&app, &headers, &mut member, &view).await?;
    let session = caller.session.as_ref().map(|session| session.id.clone());
    // In a set, it is polled when something has happened to it, and not for each event.
    let mut over: FuturesUnordered<_> =
        [over(app.stop.clone(), app.clone(), session, caller.account.clone())].into_iter().collect();
    let events = EventStream::new(&app, caller, member, first, view, place).events();
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Buffering proxies would hold events back.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    let events = events.take_until(Box::pin(async move { over.next().await }));
    Ok((headers, Body::from_stream(events)).into_response())
}

/// Puts a new stream where its client left off. Gives what the client is told before anything else: some browsers tell the
/// page that a stream is open only when there is something in it.
async fn first_event(
    app: &App,
    headers: &HeaderMap,
    member: &mut Member,
    view: &SightMark,
) -> Result<Bytes, Problem> {
    let newest = Place { change: member.position(), view: view.clone() };
    let Some(last) = headers.get("last-event-id") else { return Ok(render::open(&newest)) };
    let last = last.to_str().ok().and_then(|last| last.parse::<Place>().ok());
    let Some(Place { change: last, .. }) = last.filter(|last| last.view == *view) else {
        return Ok(render::reset(&newest));
    };
    // What nobody was told yet may have been told by another relay, or before a backup was restored.
    if last > newest.change && matches!(app.engine.store().changes_since(last, 1).await?, Since::Reset(_)) {
        return Ok(render::reset(&newest));
    }
    member.goes_on_behind(last);
    Ok(COMMENT)
}

/// Waits until the relay stops, the session has ended, or the agent may see something else than before.
async fn over(stop: CancellationToken, app: App, session: Option<Digest>, account: Option<Arc<Account>>) {
    let ended = async {
        match session {
            Some(id) => app.sign_in.over(&id).await,
            None => std::future::pending().await,
        }
    };
    let changed = async {
        match account {
            Some(account) => app.sign_in.changed(&account).await,
            None => std::future::pending().await,
        }
    };
    let over = async {
        tokio::select! {
            () = ended => {}
            () = changed => {}
        }
    };
    stop.run_until_cancelled(over).await;
}
