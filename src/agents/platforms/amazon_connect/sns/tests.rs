//! Notifications that SNS has sent, and a table of those that it hasn't.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::Path,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{
    CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, SigningKey, date_time_ymd,
};
use serde_json::{Map, Value, json};

use super::*;

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:chat";
const OTHER_TOPIC: &str = "arn:aws:sns:us-east-1:999999999999:chat";
/// Made by OpenSSL, as are the two signatures.
const CERTIFICATE: &str = include_str!("tests/certificate.pem");
const OF_VERSION_1: &str = "iE54WuDN+Bgb2vdv5qRm2VdtYJsIv9zL1rH7nLnne66qPWIUf49jOAaeu/L+zVgYkETffSW50rOnkP0yZ4BkMOu6YS0xv/iz233YpHPV9bZ8wl2dQBDZfOPX1CiOUMt7fPG1AM9hlfVwK/JnqdCd5tiN5H6OY1Bp4uVQueXTqO/SBGTucmCQ8Awr8lPtcrt7eWS92qGkjeFnc5Ur3PIAj/ucUDKU2zNo9KcN1CFkCV6UZXqz8R7nSBlO6/xHE7eUq1PMkIHP2lotYOIXpac0pytkAxxPXHrYzoGQYctp+jFfujsm+NS+BQRiz19CY+wLf5IUj2ZXaA+YgdukWbE8VQ==";
const OF_VERSION_2: &str = "D7X+LgOoIdt2So7FaKMxi+bsRH3GnCpr35G7Cz9ucB34diIScHWLv6HKKfDECEoCISkNz/MQ0gIDPhLmwqzwbYg9ljUjb2uI2NxjpWzcILS4MPMn5zd2HNwRZdma5FhKygu3RqKw1T9gWbTkUjxvxBc0qfxwa0OoDPKVdNLbToFZcSqPtKxdN2EM0NQiJ6T9+EjPEss68S6OObuNv+rQJ2FdnCW7SR6ov6A0GbvTyNIZbkAbRSm+5xoQo4/9FnI28u8iyTwDOalA0sWcBsb1rdFJ+4zDk7H0W2zxWrqaG2rcsQW31H7pqlY9vn/mChKiXbAYIMu4ZMvIJM/h5wwysw==";

fn now() -> Time {
    "2026-11-21T10:00:01Z".parse().unwrap()
}

/// RSA keys take their time: SNS's, and somebody else's.
fn key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap())
}

fn other_key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap())
}

