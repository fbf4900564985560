//! The certificates with which SNS signs. What makes one trustworthy is that it comes, over TLS, from SNS's own host.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Mutex as Line, time::timeout};
use x509_parser::{certificate::X509Certificate, pem::parse_x509_pem, public_key::PublicKey};

use crate::{
    agents::platforms::amazon_connect::aws::{CallError, ErrorKind, Http, Operation, Sent},
    relay::time::Time,
};

/// Fetched within this time.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// The most bytes of one.
const MOST: usize = 16 << 10;
/// How many are kept.
const KEPT: usize = 16;
/// How long a failure is kept, and one that may pass: SNS tries again after 20 s.
const FAILURE_KEPT: Duration = Duration::from_secs(30);
const PASSING_KEPT: Duration = Duration::from_secs(2);
/// So many unknown ones are fetched within [`FAILURE_KEPT`]: forged notifications can invent any number of names.
const FETCHES: usize = 8;
const NAME: &str = "sns.amazonaws.com";
const FETCH: Operation = Operation { name: "the certificate of SNS", sent: Sent::Unsigned };

/// Whether a URL is one of a certificate of SNS: `https://sns.REGION.amazonaws.com/SimpleNotificationService-HEX.pem`,
/// in the region of the topic. With `endpoint`, it must begin with that instead.
pub(super) fn may_be_fetched(url: &str, topic_arn: &str, endpoint: Option<&str>) -> bool {
    let rest = match endpoint {
        Some(endpoint) => url.strip_prefix(endpoint),
        None => topic_arn.split(':').nth(3).and_then(|region| {
            let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
            let rest = url.strip_prefix(&format!("https://sns.{region}.amazonaws.com{suffix}"))?;
            Some(rest.strip_prefix(":443").unwrap_or(rest))
        }),
    };
    let name = rest.and_then(|path| path.strip_prefix("/SimpleNotificationService-")?.strip_suffix(".pem"));
    name.is_some_and(|name| {
        (1..=128).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// What a certificate says.
pub(super) struct Certificate {
    pub(super) not_before: Time,
    pub(super) not_after: Time,
    /// An `RSAPublicKey` in DER.
    pub(super) key: Vec<u8>,
}

/// Why there is none.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// There is no such certificate, or it is none.
    Bad(&'static str),
    /// It can't be fetched now.
    Passing(String),
}

type Outcome = Result<Arc<Certificate>, Failure>;

/// A URL's certificate, once it was fetched. Those who need it while it is fetched wait for it.
#[derive(Default)]
struct Slot {
    line: Line<Option<(Time, Outcome)>>,
}

/// The certificates that are known, by URL.
pub(super) struct Certificates {
    http: Http,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The oldest first.
    slots: Vec<(String, Arc<Slot>)>,
    /// When the last of them were fetched.
    fetches: Vec<Time>,
}

impl Certificates {
    pub(super) fn new(http: Http) -> Self {
        Self { http, known: Mutex::default() }
    }

    /// The certificate at a URL that may be fetched.
    pub(super) async fn get(&self, url: &str, now: Time) -> Outcome {
        let slot = self.slot(url);
        let mut line = slot.line.lock().await;
        if let Some((at, outcome)) = &*line
            && now.since(*at) < kept_for(outcome)
        {
            return outcome.clone();
        }
        if !self.may_fetch(now) {
            return Err(Failure::Passing("too many unknown certificates were asked for".to_owned()));
        }
        let outcome = self.fetch(url, now).await.map(Arc::new);
        *line = Some((now, outcome.clone()));
        outcome
    }

    fn slot(&self, url: &str) -> Arc<Slot> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slot)) = known.slots.iter().find(|(known, _)| known == url) {
            return Arc::clone(slot);
        }
        if known.slots.len() >= KEPT {
            // Not one that serves, if that can be helped: names that don't exist must not drive it out.
            let has_failed =
                |slot: &Slot| slot.line.try_lock().is_ok_and(|line| !matches!(*line, Some((_, Ok(_)))));
            let oldest = known.slots.iter().position(|(_, slot)| has_failed(slot)).unwrap_or(0);
            known.slots.remove(oldest);
        }
        let slot = Arc::<Slot>::default();
        known.slots.push((url.to_owned(), Arc::clone(&slot)));
        slot
    }

    fn may_fetch(&self, now: Time) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.fetches.retain(|at| now.since(*at) < FAILURE_KEPT);
        let may = known.fetches.len() < FETCHES;
        if may {
            known.fetches.push(now);
        }
        may
    }

    async fn fetch(&self, url: &str, now: Time) -> Result<Certificate, Failure> {
        let passing = |error: &dyn std::fmt::Display| Failure::Passing(error.to_string());
        let request =
            self.http.client().get(url).build().map_err(|_| Failure::Bad("its certificate has no URL"))?;
        let answer = match timeout(TIME_LIMIT, self.http.call(FETCH, request, now)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if is_final(&error) => return Err(Failure::Bad("its certificate does not exist")),
            Ok(Err(error)) => return Err(passing(&error)),
            Err(_) => return Err(passing(&"SNS did not send the certificate within 5 s")),
        };
        if answer.body.len() > MOST {
            return Err(Failure::Bad("its certificate is too large"));
        }
        certificate(&answer.body)
    }
}

