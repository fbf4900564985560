//! A shorter way to the same acceptance: HMAC-SHA256 with what the processor has for it. It accepts only what the svix
//! crate would; what it doesn't accept it says nothing about.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::TOLERANCE;

/// How long a digest is in base64.
const ENCODED: usize = 44;

/// Accepts signatures by one secret.
pub struct Shortcut(Hmac<Sha256>);

impl Shortcut {
    /// Of a secret as Svix writes it: base64, after `whsec_`.
    pub fn new(secret: &str) -> Option<Self> {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()?;
        Hmac::new_from_slice(&key).ok().map(Self)
    }

    /// Whether one of `signatures` is that of the body under this id at this time, which is within five minutes of
    /// `now_unix` (seconds since 1970).
    pub fn accepts(&self, id: &str, timestamp: &str, signatures: &str, body: &[u8], now_unix: u64) -> bool {
        let is_near = canonical(timestamp).is_some_and(|at| at.abs_diff(now_unix) <= TOLERANCE);
        if !is_near || std::str::from_utf8(body).is_err() {
            return false;
        }
        let mut mac = self.0.clone();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        let mut expected = [0; ENCODED];
        if STANDARD.encode_slice(mac.finalize().into_bytes(), &mut expected) != Ok(ENCODED) {
            return false;
        }
        let listed = signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
        listed.fold(false, |found, signature| found | bool::from(signature.as_bytes().ct_eq(&expected)))
    }
}

/// A time as the svix crate writes it again before it signs: other ways to write the same number are its to judge.
fn canonical(timestamp: &str) -> Option<u64> {
    let is_plain = timestamp.bytes().all(|byte| byte.is_ascii_digit()) && !timestamp.starts_with('0');
    if is_plain { timestamp.parse().ok() } else { None }
}