fn certificate_of(key: &KeyPair, years: (i32, i32)) -> String {
    let mut params = CertificateParams::new(vec!["sns.amazonaws.com".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "sns.amazonaws.com");
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params.self_signed(key).unwrap().pem()
}

/// What SNS's host has under `/SimpleNotificationService-NAME.pem`.
fn served(name: &str) -> Response {
    match name {
        "good" => certificate_of(key(), (2026, 2027)).into_response(),
        "openssl" => CERTIFICATE.into_response(),
        "expired" => certificate_of(key(), (2024, 2025)).into_response(),
        "early" => certificate_of(key(), (2027, 2028)).into_response(),
        "other" => certificate_of(other_key(), (2026, 2027)).into_response(),
        "elliptic" => {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
            certificate_of(&key, (2026, 2027)).into_response()
        }
        "large" => {
            format!("{}{}", certificate_of(key(), (2026, 2027)), "\n".repeat(17 << 10)).into_response()
        }
        "huge" => "x".repeat(2 << 20).into_response(),
        "text" => "no certificate".into_response(),
        "label" => certificate_of(key(), (2026, 2027)).replace("CERTIFICATE", "PUBLIC KEY").into_response(),
        "garbage" => "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into_response(),
        "empty" => "".into_response(),
        "moved" => {
            (StatusCode::FOUND, [(header::LOCATION, "/SimpleNotificationService-good.pem")]).into_response()
        }
        "denied" => StatusCode::FORBIDDEN.into_response(),
        "busy" => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// SNS's host: where it is, and how often it was asked.
struct Host {
    origin: String,
    count: Arc<AtomicUsize>,
}

impl Host {
    async fn start() -> Self {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let serve = move |Path(file): Path<String>| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move {
                let name = file
                    .strip_prefix("SimpleNotificationService-")
                    .and_then(|name| name.strip_suffix(".pem"));
                served(name.unwrap_or_default())
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().route("/{file}", get(serve));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { origin, count }
    }

    fn verifier(&self) -> Verifier {
        Verifier {
            topics: vec![TOPIC.to_owned(), TOPIC.replace("chat", "chat-2")],
            certificates: Certificates::new(Http::new().unwrap()),
            endpoint: Some(self.origin.clone()),
        }
    }

    fn fetches(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    fn post(&self, kind: &str) -> Post {
        let mut post = Post {
            origin: self.origin.clone(),
            headers: HeaderMap::new(),
            fields: fields(kind),
            raw: None,
            now: now(),
        };
        post.header("x-amz-sns-message-type", kind);
        post.certificate("good");
        post.sign(key());
        post
    }
}

fn fields(kind: &str) -> Map<String, Value> {
    let mut fields = json!({
        "Type": kind,
        "MessageId": "1-2-3",
        "TopicArn": TOPIC,
        "Message": "{\"Content\":\"Hi \u{1f600}\"}",
        "Timestamp": "2026-11-21T10:00:00.000Z",
        "SignatureVersion": "2",
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
    });
    if kind == "Notification" {
        fields["MessageAttributes"] = json!({ "MessageVisibility": { "Type": "String", "Value": "ALL" } });
    } else {
        fields["Token"] = json!("t0ken");
        fields["SubscribeURL"] = json!("https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription");
    }
    fields.as_object().unwrap().clone()
}

/// A request to the door.
struct Post {
    origin: String,
    headers: HeaderMap,
    fields: Map<String, Value>,
    raw: Option<Vec<u8>>,
    now: Time,
}

impl Post {
    fn header(&mut self, name: &'static str, value: &str) {
        self.headers.insert(HeaderName::from_static(name), value.parse().unwrap());
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    fn certificate(&mut self, name: &str) {
        let url = format!("{}/SimpleNotificationService-{name}.pem", self.origin);
        self.set("SigningCertURL", url);
    }

    /// As the guide says it, from the fields that are there.
    fn sign(&mut self, key: &KeyPair) {
        let names =
            ["Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type"];
        let lines =
            names.iter().filter_map(|name| Some(format!("{name}\n{}\n", self.fields.get(*name)?.as_str()?)));
        let signature = key.sign(lines.collect::<String>().as_bytes()).unwrap();
        self.set("Signature", STANDARD.encode(signature));
    }

    fn body(&self) -> Vec<u8> {
        self.raw.clone().unwrap_or_else(|| serde_json::to_vec(&self.fields).unwrap())
    }

    async fn verify(&self, verifier: &Verifier) -> Result<Verified, Rejected> {
        verifier.verify(&self.headers, &self.body(), self.now).await
    }
}

fn notification(visibility: Option<&str>) -> Verified {
    Verified::Notification {
        topic_arn: TOPIC.to_owned(),
        message_id: "1-2-3".to_owned(),
        message: "{\"Content\":\"Hi \u{1f600}\"}".to_owned(),
        visibility: visibility.map(str::to_owned),
    }
}

#[tokio::test]
async fn what_sns_signs_is_verified() {
    let host = Host::start().await;
    let verifier = host.verifier();
    let mut post = host.post("Notification");
    assert_eq!(post.verify(&verifier).await, Ok(notification(Some("ALL"))));
    // Not signed: it may be gone.
    post.fields.remove("MessageAttributes");
    assert_eq!(post.verify(&verifier).await, Ok(notification(None)));
    post.set("Subject", "Hi");
    post.sign(key());
    assert_eq!(post.verify(&verifier).await, Ok(notification(None)));
    post.set("Subject", Value::Null);
    post.sign(key());
    assert_eq!(post.verify(&verifier).await, Ok(notification(None)));
    // A retry, and a clock that is a little behind.
    for moved in ["2026-11-21T11:04:59Z", "2026-11-21T09:55:01Z"] {
        post.now = moved.parse().unwrap();
        assert_eq!(post.verify(&verifier).await, Ok(notification(None)));
    }
    let topic_arn = TOPIC.to_owned();
    let post = host.post("SubscriptionConfirmation");
    let confirmation = Verified::Confirmation { topic_arn: topic_arn.clone(), token: "t0ken".to_owned() };
    assert_eq!(post.verify(&verifier).await, Ok(confirmation));
    let post = host.post("UnsubscribeConfirmation");
    assert_eq!(post.verify(&verifier).await, Ok(Verified::Unsubscribed { topic_arn }));
    assert_eq!(host.fetches(), 1);
}

/// Both versions, signed by OpenSSL: string and escapes are SNS's.
#[tokio::test]
async fn signatures_of_others_are_verified() {
    let host = Host::start().await;
    let verifier = host.verifier();
    for (version, signature, is_valid) in [
        ("1", OF_VERSION_1, true),
        ("2", OF_VERSION_2, true),
        ("1", OF_VERSION_2, false),
        ("2", OF_VERSION_1, false),
    ] {
        let mut post = host.post("Notification");
        post.set("Message", "line \"one\"\nl\u{e4}st \u{1f600}");
        post.set("Subject", "Hi");
        post.set("SignatureVersion", version);
        post.set("Signature", signature);
        // OpenSSL made the certificate only then.
        post.set("Timestamp", "2030-01-01T00:00:00.000Z");
        post.now = "2030-01-01T00:00:01Z".parse().unwrap();
        post.certificate("openssl");
        let text = serde_json::to_string(&post.fields).unwrap();
        post.raw =
            Some(text.replace('\u{1f600}', "\\ud83d\\ude00").replace('\u{e4}', "\\u00e4").into_bytes());
        let outcome = post.verify(&verifier).await;
        assert_eq!(outcome.is_ok(), is_valid, "{version}: {outcome:?}");
    }
}

#[derive(Debug, PartialEq)]
enum Refusal {
    Forged,
    Malformed,
    Transient,
}

type Forgery = (&'static str, fn(&mut Post), Refusal, usize);

fn forgeries() -> Vec<Forgery> {
    use Refusal::{Forged, Malformed, Transient};
    fn removed(name: &str, post: &mut Post) {
        post.fields.remove(name);
        post.sign(key());
        if name == "Signature" {
            post.fields.remove(name);
        }
    }
    fn changed(name: &str, value: &str, post: &mut Post) {
        post.set(name, value);
    }
    fn of_host(host: &str, post: &mut Post) {
        post.set("SigningCertURL", format!("{host}/SimpleNotificationService-good.pem"));
    }
    fn as_confirmation(post: &mut Post) {
        post.fields = fields("SubscriptionConfirmation");
        post.header("x-amz-sns-message-type", "SubscriptionConfirmation");
        post.certificate("good");
    }
    vec![
        (
            "a flipped bit",
            |p| {
                let mut bytes = STANDARD.decode(p.fields["Signature"].as_str().unwrap()).unwrap();
                bytes[17] ^= 1;
                p.set("Signature", STANDARD.encode(bytes));
            },
            Forged,
            1,
        ),
        ("an empty signature", |p| changed("Signature", "", p), Forged, 1),
        ("a short signature", |p| changed("Signature", "AAAA", p), Forged, 1),
        ("no base64", |p| changed("Signature", "***", p), Malformed, 0),
        ("somebody else's signature", |p| p.sign(other_key()), Forged, 1),
        ("version 1 of a signature of version 2", |p| changed("SignatureVersion", "1", p), Forged, 1),
        ("version 3", |p| changed("SignatureVersion", "3", p), Malformed, 0),
        ("a version that is a number", |p| p.set("SignatureVersion", 1), Malformed, 0),
        ("no version", |p| removed("SignatureVersion", p), Malformed, 0),
        ("no signature", |p| removed("Signature", p), Malformed, 0),
        ("no Message", |p| removed("Message", p), Malformed, 0),
        ("no MessageId", |p| removed("MessageId", p), Malformed, 0),
        ("no Timestamp", |p| removed("Timestamp", p), Malformed, 0),
        ("no TopicArn", |p| removed("TopicArn", p), Malformed, 0),
        ("no Type", |p| removed("Type", p), Malformed, 0),
        ("no SigningCertURL", |p| removed("SigningCertURL", p), Malformed, 0),
        (
            "a confirmation without Token",
            |p| {
                as_confirmation(p);
                removed("Token", p);
            },
            Malformed,
            0,
        ),
        (
            "a confirmation without SubscribeURL",
            |p| {
                as_confirmation(p);
                removed("SubscribeURL", p);
            },
            Malformed,
            0,
        ),
        (
            "a confirmation with another Token",
            |p| {
                as_confirmation(p);
                p.sign(key());
                p.set("Token", "other");
            },
            Forged,
            1,
        ),
        (
            "a confirmation of a foreign topic",
            |p| {
                as_confirmation(p);
                p.set("TopicArn", OTHER_TOPIC);
                p.sign(key());
            },
            Forged,
            0,
        ),
        (
            "a notification as confirmation",
            |p| {
                changed("Type", "SubscriptionConfirmation", p);
                p.header("x-amz-sns-message-type", "SubscriptionConfirmation");
                p.set("Token", "t");
                p.set("SubscribeURL", "https://evil.example/");
            },
            Forged,
            1,
        ),
        (
            "a foreign topic",
            |p| {
                p.set("TopicArn", OTHER_TOPIC);
                p.sign(key());
            },
            Forged,
            0,
        ),
        ("our other topic", |p| p.set("TopicArn", TOPIC.replace("chat", "chat-2")), Forged, 1),
        ("a topic with a tail", |p| p.set("TopicArn", format!("{TOPIC}:x")), Forged, 0),
        ("another Message", |p| changed("Message", "{}", p), Forged, 1),
        ("another MessageId", |p| changed("MessageId", "4", p), Forged, 1),
        ("another Timestamp", |p| changed("Timestamp", "2026-11-21T10:00:00.001Z", p), Forged, 1),
        ("the same time in other words", |p| changed("Timestamp", "2026-11-21T10:00:00Z", p), Forged, 1),
        ("a Subject that was not signed", |p| changed("Subject", "Hi", p), Forged, 1),
        ("an empty Subject that was not signed", |p| changed("Subject", "", p), Forged, 1),
        ("a Subject that is no text", |p| p.set("Subject", 7), Malformed, 0),
        ("a Message that is no text", |p| p.set("Message", json!({})), Malformed, 0),
        (
            "a Message with lines of its own",
            |p| {
                p.set("Message", "{}\nMessageId\n1-2-3");
            },
            Forged,
            1,
        ),
        ("a time that is none", |p| changed("Timestamp", "today", p), Malformed, 0),
        ("a replay", |p| p.now = "2026-11-21T11:05:01Z".parse().unwrap(), Forged, 0),
        ("from the future", |p| p.now = "2026-11-21T09:54:59Z".parse().unwrap(), Forged, 0),
        ("raw delivery", |p| p.header("x-amz-sns-rawdelivery", "true"), Malformed, 0),
        (
            "raw delivery with a body of its own",
            |p| {
                p.header("x-amz-sns-rawdelivery", "true");
                p.raw = Some(b"{}".to_vec());
            },
            Malformed,
            0,
        ),
        (
            "no type in the headers",
            |p| {
                p.headers.remove("x-amz-sns-message-type");
            },
            Malformed,
            0,
        ),
        (
            "another type in the headers",
            |p| p.header("x-amz-sns-message-type", "SubscriptionConfirmation"),
            Malformed,
            0,
        ),
        (
            "an unknown type",
            |p| {
                p.header("x-amz-sns-message-type", "Other");
                p.set("Type", "Other");
                p.sign(key());
            },
            Malformed,
            0,
        ),
        ("nothing", |p| p.raw = Some(Vec::new()), Malformed, 0),
        ("no JSON", |p| p.raw = Some(b"Type=Notification".to_vec()), Malformed, 0),
        ("a list", |p| p.raw = Some(b"[{}]".to_vec()), Malformed, 0),
        ("a text", |p| p.raw = Some(br#""Notification""#.to_vec()), Malformed, 0),
        ("null", |p| p.raw = Some(b"null".to_vec()), Malformed, 0),
        ("JSON with a tail", |p| p.raw = Some([p.body(), b"{}".to_vec()].concat()), Malformed, 0),
        ("half of it", |p| p.raw = Some(p.body()[..100].to_vec()), Malformed, 0),
        ("not UTF-8", |p| p.raw = Some([b"\xff".to_vec(), p.body()].concat()), Malformed, 0),
        (
            "half a letter",
            |p| {
                let text = String::from_utf8(p.body()).unwrap();
                p.raw = Some(text.replace('\u{1f600}', "\\ud83d").into_bytes());
            },
            Malformed,
            0,
        ),
        ("deeply nested", |p| p.raw = Some(b"[".repeat(100_000)), Malformed, 0),
        (
            "a field twice",
            |p| {
                let text = String::from_utf8(p.body()).unwrap();
                p.raw = Some(text.replacen('{', r#"{"Message":"{}","#, 1).into_bytes());
            },
            Malformed,
            0,
        ),
        (
            "a field twice, once escaped",
            |p| {
                let text = String::from_utf8(p.body()).unwrap();
                p.raw = Some(text.replacen('{', r#"{"\u004dessage":"{}","#, 1).into_bytes());
            },
            Malformed,
            0,
        ),
        ("a certificate of another host", |p| of_host("https://evil.example", p), Forged, 0),
        (
            "a certificate of SNS itself, in a test",
            |p| of_host("https://sns.us-east-1.amazonaws.com", p),
            Forged,
            0,
        ),
        (
            "a certificate of a host that looks alike",
            |p| {
                let origin = p.origin.clone();
                of_host(&format!("{origin}.evil.example"), p);
            },
            Forged,
            0,
        ),
        (
            "a certificate of a user",
            |p| {
                let host = p.origin.replace("http://", "http://me@");
                of_host(&host, p);
            },
            Forged,
            0,
        ),
        (
            "a certificate behind a query",
            |p| {
                let url = format!("{}/SimpleNotificationService-good.pem?a=b", p.origin);
                p.set("SigningCertURL", url);
            },
            Forged,
            0,
        ),
        (
            "a certificate in a folder",
            |p| {
                let url = format!("{}/a/SimpleNotificationService-good.pem", p.origin);
                p.set("SigningCertURL", url);
            },
            Forged,
            0,
        ),
        (
            "a certificate of another name",
            |p| {
                let url = format!("{}/good.pem", p.origin);
                p.set("SigningCertURL", url);
            },
            Forged,
            0,
        ),
        ("an expired certificate", |p| p.certificate("expired"), Forged, 1),
        ("a certificate of next year", |p| p.certificate("early"), Forged, 1),
        ("another key's certificate", |p| p.certificate("other"), Forged, 1),
        ("a certificate with an elliptic curve", |p| p.certificate("elliptic"), Forged, 1),
        ("a certificate of 17 KiB", |p| p.certificate("large"), Forged, 1),
        ("a certificate of 2 MB", |p| p.certificate("huge"), Transient, 1),
        ("a certificate that is a text", |p| p.certificate("text"), Forged, 1),
        ("a certificate that is a public key", |p| p.certificate("label"), Forged, 1),
        ("a certificate that is garbage", |p| p.certificate("garbage"), Forged, 1),
        ("an empty certificate", |p| p.certificate("empty"), Forged, 1),
        ("a certificate that has moved", |p| p.certificate("moved"), Forged, 1),
        ("a certificate that isn't there", |p| p.certificate("missing"), Forged, 1),
        ("a certificate that is denied", |p| p.certificate("denied"), Forged, 1),
        ("a certificate that can't be had now", |p| p.certificate("busy"), Transient, 1),
    ]
}

#[tokio::test]
async fn forgeries_are_refused_and_cost_at_most_one_fetch() {
    let host = Host::start().await;
    let forgeries = forgeries();
    assert!(forgeries.len() >= 60);
    for (what, change, refusal, fetches) in forgeries {
        let (verifier, before) = (host.verifier(), host.fetches());
        let mut post = host.post("Notification");
        change(&mut post);
        let found = match post.verify(&verifier).await {
            Err(Rejected::Forged(_)) => Refusal::Forged,
            Err(Rejected::Malformed(_)) => Refusal::Malformed,
            Err(Rejected::Transient(_)) => Refusal::Transient,
            Ok(verified) => panic!("{what}: {verified:?}"),
        };
        assert_eq!((found, host.fetches() - before), (refusal, fetches), "{what}");
    }
}

#[tokio::test]
async fn failures_are_kept_for_a_while_and_certificates_for_good() {
    let host = Host::start().await;
    let verifier = host.verifier();
    let mut post = host.post("Notification");
    for (name, seconds, fetches) in
        [("busy", 0, 1), ("busy", 1, 1), ("busy", 3, 2), ("good", 31, 3), ("good", 3_600, 3)]
    {
        post.certificate(name);
        post.now = now() + Duration::from_secs(seconds);
        assert_eq!(post.verify(&verifier).await.is_ok(), name == "good");
        assert_eq!(host.fetches(), fetches, "{name} after {seconds} s");
    }
}

#[tokio::test]
async fn a_certificate_is_fetched_once_for_all_who_wait() {
    let host = Host::start().await;
    let verifier = host.verifier();
    let post = host.post("Notification");
    let waiting = (0..20).map(|_| post.verify(&verifier));
    let outcomes = futures_util::future::join_all(waiting).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(host.fetches(), 1);
}

#[tokio::test]
async fn names_that_do_not_exist_cost_little_and_drive_nothing_out() {
    let host = Host::start().await;
    let verifier = host.verifier();
    let mut post = host.post("Notification");
    assert!(post.verify(&verifier).await.is_ok());
    for number in 0..100 {
        post.certificate(&format!("missing{number}"));
        assert!(post.verify(&verifier).await.is_err());
    }
    assert_eq!(host.fetches(), 8);
    assert!(matches!(post.verify(&verifier).await, Err(Rejected::Transient(_))));
    post.certificate("good");
    assert!(post.verify(&verifier).await.is_ok());
    assert_eq!(host.fetches(), 8);
}

#[tokio::test]
async fn a_host_that_is_gone_is_asked_again_later() {
    let host = Host::start().await;
    let nobody = Host { origin: "http://127.0.0.1:9".to_owned(), count: Arc::clone(&host.count) };
    let post = nobody.post("Notification");
    let refused = post.verify(&nobody.verifier()).await.unwrap_err();
    assert!(matches!(refused, Rejected::Transient(_)), "{refused}");
    assert_eq!(
        refused.to_string(),
        "the notification can't be checked now: AWS can't be reached for the certificate of SNS: there is no connection"
    );
}
