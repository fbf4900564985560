//! The console's cookie.

use std::{net::SocketAddr, time::Duration};

use axum::http::{HeaderMap, HeaderValue, header};

use crate::secret::Secret;

/// The name where TLS is certain or at least wanted: browsers take it only with `Secure`, for the whole host.
pub const NAME: &str = "__Host-handoff-relay";
/// The name on this machine's own addresses, where there is no TLS.
const LOOPBACK_NAME: &str = "handoff-relay";

/// How sessions are proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionCookie {
    /// `__Host-` and `Secure`.
    Secure,
    /// Without both.
    Loopback,
}

impl SessionCookie {
    /// For a console at this address.
    pub fn at(address: SocketAddr) -> Self {
        if address.ip().to_canonical().is_loopback() { Self::Loopback } else { Self::Secure }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Secure => NAME,
            Self::Loopback => LOOPBACK_NAME,
        }
    }

    /// The secret that a request carries.
    pub fn of(self, headers: &HeaderMap) -> Option<&str> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies = cookies.flat_map(|value| value.split(';')).filter_map(|one| one.split_once('='));
        cookies.find(|(name, _)| name.trim() == self.name()).map(|(_, secret)| secret.trim())
    }

    /// `Set-Cookie` for a new session, which browsers keep for `max_age`.
    pub fn set(self, secret: &Secret, max_age: Duration) -> Option<HeaderValue> {
        self.header(secret.expose(), max_age.as_secs())
    }

    /// `Set-Cookie` that has it forgotten.
    pub fn clear(self) -> Option<HeaderValue> {
        self.header("", 0)
    }

    fn header(self, secret: &str, max_age: u64) -> Option<HeaderValue> {
        let secure = if self == Self::Secure { "; Secure" } else { "" };
        let name = self.name();
        let text = format!("{name}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age}{secure}");
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}
