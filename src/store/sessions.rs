//! Signed-in consoles, as they are kept: without the secrets that prove them.

use std::{fmt::Write as _, time::Duration};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::relay::time::Time;

/// A session that nobody uses for so long is over.
pub const SESSION_IDLE: Duration = Duration::from_hours(12);
/// A session is over after this, used or not.
pub const SESSION_MAX: Duration = Duration::from_hours(7 * 24);
/// How long the code of a sign-in link is valid.
pub const CODE_GOOD_FOR: Duration = Duration::from_mins(10);
/// Of the sessions of one token only so many are kept, those used last.
pub const SESSIONS_PER_TOKEN: usize = 50;

/// What stands for a secret where the secret itself must not be: its SHA-256, in hex.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub(super) String);

impl Digest {
    /// Of a secret long enough that its digest can't be guessed back.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }))
    }

    /// A digest from its 64 hex digits, in any case; none if it is not one.
    pub fn of_hex(hex: &str) -> Option<Self> {
        let is_digest = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_digest.then(|| Self(hex.to_ascii_lowercase()))
    }

    /// Whether it is the same, in a time that does not tell how much of it.
    pub fn is(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Somebody is signed in with a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Of the cookie's secret.
    pub id: Digest,
    /// Of the token it was opened with: it ends with it.
    pub token: Digest,
    /// When it began.
    pub created_at: Time,
    /// When it was last used, to within a minute.
    pub used_at: Time,
}

impl Session {
    /// When it will be over unless it is used again.
    pub fn ends_at(&self) -> Time {
        (self.used_at + SESSION_IDLE).min(self.created_at + SESSION_MAX)
    }
}

/// A code of a sign-in link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInCode {
    /// Of the code itself.
    pub id: Digest,
    /// Of the token it stands for.
    pub token: Digest,
    /// When it was made.
    pub made_at: Time,
}

impl SignInCode {
    /// Whether it is still valid at `now`.
    pub fn is_good(&self, now: Time) -> bool {
        now.since(self.made_at) < CODE_GOOD_FOR
    }
}

/// What happens to sessions.
#[derive(Clone, Debug)]
pub enum SessionChange {
    /// One begins. Of those of its token that are too many, the longest unused go.
    Begin(Session),
    /// One was used.
    Used(Digest, Time),
    /// One ends, if it is there.
    End(Digest),
    /// All but those of these tokens end.
    KeepOf(Vec<Digest>),
}
