//! Whether a request is signed by a key, computed here from the rules of Signature Version 4.

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::error::ApiError;
use super::signer::hex;

/// The most seconds between a signature's time and ours.
const SKEW_SECONDS: i64 = 300;

/// What a path's segments keep.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// What of a request is signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// The parts of the header `Authorization`.
pub(super) struct Claim<'a> {
    pub(super) key_id: &'a str,
    scope: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Claim<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Result<Self, ApiError> {
        let missing = || {
            ApiError::violation(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        };
        let value = headers.get("authorization").and_then(|value| value.to_str().ok()).ok_or_else(missing)?;
        let parts = value.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(missing)?;
        let part = |name: &str| {
            let found = parts.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
            found.ok_or_else(|| {
                refused("Authorization header requires Credential, SignedHeaders and Signature")
            })
        };
        let (key_id, scope) =
            part("Credential")?.split_once('/').ok_or_else(|| refused("The credential has no scope"))?;
        Ok(Self { key_id, scope, signed_headers: part("SignedHeaders")?, signature: part("Signature")? })
    }

    /// Refuses a signature that isn't the secret's, or not of this service, region and time.
    pub(super) fn verify(
        &self,
        request: &Signed<'_>,
        secret: &str,
        region: &str,
        service: &str,
    ) -> Result<(), ApiError> {
        let date = header(request.headers, "x-amz-date");
        check_time(date)?;
        let day = date.get(..8).unwrap_or_default();
        let scope = format!("{day}/{region}/{service}/aws4_request");
        if self.scope != scope {
            return Err(refused(&format!("Credential should be scoped to {scope}, not {}", self.scope)));
        }
        self.check_signed_headers(request.headers)?;
        let canonical = self.canonical(request);
        let to_sign =
            format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
        let key = [region, service, "aws4_request"]
            .into_iter()
            .fold(mac(format!("AWS4{secret}").as_bytes(), day), |key, part| mac(&key, part));
        if hex(&mac(&key, &to_sign)) != self.signature {
            return Err(refused(
                "The request signature we calculated does not match the signature you provided",
            ));
        }
        Ok(())
    }

    fn check_signed_headers(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let signed: Vec<_> = self.signed_headers.split(';').collect();
        if !signed.is_sorted() || !signed.contains(&"host") {
            return Err(refused("SignedHeaders must be sorted and hold host"));
        }
        let unsigned = headers
            .keys()
            .find(|name| name.as_str().starts_with("x-amz-") && !signed.contains(&name.as_str()));
        unsigned.map_or(Ok(()), |name| Err(refused(&format!("{name} is not signed"))))
    }

    fn canonical(&self, request: &Signed<'_>) -> String {
        let headers: String = self
            .signed_headers
            .split(';')
            .map(|name| {
                let value = header(request.headers, name).split_whitespace().collect::<Vec<_>>().join(" ");
                format!("{name}:{value}\n")
            })
            .collect();
        let mut query: Vec<_> = request.query.split('&').collect();
        query.sort_unstable();
        format!(
            "{}\n{}\n{}\n{headers}\n{}\n{}",
            request.method,
            // Segments are escaped once more than they were sent.
            utf8_percent_encode(request.path, ESCAPED),
            query.join("&"),
            self.signed_headers,
            hex(&Sha256::digest(request.body))
        )
    }
}

fn refused(message: &str) -> ApiError {
    ApiError::violation(403, "InvalidSignatureException", message)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn check_time(date: &str) -> Result<(), ApiError> {
    let wrong = || refused("x-amz-date must be a date like 20261121T100000Z");
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", date).map_err(|_| wrong())?;
    let time = time.to_zoned(TimeZone::UTC).map_err(|_| wrong())?.timestamp();
    let apart = Timestamp::now().as_second() - time.as_second();
    if apart.abs() > SKEW_SECONDS {
        return Err(refused(&format!("Signature expired: {date} is {apart} seconds away")));
    }
    Ok(())
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
