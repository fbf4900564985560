//! The route table, by who calls.

use std::panic::AssertUnwindSafe;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request},
    http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header, uri::PathAndQuery},
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, post, put},
};
use futures_util::FutureExt;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{Predicate, SizeAbove},
    },
    set_header::SetResponseHeaderLayer,
};

use super::{
    App,
    ada::{availability, feedback, start, webhook},
    agents::{
        canned_replies, dead_letters, events, files, handoffs, messages, openapi,
        platforms as agent_platforms, presence, reports, session, settings, sight, teams,
    },
    amazon_connect, console, operators, platforms,
};
use crate::web::{
    entry::{Answering, Entry},
    head,
    peer::Peer,
    problem::{MEDIA_TYPE, Problem},
};

/// Ada's doors. People type their addresses into a form: one slash too many is forgiven.
const START: [&str; 2] = ["/handoffs/start", "/webhooks/start-handoff"];
const WEBHOOK: [&str; 2] = ["/webhooks/message", "/webhooks/events"];

/// From so many bytes on, an answer of the agent API is compressed for whoever takes that: fewer fit into one packet.
const WORTH_COMPRESSING: u64 = 1_024;

/// Whose doors an address has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doors {
    /// Those for Ada, and for whoever runs the container.
    Public,
    /// Those for agents.
    Agents,
    /// Both.
    All,
}

/// For Ada, and for whoever runs the container.
fn public() -> Router<App> {
    let start = START.into_iter().map(|path| (path, post(start::start)));
    let webhook = WEBHOOK.into_iter().map(|path| (path, post(webhook::webhook)));
    start
        .chain(webhook)
        .fold(Router::new(), |router, (path, door)| router.route(path, door))
        .route("/handoffs/availability", get(availability::availability))
        .route("/handoffs/feedback", post(feedback::feedback))
        .route("/health/live", get(operators::live))
        .route("/health/ready", get(operators::ready))
}

/// For agents, and for the desks that others build for them.
fn agents(app: &App) -> Router<App> {
    Router::new()
        .route("/", get(console::shell))
        .route("/console/{name}", get(console::part))
        .merge(
            of_handoffs("/api")
                .route("/api/handoffs/{id}/presence", put(presence::say))
                .route_layer(middleware::from_fn_with_state(app.clone(), sight::admit)),
        )
        .route("/api/agents", get(teams::agents))
        .route("/api/teams", get(teams::teams))
        .route("/api/teams/{name}/opening", put(teams::decide))
        .route("/api/reports/now", get(reports::now))
        .route("/api/reports/day", get(reports::day))
        .route("/api/reports/day.csv", get(reports::day_as_csv))
        .route("/api/canned-replies", get(canned_replies::list).post(canned_replies::add))
        .route("/api/canned-replies/{id}", put(canned_replies::replace).delete(canned_replies::drop))
        .route("/api/session", get(session::one).post(session::begin).delete(session::end))
        .route("/api/session/duty", put(session::duty))
        .route("/api/platforms", get(agent_platforms::list))
        .route("/api/platforms/{id}/enable", post(agent_platforms::enable))
        .route("/api/platforms/{id}/test", post(agent_platforms::test))
        .route("/api/dead-letters", get(dead_letters::list))
        .route("/api/dead-letters/{id}", get(dead_letters::one).delete(dead_letters::drop))
        .route("/api/dead-letters/{id}/replay", post(dead_letters::replay))
        .route("/api/settings/reload", post(settings::reload))
        .route("/metrics", get(operators::metrics))
        .route("/api/openapi.json", get(|| async { Json(openapi::document()) }))
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(WORTH_COMPRESSING).and(is_json)))
        .layer(private())
        .merge(openapi::page())
}

/// What agents and platforms get nobody keeps, unless the answer says more.
fn private() -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

fn is_json(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json")
}

