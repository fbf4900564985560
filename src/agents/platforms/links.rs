//! Signed links to files: each for one file, one platform, and a time.

use std::{fmt::Write as _, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::Url;

use crate::{
    relay::{
        id::{HandoffId, PlatformId, RowId},
        time::Time,
    },
    secret::Secret,
};

/// How long a link is valid. The agent API gives new ones.
pub const VALID_FOR: Duration = Duration::from_hours(7 * 24);

/// What a link says beside its path.
#[derive(Clone, Debug)]
pub struct LinkClaim {
    /// Unix seconds.
    pub expires: i64,
    /// In hex.
    pub signature: String,
}

/// Makes and checks the links of one platform.
pub struct FileLinks {
    public_url: Url,
    platform: PlatformId,
    /// The first one signs, each is valid.
    keys: Vec<Vec<u8>>,
}

impl FileLinks {
    /// Links that begin with `public_url`, signed with the first of the platform's keys.
    pub const fn new(public_url: Url, platform: PlatformId, keys: Vec<Vec<u8>>) -> Self {
        Self { public_url, platform, keys }
    }

    /// Where the outside reaches the relay.
    pub const fn public_url(&self) -> &Url {
        &self.public_url
    }

    /// A link to a row's file, valid from `now` on.
    pub fn url(&self, handoff: &str, row: &str, now: Time) -> String {
        let expires = (now + VALID_FOR).second();
        let mut signature = String::new();
        if let Some(mac) = self.keys.first().and_then(|key| self.mac(key, handoff, row, expires)) {
            for byte in mac.finalize().into_bytes() {
                let _ = write!(signature, "{byte:02x}");
            }
        }
        let (public, platform) = (self.public_url.as_str().trim_end_matches('/'), &self.platform);
        format!("{public}/platform/files/{platform}/{handoff}/{row}?expires={expires}&signature={signature}")
    }

    /// Whether a link is one of ours and still valid.
    pub fn is_valid(&self, handoff: &HandoffId, row: &RowId, claim: &LinkClaim, now: Time) -> bool {
        let Some(given) = hex(&claim.signature) else { return false };
        let (handoff, row) = (handoff.as_str(), row.as_str());
        let is_signed = |key: &Vec<u8>| {
            let mac = self.mac(key, handoff, row, claim.expires);
            mac.is_some_and(|mac| mac.verify_slice(&given).is_ok())
        };
        now.second() < claim.expires && self.keys.iter().any(is_signed)
    }

    fn mac(&self, key: &[u8], handoff: &str, row: &str, expires: i64) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        // No event begins like this, so a signature of one is never that of the other.
        mac.update(format!("file link\n{}\n{handoff}\n{row}\n{expires}", self.platform).as_bytes());
        Some(mac)
    }
}

/// Keys for the links of a platform that has no secret of its own to sign with: one of each secret of Ada's webhooks, so
/// that links stay valid while one secret replaces another. No webhook is signed like this.
pub fn derived_keys(secrets: &[Secret]) -> Vec<Vec<u8>> {
    let key = |secret: &Secret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?;
        mac.update(b"handoff-relay: key of file links");
        Some(mac.finalize().into_bytes().to_vec())
    };
    secrets.iter().filter_map(key).collect()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || text.len() != 64 {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn links(platform: &str, keys: &[&[u8]]) -> FileLinks {
        let keys = keys.iter().map(|key| key.to_vec()).collect();
        FileLinks::new("https://relay.example".parse().unwrap(), platform.into(), keys)
    }

    fn claim(url: &str) -> LinkClaim {
        let url = Url::parse(url).unwrap();
        let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        LinkClaim { expires: value("expires").parse().unwrap(), signature: value("signature") }
    }

    #[test]
    fn a_link_is_for_one_file_one_platform_and_a_week() {
        let now = Time::from_millis(1_790_000_000_000);
        let own = links("webhook", &[b"key of the platform"]);
        let url = own.url("h", "r", now);
        assert!(
            url.starts_with("https://relay.example/platform/files/webhook/h/r?expires=1790604800&"),
            "{url}"
        );
        let claim = claim(&url);
        assert!(own.is_valid(&"h".into(), &"r".into(), &claim, now));
        assert!(!own.is_valid(&"h".into(), &"s".into(), &claim, now));
        assert!(!own.is_valid(&"i".into(), &"r".into(), &claim, now));
        assert!(!own.is_valid(&"h".into(), &"r".into(), &claim, now + VALID_FOR));
        let longer = LinkClaim { expires: claim.expires + 1, ..claim.clone() };
        assert!(!own.is_valid(&"h".into(), &"r".into(), &longer, now));
        for other in [links("webhook-2", &[b"key of the platform"]), links("webhook", &[b"another key"])] {
            assert!(!other.is_valid(&"h".into(), &"r".into(), &claim, now));
        }
        let rotated = links("webhook", &[b"another key", b"key of the platform"]);
        assert!(rotated.is_valid(&"h".into(), &"r".into(), &claim, now));
        for signature in ["", "00", &"ä".repeat(32), &"zz".repeat(32)] {
            let wrong = LinkClaim { signature: signature.to_owned(), ..claim.clone() };
            assert!(!own.is_valid(&"h".into(), &"r".into(), &wrong, now), "{signature}");
        }
    }
}