/// Whether SNS says that there is no such certificate. A redirect leads away from it, and is not followed.
fn kept_for(outcome: &Outcome) -> Duration {
    match outcome {
        Ok(_) => Duration::MAX,
        Err(Failure::Bad(_)) => FAILURE_KEPT,
        Err(Failure::Passing(_)) => PASSING_KEPT,
    }
}

fn is_final(error: &CallError) -> bool {
    let is_redirect = error.status.is_some_and(|status| (300..400).contains(&status));
    is_redirect || matches!(error.kind, ErrorKind::Gone | ErrorKind::Denied)
}

fn certificate(pem: &[u8]) -> Result<Certificate, Failure> {
    let (_, pem) = parse_x509_pem(pem).map_err(|_| Failure::Bad("its certificate is not PEM"))?;
    let is_whole = pem.label == "CERTIFICATE";
    let parsed = is_whole.then(|| pem.parse_x509().ok()).flatten();
    let parsed = parsed.ok_or(Failure::Bad("its certificate can't be read"))?;
    if !matches!(parsed.public_key().parsed(), Ok(PublicKey::RSA(_))) {
        return Err(Failure::Bad("its certificate has no RSA key"));
    }
    if !is_named(&parsed) {
        tracing::warn!("a certificate of SNS is not issued to {NAME}");
    }
    let time = |at: &x509_parser::time::ASN1Time| Time::from_millis(at.timestamp().saturating_mul(1_000));
    Ok(Certificate {
        not_before: time(&parsed.validity().not_before),
        not_after: time(&parsed.validity().not_after),
        key: parsed.public_key().subject_public_key.data.to_vec(),
    })
}

/// All that were seen are, but AWS promises it nowhere.
fn is_named(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().iter_common_name().any(|name| name.as_str() == Ok(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_where_the_topic_is() {
        let topic = "arn:aws:sns:us-east-1:123456789012:chat";
        let china = "arn:aws-cn:sns:cn-north-1:123456789012:chat";
        let name = "SimpleNotificationService-0123456789abcdef.pem";
        let own = "https://sns.us-east-1.amazonaws.com";
        for (url, topic) in [
            (format!("{own}/{name}"), topic),
            (format!("{own}:443/{name}"), topic),
            (format!("https://sns.cn-north-1.amazonaws.com.cn/{name}"), china),
        ] {
            assert!(may_be_fetched(&url, topic, None), "{url}");
            assert!(!may_be_fetched(&url, topic, Some("http://127.0.0.1:1")), "{url}");
        }
        for url in [
            format!("http://sns.us-east-1.amazonaws.com/{name}"),
            format!("HTTPS://sns.us-east-1.amazonaws.com/{name}"),
            format!("https://sns.us-east-1.amazonaws.com.evil.example/{name}"),
            format!("https://sns.us-east-1.amazonaws.com@evil.example/{name}"),
            format!("https://evil.example@sns.us-east-1.amazonaws.com/{name}"),
            format!("https://user:pw@sns.us-east-1.amazonaws.com/{name}"),
            format!("https://sns.us-east-1.amazonaws.com:8443/{name}"),
            format!("https://sns.us-east-1.amazonaws.com:4430/{name}"),
            format!("https://sns.us-east-1.amazonaws.com./{name}"),
            format!("https://sns.us-west-2.amazonaws.com/{name}"),
            format!("https://sns.cn-north-1.amazonaws.com.cn/{name}"),
            format!("https://sns-us-east-1.amazonaws.com/{name}"),
            format!("https://s3.us-east-1.amazonaws.com/{name}"),
            format!("https://xsns.us-east-1.amazonaws.com/{name}"),
            format!("https://sns.us-east-1.amazonaws.org/{name}"),
            format!("//sns.us-east-1.amazonaws.com/{name}"),
            format!(" {own}/{name}"),
            format!("{own}/{name}?a"),
            format!("{own}/{name}#a"),
            format!("{own}/{name}\n"),
            format!("{own}//{name}"),
            format!("{own}/a/../{name}"),
            format!("{own}/SimpleNotificationService-../a.pem"),
            format!("{own}/SimpleNotificationService-%61.pem"),
            format!("{own}/SimpleNotificationService-.pem"),
            format!("{own}/SimpleNotificationService-abc.pem.txt"),
            format!("{own}/other.pem"),
            format!("{own}/"),
            own.to_owned(),
            String::new(),
        ] {
            assert!(!may_be_fetched(&url, topic, None), "{url}");
        }
        let local = "http://127.0.0.1:4010";
        assert!(may_be_fetched(&format!("{local}/{name}"), topic, Some(local)));
        assert!(!may_be_fetched(&format!("{local}0/{name}"), topic, Some(local)));
        assert!(!may_be_fetched(&format!("{local}@evil.example/{name}"), topic, Some(local)));
    }
}
