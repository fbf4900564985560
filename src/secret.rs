//! A text that must not be seen.

use std::{fmt, fmt::Write as _};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The system can't make secrets.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system has no randomness")]
pub struct NoRandomness;

/// A key, signing secret or token. Prints as `***`, so that no log line and no error can show it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text` as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A new one of 256 bits, in hex.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(bytes.iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })))
    }

    /// The text itself, for the one place that sends or checks it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `candidate` is this secret, in a time that tells neither its characters nor its length.
    pub fn matches(&self, candidate: &str) -> bool {
        // Digests are of one length, so comparing them takes one time, however long the two texts are.
        Sha256::digest(&self.0).ct_eq(&Sha256::digest(candidate)).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_stars_and_matches_itself_alone() {
        let secret = Secret::new("correct horse");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.clone().expose(), "correct horse");
        assert!(secret.matches("correct horse"));
        for other in ["", "correct hors", "correct horse ", "correct horsf"] {
            assert!(!secret.matches(other), "{other:?}");
        }
    }
}
