//! Presigned URLs: minted anew each time, good for a while, and telling nothing of the file they point to.
//! None is remembered: what a URL means stands in it, signed.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;
use uuid::Uuid;

use super::FileId;
use crate::message::StoredMessage;

/// As long as Ada's URLs are good.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
/// Where the door to the files is.
const PATH: &str = "/files/";

/// Mints URLs and knows its own again.
pub(crate) struct Links {
    key: [u8; 32],
    /// The number of the next URL.
    next: AtomicU64,
    /// URLs with lower numbers have expired before their time.
    first_good: AtomicU64,
    lifetime_ms: AtomicU64,
}

/// What a request's URL is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It may read this file.
    Good(FileId),
    /// It once could.
    Expired(FileId),
    /// It isn't one of ours.
    Forged,
}

impl Links {
    pub(crate) fn new() -> Self {
        let mut key = [0; 32];
        key[..16].copy_from_slice(Uuid::new_v4().as_bytes());
        key[16..].copy_from_slice(Uuid::new_v4().as_bytes());
        Self {
            key,
            next: AtomicU64::new(1),
            first_good: AtomicU64::new(0),
            lifetime_ms: AtomicU64::new(ms(WEEK)),
        }
    }

    /// How long the URLs from now on are good.
    pub(crate) fn set_lifetime(&self, lifetime: Duration) {
        self.lifetime_ms.store(ms(lifetime), Ordering::Relaxed);
    }

    /// Ends all URLs so far.
    pub(crate) fn expire(&self) {
        self.first_good.store(self.next.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// A new URL on an origin.
    fn mint(&self, origin: &str, file: FileId, now: Timestamp) -> String {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        // Masked: nobody learns from two URLs whether they point to one file.
        let token = format!("{number:016x}{:016x}", file ^ self.mask(number));
        let lifetime = i64::try_from(self.lifetime_ms.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        let expires = now.as_millisecond().saturating_add(lifetime);
        let signature = self.signature(&token, expires);
        format!("{origin}{PATH}{token}?X-Ada-Expires={expires}&X-Ada-Signature={signature}")
    }

    /// What the token and query of a URL allow.
    pub(crate) fn read(&self, token: &str, query: &str, now: Timestamp) -> Reading {
        self.reading(token, query, now).unwrap_or(Reading::Forged)
    }

    /// The file that a URL of ours points to or once did, wherever it says it is.
    pub(crate) fn file_of(&self, url: &str) -> Option<FileId> {
        let (token, query) = url.split_once(PATH)?.1.split_once('?')?;
        match self.read(token, query, Timestamp::now()) {
            Reading::Good(file) | Reading::Expired(file) => Some(file),
            Reading::Forged => None,
        }
    }

    fn reading(&self, token: &str, query: &str, now: Timestamp) -> Option<Reading> {
        let parameter = |name: &str| {
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|pair| pair.0 == name)
                .map(|pair| pair.1)
        };
        let expires: i64 = parameter("X-Ada-Expires")?.parse().ok()?;
        if parameter("X-Ada-Signature")? != self.signature(token, expires) {
            return None;
        }
        let (number, masked) = token.split_at_checked(16)?;
        let number = u64::from_str_radix(number, 16).ok()?;
        let file = u64::from_str_radix(masked, 16).ok()? ^ self.mask(number);
        let good = number >= self.first_good.load(Ordering::SeqCst) && now.as_millisecond() < expires;
        Some(if good { Reading::Good(file) } else { Reading::Expired(file) })
    }

    fn mask(&self, number: u64) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.hmac(&format!("mask.{number}"))[..8]);
        u64::from_be_bytes(first)
    }

    fn signature(&self, token: &str, expires: impl Display) -> String {
        self.hmac(&format!("url.{token}.{expires}")).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn hmac(&self, text: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// Mints URLs on one origin.
pub(crate) struct Minter<'a> {
    links: &'a Links,
    origin: String,
}

impl<'a> Minter<'a> {
    /// `origin` is like `http://127.0.0.1:8091`.
    pub(crate) fn new(links: &'a Links, origin: String) -> Self {
        Self { links, origin }
    }

    /// A new URL for a file.
    pub(crate) fn url(&self, file: FileId) -> String {
        self.links.mint(&self.origin, file, Timestamp::now())
    }

    /// The content of a message as it is shown outside.
    pub(crate) fn content(&self, message: &StoredMessage) -> Value {
        let mut content = message.content.clone();
        if let Some(file) = &message.file {
            content["url"] = self.url(file.id).into();
        }
        content
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn parts(url: &str) -> (String, String) {
        let (token, query) =
            url.strip_prefix("http://ada/files/").and_then(|url| url.split_once('?')).expect("a URL");
        (token.to_owned(), query.to_owned())
    }

    #[test]
    fn a_url_is_good_until_its_time_and_each_is_another() {
        let links = Links::new();
        links.set_lifetime(Duration::from_millis(5));
        let (one, other) = (links.mint("http://ada", 7, NOW), links.mint("http://ada", 7, NOW));
        let ((token, query), (other_token, _)) = (parts(&one), parts(&other));
        assert!(token[..16] != other_token[..16] && token[16..] != other_token[16..]);
        let at = |ms| Timestamp::from_millisecond(ms).expect("a time");
        assert_eq!(links.read(&token, &query, at(4)), Reading::Good(7));
        assert_eq!(links.read(&token, &query, at(5)), Reading::Expired(7));
        assert_eq!(links.file_of(&one), Some(7), "for a message it is good later too");
    }

    #[test]
    fn nothing_of_a_url_can_be_changed() {
        let links = Links::new();
        let (token, query) = parts(&links.mint("http://ada", 7, NOW));
        let longer = query.replacen("X-Ada-Expires=", "X-Ada-Expires=9", 1);
        let other = parts(&links.mint("http://ada", 8, NOW)).0;
        for (token, query) in [(&*token, &*longer), (&other, &query), (&token, ""), ("", &query)] {
            assert_eq!(links.read(token, query, NOW), Reading::Forged, "{token}?{query}");
        }
        assert_eq!(Links::new().read(&token, &query, NOW), Reading::Forged, "another Ada's");
    }

    #[test]
    fn all_urls_so_far_can_be_ended() {
        let links = Links::new();
        let (old, old_query) = parts(&links.mint("http://ada", 7, NOW));
        links.expire();
        let (new, new_query) = parts(&links.mint("http://ada", 7, NOW));
        assert_eq!(links.read(&old, &old_query, NOW), Reading::Expired(7));
        assert_eq!(links.read(&new, &new_query, NOW), Reading::Good(7));
    }
}
