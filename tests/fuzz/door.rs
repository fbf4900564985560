//! A relay with its real server, a client that sends it anything, and what every answer must be like.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{Json, Router, http::Uri};
use handoff_relay::{
    Listeners, Server,
    settings::{Settings, Terminal},
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::MARK;

pub const SECRET: &str = "whsec_dGhlLXNlY3JldC1vZi10aGUtZnV6emVy";
const START_KEY: &str = "key-of-the-start-door";
const TOKEN: &str = "token-of-alex-0123456789";
/// Nothing here takes this long.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks at something that can't be awaited.
pub const PAUSE: Duration = Duration::from_millis(15);

/// A request. Its line and headers are made fit to be sent, whatever they hold.
pub struct Request<'a> {
    pub method: &'a str,
    pub path: &'a [u8],
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: &'a [u8],
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: String,
    body: Vec<u8>,
}

/// A relay that stops when dropped.
pub struct Door {
    address: String,
    connection: Option<TcpStream>,
    _running: DropGuard,
}

impl Door {
    /// A relay with this store, whose Ada is at `ada`.
    pub async fn open(database: &str, ada: &str) -> Self {
        let (base_url, tokens) = (format!("{ada}/api"), format!("Alex={TOKEN}"));
        let env = [
            ("ADA_BASE_URL", base_url.as_str()),
            ("ADA_API_KEY", "key"),
            ("WEBHOOK_SECRET", SECRET),
            ("HANDOFF_AUTH_KEY", START_KEY),
            ("AGENT_TOKENS", &tokens),
            ("DATABASE_URL", database),
            ("FILES_URL", "memory:"),
            ("DEBOUNCE_MS", "0"),
            ("UNKNOWN_HOLD_MS", "0"),
            ("ADA_RATE_PER_SECOND", "10000"),
            ("ADA_RATE_PER_MINUTE", "10000"),
        ];
        let env: BTreeMap<_, _> = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let settings = Settings::load(env, None, Terminal::Detached).expect("good settings").0;
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = public.local_addr().unwrap().to_string();
        let server = Server::new(settings).await.unwrap();
        let running = server.stop().drop_guard();
        tokio::spawn(server.serve(Listeners { public, agents: None }));
        Self { address, connection: None, _running: running }
    }

    /// Sends a request, and looks whether the answer is one that may be given to anybody.
    pub async fn ask(&mut self, request: &Request<'_>) -> Answer {
        let bytes = request.bytes();
        let answer = match self.try_to_ask(&bytes, request).await {
            Some(answer) => answer,
            // The connection before had ended with its last answer.
            None => self.try_to_ask(&bytes, request).await.expect("an answer"),
        };
        answer.check(request);
        answer
    }

    async fn try_to_ask(&mut self, bytes: &[u8], request: &Request<'_>) -> Option<Answer> {
        let mut stream = match self.connection.take() {
            Some(stream) => stream,
            None => TcpStream::connect(&self.address).await.unwrap(),
        };
        let asked = timeout(DEADLINE, async {
            stream.write_all(bytes).await.ok()?;
            read(&mut stream, request.method == "HEAD").await
        });
        let (answer, goes_on) = asked.await.expect("an answer in time")?;
        self.connection = goes_on.then_some(stream);
        Some(answer)
    }

    /// What an agent gets to see.
    pub async fn get(&mut self, path: &str) -> Value {
        let request = Request { method: "GET", path: path.as_bytes(), headers: vec![as_alex()], body: b"" };
        let answer = self.ask(&request).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// A start call.
    pub async fn start(&mut self, body: &[u8]) -> Answer {
        let key = ("authorization".to_owned(), format!("Bearer {START_KEY}").into_bytes());
        self.ask(&Request { method: "POST", path: b"/handoffs/start", headers: vec![key], body }).await
    }

    /// A webhook of Ada's, signed now.
    pub async fn webhook(&mut self, id: &str, body: &[u8]) -> Answer {
        let now = now();
        let signature = sandbox::webhook::sign(SECRET, id, now, body);
        let headers = [("id", id.to_owned()), ("timestamp", now.to_string()), ("signature", signature)];
        let headers = headers.map(|(name, value)| (format!("svix-{name}"), value.into_bytes())).into();
        self.ask(&Request { method: "POST", path: b"/webhooks/message", headers, body }).await
    }
}

pub fn as_alex() -> (String, Vec<u8>) {
    ("authorization".to_owned(), format!("Bearer {TOKEN}").into_bytes())
}

/// Seconds since 1970.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

impl Request<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} ", self.method).into_bytes();
        for byte in self.path {
            match byte {
                b'!'..=b'~' => bytes.push(*byte),
                other => bytes.extend(format!("%{other:02X}").bytes()),
            }
        }
        bytes.extend(b" HTTP/1.1\r\nhost: relay\r\n");
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": "].concat());
            bytes.extend(value.iter().map(|byte| if byte.is_ascii_control() { b' ' } else { *byte }));
            bytes.extend(b"\r\n");
        }
        bytes.extend(format!("content-length: {}\r\n\r\n", self.body.len()).bytes());
        bytes.extend(self.body);
        bytes
    }
}

