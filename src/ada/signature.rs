//! Whether a webhook is Ada's. What comes out of [`Verifier::verify`] is; nothing else makes a
//! [`VerifiedWebhook`].
//!
//! Knows nothing of what a body means: it is verified as bytes, before anyone parses it.

mod shortcut;

use axum::http::{HeaderMap, HeaderName};
use bytes::Bytes;
use svix::webhooks::{Webhook, WebhookError};

use self::shortcut::Shortcut;
use crate::{relay::id::AiAgentId, secret::Secret};

/// How far a webhook's time may be from ours, in seconds: the svix crate's own limit.
const TOLERANCE: u64 = 5 * 60;
/// The longest webhook id that is taken, in bytes. Svix's own have about 30.
const ID_MAX: usize = 256;

// Two names for each header: Svix's own, and that of the Standard Webhooks specification.
const ID: [HeaderName; 2] = names("svix-id", "webhook-id");
const TIMESTAMP: [HeaderName; 2] = names("svix-timestamp", "webhook-timestamp");
const SIGNATURE: [HeaderName; 2] = names("svix-signature", "webhook-signature");

const fn names(svix: &'static str, standard: &'static str) -> [HeaderName; 2] {
    [HeaderName::from_static(svix), HeaderName::from_static(standard)]
}

/// Why a webhook was refused. To the caller all are the same 400 `Invalid signature`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.reason())]
pub enum SignatureError {
    /// There is no id, timestamp or signature: not a webhook at all.
    MissingHeaders,
    /// More than five minutes old or ahead: a replay, or a clock that is wrong.
    Stale,
    /// A header that can't be read, a body that isn't UTF-8, or a signature by none of the secrets.
    Invalid,
}

impl SignatureError {
    /// For whoever runs the relay.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::MissingHeaders => "a signature header is missing",
            Self::Stale => "the signature's timestamp is more than five minutes off",
            Self::Invalid => "the signature is invalid",
        }
    }
}

/// A secret that can't verify anything; which one, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("webhook secret number {0} is not base64")]
pub struct UnusableSecret(pub usize);

/// A webhook whose signature was checked.
#[derive(Clone, Debug)]
pub struct VerifiedWebhook {
    /// The id that was signed: 1 to 256 visible ASCII characters, the same for every delivery of an event.
    pub id: String,
    /// The bytes that were signed. UTF-8.
    pub body: Bytes,
    /// The AI Agent whose secret it was signed with.
    pub ai_agent: AiAgentId,
    /// Keeps the rest of the crate from making one.
    _verified: Verified,
}

#[derive(Clone, Debug)]
struct Verified;

/// Checks signatures against all of an AI Agent's secrets that are valid at present.
pub struct Verifier {
    ai_agent: AiAgentId,
    /// The judges, each with a shortcut to what it accepts.
    webhooks: Vec<(Option<Shortcut>, Webhook)>,
}

/// The headers of a webhook that say how it was signed. Proves nothing.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    headers: &'a HeaderMap,
    id: &'a str,
    timestamp: &'a str,
    signatures: &'a str,
}

impl<'a> Signed<'a> {
    /// Finds them.
    ///
    /// # Errors
    /// One is missing or can't be read, or the id is none.
    pub fn read(headers: &'a HeaderMap) -> Result<Self, SignatureError> {
        let id = header(headers, &ID)?;
        let timestamp = header(headers, &TIMESTAMP)?;
        let signatures = header(headers, &SIGNATURE)?;
        let is_id = (1..=ID_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        if is_id { Ok(Self { headers, id, timestamp, signatures }) } else { Err(SignatureError::Invalid) }
    }

    /// Whether the body is worth reading: they are of `now_unix` (seconds since 1970) give or take five minutes.
    ///
    /// # Errors
    /// What [`Verifier::verify`] would say of these headers.
    pub fn precheck(&self, now_unix: i64) -> Result<(), SignatureError> {
        let timestamp: i64 = self.timestamp.parse().map_err(|_| SignatureError::Invalid)?;
        if timestamp.abs_diff(now_unix) > TOLERANCE { Err(SignatureError::Stale) } else { Ok(()) }
    }
}

impl Verifier {
    /// A verifier that accepts a signature by any one of `secrets`, which are `ai_agent`'s; without any it refuses
    /// everything.
    ///
    /// # Errors
    /// The first secret that is empty or not base64 (after `whsec_`).
    pub fn new(ai_agent: AiAgentId, secrets: &[Secret]) -> Result<Self, UnusableSecret> {
        let webhooks = secrets.iter().enumerate().map(|(position, secret)| {
            let webhook = Webhook::new(secret.expose()).map_err(|_| UnusableSecret(position + 1))?;
            Ok((Shortcut::new(secret.expose()), webhook))
        });
        Ok(Self { ai_agent, webhooks: webhooks.collect::<Result<_, _>>()? })
    }

