//! What the headers of answers say about time.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::{Response, header};

use crate::relay::time::Time;

/// `Retry-After` beyond this is taken for a mistake.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// When the server says it answered.
pub fn date(response: &Response) -> Option<Time> {
    http_date(response.headers().get(header::DATE)?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<Time> {
    let stamp = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Time::from_micros(stamp.as_microsecond()))
}

/// Seconds, or a date (RFC 9110, 10.2.3).
pub fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let wait = match text.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => http_date(text)?.since(date(response)?),
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_dates_are_read() {
        let shown = |text| http_date(text).map(|time| time.to_string());
        assert_eq!(shown("Sat, 21 Nov 2026 05:38:29 GMT").as_deref(), Some("2026-11-21T05:38:29.000Z"));
        assert_eq!(shown("soon"), None);
    }
}
