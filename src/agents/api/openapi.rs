//! The API document, generated from the handlers, and the page that shows it, from embedded files.

use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{dead_letters, events, handoffs, messages};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "handoff-relay agent API",
        description = "What human agents see of conversations handed off by Ada, and what they do with them. \
            Errors are application/problem+json (RFC 9457)."
    ),
    paths(
        handoffs::list, handoffs::one, handoffs::accept, handoffs::release, handoffs::read, handoffs::end,
        handoffs::ledger,
        messages::list, messages::write, messages::retry, messages::drop, messages::transcript,
        events::stream, dead_letters::list, dead_letters::one, dead_letters::replay, dead_letters::drop
    ),
    modifiers(&BearerToken),
    security(("token" = []))
)]
struct Document;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token of AGENT_TOKENS"))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(token));
    }
}

/// The document (OpenAPI 3.1).
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document
}

/// The document as a page, under `/api/docs`.
pub fn page<S: Clone + Send + Sync + 'static>() -> axum::Router<S> {
    SwaggerUi::new("/api/docs").config(Config::from("/api/openapi.json").validator_url("none")).into()
}
