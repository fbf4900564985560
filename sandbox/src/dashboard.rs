//! A page that stands for Ada's dashboard: what is set up, and the handoff's block.

use axum::Router;
use axum::routing::get;

use crate::Sandbox;
use crate::chat::asset;

/// The routes of the page.
pub(crate) fn router() -> Router<Sandbox> {
    let page = || asset("text/html; charset=utf-8", include_str!("../page/dashboard.html"));
    let css = || asset("text/css; charset=utf-8", include_str!("../page/dashboard.css"));
    let script = || asset("text/javascript; charset=utf-8", include_str!("../page/dashboard.js"));
    Router::new()
        .route("/dashboard", get(move || async move { page() }))
        .route("/dashboard/dashboard.css", get(move || async move { css() }))
        .route("/dashboard/dashboard.js", get(move || async move { script() }))
}
