//! A served sandbox and a stand-in relay that records what it is sent and can be told to fail.

// Each test file uses its part, and a deadline that passes is a failed test.
#![allow(dead_code, clippy::panic)]

use std::collections::VecDeque;
use std::future::{Future, IntoFuture};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bytes::Bytes;
use futures_util::StreamExt;
use sandbox::{Options, Sandbox};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

pub const KEY: &str = "ada-key";
pub const SECRET: &str = "whsec_c2FuZGJveC10ZXN0LXNlY3JldA==";
const DEADLINE: Duration = Duration::from_secs(10);

pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("never happened: {what}"))
}

/// One request that the relay got.
#[derive(Clone)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

#[derive(Default)]
struct Inbox {
    webhooks: Vec<Received>,
    starts: Vec<Received>,
    webhook_answers: VecDeque<u16>,
    start_answers: VecDeque<u16>,
}

/// The relay's two doors. Unless told otherwise it answers 200.
#[derive(Clone)]
pub struct Relay {
    inbox: Arc<Mutex<Inbox>>,
    changed: watch::Sender<()>,
    url: String,
}

impl Relay {
    async fn start(stop: CancellationToken) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let relay = Self { inbox: Arc::default(), changed: watch::Sender::new(()), url };
        let routes = Router::new()
            .route("/webhooks/message", post(Self::webhook))
            .route("/handoffs/start", post(Self::handoff))
            .with_state(relay.clone());
        tokio::spawn(
            axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).into_future(),
        );
        relay
    }

    async fn webhook(State(relay): State<Self>, headers: HeaderMap, body: Bytes) -> StatusCode {
        relay.take(|inbox| {
            inbox.webhooks.push(Received { headers, body });
            inbox.webhook_answers.pop_front()
        })
    }

    async fn handoff(State(relay): State<Self>, headers: HeaderMap, body: Bytes) -> StatusCode {
        relay.take(|inbox| {
            inbox.starts.push(Received { headers, body });
            inbox.start_answers.pop_front()
        })
    }

    fn take(&self, handle: impl FnOnce(&mut Inbox) -> Option<u16>) -> StatusCode {
        let status = handle(&mut self.inbox.lock().expect("lock"));
        self.changed.send_replace(());
        StatusCode::from_u16(status.unwrap_or(200)).expect("a status")
    }

    pub fn answer_webhooks(&self, statuses: &[u16]) {
        self.inbox.lock().expect("lock").webhook_answers.extend(statuses);
    }

    pub fn answer_starts(&self, statuses: &[u16]) {
        self.inbox.lock().expect("lock").start_answers.extend(statuses);
    }

    pub fn starts(&self) -> Vec<Received> {
        self.inbox.lock().expect("lock").starts.clone()
    }

    pub fn webhooks(&self) -> Vec<Received> {
        self.inbox.lock().expect("lock").webhooks.clone()
    }

    /// Waits for `count` webhooks whose payload passes `filter`.
    pub async fn wait_for(&self, count: usize, filter: impl Fn(&Value) -> bool) -> Vec<Received> {
        let mut changed = self.changed.subscribe();
        soon("webhooks", async {
            loop {
                let mut found = self.webhooks();
                found.retain(|webhook| filter(&webhook.json()));
                if found.len() >= count {
                    return found;
                }
                changed.changed().await.expect("the relay lives");
            }
        })
        .await
    }
}

/// A sandbox that is being served.
pub struct Ada {
    pub sandbox: Sandbox,
    pub relay: Relay,
    pub url: String,
    pub stop: CancellationToken,
    pub served: JoinHandle<anyhow::Result<()>>,
    pub http: reqwest::Client,
    _stopped_at_the_end: DropGuard,
}

impl Ada {
    pub async fn start() -> Self {
        Self::start_with(vec![Duration::ZERO; 3]).await
    }

    pub async fn start_with(retry_delays: Vec<Duration>) -> Self {
        let stop = CancellationToken::new();
        let relay = Relay::start(stop.clone()).await;
        let sandbox = Sandbox::new(Options {
            api_key: KEY.to_owned(),
            webhook_secret: SECRET.to_owned(),
            webhook_url: format!("{}/webhooks/message", relay.url),
            start_url: format!("{}/handoffs/start", relay.url),
            handoff_auth_key: Some("start-key".to_owned()),
            integration: "custom-handoff".to_owned(),
            ai_agent_domain: "acme.ada.support".to_owned(),
            retry_delays,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let served = tokio::spawn({
            let (sandbox, stop) = (sandbox.clone(), stop.clone());
            async move { sandbox.serve(listener, stop).await }
        });
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { sandbox, relay, url, served, http, _stopped_at_the_end: stop.clone().drop_guard(), stop }
    }

    /// A conversation in handoff.
    pub async fn handed_off(&self) -> String {
        let id = self.sandbox.open_conversation();
        let status = self.sandbox.start_handoff(&id, serde_json::json!({})).await.expect("a start");
        assert_eq!(status, 200);
        id
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.call(self.http.get(self.api(path))).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call(self.http.post(self.api(path)).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call(self.http.patch(self.api(path)).json(body)).await
    }

    pub async fn call(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = soon("an answer", request.bearer_auth(KEY).send()).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.bytes().await.expect("a body");
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Uploads 16 MiB, and reads nothing before all is sent: the answer's status line, or what broke.
    pub async fn sent_first(&self, path: &str, key: &str, filename: &str) -> std::io::Result<String> {
        let address = self.url.strip_prefix("http://").expect("http");
        let mut stream = TcpStream::connect(address).await?;
        let part = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\n\r\n{}\r\n--edge--\r\n",
            "x".repeat(16 * 1024 * 1024)
        );
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {}\r\n\r\n",
            part.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(part.as_bytes()).await?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).await?;
        Ok(line.trim_end().to_owned())
    }

    pub fn api(&self, path: &str) -> String {
        if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}/api/v2/conversations/{path}", self.url)
        }
    }
}

pub fn human_says(text: &str) -> Value {
    serde_json::json!({
        "author": { "role": "human_agent", "display_name": "Alex" },
        "content": { "type": "text", "body": text },
    })
}

/// A form with one file, `application/octet-stream` unless its type is told.
pub fn form(
    request: reqwest::RequestBuilder,
    filename: &str,
    file: impl Into<reqwest::Body>,
) -> reqwest::RequestBuilder {
    typed_form(request, filename, "application/octet-stream", file)
}

pub fn typed_form(
    request: reqwest::RequestBuilder,
    filename: &str,
    mime_type: &str,
    file: impl Into<reqwest::Body>,
) -> reqwest::RequestBuilder {
    let head = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\n\
         Content-Type: {mime_type}\r\n\r\n"
    );
    let body = Body::new(file.into());
    let chunks = futures_util::stream::iter([Ok(Bytes::from(head))])
        .chain(body.into_data_stream())
        .chain(futures_util::stream::iter([Ok(Bytes::from("\r\n--edge--\r\n"))]));
    request
        .header("content-type", "multipart/form-data; boundary=edge")
        .body(reqwest::Body::wrap_stream(chunks))
}

pub fn error_type(body: &Value) -> &str {
    body["errors"][0]["type"].as_str().unwrap_or_default()
}