    /// Makes sure that `body` was signed with one of the secrets, within five minutes of the system clock.
    ///
    /// # Errors
    /// The webhook is not Ada's, is too old, or is damaged.
    pub fn verify(&self, signed: &Signed<'_>, body: Bytes) -> Result<VerifiedWebhook, SignatureError> {
        if !self.accepts_at_once(signed, &body) {
            self.judge(signed.headers, &body)?;
        }
        let (id, ai_agent) = (signed.id.to_owned(), self.ai_agent.clone());
        Ok(VerifiedWebhook { id, body, ai_agent, _verified: Verified })
    }

    /// Whether it is plain that the webhook is Ada's. The time is the system's, as it is for the svix crate.
    fn accepts_at_once(&self, signed: &Signed<'_>, body: &[u8]) -> bool {
        let Signed { id, timestamp, signatures, .. } = *signed;
        let Ok(now) = std::time::UNIX_EPOCH.elapsed() else { return false };
        let mut shortcuts = self.webhooks.iter().filter_map(|(shortcut, _)| shortcut.as_ref());
        shortcuts.any(|shortcut| shortcut.accepts(id, timestamp, signatures, body, now.as_secs()))
    }

    /// What the svix crate says.
    fn judge(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), SignatureError> {
        let mut refusal = SignatureError::Invalid;
        for (_, webhook) in &self.webhooks {
            match webhook.verify(body, headers) {
                Ok(()) => return Ok(()),
                Err(error) => refusal = why(&error),
            }
        }
        Err(refusal)
    }
}

/// The header's text, found as the svix crate finds it: what we take for the id must be what was signed.
fn header<'a>(headers: &'a HeaderMap, names: &[HeaderName; 2]) -> Result<&'a str, SignatureError> {
    let value = names.iter().find_map(|name| headers.get(name)).ok_or(SignatureError::MissingHeaders)?;
    value.to_str().map_err(|_| SignatureError::Invalid)
}

