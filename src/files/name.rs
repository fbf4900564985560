//! What files are called.

use axum::http::HeaderValue;

/// Makes a file name safe to store, show and send.
pub fn clean(name: &str) -> String {
    name.to_owned()
}

/// The `Content-Disposition` for a file of this name, shown in place or saved.
pub fn disposition(inline: bool, name: &str) -> HeaderValue {
    HeaderValue::from_static(if inline && !name.is_empty() { "inline" } else { "attachment" })
}
