//! The API document, generated from the handlers, and the page that shows it, from embedded files.

use axum::http::{HeaderValue, header};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{canned_replies, dead_letters, events, files, handoffs, messages, session};
use crate::{doors::console::CONTENT_SECURITY_POLICY, web::cookie};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "handoff-relay agent API",
        description = "What human agents see of conversations handed off by Ada, and what they do with them. \
            Requests carry a bearer token, or the cookie that POST /api/session sets; with the cookie, whatever \
            changes something must come from the console's own page (`Sec-Fetch-Site`, `Origin`). \
            Errors are application/problem+json (RFC 9457)."
    ),
    paths(
        handoffs::list, handoffs::one, handoffs::accept, handoffs::release, handoffs::read, handoffs::end,
        handoffs::ledger,
        messages::list, messages::write, messages::note, messages::retry, messages::drop, messages::transcript,
        files::send, files::get,
        session::one, session::begin, session::end, events::stream, dead_letters::list, dead_letters::one, dead_letters::replay, dead_letters::drop,
        canned_replies::list, canned_replies::add, canned_replies::replace, canned_replies::drop
    ),
    modifiers(&Schemes),
    security(("token" = []), ("session" = []))
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token of AGENT_TOKENS"))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        let about = "Set by POST /api/session; named without `__Host-` on a loopback address";
        let session = ApiKey::Cookie(ApiKeyValue::with_description(cookie::NAME, about));
        components.add_security_scheme("session", SecurityScheme::ApiKey(session));
    }
}

/// The document (OpenAPI 3.1).
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document
}

/// The document as a page, under `/api/docs`. It lives at the console's origin, and under the console's policy.
pub fn page<S: Clone + Send + Sync + 'static>() -> axum::Router<S> {
    let config = Config::from("/api/openapi.json").validator_url("none").use_base_layout();
    let page: axum::Router<S> = SwaggerUi::new("/api/docs").config(config).into();
    let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    page.layer(SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, policy))
}