/// What agents do with handoffs, in the console, or by way of a platform.
fn of_handoffs(prefix: &str) -> Router<App> {
    let routes = [
        ("/handoffs", get(handoffs::list)),
        ("/handoffs/{id}", get(handoffs::one)),
        ("/handoffs/{id}/accept", post(handoffs::accept)),
        ("/handoffs/{id}/decline", post(handoffs::decline)),
        ("/handoffs/{id}/release", post(handoffs::release)),
        ("/handoffs/{id}/hand-over", post(handoffs::hand_over)),
        ("/handoffs/{id}/read", post(handoffs::read)),
        ("/handoffs/{id}/end", post(handoffs::end)),
        ("/handoffs/{id}/ledger", get(handoffs::ledger)),
        ("/handoffs/{id}/transcript", get(messages::transcript)),
        ("/handoffs/{id}/messages", get(messages::list).post(messages::write)),
        ("/handoffs/{id}/messages/{row}", delete(messages::drop)),
        ("/handoffs/{id}/messages/{row}/retry", post(messages::retry)),
        ("/handoffs/{id}/messages/{row}/file", get(files::get)),
        ("/handoffs/{id}/files", uploads()),
        ("/handoffs/{id}/notes", post(messages::note)),
        ("/events", get(events::stream)),
    ];
    let route = |router: Router<App>, (path, door)| router.route(&format!("{prefix}{path}"), door);
    routes.into_iter().fold(Router::new(), route)
}

/// For platforms, if there are any.
fn of_platforms(app: &App) -> Router<App> {
    if app.engine.platforms().iter().next().is_none() {
        return Router::new();
    }
    let connect = app.engine.amazon_connect().map(|_| post(amazon_connect::notification));
    let router = of_handoffs("/platform")
        .route_layer(middleware::from_fn_with_state(app.clone(), platforms::admit))
        .layer(private())
        .route("/platform/files/{platform}/{handoff}/{row}", get(platforms::file));
    match connect {
        Some(door) => router.route("/webhooks/amazon-connect", door),
        None => router,
    }
}

fn uploads() -> MethodRouter<App> {
    let send = post(files::send).layer(DefaultBodyLimit::disable());
    send.layer(middleware::map_response(refusal_is_last))
}

/// A file may be refused while it still comes: nothing can follow it on its connection, and who sends is told so.
async fn refusal_is_last(mut response: Response) -> Response {
    if !response.status().is_success() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A path that is one of Ada's doors but for a slash at its end or doubled ones becomes that door's.
async fn forgive(mut request: Request) -> Request {
    let path = request.uri().path();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let plain = format!("/{}", parts.join("/"));
    let door = START.into_iter().chain(WEBHOOK).find(|door| *door == plain && *door != path);
    if let Some(door) = door {
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::from_static(door));
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_else(|_| Uri::from_static(door));
    }
    request
}

/// Errors that a library made become problems, too; their headers stay.
async fn explain(response: Response) -> Response {
    let status = response.status();
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == MEDIA_TYPE);
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let mut problem = Problem::new(status, "this request can't be answered").into_response();
    for (name, value) in response.headers() {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            problem.headers_mut().insert(name, value.clone());
        }
    }
    problem
}

impl Doors {
    /// These doors, with what every door has in common.
    pub fn entrance(self, app: App) -> Entrance {
        let (table, takes_webhooks) = match self {
            Self::Public => (public().merge(of_platforms(&app)), true),
            Self::Agents => (agents(&app), false),
            Self::All => (public().merge(of_platforms(&app)).merge(agents(&app)), true),
        };
        Entrance { others: common(table, app.clone()), app, takes_webhooks }
    }
}

/// The doors of an address. Most requests by far are webhooks: at their own paths they need nothing of what the others have
/// in common. Each check is the door's.
#[derive(Clone)]
pub struct Entrance {
    app: App,
    takes_webhooks: bool,
    others: Router,
}

impl Entry for Entrance {
    fn answer(&self, request: Request, peer: Peer) -> Answering {
        let is_webhook = request.method() == Method::POST && WEBHOOK.contains(&request.uri().path());
        if !(self.takes_webhooks && is_webhook) {
            return self.others.answer(request, peer);
        }
        let answer = AssertUnwindSafe(webhook::checked(self.app.clone(), request)).catch_unwind();
        Box::pin(answer.map(|answer| answer.unwrap_or_else(|_| panicked())))
    }
}

fn common(router: Router<App>, app: App) -> Router {
    let sniff = HeaderValue::from_static("nosniff");
    let table = router
        .fallback(|| async { Problem::not_found("this path does not exist") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not support this method")
        })
        .layer(middleware::map_response(explain))
        .with_state(app);
    // Around the whole table: what a layer of its own changes has been routed already.
    Router::new()
        .fallback_service(table)
        .layer(middleware::map_request(forgive))
        .layer(middleware::from_fn(head::check))
        .layer(catch_panic())
        .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, sniff))
}

type Panicked = fn(Box<dyn std::any::Any + Send>) -> Response;

fn catch_panic() -> CatchPanicLayer<Panicked> {
    CatchPanicLayer::custom(|_| panicked())
}

fn panicked() -> Response {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "an internal error occurred").into_response()
}
