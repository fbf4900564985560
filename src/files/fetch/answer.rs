//! Classifies a server's answer: the file, a redirect, or an error.

use reqwest::{
    Response, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION},
};

use super::{FetchError, passing, refused};

/// An answer that leads on.
pub(super) enum Answer {
    /// Its body is the file.
    File(Response),
    /// The file is there.
    Elsewhere(String),
}

/// Codings whose bytes are not the file's.
const COMPRESSED: [&str; 8] = ["gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress", "dcb"];
const WEB_PAGES: [&str; 2] = ["text/html", "application/xhtml+xml"];

/// `mime_type` is what the file should be.
pub(super) fn judge(response: Response, mime_type: &str) -> Result<Answer, FetchError> {
    let (status, headers) = (response.status(), response.headers());
    match status.as_u16() {
        200 => {}
        301 | 302 | 303 | 307 | 308 => return onward(headers),
        400 | 401 | 403 | 404 | 410 => {
            return Err(FetchError::Expired(format!(
                "the file's server no longer serves it ({}): its address may have expired",
                told(status)
            )));
        }
        408 | 425 | 429 | 500.. => {
            return Err(passing(&format!("the file's server has an error ({})", told(status))));
        }
        // Nothing, a part that nobody asked for, or what is still in the making.
        201..=299 => {
            return Err(passing(&format!("the file's server answered without the file ({})", told(status))));
        }
        _ => return Err(refused(&format!("the file's server does not serve it ({})", told(status)))),
    }
    if is_web_page(headers, mime_type) {
        return Err(refused("the file's server answered with a web page instead of the file"));
    }
    if is_compressed(headers) {
        return Err(refused("the file's server sent it compressed without being asked"));
    }
    Ok(Answer::File(response))
}

fn onward(headers: &HeaderMap) -> Result<Answer, FetchError> {
    match headers.get(LOCATION).map(|location| std::str::from_utf8(location.as_bytes())) {
        Some(Ok(location)) => Ok(Answer::Elsewhere(location.to_owned())),
        _ => Err(refused("the file's server redirects to an invalid URL")),
    }
}

/// An error or sign-in page is not the file, whatever its status says.
fn is_web_page(headers: &HeaderMap, mime_type: &str) -> bool {
    let answered = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    is_html(answered) && !is_html(mime_type)
}

fn is_html(mime_type: &str) -> bool {
    let essence = mime_type.split(';').next().unwrap_or_default().trim();
    WEB_PAGES.iter().any(|page| essence.eq_ignore_ascii_case(page))
}

fn is_compressed(headers: &HeaderMap) -> bool {
    let words = words(headers, CONTENT_ENCODING);
    words.iter().any(|word| COMPRESSED.iter().any(|coding| word.eq_ignore_ascii_case(coding)))
}

fn words(headers: &HeaderMap, name: HeaderName) -> Vec<&str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).collect()
}

/// A status as people know it: `403 Forbidden`. Not the server's own words.
fn told(status: StatusCode) -> String {
    status
        .canonical_reason()
        .map_or_else(|| status.as_u16().to_string(), |why| format!("{} {why}", status.as_u16()))
}
