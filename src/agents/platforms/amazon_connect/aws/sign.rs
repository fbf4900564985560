//! Signature Version 4 of a request.
//! Source: the IAM User Guide, "Create a signed AWS API request".

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use reqwest::{
    Request,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};

use super::credentials::Keys;
use crate::relay::time::Time;

/// A service whose calls are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Amazon Connect.
    Connect,
    /// Simple Notification Service.
    Sns,
    /// Security Token Service.
    Sts,
}

impl Service {
    /// What signatures and IAM actions call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Sns => "sns",
            Self::Sts => "sts",
        }
    }
}

/// The request can't be signed: its headers or keys hold what no header may.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the request can't be signed")]
pub(crate) struct Unsigned;

impl Unsigned {
    fn because<E: fmt::Debug>(_: E) -> Self {
        // The reason may repeat keys.
        Self
    }
}

/// Adds `x-amz-date`, with temporary keys `x-amz-security-token`, and `authorization`. The body must be in memory. The
/// content type and the host, with its port unless that is the scheme's own, are signed, too.
///
/// # Errors
/// Keys or headers are no text for a header.
pub(crate) fn sign_request(
    request: &mut Request,
    service: Service,
    region: &str,
    keys: &Keys,
    now: Time,
) -> Result<(), Unsigned> {
    let identity = Credentials::new(
        &keys.access_key_id,
        keys.secret_access_key.expose(),
        keys.session_token.as_ref().map(|token| token.expose().to_owned()),
        None,
        "handoff-relay",
    )
    .into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service.name())
        .time(SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(now.as_micros()).unwrap_or(0)))
        .settings(SigningSettings::default())
        .build()
        .map_err(Unsigned::because)?
        .into();
    let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::to_str).transpose();
    let headers = content_type.map_err(Unsigned::because)?.map(|value| (CONTENT_TYPE.as_str(), value));
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.url().as_str(),
        headers.into_iter(),
        SignableBody::Bytes(body),
    );
    let signed = sign(signable.map_err(Unsigned::because)?, &params).map_err(Unsigned::because)?;
    let (instructions, _) = signed.into_parts();
    let (added, _) = instructions.into_parts();
    for header in added {
        let name = HeaderName::from_static(header.name());
        let mut value = HeaderValue::from_str(header.value()).map_err(Unsigned::because)?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use reqwest::{Client, Method};
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::secret::Secret;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn keys(token: Option<&str>) -> Keys {
        Keys {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new(SECRET),
            session_token: token.map(Secret::new),
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn mac(key: &[u8], text: &str) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// The signature, computed step by step as the guide says.
    fn expected(head: &str, headers: &[(&str, &str)], body: &str, service: &str) -> String {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let canonical = format!("{head}\n\n{lines}\n{names}\n{}", hex(&Sha256::digest(body)));
        let scope = format!("20261121/us-east-1/{service}/aws4_request");
        let text =
            format!("AWS4-HMAC-SHA256\n20261121T100000Z\n{scope}\n{}", hex(&Sha256::digest(canonical)));
        let mut key = mac(format!("AWS4{SECRET}").as_bytes(), "20261121");
        for part in ["us-east-1", service, "aws4_request"] {
            key = mac(&key, part);
        }
        let signature = hex(&mac(&key, &text));
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={names}, Signature={signature}"
        )
    }

    #[test]
    fn it_signs_as_the_guide_says() {
        let now: Time = "2026-11-21T10:00:00Z".parse().unwrap();
        let client = Client::new();
        let json = r#"{"InstanceId":"1","Text":"ä"}"#;
        let put = |url: &str| {
            let request = client.request(Method::PUT, url).header(CONTENT_TYPE, "application/json");
            request.body(json).build().unwrap()
        };
        let date = ("x-amz-date", "20261121T100000Z");
        let kind = ("content-type", "application/json");
        let cases = [
            (
                put("https://connect.us-east-1.amazonaws.com/contact/chat"),
                "connect.us-east-1.amazonaws.com",
                None,
            ),
            (put("http://127.0.0.1:4010/contact/chat"), "127.0.0.1:4010", None),
            (put("https://vpce.example.com:443/contact/chat"), "vpce.example.com", Some("token")),
        ];
        for (mut request, host, token) in cases {
            sign_request(&mut request, Service::Connect, "us-east-1", &keys(token), now).unwrap();
            let mut headers = vec![kind, ("host", host), date];
            headers.extend(token.map(|token| ("x-amz-security-token", token)));
            let signed = request.headers()["authorization"].to_str().unwrap();
            assert_eq!(signed, expected("PUT\n/contact/chat", &headers, json, "connect"), "{host}");
            assert_eq!(request.headers()["x-amz-date"], date.1);
            assert_eq!(request.headers().contains_key("x-amz-security-token"), token.is_some());
            assert!(!format!("{:?}", request.headers()).contains("AKIDEXAMPLE"));
        }
        let mut get = client.get("https://connect.us-east-1.amazonaws.com/contacts/a/b").build().unwrap();
        sign_request(&mut get, Service::Connect, "us-east-1", &keys(None), now).unwrap();
        let headers = [("host", "connect.us-east-1.amazonaws.com"), date];
        let signed = get.headers()["authorization"].to_str().unwrap();
        assert_eq!(signed, expected("GET\n/contacts/a/b", &headers, "", "connect"));
    }
}
