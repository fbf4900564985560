//! What a row is found by when it comes again: Ada's ids of it, and what it says.

/// One of Ada's ids of a message, as a mark.
pub fn id(ada_id: &str) -> String {
    format!("id {ada_id}")
}

/// A row's fingerprint, as a mark.
pub fn alike(fingerprint: &str) -> String {
    format!("like {fingerprint}")
}