/// An answer, and whether the connection goes on; `None` if it had ended.
async fn read(stream: &mut TcpStream, bodiless: bool) -> Option<(Answer, bool)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = Answer { status, headers: head, body: Vec::new() };
    let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    if !bodiless {
        answer.body.resize(length, 0);
        stream.read_exact(&mut answer.body).await.unwrap();
    }
    // A stream of events or chunks is not heard to its end.
    let ends = answer.header("connection") == Some("close") || answer.header("transfer-encoding").is_some();
    Some((answer, !ends))
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The sentence of a refusal.
    pub fn detail(&self) -> String {
        if self.status < 400 || self.body.is_empty() {
            return String::new();
        }
        self.json()["detail"].as_str().unwrap().to_owned()
    }

    /// What kind of answer it is: places in the JSON don't make another.
    pub fn kind(&self) -> String {
        let words: String = self.detail().chars().filter(|letter| !letter.is_ascii_digit()).collect();
        format!("{} {words}", self.status)
    }

    /// No failure, nothing that a browser takes for a page; a refusal is a problem with a sentence of ours.
    fn check(&self, request: &Request<'_>) {
        assert!(self.status < 500, "{self:?}");
        let kind = self.header("content-type").unwrap_or_default();
        let ours = self.header("content-security-policy").is_some() || request.path.starts_with(b"/api/docs");
        assert!(ours || !kind.contains("html"), "a page: {self:?}");
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"), "{self:?}");
        if self.status >= 400 && request.method != "HEAD" {
            let problem = self.json();
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert!(kind == "application/problem+json" && problem["status"] == self.status, "{self:?}");
            assert!(!detail.is_empty() && !self.body.escape_ascii().to_string().contains(MARK), "{self:?}");
        }
    }
}

/// An Ada that says yes to everything, and knows where she was asked.
pub struct Ada {
    pub url: String,
    calls: Arc<Mutex<Calls>>,
    _running: DropGuard,
}

#[derive(Default)]
struct Calls {
    conversations: HashSet<String>,
    astray: Vec<String>,
}

impl Ada {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (calls, stop) = (Arc::<Mutex<Calls>>::default(), CancellationToken::new());
        let (noted, stopped) = (Arc::clone(&calls), stop.clone());
        let router = Router::new().fallback(async move |uri: Uri| {
            let mut calls = noted.lock().unwrap();
            match conversation(uri.path()) {
                Some(id) => drop(calls.conversations.insert(id)),
                None => calls.astray.push(uri.to_string()),
            }
            Json(json!({ "data": [], "meta": {}, "status": "active" }))
        });
        tokio::spawn(async move {
            axum::serve(listener, router).with_graceful_shutdown(stopped.cancelled_owned()).await
        });
        Self { url, calls, _running: stop.drop_guard() }
    }

    /// Every call was about one of these, and said so in one segment of its path.
    pub fn was_asked_only_about(&self, known: &HashSet<String>) {
        let calls = self.calls.lock().unwrap();
        assert_eq!(calls.astray, Vec::<String>::new(), "calls left their conversation");
        let strange: Vec<_> = calls.conversations.difference(known).collect();
        assert!(strange.is_empty(), "nobody's conversations: {strange:?}");
    }

    /// Waits until there was a call about each of these.
    pub async fn is_asked_about(&self, started: &HashSet<String>) {
        let missing = || started.difference(&self.calls.lock().unwrap().conversations).count();
        let asked = timeout(DEADLINE, async {
            while missing() > 0 {
                sleep(PAUSE).await;
            }
        });
        assert!(asked.await.is_ok(), "Ada was never asked about {} of {}", missing(), started.len());
    }
}

/// The conversation that a path is about.
fn conversation(path: &str) -> Option<String> {
    let (id, rest) = path.strip_prefix("/api/v2/conversations/")?.split_once('/')?;
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~%".contains(&byte));
    let fits = plain && !["", ".", ".."].contains(&id) && ["", "messages/", "end-handoff/"].contains(&rest);
    let id = percent_decode_str(id).decode_utf8().ok()?;
    fits.then(|| id.into_owned())
}
