//! Whose page makes a request. A browser sends our cookie along whoever asks for it; it also says who asks.

use axum::http::{HeaderMap, StatusCode, header};

use super::problem::Problem;

const FETCH_SITE: &str = "sec-fetch-site";

/// Refuses what a cookie proves and another page may have asked for, or something that doesn't say who asks.
///
/// # Errors
/// 403.
pub fn require_our_page(headers: &HeaderMap) -> Result<(), Problem> {
    if is_ours(headers) == Some(true) { Ok(()) } else { Err(foreign()) }
}

/// Refuses what another page asks for. What says nothing is no browser.
///
/// # Errors
/// 403.
pub fn refuse_other_pages(headers: &HeaderMap) -> Result<(), Problem> {
    if is_ours(headers) == Some(false) { Err(foreign()) } else { Ok(()) }
}

/// Refuses what any page of any browser asks for.
///
/// # Errors
/// 403.
pub fn refuse_pages(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(FETCH_SITE) || headers.contains_key(header::ORIGIN) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this endpoint is for Ada, not for web pages"));
    }
    Ok(())
}

fn foreign() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "a request with a session cookie must come from the console's own page",
    )
}

/// `None` if the request doesn't say.
fn is_ours(headers: &HeaderMap) -> Option<bool> {
    if let Some(site) = headers.get(FETCH_SITE) {
        return Some(site == "same-origin");
    }
    let origin = headers.get(header::ORIGIN)?.to_str().unwrap_or_default();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    // Whether there is TLS in front of us we can't see.
    let of = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    Some(!host.is_empty() && of.is_some_and(|of| of.eq_ignore_ascii_case(host)))
}
