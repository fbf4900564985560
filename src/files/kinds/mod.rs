//! Which files Ada takes, by name and by content, and as what files are served.
//!
//! The ending of the name says which family a file belongs to: a picture, a sound, a film, a text, or documents of one
//! program. The content must be of that family. Within one the name may be wrong: phones and browsers save pictures of
//! one kind under the name of another all the time, all of a family are on Ada's list, and none of them runs. The type
//! is then the content's.
//!
//! To add one: a line in `list`, a look in `content` if no other does, and a sample in `tests/fixtures/files`.

mod content;
mod list;
mod served;
#[cfg(test)]
mod tests;

use super::SpooledFile;
use content::Look;
use list::KINDS;

pub use served::{Served, served_as};

/// Why Ada wouldn't take a file. The sentence lists what it takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitType {
    /// The name's ending is none of the list.
    #[error("Ada does not accept files of this type; it accepts {allowed}", allowed = allowed())]
    Name,
    /// It is a program, whatever its name says.
    #[error("this file is a program, not {said}, whatever its name says; Ada accepts {allowed}", allowed = allowed())]
    Program {
        /// What the name says, such as `PDF`.
        said: &'static str,
    },
    /// The content is something else than the name says.
    #[error("the content of this file is not {said}{found}; Ada accepts {allowed}", found = found(.looks_like), allowed = allowed())]
    Content {
        /// What the name says, such as `PDF`.
        said: &'static str,
        /// What the content looks like, as an ending in lower case, if that is known.
        looks_like: Option<&'static str>,
    },
}

fn found(looks_like: &Option<&'static str>) -> String {
    looks_like.map(|ending| format!(" (it looks like {ending})")).unwrap_or_default()
}

/// The type that Ada is told, if it takes this file: by the ending of its name, and by its content.
///
/// An empty file is a text and nothing else.
///
/// # Errors
/// It doesn't, and why.
pub fn check(filename: &str, file: &SpooledFile) -> Result<&'static str, UnfitType> {
    let ending = filename.trim_end().rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    let kind = KINDS.iter().find(|kind| kind.ending.eq_ignore_ascii_case(ending)).ok_or(UnfitType::Name)?;
    let look = Look::at(file);
    if let Some(mime_type) = (kind.fits)(&look) {
        return Ok(mime_type);
    }
    Err(match look.looks_like() {
        _ if look.is_program() => UnfitType::Program { said: kind.ending },
        looks_like => UnfitType::Content { said: kind.ending, looks_like },
    })
}

/// Ada's list, for sentences: `TXT, LOG, CSV, ...`.
pub fn allowed() -> String {
    KINDS.map(|kind| kind.ending).join(", ")
}
