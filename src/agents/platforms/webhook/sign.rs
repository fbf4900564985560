//! Signatures as Standard Webhooks has them: HMAC-SHA256 over id, time and body, in base64 after `v1,`.
//! Source: the specification of Standard Webhooks, "Symmetric" signatures.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The key of a secret: what stands after `whsec_`, in base64. `None` if that is no base64.
pub fn key(secret: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()
}

/// The value of `webhook-signature`: one signature for each key, so that a receiver may know either while a secret is
/// rotated. `timestamp` is in Unix seconds.
pub fn signature(keys: &[Vec<u8>], id: &str, timestamp: i64, body: &[u8]) -> String {
    let of_key = |key: &Vec<u8>| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    };
    keys.iter().filter_map(of_key).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;

    /// The specification's example.
    #[test]
    fn it_signs_as_the_specification_does() {
        let keys = [key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()];
        let body = br#"{"test": 2432232314}"#;
        let signed = signature(&keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    /// Those of Svix and of Standard Webhooks itself.
    #[test]
    fn libraries_accept_it_under_either_secret_and_sign_alike() {
        let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];
        let keys = secrets.map(|secret| key(secret).unwrap());
        let now = jiff::Timestamp::now().as_second();
        for length in [0_usize, 1, 1_000] {
            let body = vec![b'x'; length];
            let mut headers = HeaderMap::new();
            let signed = signature(&keys, "event", now, &body);
            for (name, value) in [
                ("webhook-id", "event"),
                ("webhook-timestamp", &now.to_string()),
                ("webhook-signature", &signed),
            ] {
                headers.insert(name.parse::<axum::http::HeaderName>().unwrap(), value.parse().unwrap());
            }
            for secret in secrets {
                svix::webhooks::Webhook::new(secret).unwrap().verify(&body, &headers).unwrap();
                let standard = standardwebhooks::Webhook::new(secret).unwrap();
                standard.verify(&body, &headers).unwrap();
                let theirs = standard.sign("event", now, &body).unwrap();
                assert!(signed.split(' ').any(|ours| ours == theirs), "{signed}: {theirs}");
            }
            let other = svix::webhooks::Webhook::new("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
            other.verify(&body, &headers).unwrap_err();
        }
    }
}
