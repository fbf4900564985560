//! A page of a list: `limit` entries, and a link to those that follow.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::ApiError;

/// The largest page, and the default.
const MOST: usize = 100;

pub(super) struct Page {
    pub(super) start: usize,
    limit: usize,
}

impl Page {
    pub(super) fn of(query: &str) -> Result<Self, ApiError> {
        let mut page = Self { start: 0, limit: MOST };
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                    page.limit = limit.ok_or_else(|| ApiError::invalid("limit", "From 1 to 100"))?;
                }
                "cursor" => {
                    page.start =
                        position(value).ok_or_else(|| ApiError::invalid("cursor", "Not a cursor of ours"))?;
                }
                _ => {}
            }
        }
        Ok(page)
    }

    /// Its entries, and whether more follow.
    pub(super) fn entries<T: Clone>(&self, list: &[T]) -> (Vec<T>, bool) {
        let rest = list.iter().skip(self.start);
        let more = rest.len() > self.limit;
        (rest.take(self.limit).cloned().collect(), more)
    }

    /// The link to the page after it, for the list at `url`.
    pub(super) fn next_url(&self, url: &str) -> String {
        let cursor = URL_SAFE_NO_PAD.encode(format!("after:{}", self.start + self.limit));
        format!("{url}?limit={}&cursor={cursor}", self.limit)
    }
}

fn position(cursor: &str) -> Option<usize> {
    let decoded = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    decoded.strip_prefix("after:")?.parse().ok()
}
