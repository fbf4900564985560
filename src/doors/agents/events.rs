//! The event stream (SSE): everything that is new or has changed, as it is now.
//!
//! Each event stands for a change with a number, but for `arriving`. A client opens the stream first and loads then;
//! whoever reconnects with `Last-Event-ID` gets all changes since, or `reset` if that is too long ago.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    time::Duration,
};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::watch;

use super::passed_rows::PassedRows;
use crate::{
    agents::view::{ArrivingView, WithdrawalView},
    doors::{App, extract::Caller},
    engine::{ArrivalFeed, ArrivalNews, Lost},
    metrics::OpenStream,
    relay::id::HandoffId,
    store::{FeedItem, Since, StoreError, sessions::Digest},
    web::{
        places::Place,
        problem::{Problem, ProblemBody, no_place},
    },
};

/// Proxies close connections that are silent for long.
const COMMENT_EVERY: Duration = Duration::from_secs(15);
/// Of so many handoffs a platform's stream remembers whether the platform got them.
const REMEMBERED: usize = 10_000;
/// Changes read at once.
const PAGE: usize = 200;

/// Stream all changes of handoffs and messages. The stream ends with the session that opened it.
#[utoipa::path(get, path = "/api/events", tag = "events",
    params(("Last-Event-ID" = Option<String>, Header, description = "Replays all changes since that event")),
    responses((status = 200, content_type = "text/event-stream", body = String,
            description = "`event: handoff` and `event: message` with the same JSON as elsewhere; `event: arriving` with a message of the end user that waits for its quiet period (`seq: null`), which a `message` with the same `message_id` follows, or with its withdrawal (`message_id`, `handoff_id`, `withdrawn`, `moved_to`): the one event without `id`, which is not replayed, so that a client that reconnects loads `arriving` of the threads that it shows; `event: canned_replies` without data when canned replies have changed; `event: reset` when the client must load everything again"),
        (status = 401, body = ProblemBody),
        (status = 429, body = ProblemBody, description = "This agent has too many open event streams"), (status = 503, body = ProblemBody)))]
pub async fn stream(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let place = app.streams.take(&caller.agent);
    let place = place.map_err(|none| no_place(none, &app.streams, "open event streams"))?;
    let changed = app.engine.store().signals().feed();
    let newest = *changed.borrow();
    let counted = app.metrics.stream();
    let ready = VecDeque::new();
    let over = over(app.clone(), caller.session.as_ref().map(|session| session.id.clone()));
    let arrivals = caller.platform.is_none().then(|| app.engine.arrival_feed());
    let mut follower = Follower {
        app,
        caller,
        arrivals,
        passed: PassedRows::default(),
        got: HashMap::new(),
        changed,
        position: newest,
        ready,
        _place: place,
        _counted: counted,
    };
    match headers.get("last-event-id").map(|id| id.to_str().ok().and_then(|id| id.parse().ok())) {
        // The first id lets a client that reconnects catch up from here.
        None => follower.ready.push_back(Event::default().id(newest.to_string()).comment("open")),
        Some(Some(last)) => follower.position = last,
        Some(None) => follower.reset(newest),
    }
    let events = Sse::new(events(follower).take_until(Box::pin(over)))
        .keep_alive(KeepAlive::new().interval(COMMENT_EVERY));
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Buffering proxies would hold events back.
    let unbuffered = (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok((StatusCode::OK, [no_store, unbuffered], events))
}

/// Waits until the session has ended; without a session, forever.
async fn over(app: App, session: Option<Digest>) {
    match session {
        Some(id) => app.sign_in.over(&id).await,
        None => std::future::pending().await,
    }
}

struct Follower {
    app: App,
    caller: Caller,
    /// Which handoffs the caller's platform got, as far as that was asked.
    got: HashMap<HandoffId, bool>,
    changed: watch::Receiver<u64>,
    position: u64,
    ready: VecDeque<Event>,
    /// What arrives; none for a platform.
    arrivals: Option<ArrivalFeed>,
    passed: PassedRows,
    _place: Place,
    _counted: OpenStream,
}

fn events(follower: Follower) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    })
}

