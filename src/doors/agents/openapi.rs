//! The API document, generated from the handlers, and the page that shows it, from embedded files.

use axum::http::{HeaderValue, header};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, Ref, RefOr, ResponseBuilder, Schema,
        path::Operation,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{
    canned_replies, dead_letters, events, files, handoffs, messages, platforms, presence, reports, session,
    settings, teams,
};
use crate::{agents::view::WithdrawalView, doors::console::CONTENT_SECURITY_POLICY, web::cookie};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "handoff-relay agent API",
        description = "The API for human agents: reads the conversations that Ada has handed off, and acts on them. \
            A request needs a bearer token, or the cookie that POST /api/session sets. A request that changes \
            something with the cookie must come from the console's own page (`Sec-Fetch-Site`, `Origin`). \
            Errors are application/problem+json (RFC 9457)."
    ),
    paths(
        handoffs::list, handoffs::one, handoffs::accept, handoffs::decline, handoffs::release, handoffs::hand_over, handoffs::read,
        handoffs::end, handoffs::ledger, presence::say,
        messages::list, messages::write, messages::note, messages::retry, messages::drop, messages::transcript,
        files::send, files::get,
        session::one, session::begin, session::duty, session::end, events::stream, dead_letters::list, dead_letters::one, dead_letters::replay, dead_letters::drop,
        canned_replies::list, canned_replies::add, canned_replies::replace, canned_replies::drop,
        teams::teams, teams::decide, teams::agents, platforms::list, platforms::enable, platforms::test,
        reports::now, reports::day, reports::day_as_csv, settings::reload
    ),
    components(schemas(WithdrawalView)),
    modifiers(&Schemes, &Refusals),
    security(("token" = []), ("session" = []))
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token of an agent, from AGENT_TOKENS or the settings file"))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        let about = "Set by POST /api/session; named without `__Host-` on a loopback address";
        let session = ApiKey::Cookie(ApiKeyValue::with_description(cookie::NAME, about));
        components.add_security_scheme("session", SecurityScheme::ApiKey(session));
    }
}

/// Refusals that every call may return, unless the call describes the status itself.
const OF_ALL: [(&str, &str); 4] = [
    ("400", "The request, its path or its query is malformed"),
    ("429", "Too many wrong tokens, or too many requests at once; Retry-After says when to try again"),
    ("500", "An internal error of the relay"),
    ("503", "The store can't be used at present"),
];
/// Refusals of calls whose path has an id.
const OF_NAMED: (&str, &str) = ("404", "The path names something that does not exist");
/// Refusals of calls that need a token or a session.
const OF_AGENTS: [(&str, &str); 2] = [
    ("401", "The token or the session is missing or not valid"),
    (
        "403",
        "The request uses a session and comes from another site's page, or the token is that of an operator or of a service \
         account",
    ),
];
/// Refusals of calls with a body.
const OF_BODIES: [(&str, &str); 3] = [
    ("408", "The body did not arrive in time"),
    ("413", "The body is too large"),
    ("415", "The body has the wrong content type"),
];

/// Every refusal is a problem document.
struct Refusals;

impl Modify for Refusals {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (path, calls) in &mut document.paths.paths {
            let operations = [&mut calls.get, &mut calls.post, &mut calls.put, &mut calls.delete];
            operations.into_iter().flatten().for_each(|operation| refuse(path, operation));
        }
        let schemas = document.components.as_mut().map(|components| &mut components.schemas);
        if let Some(RefOr::T(Schema::Object(session))) = schemas.and_then(|all| all.get_mut("NewSession")) {
            // One of the two.
            (session.min_properties, session.max_properties) = (Some(1), Some(1));
        }
    }
}

fn refuse(path: &str, operation: &mut Operation) {
    let is_open = operation.security.as_ref().is_some_and(|needed| needed.iter().all(is_nothing));
    let of_agents = OF_AGENTS.into_iter().filter(|_| !is_open);
    let of_bodies = OF_BODIES.into_iter().filter(|_| operation.request_body.is_some());
    let of_named = Some(OF_NAMED).filter(|_| path.contains('{'));
    let responses = &mut operation.responses.responses;
    for (status, description) in OF_ALL.into_iter().chain(of_named).chain(of_agents).chain(of_bodies) {
        let response = || RefOr::T(ResponseBuilder::new().description(description).build());
        responses.entry(status.to_owned()).or_insert_with(response);
    }
    for (_, response) in responses.iter_mut().filter(|(status, _)| status.starts_with(['4', '5'])) {
        if let RefOr::T(response) = response {
            let problem = Content::new(Some(Ref::from_schema_name("ProblemBody")));
            response.content = [("application/problem+json".to_owned(), RefOr::T(problem))].into();
        }
    }
}

fn is_nothing(needed: &SecurityRequirement) -> bool {
    *needed == SecurityRequirement::default()
}

/// The document (OpenAPI 3.1).
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document
}

/// The document as a page, under `/api/docs`. It has the console's origin and the console's content security policy.
pub fn page<S: Clone + Send + Sync + 'static>() -> axum::Router<S> {
    let config = Config::from("/api/openapi.json").validator_url("none").use_base_layout();
    let page: axum::Router<S> = SwaggerUi::new("/api/docs").config(config).into();
    let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    page.layer(SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, policy))
}
