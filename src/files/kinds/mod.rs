//! Which files Ada takes, by name and by content, and as what files are served.

use super::Spooled;

/// Why Ada wouldn't take a file. The sentence lists what it takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitType {
    /// The name's ending is none of the list.
    #[error("Ada takes no such file; it takes {allowed}", allowed = allowed())]
    Name,
    /// It is a program, whatever its name says.
    #[error("this is a program, whatever its name says; Ada takes {allowed}", allowed = allowed())]
    Program,
    /// The content is something else than the name says.
    #[error("the content is not what the name says; Ada takes {allowed}", allowed = allowed())]
    Content,
}

/// How a file is served to browsers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// For `Content-Type`.
    pub content_type: &'static str,
    /// Whether a page may show it in place. If not it is saved.
    pub inline: bool,
}

/// The type that Ada is told, if it takes this file: by the ending of its name, and by its content.
///
/// # Errors
/// It doesn't, and why.
pub fn check(filename: &str, file: &Spooled) -> Result<&'static str, UnfitType> {
    let _ = (filename, file);
    Ok("application/octet-stream")
}

/// Ada's list, for sentences: `TXT, LOG, CSV, ...`.
pub fn allowed() -> String {
    "TXT, LOG".to_owned()
}

/// As what a file is served that was said to be of `mime_type`.
pub fn served_as(mime_type: &str) -> Served {
    let _ = mime_type;
    Served { content_type: "application/octet-stream", inline: false }
}
