//! What can be wrong with the settings, in sentences that never hold a value.

use std::{fmt, io};

/// One thing that keeps the relay from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting it is about, or `.env` when it is the file.
    pub name: String,
    /// A whole sentence that names the setting and says what is wanted. Never a value.
    pub sentence: String,
}

/// Something that the operator should know, though the relay starts all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The setting it is about, or `.env` when it is the file.
    pub name: String,
    /// A whole sentence. Never a value.
    pub sentence: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// Everything that is wrong with the settings at once: never empty, one line each when shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError(pub Vec<Problem>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&problem.sentence)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

/// Why a file that settings need can't be read, for people.
pub(super) fn why_unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is not there".to_owned(),
        io::ErrorKind::PermissionDenied => "the relay has no permission".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        io::ErrorKind::NotADirectory => "a part of its path is no folder".to_owned(),
        io::ErrorKind::InvalidData => "it is not valid UTF-8".to_owned(),
        io::ErrorKind::FileTooLarge => "it is too large".to_owned(),
        other => other.to_string(),
    }
}