fn why(error: &WebhookError) -> SignatureError {
    match error {
        WebhookError::MissingHeader(_) => SignatureError::MissingHeaders,
        WebhookError::TimestampTooOldError | WebhookError::FutureTimestampError => SignatureError::Stale,
        _ => SignatureError::Invalid,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;
    use sha2::Sha256;

    use super::*;

    // Svix's published example.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const EXAMPLE_ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const EXAMPLE_TIME: i64 = 1_614_265_330;
    const EXAMPLE_BODY: &str = r#"{"test": 2432232314}"#;
    const EXAMPLE_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    fn now() -> i64 {
        i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap()
    }

    fn verifier(secrets: &[&str]) -> Verifier {
        Verifier::new(
            "acme.ada.support".into(),
            &secrets.iter().map(|secret| Secret::new(*secret)).collect::<Vec<_>>(),
        )
        .unwrap()
    }

    /// The signature by the specification, without the svix crate.
    fn sign(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> String {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    fn headers(family: &str, id: &str, timestamp: i64, signature: &str) -> HeaderMap {
        let timestamp = timestamp.to_string();
        [("id", id), ("timestamp", &timestamp), ("signature", signature)]
            .into_iter()
            .map(|(name, value)| {
                (format!("{family}-{name}").parse::<HeaderName>().unwrap(), value.parse().unwrap())
            })
            .collect()
    }

    fn signed(secret: &str, family: &str, body: &[u8]) -> HeaderMap {
        let now = now();
        headers(family, "msg_1", now, &sign(secret, "msg_1", now, body))
    }

    fn verify(
        verifier: &Verifier,
        headers: &HeaderMap,
        body: impl Into<Bytes>,
    ) -> Result<VerifiedWebhook, SignatureError> {
        verifier.verify(&Signed::read(headers)?, body.into())
    }

    fn precheck(headers: &HeaderMap, now_unix: i64) -> Result<(), SignatureError> {
        Signed::read(headers)?.precheck(now_unix)
    }

    fn refusal(verifier: &Verifier, headers: &HeaderMap, body: &'static [u8]) -> SignatureError {
        verify(verifier, headers, body).unwrap_err()
    }

    #[test]
    fn svix_published_example_is_valid_but_stale() {
        let headers = headers("svix", EXAMPLE_ID, EXAMPLE_TIME, EXAMPLE_SIGNATURE);
        let webhook = Webhook::new(SECRET).unwrap();
        webhook.verify_ignoring_timestamp(EXAMPLE_BODY.as_bytes(), &headers).unwrap();
        assert_eq!(sign(SECRET, EXAMPLE_ID, EXAMPLE_TIME, EXAMPLE_BODY.as_bytes()), EXAMPLE_SIGNATURE);

        let verifier = verifier(&[SECRET]);
        assert_eq!(refusal(&verifier, &headers, EXAMPLE_BODY.as_bytes()), SignatureError::Stale);
        assert_eq!(precheck(&headers, EXAMPLE_TIME), Ok(()));
        assert_eq!(precheck(&headers, now()), Err(SignatureError::Stale));
    }

    /// Signed content, and what can be wrong or odd about it.
    fn odd() -> impl Strategy<Value = (String, HeaderMap, Vec<u8>)> {
        let secrets =
            prop_oneof![Just(SECRET.to_owned()), Just(OTHER_SECRET.to_owned()), "[A-Za-z0-9+/]{32}"];
        let id = prop_oneof![4 => "[!-~]{1,40}", 1 => ".{0,8}"];
        let shift = prop_oneof![4 => -310..=310_i64, 1 => any::<i64>()];
        let written = 0..6_u8;
        let body = prop_oneof![4 => ".*".prop_map(String::into_bytes), 1 => any::<Vec<u8>>()];
        let signature = 0..8_u8;
        (secrets, id, shift, written, body, signature, any::<bool>()).prop_map(
            |(secret, id, shift, written, body, signature, branded)| {
                let timestamp = now().saturating_add(shift);
                let shown = match written {
                    0 => format!("+{timestamp}"),
                    1 => format!("0{timestamp}"),
                    2 => format!(" {timestamp}"),
                    _ => timestamp.to_string(),
                };
                let good =
                    sign(&format!("whsec_{}", secret.trim_start_matches("whsec_")), &id, timestamp, &body);
                let signature = match signature {
                    0 => good.replace("v1,", "v2,"),
                    1 => good.trim_end_matches('=').to_owned(),
                    2 => format!("v1,AAAA {good} v1a,x"),
                    3 => format!("{good}\t"),
                    4 => good.to_lowercase(),
                    5 => format!("{good},{good}"),
                    _ => good,
                };
                let family = if branded { "svix" } else { "webhook" };
                let values = [("id", id), ("timestamp", shown), ("signature", signature)];
                let headers = values.into_iter().filter_map(|(name, value)| {
                    Some((format!("{family}-{name}").parse::<HeaderName>().unwrap(), value.parse().ok()?))
                });
                (secret, headers.collect(), body)
            },
        )
    }

    proptest! {
        #[test]
        fn the_shortcut_accepts_what_the_svix_crate_accepts((secret, headers, body) in odd()) {
            let webhook = Webhook::new(&secret).unwrap();
            let with = |shortcut| Verifier {
                ai_agent: "acme.ada.support".into(),
                webhooks: vec![(shortcut, Webhook::new(&secret).unwrap())],
            };
            let taken = verify(&with(Shortcut::new(&secret)), &headers, body.clone()).is_ok();
            let alone = verify(&with(None), &headers, body.clone()).is_ok();
            prop_assert_eq!(taken, alone);
            // It speaks for whatever is written in the usual way: the crate is asked about the rest alone.
            let accepts = Signed::read(&headers)
                .is_ok_and(|signed| with(Shortcut::new(&secret)).accepts_at_once(&signed, &body));
            prop_assert!(!accepts || webhook.verify(&body, &headers).is_ok());
            let usual = header(&headers, &TIMESTAMP).is_ok_and(|time| time.parse::<u64>().is_ok_and(|at| at.to_string() == time));
            prop_assert!(!usual || accepts || !alone, "the shortcut missed it");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_hmac_by_hand(
            body in "\\PC{0,200}",
            id in "[!-~]{1,256}",
            standard in any::<bool>(),
            flip in any::<prop::sample::Index>(),
        ) {
            let family = if standard { "webhook" } else { "svix" };
            let verifier = verifier(&[SECRET]);
            let now = now();
            let by_hand = sign(SECRET, &id, now, body.as_bytes());
            let by_crate = Webhook::new(SECRET).unwrap().sign(&id, now, body.as_bytes()).unwrap();
            prop_assert_eq!(&by_hand, &by_crate);

            let headers = headers(family, &id, now, &by_hand);
            prop_assert_eq!(precheck(&headers, now), Ok(()));
            let verified = verify(&verifier, &headers, body.clone()).unwrap();
            prop_assert_eq!(&verified.id, &id);
            prop_assert_eq!(&verified.body[..], body.as_bytes());

            // The lowest bit keeps UTF-8 valid where it can, so that the signature is what refuses.
            let mut flipped = if body.is_empty() { b" ".to_vec() } else { body.into_bytes() };
            let position = flip.index(flipped.len());
            flipped[position] ^= 1;
            prop_assert_eq!(
                verify(&verifier, &headers, flipped).unwrap_err(),
                SignatureError::Invalid
            );
        }
    }

    #[test]
    fn any_secret_and_any_signature_will_do() {
        let both = verifier(&[SECRET, OTHER_SECRET]);
        for secret in [SECRET, OTHER_SECRET] {
            assert!(verify(&both, &signed(secret, "svix", b"{}"), "{}").is_ok());
        }
        let only = verifier(&[SECRET]);
        assert_eq!(refusal(&only, &signed(OTHER_SECRET, "svix", b"{}"), b"{}"), SignatureError::Invalid);

        let now = now();
        let two = [OTHER_SECRET, SECRET].map(|secret| sign(secret, "msg_1", now, b"{}")).join(" ");
        assert!(verify(&only, &headers("svix", "msg_1", now, &two), "{}").is_ok());
        assert_eq!(refusal(&verifier(&[]), &signed(SECRET, "svix", b"{}"), b"{}"), SignatureError::Invalid);
    }

    #[test]
    fn of_two_header_families_the_id_that_was_signed_counts() {
        let mut both = signed(SECRET, "svix", b"{}");
        both.insert("webhook-id", "msg_other".parse().unwrap());
        let verifier = verifier(&[SECRET]);
        assert_eq!(verify(&verifier, &both, "{}").unwrap().id, "msg_1");

        let mut both = signed(SECRET, "webhook", b"{}");
        both.insert("svix-id", "msg_other".parse().unwrap());
        assert_eq!(refusal(&verifier, &both, b"{}"), SignatureError::Invalid);
    }

    #[test]
    fn a_body_that_is_not_utf_8_is_refused() {
        let body = b"\xFF{}";
        assert_eq!(
            refusal(&verifier(&[SECRET]), &signed(SECRET, "svix", body), body),
            SignatureError::Invalid
        );
    }

    #[test]
    fn bad_headers_are_refused_before_and_after_reading() {
        let verifier = verifier(&[SECRET]);
        let good = signed(SECRET, "svix", b"{}");
        let with = |name: &'static str, value: &str| {
            let mut headers = good.clone();
            headers.insert(name, value.parse().unwrap());
            headers
        };
        let without = |name: &str| {
            let mut headers = good.clone();
            headers.remove(name);
            headers
        };
        for (headers, expected) in [
            (HeaderMap::new(), SignatureError::MissingHeaders),
            (without("svix-id"), SignatureError::MissingHeaders),
            (without("svix-timestamp"), SignatureError::MissingHeaders),
            (without("svix-signature"), SignatureError::MissingHeaders),
            (with("svix-id", ""), SignatureError::Invalid),
            (with("svix-id", "a b"), SignatureError::Invalid),
            (with("svix-id", &"i".repeat(257)), SignatureError::Invalid),
            (with("svix-signature", "é"), SignatureError::Invalid),
            (with("svix-timestamp", "soon"), SignatureError::Invalid),
            (with("svix-timestamp", &(now() - 310).to_string()), SignatureError::Stale),
            (with("svix-timestamp", &(now() + 310).to_string()), SignatureError::Stale),
        ] {
            assert_eq!(precheck(&headers, now()), Err(expected), "{headers:?}");
            assert_eq!(refusal(&verifier, &headers, b"{}"), expected, "{headers:?}");
        }
    }

    #[test]
    fn the_tolerance_is_five_minutes_either_way() {
        let headers = headers("svix", "msg_1", 1_000_000, "v1,x");
        for (now, expected) in [
            (1_000_300, Ok(())),
            (999_700, Ok(())),
            (1_000_301, Err(SignatureError::Stale)),
            (999_699, Err(SignatureError::Stale)),
            (i64::MIN, Err(SignatureError::Stale)),
        ] {
            assert_eq!(precheck(&headers, now), expected, "{now}");
        }
    }

    #[test]
    fn an_unusable_secret_is_named_by_number() {
        let secrets = [SECRET, "whsec_?"].map(Secret::new);
        assert_eq!(Verifier::new("acme.ada.support".into(), &secrets).err(), Some(UnusableSecret(2)));
        assert_eq!(
            Verifier::new("acme.ada.support".into(), &[Secret::new("whsec_")]).err(),
            Some(UnusableSecret(1))
        );
    }
}