impl Follower {
    /// The next event; `None` when the relay stops or the store fails. Clients then reconnect.
    async fn next(&mut self) -> Option<Event> {
        let stop = self.app.stop.clone();
        while self.ready.is_empty() {
            self.take_arrivals().ok()?;
            self.changed.borrow_and_update();
            if let Err(error) = self.read().await {
                tracing::error!(error = %error, "an event stream could not be read");
                return None;
            }
            if self.ready.is_empty() {
                stop.run_until_cancelled(self.woken()).await?.ok()?;
            }
        }
        if stop.is_cancelled() { None } else { self.ready.pop_front() }
    }

    /// Waits until there is something to read.
    async fn woken(&mut self) -> Result<(), Lost> {
        let arrives = async {
            match &mut self.arrivals {
                Some(arrivals) => arrivals.next().await,
                None => std::future::pending().await,
            }
        };
        let news = tokio::select! {
            changed = self.changed.changed() => return changed.map_err(|_| Lost),
            news = arrives => news?,
        };
        self.take(&news);
        Ok(())
    }

    fn take_arrivals(&mut self) -> Result<(), Lost> {
        while let Some(news) = self.arrivals.as_mut().map_or(Ok(None), ArrivalFeed::next_at_once)? {
            self.take(&news);
        }
        Ok(())
    }

    fn take(&mut self, news: &ArrivalNews) {
        let event = Event::default().event("arriving");
        let event = match news {
            ArrivalNews::Shown { message, known } if self.passed.has(&message.id().0, *known) => return,
            ArrivalNews::Shown { message, .. } => event.json_data(ArrivingView::from(&**message)),
            ArrivalNews::Withdrawn { message, how } => event.json_data(WithdrawalView::new(message, how)),
        };
        self.ready.extend(or_log(event));
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        match self.app.engine.store().changes_since(self.position, PAGE).await? {
            Since::Reset(newest) => self.reset(newest),
            Since::Changes(changes) => {
                for (id, change) in changes {
                    self.position = id;
                    if self.may_see(&change).await? {
                        if let (FeedItem::Row(row), Some(_)) = (&change, &self.arrivals) {
                            self.passed.note(id, row);
                        }
                        self.ready.extend(event(&self.app, &self.caller, id, &change));
                    }
                }
            }
        }
        Ok(())
    }

    /// An agent sees everything, a platform what is about handoffs that it got.
    async fn may_see(&mut self, change: &FeedItem) -> Result<bool, StoreError> {
        let Some(platform) = &self.caller.platform else { return Ok(true) };
        let id = match change {
            FeedItem::Handoff(handoff) => return Ok(handoff.platforms.contains_key(platform)),
            FeedItem::CannedReplies => return Ok(false),
            FeedItem::Row(row) => &row.handoff,
        };
        if let Some(got) = self.got.get(id) {
            return Ok(*got);
        }
        let handoff = self.app.engine.store().handoff(id).await?;
        let got = handoff.is_some_and(|handoff| handoff.platforms.contains_key(platform));
        if self.got.len() >= REMEMBERED {
            self.got.clear();
        }
        self.got.insert(id.clone(), got);
        Ok(got)
    }

    fn reset(&mut self, newest: u64) {
        self.position = newest;
        self.ready.push_back(Event::default().event("reset").id(newest.to_string()).data("{}"));
    }
}

fn event(app: &App, caller: &Caller, id: u64, change: &FeedItem) -> Option<Event> {
    let event = Event::default().id(id.to_string());
    let event = match change {
        FeedItem::Handoff(handoff) => event.event("handoff").json_data(caller.listed(app, handoff)),
        FeedItem::CannedReplies => Ok(event.event("canned_replies").data("{}")),
        FeedItem::Row(row) => event.event("message").json_data(caller.message(app, row)),
    };
    or_log(event)
}

fn or_log(event: Result<Event, axum::Error>) -> Option<Event> {
    event.inspect_err(|error| tracing::error!(error = %error, "a change could not be shown")).ok()
}
