//! The stand-in Amazon Connect, as a relay meets it: raw requests that are signed here.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::soon;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use sandbox::amazon_connect::{
    ChatState, ConnectFault, ConnectOptions, ConnectStandIn, Dial, MessageProcessing,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

type Inbox = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

/// A served stand-in with a subscriber that takes what it is sent, after as many failures as it was told.
struct World {
    stand_in: ConnectStandIn,
    inbox: Inbox,
    failures: Arc<Mutex<Vec<u16>>>,
    http: reqwest::Client,
    url: String,
    _stop: DropGuard,
}

#[derive(Clone, Default)]
struct Subscriber {
    inbox: Inbox,
    failures: Arc<Mutex<Vec<u16>>>,
}

async fn take(State(subscriber): State<Subscriber>, headers: HeaderMap, body: String) -> StatusCode {
    let body = serde_json::from_str(&body).expect("JSON");
    subscriber.inbox.lock().expect("lock").push((headers, body));
    let failure = subscriber.failures.lock().expect("lock").pop();
    StatusCode::from_u16(failure.unwrap_or(200)).expect("a status")
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

impl World {
    async fn start(change: impl FnOnce(&mut ConnectOptions)) -> Self {
        let stop = CancellationToken::new();
        let (listener, subscriber_url) = listen().await;
        let subscriber = Subscriber::default();
        let routes = Router::new().route("/sns", post(take)).with_state(subscriber.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let mut options =
            ConnectOptions { retry_delay: Duration::from_millis(20), ..ConnectOptions::default() };
        change(&mut options);
        let stand_in = ConnectStandIn::new(options);
        let (listener, url) = listen().await;
        tokio::spawn({
            let (stand_in, stop) = (stand_in.clone(), stop.clone());
            async move { stand_in.serve(listener, stop).await }
        });
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        // Its URL is known once it answers.
        soon("a certificate", async { while http.get(format!("{url}/agent")).send().await.is_err() {} })
            .await;
        stand_in.subscribe(format!("{subscriber_url}/sns"));
        let Subscriber { inbox, failures } = subscriber;
        Self { stand_in, inbox, failures, http, url, _stop: stop.drop_guard() }
    }

    async fn confirmed() -> Self {
        let world = Self::start(|_| {}).await;
        world.confirm().await;
        world
    }

    async fn confirm(&self) {
        let confirmation =
            self.received(1, |body| body["Type"] == "SubscriptionConfirmation").await.remove(0);
        let url = confirmation["SubscribeURL"].as_str().expect("a URL");
        let answer = self.http.get(url).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert!(
            answer.text().await.expect("XML").contains("<ConfirmSubscriptionResult><SubscriptionArn>arn:")
        );
    }

    /// The envelopes that pass the filter, once there are so many.
    async fn received(&self, count: usize, filter: impl Fn(&Value) -> bool) -> Vec<Value> {
        soon("notifications", async {
            loop {
                let mut found: Vec<_> =
                    self.inbox.lock().expect("lock").iter().map(|(_, body)| body.clone()).collect();
                found.retain(&filter);
                if found.len() >= count {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    }

    /// The inner messages so far that pass the filter.
    async fn messages(&self, count: usize, filter: impl Fn(&Value) -> bool) -> Vec<Value> {
        let inner = |body: &Value| -> Value {
            serde_json::from_str(body["Message"].as_str().expect("text")).unwrap_or_default()
        };
        let found = self.received(count, |body| body["Type"] == "Notification" && filter(&inner(body))).await;
        found.iter().map(inner).collect()
    }

    async fn connect(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = self.signed(method, path, "connect", "application/json", &body);
        answer(request.send().await.expect("an answer")).await
    }

    fn signed(
        &self,
        method: Method,
        path: &str,
        service: &str,
        content_type: &str,
        body: &str,
    ) -> reqwest::RequestBuilder {
        let options = self.stand_in.options();
        let date = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let host = self.url.trim_start_matches("http://");
        let canonical = format!(
            "{method}\n{path}\n\ncontent-type:{content_type}\nhost:{host}\nx-amz-date:{date}\n\n\
             content-type;host;x-amz-date\n{}",
            hex(&Sha256::digest(body))
        );
        let scope = format!("{}/{}/{service}/aws4_request", &date[..8], options.region);
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
        let mut key = format!("AWS4{}", options.secret_access_key).into_bytes();
        for part in scope.split('/') {
            key = mac(&key, part);
        }
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders=content-type;host;x-amz-date, Signature={}",
            options.access_key_id,
            hex(&mac(&key, &to_sign))
        );
        self.http
            .request(method, format!("{}{path}", self.url))
            .header("content-type", content_type)
            .header("x-amz-date", date)
            .header("authorization", authorization)
            .body(body.to_owned())
    }

    async fn form(&self, service: &str, form: &str) -> (u16, String) {
        let content_type = "application/x-www-form-urlencoded";
        let answer =
            self.signed(Method::POST, "/", service, content_type, form).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("XML"))
    }

    async fn participant(&self, operation: &str, token: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}/participant/{operation}", self.url));
        let request = request.header("x-amz-bearer", token).json(body);
        answer(request.send().await.expect("an answer")).await
    }

    fn start_body(&self) -> Value {
        let options = self.stand_in.options();
        json!({
            "InstanceId": options.instance_id,
            "ContactFlowId": options.contact_flow_ids[0],
            "ParticipantDetails": { "DisplayName": "Maria Silva" },
            "Attributes": { "plan": "gold" },
            "InitialMessage": { "ContentType": "text/plain", "Content": "The transcript" },
            "SupportedMessagingContentTypes": ["text/plain", "text/markdown"],
            "ClientToken": "start-1",
        })
    }

    async fn chat(&self) -> Chat {
        let (status, started) = self.connect(Method::PUT, "/contact/chat", &self.start_body()).await;
        assert_eq!(status, 200, "{started}");
        let contact = started["ContactId"].as_str().expect("an id").to_owned();
        let (status, body) = self.stream(&contact, "stream-1").await;
        assert_eq!(status, 200, "{body}");
        let participant = started["ParticipantToken"].as_str().expect("a token").to_owned();
        let connection = self.connection(&participant).await;
        Chat { contact, participant, connection }
    }

    async fn stream(&self, contact: &str, token: &str) -> (u16, Value) {
        let options = self.stand_in.options();
        let body = json!({
            "InstanceId": options.instance_id,
            "ContactId": contact,
            "ChatStreamingConfiguration": { "StreamingEndpointArn": options.topic_arn },
            "ClientToken": token,
        });
        self.connect(Method::POST, "/contact/start-streaming", &body).await
    }

    async fn connection(&self, participant: &str) -> String {
        let body = json!({ "Type": ["CONNECTION_CREDENTIALS"], "ConnectParticipant": true });
        let (status, body) = self.participant("connection", participant, &body).await;
        assert_eq!(status, 200, "{body}");
        body["ConnectionCredentials"]["ConnectionToken"].as_str().expect("a token").to_owned()
    }

    async fn say(&self, chat: &Chat, text: &str, token: &str) -> (u16, Value) {
        let body = json!({ "ContentType": "text/plain", "Content": text, "ClientToken": token });
        self.participant("message", &chat.connection, &body).await
    }
}

struct Chat {
    contact: String,
    participant: String,
    connection: String,
}

async fn answer(answer: reqwest::Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let error =
        answer.headers().get("x-amzn-errortype").map(|value| value.to_str().expect("text").to_owned());
    let mut body: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).unwrap_or_default();
    if let Some(error) = error {
        body["error"] = error.split(':').next().unwrap_or_default().into();
    }
    (status, body)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn event(kind: &str) -> String {
    format!("application/vnd.amazonaws.connect.event.{kind}")
}

#[tokio::test]
async fn a_whole_chat() {
    let world = World::confirmed().await;
    let chat = world.chat().await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    world.stand_in.write_requests_to(file.path()).expect("a file");
    let ann = world.stand_in.join(&chat.contact, "Ann").expect("joined");
    let (status, sent) = world.say(&chat, "Hello", "m-1").await;
    assert_eq!(status, 200, "{sent}");
    assert!(sent["Id"].is_string() && sent["AbsoluteTime"].is_string());
    world.stand_in.type_(&chat.contact, &ann).expect("typed");
    world.stand_in.say(&chat.contact, &ann, "**Hi**", "text/markdown").expect("said");
    let seen = world.messages(4, |_| true).await;
    let kinds: Vec<_> = seen.iter().map(|item| item["ContentType"].as_str().expect("a type")).collect();
    let [joined, typing] = [event("participant.joined"), event("typing")];
    assert_eq!(kinds[..3], [&joined, &joined, "text/plain"]);
    assert!(kinds.contains(&typing.as_str()));
    assert_eq!(seen[2]["ParticipantRole"], "CUSTOMER");
    assert_eq!(seen[2]["Id"], sent["Id"]);
    let said = world.messages(1, |item| item["ContentType"] == "text/markdown").await.remove(0);
    assert_eq!((&said["Content"], &said["ParticipantId"]), (&json!("**Hi**"), &json!(ann)));

    let ben = world.stand_in.transfer(&chat.contact, &ann, "Ben").expect("transferred");
    let ended = world.messages(1, |item| item["ContentType"] == event("transfer.succeeded")).await.remove(0);
    assert_eq!(ended["InitialContactId"], chat.contact.as_str());
    let present = world.stand_in.contact(&chat.contact).expect("a contact").contact_id;
    assert_ne!(present, chat.contact);
    let instance = &world.stand_in.options().instance_id;
    let path = format!("/contacts/{instance}/{}", chat.contact);
    let (_, described) = world.connect(Method::GET, &path, &Value::Null).await;
    assert_eq!(described["Contact"]["DisconnectReason"], "TRANSFERRED");
    let stop = |contact: &str| json!({ "InstanceId": instance, "ContactId": contact });
    let (status, body) = world.connect(Method::POST, "/contact/stop", &stop(&chat.contact)).await;
    assert_eq!((status, &body["error"]), (410, &json!("ContactNotFoundException")));

    world.stand_in.leave(&chat.contact, &ben).expect("left");
    assert_eq!(world.connect(Method::POST, "/contact/stop", &stop(&present)).await.0, 200);
    let ended = world.messages(1, |item| item["ContentType"] == event("chat.ended")).await.remove(0);
    assert!(ended.get("ParticipantRole").is_none());
    assert_eq!(world.say(&chat, "Anyone?", "m-2").await.0, 403);
    assert_eq!(world.stand_in.contact(&chat.contact).expect("a contact").state, ChatState::Ended);
    assert_eq!(world.stand_in.customer_texts(&chat.contact), ["Hello"]);
    assert_eq!(world.stand_in.violations(), Vec::<String>::new());
    let lines = std::fs::read_to_string(file.path()).expect("lines");
    let first: Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["operation"], "SendMessage");
    assert_eq!(first["params"]["ConnectionToken"], "hidden");
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_and_remembered() {
    let world = World::confirmed().await;
    let cases: [(&str, Value, &str); 9] = [
        ("/InstanceId", json!("elsewhere"), "ResourceNotFoundException"),
        ("/ContactFlowId", json!("elsewhere"), "ResourceNotFoundException"),
        ("/ParticipantDetails/DisplayName", json!(""), "ValidationException"),
        ("/Attributes", json!({ "a b": "c" }), "ValidationException"),
        ("/Attributes", json!({ "a": "x".repeat(32_767), "b": "c" }), "ValidationException"),
        ("/InitialMessage/Content", json!("é".repeat(8_193)), "InvalidRequestException"),
        ("/InitialMessage/ContentType", json!("text/html"), "InvalidRequestException"),
        ("/SupportedMessagingContentTypes", json!(["text/markdown"]), "InvalidRequestException"),
        ("/ClientToken", json!(1), "ValidationException"),
    ];
    for (pointer, value, code) in cases {
        let mut body = world.start_body();
        *body.pointer_mut(pointer).expect("a member") = value;
        let (status, body) = world.connect(Method::PUT, "/contact/chat", &body).await;
        assert_eq!(body["error"], code, "{pointer}: {status}");
    }
    for (name, value) in [("Colour", json!("red")), ("ChatDurationInMinutes", json!(59))] {
        let mut body = world.start_body();
        body[name] = value;
        assert_eq!(
            world.connect(Method::PUT, "/contact/chat", &body).await.1["error"],
            "ValidationException"
        );
    }
    // A flow that doesn't exist is a wrong setting.
    assert_eq!(world.stand_in.violations().len(), 10);
    assert!(world.stand_in.contacts().is_empty());
}

#[tokio::test]
async fn signatures_and_tokens_are_checked() {
    let world = World::confirmed().await;
    let body = world.start_body().to_string();
    let put =
        |service, body: &str| world.signed(Method::PUT, "/contact/chat", service, "application/json", body);
    let (status, refused) = answer(put("connect", &body).body("{}").send().await.expect("an answer")).await;
    assert_eq!((status, &refused["error"]), (403, &json!("InvalidSignatureException")));
    let (status, _) = answer(put("sns", &body).send().await.expect("an answer")).await;
    assert_eq!(status, 403);
    let late = put("connect", &body).header("x-amz-security-token", "x");
    assert_eq!(late.send().await.expect("an answer").status(), 403, "not signed");
    let plain = world.http.put(format!("{}/contact/chat", world.url)).body(body);
    assert_eq!(
        plain.header("content-type", "application/json").send().await.expect("an answer").status(),
        403
    );
    assert_eq!(world.stand_in.violations().len(), 4);

    let chat = world.chat().await;
    let (status, _) = world.participant("disconnect", &chat.participant, &json!({})).await;
    assert_eq!(status, 403);
    world.stand_in.expire_connection_tokens();
    assert_eq!(world.say(&chat, "Hello", "m").await.0, 403);
    let chat = Chat { connection: world.connection(&chat.participant).await, ..chat };
    assert_eq!(world.say(&chat, "Hello", "m").await.0, 200);
    world.stand_in.pass_time(Duration::from_secs(24 * 3600));
    assert_eq!(world.say(&chat, "Hello again", "m-2").await.0, 403);
    world.connection(&chat.participant).await;
    world.stand_in.pass_time(Duration::from_secs(2 * 3600));
    let contact = world.stand_in.contact(&chat.contact).expect("a contact");
    assert_eq!(contact.disconnect_reason.as_deref(), Some("EXPIRED"));
}

#[tokio::test]
async fn a_customer_must_be_connected_in_time_and_after_streaming() {
    let world = World::confirmed().await;
    let (_, started) = world.connect(Method::PUT, "/contact/chat", &world.start_body()).await;
    let token = started["ParticipantToken"].as_str().expect("a token");
    let body = json!({ "Type": ["CONNECTION_CREDENTIALS"], "ConnectParticipant": true });
    let (status, refused) = world.participant("connection", token, &body).await;
    assert_eq!((status, &refused["error"]), (400, &json!("ValidationException")));
    world.stand_in.pass_time(Duration::from_secs(300));
    assert_eq!(world.participant("connection", token, &body).await.0, 403);
    assert!(world.stand_in.open_contacts().is_empty());
}

#[tokio::test]
async fn the_same_token_has_no_second_effect() {
    let world = World::confirmed().await;
    let chat = world.chat().await;
    let (_, again) = world.connect(Method::PUT, "/contact/chat", &world.start_body()).await;
    assert_eq!(again["ContactId"], chat.contact.as_str());
    let (_, one) = world.stream(&chat.contact, "stream-1").await;
    let (_, other) = world.stream(&chat.contact, "stream-2").await;
    assert_ne!(one, other);
    assert_eq!(world.stream(&chat.contact, "stream-3").await.0, 429, "two topics at most");
    let (_, first) = world.say(&chat, "Hello", "m").await;
    assert_eq!(world.say(&chat, "Hello", "m").await.1, first);
    assert_eq!(world.say(&chat, "Something else", "m").await.0, 400);
    assert_eq!(world.stand_in.customer_texts(&chat.contact), ["Hello"]);
    assert_eq!(world.stand_in.contacts().len(), 1);
}

#[tokio::test]
async fn answers_fail_as_they_are_told() {
    let world = World::confirmed().await;
    let chat = world.chat().await;
    world.stand_in.answer_next("SendMessage", 429, "ThrottlingException", "Slow down");
    let (status, body) = world.say(&chat, "One", "1").await;
    assert_eq!((status, &body["error"]), (429, &json!("ThrottlingException")));
    world.stand_in.fault_next("SendMessage", ConnectFault::Html { status: 503 });
    assert_eq!(world.say(&chat, "One", "1").await, (503, Value::Null));
    world.stand_in.fault_next("SendMessage", ConnectFault::DropAnswer);
    let request = world.http.post(format!("{}/participant/message", world.url));
    let body = json!({ "ContentType": "text/plain", "Content": "One", "ClientToken": "1" });
    assert!(request.header("x-amz-bearer", &chat.connection).json(&body).send().await.is_err());
    assert_eq!(world.say(&chat, "One", "1").await.0, 200);
    assert_eq!(world.stand_in.customer_texts(&chat.contact), ["One"], "the effect was there once");

    let processing = Some(MessageProcessing::Rejected);
    world.stand_in.set_dial(Dial { message_processing: processing, ..Dial::default() });
    let (_, body) = world.say(&chat, "Two", "2").await;
    assert_eq!(body["MessageMetadata"]["MessageProcessingStatus"], "REJECTED");
    assert_eq!(world.stand_in.customer_texts(&chat.contact), ["One"]);
    let processing = Some(MessageProcessing::Processing);
    world.stand_in.set_dial(Dial { message_processing: processing, ..Dial::default() });
    assert_eq!(world.say(&chat, "Three", "3").await.0, 200);
    world.messages(1, |item| item["Content"] == "Three").await;

    world.stand_in.set_dial(Dial { throttle: 1.0, ..Dial::default() });
    assert_eq!(world.stream(&chat.contact, "stream-9").await.1["error"], "TooManyRequestsException");
    world.stand_in.set_dial(Dial { expire_tokens: 1.0, ..Dial::default() });
    assert_eq!(world.say(&chat, "Four", "4").await.0, 403);
    let chat = Chat { connection: world.connection(&chat.participant).await, ..chat };
    assert_eq!(world.say(&chat, "Four", "4").await.0, 200);
}

#[tokio::test]
async fn notifications_are_retried_repeated_and_lost() {
    let world = World::confirmed().await;
    let chat = world.chat().await;
    world.messages(1, |item| item["ContentType"] == event("participant.joined")).await;
    world.failures.lock().expect("lock").extend([500, 503]);
    world.stand_in.system_says(&chat.contact, "Retried").expect("said");
    let is = |text: &'static str| move |item: &Value| item["Content"] == text;
    assert_eq!(world.messages(3, is("Retried")).await.len(), 3);
    world.failures.lock().expect("lock").push(404);
    world.stand_in.system_says(&chat.contact, "Refused").expect("said");
    world.stand_in.until(ConnectStandIn::is_idle).await;
    assert_eq!(world.messages(1, is("Refused")).await.len(), 1);
    world.stand_in.set_dial(Dial { duplicate: 1.0, reorder_ms: 20, ..Dial::default() });
    world.stand_in.system_says(&chat.contact, "Twice").expect("said");
    world.messages(2, is("Twice")).await;
    world.stand_in.set_dial(Dial { lose: 1.0, ..Dial::default() });
    world.stand_in.system_says(&chat.contact, "Lost").expect("said");
    world.stand_in.until(ConnectStandIn::is_idle).await;
    assert_eq!(world.messages(0, is("Lost")).await.len(), 0);
    let body = json!({ "SortOrder": "ASCENDING", "MaxResults": 3, "ScanDirection": "FORWARD" });
    let (_, page) = world.participant("transcript", &chat.connection, &body).await;
    assert_eq!(page["Transcript"][0]["Content"], "The transcript");
    let mut next = body.clone();
    next["NextToken"] = page["NextToken"].clone();
    let (_, page) = world.participant("transcript", &chat.connection, &next).await;
    assert_eq!(page["Transcript"][2]["Content"], "Lost", "{page}");
    assert!(page.get("NextToken").is_none());
    let body = json!({
        "SortOrder": "ASCENDING",
        "ScanDirection": "FORWARD",
        "StartPosition": { "AbsoluteTime": page["Transcript"][1]["AbsoluteTime"] },
    });
    let (_, page) = world.participant("transcript", &chat.connection, &body).await;
    assert_eq!(page["Transcript"].as_array().map(Vec::len), Some(2));
    assert!(world.stand_in.violations().is_empty());
}

#[tokio::test]
async fn a_notification_may_come_before_its_streams_answer() {
    let world = World::confirmed().await;
    let (_, started) = world.connect(Method::PUT, "/contact/chat", &world.start_body()).await;
    world.stand_in.set_dial(Dial { early_notification: true, ..Dial::default() });
    let contact = started["ContactId"].as_str().expect("an id");
    assert_eq!(world.stream(contact, "stream").await.0, 200);
    let inbox = world.inbox.lock().expect("lock");
    assert!(inbox.iter().any(|(_, body)| body["Type"] == "Notification"));
}

/// The public key within a certificate: what follows the algorithm, without the bit string's head.
fn public_key(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body).expect("base64");
    let algorithm = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let at = der.windows(algorithm.len()).position(|window| window == algorithm).expect("an RSA key");
    let bits = &der[at + algorithm.len()..];
    let length = usize::from(bits[2]) << 8 | usize::from(bits[3]);
    bits[5..4 + length].to_vec()
}

fn verify(pem: &str, envelope: &Value) {
    let names: &[&str] = match envelope["Type"].as_str() {
        Some("Notification") => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        _ => &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    };
    let signed: String =
        names.iter().filter_map(|name| Some(format!("{name}\n{}\n", envelope[name].as_str()?))).collect();
    let signature = STANDARD.decode(envelope["Signature"].as_str().expect("a signature")).expect("base64");
    let algorithm = match envelope["SignatureVersion"].as_str() {
        Some("1") => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        _ => &RSA_PKCS1_2048_8192_SHA256,
    };
    let key = UnparsedPublicKey::new(algorithm, public_key(pem));
    key.verify(signed.as_bytes(), &signature).expect("a good signature");
}

#[tokio::test]
async fn both_versions_of_signatures_hold() {
    for version in [1, 2] {
        let world = World::start(|options| options.signature_version = version).await;
        world.confirm().await;
        let chat = world.chat().await;
        world.stand_in.system_says(&chat.contact, "Grüße 👋\n\"quoted\"").expect("said");
        world.messages(1, |item| item["ParticipantRole"] == "SYSTEM").await;
        let inbox = world.inbox.lock().expect("lock").clone();
        let url = inbox[0].1["SigningCertURL"].as_str().expect("a URL").to_owned();
        assert_eq!(url, world.stand_in.certificate_url());
        let pem = world.http.get(url).send().await.expect("an answer").text().await.expect("PEM");
        assert_eq!(world.stand_in.certificate_fetches(), 1);
        for (headers, envelope) in &inbox {
            assert_eq!(envelope["SignatureVersion"], version.to_string());
            assert_eq!(headers["x-amz-sns-message-type"], envelope["Type"].as_str().expect("a type"));
            assert_eq!(headers["x-amz-sns-message-id"], envelope["MessageId"].as_str().expect("an id"));
            assert_eq!(headers["content-type"], "text/plain; charset=UTF-8");
            let is_notification = envelope["Type"] == "Notification";
            assert_eq!(headers.contains_key("x-amz-sns-subscription-arn"), is_notification);
            verify(&pem, envelope);
        }
        for _ in 0..20 {
            verify(&pem, &world.stand_in.envelope("forged"));
        }
    }
}

#[tokio::test]
async fn only_confirmed_subscriptions_are_notified() {
    let world = World::start(|_| {}).await;
    let chat = world.chat().await;
    world.stand_in.system_says(&chat.contact, "Nobody hears").expect("said");
    world.stand_in.until(ConnectStandIn::is_idle).await;
    let topic = &world.stand_in.options().topic_arn;
    let list = format!("Action=ListSubscriptionsByTopic&Version=2010-03-31&TopicArn={topic}");
    let (status, xml) = world.form("sns", &list).await;
    assert_eq!(status, 200);
    assert!(xml.contains("<SubscriptionArn>PendingConfirmation</SubscriptionArn>"), "{xml}");
    world.confirm().await;
    let arn = world.stand_in.subscriptions()[0].arn.clone();
    assert!(world.form("sns", &list).await.1.contains(&format!("<SubscriptionArn>{arn}</SubscriptionArn>")));
    let attributes = format!("Action=GetSubscriptionAttributes&Version=2010-03-31&SubscriptionArn={arn}");
    let (_, xml) = world.form("sns", &attributes).await;
    assert!(xml.contains("<entry><key>PendingConfirmation</key><value>false</value></entry>"), "{xml}");
    world.stand_in.system_says(&chat.contact, "Somebody hears").expect("said");
    let heard = world.messages(1, |_| true).await;
    assert_eq!(heard[0]["Content"], "Somebody hears");
    world.stand_in.unsubscribe(&arn);
    world.received(1, |body| body["Type"] == "UnsubscribeConfirmation").await;
    assert!(world.stand_in.violations().is_empty());
}

#[tokio::test]
async fn roles_are_assumed_with_their_external_id() {
    let world = World::start(|options| options.external_id = Some("ada".to_owned())).await;
    let role = &world.stand_in.options().role_arn;
    let form = format!("Action=AssumeRole&Version=2011-06-15&RoleArn={role}&RoleSessionName=relay");
    assert_eq!(world.form("sts", &form).await.0, 403);
    let (status, xml) = world.form("sts", &format!("{form}&ExternalId=ada&DurationSeconds=900")).await;
    assert_eq!(status, 200, "{xml}");
    assert!(xml.contains("<AccessKeyId>ASIA") && xml.contains("<SessionToken>"), "{xml}");
}

#[tokio::test]
async fn attachments_go_both_ways() {
    let world = World::confirmed().await;
    let chat = world.chat().await;
    let body = json!({
        "ContentType": "text/plain", "AttachmentSizeInBytes": 5, "AttachmentName": "a.txt", "ClientToken": "a",
    });
    let (status, started) = world.participant("start-attachment-upload", &chat.connection, &body).await;
    assert_eq!(status, 200, "{started}");
    let url = started["UploadMetadata"]["Url"].as_str().expect("a URL");
    let upload = |bytes: &'static str| {
        let headers = started["UploadMetadata"]["HeadersToInclude"].as_object().expect("headers");
        let mut request = world.http.put(url).body(bytes);
        for (name, value) in headers.iter().filter(|(name, _)| *name != "Content-Length") {
            request = request.header(name, value.as_str().expect("text"));
        }
        request.send()
    };
    let bare = world.http.put(url).body("hello").send().await.expect("an answer");
    assert_eq!(bare.status(), 403);
    assert!(bare.text().await.expect("XML").contains("<Code>SignatureDoesNotMatch</Code>"));
    assert_eq!(upload("hello!").await.expect("an answer").status(), 403);
    let id = started["AttachmentId"].clone();
    let complete = json!({ "AttachmentIds": [id], "ClientToken": "c" });
    assert_eq!(world.participant("complete-attachment-upload", &chat.connection, &complete).await.0, 409);
    assert_eq!(upload("hello").await.expect("an answer").status(), 200);
    assert_eq!(world.participant("complete-attachment-upload", &chat.connection, &complete).await.0, 200);
    assert_eq!(world.participant("complete-attachment-upload", &chat.connection, &complete).await.0, 200);
    let is_approved = |item: &Value| item["Attachments"][0]["Status"] == "APPROVED";
    let item = world.messages(1, is_approved).await.remove(0);
    assert_eq!(item["ParticipantRole"], "CUSTOMER");
    assert!(item.get("ContentType").is_none());
    assert_eq!(world.stand_in.attachments(&chat.contact)[0].bytes, "hello");

    let ann = world.stand_in.join(&chat.contact, "Ann").expect("joined");
    let id =
        world.stand_in.attach(&chat.contact, &ann, "b.pdf", "application/pdf", "%PDF").expect("attached");
    let is_anns = |item: &Value| is_approved(item) && item["ParticipantRole"] == "AGENT";
    world.messages(1, is_anns).await;
    let get = json!({ "AttachmentId": id, "UrlExpiryInSeconds": 60 });
    let (status, found) = world.participant("attachment", &chat.connection, &get).await;
    assert_eq!((status, &found["AttachmentSizeInBytes"]), (200, &json!(4)));
    let url = found["Url"].as_str().expect("a URL");
    assert_eq!(world.http.get(url).send().await.expect("an answer").text().await.expect("bytes"), "%PDF");
    assert_eq!(world.http.get(url).bearer_auth("x").send().await.expect("an answer").status(), 400);
    world.stand_in.pass_time(Duration::from_secs(60));
    assert_eq!(world.http.get(url).send().await.expect("an answer").status(), 403);

    let id = world.stand_in.attach_rejected(&chat.contact, &ann, "c.pdf", "application/pdf", "%PDF");
    world.messages(1, |item| item["Attachments"][0]["Status"] == "REJECTED").await;
    let get = json!({ "AttachmentId": id.expect("attached") });
    assert_eq!(world.participant("attachment", &chat.connection, &get).await.0, 400);
}

#[tokio::test]
async fn agents_act_over_http() {
    let world = World::confirmed().await;
    let chat = world.chat().await;
    let act = async |action: &str, body: Value| {
        let url = format!("{}/agent/contacts/{}/{action}", world.url, chat.contact);
        answer(world.http.post(url).json(&body).send().await.expect("an answer")).await
    };
    assert_eq!(act("say", json!({ "text": "Hi" })).await.0, 409, "nobody is there");
    assert_eq!(act("join", json!({ "name": "Ann" })).await.0, 200);
    assert_eq!(act("say", json!({ "text": "Hi" })).await.0, 200);
    assert_eq!(act("attach", json!({ "filename": "a.txt", "base64": "aGk=" })).await.0, 200);
    assert_eq!(act("transfer", json!({ "to": "Ben" })).await.0, 200);
    assert_eq!(act("auto-disconnect-customer", json!({})).await.0, 200);
    assert_eq!(act("end", json!({ "flow_waits": true })).await.0, 200);
    assert_eq!(act("finish-flow", json!({})).await.0, 200);
    assert_eq!(act("dance", json!({})).await.0, 404);
    let url = format!("{}/agent/contacts/{}", world.url, chat.contact);
    let (_, found) = answer(world.http.get(url).send().await.expect("an answer")).await;
    assert_eq!(found["contact"]["state"], "ended");
    let dial = world.http.post(format!("{}/agent/dial", world.url)).body(r#"{"lose":0.5,"seed":3}"#);
    assert_eq!(answer(dial.send().await.expect("an answer")).await.1["lose"], 0.5);
    assert_eq!(world.stand_in.dial(), Dial { lose: 0.5, seed: 3, ..Dial::default() });
    let fault = json!({ "operation": "StopContact", "fault": { "kind": "drop_answer" } });
    let fault = world.http.post(format!("{}/agent/faults", world.url)).json(&fault);
    assert_eq!(fault.send().await.expect("an answer").status(), 200);
}
