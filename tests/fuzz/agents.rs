//! The agent API: paths, queries, headers and bodies, the same for a relay in memory and one in SQLite.
//!
//! An input is a request: `METHOD path`, headers, an empty line, the body. `{id}`, `{other}`, `{row}` and `{letter}`
//! stand for ids that are there.

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    time::{Instant, sleep},
};

use crate::{
    MARK,
    door::{DEADLINE, Door, PAUSE, Request, as_alex},
    run::Target,
};

const NOWHERE: &str = "http://127.0.0.1:9";
/// Requests until the relays are others: much can be ended in so many.
const REQUESTS: usize = 150;
const WORDS: &[&str] = &[
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "HEAD",
    "OPTIONS",
    "/api/handoffs",
    "/messages",
    "/accept",
    "/release",
    "/end",
    "/read",
    "/retry",
    "/transcript",
    "/ledger",
    "/api/events",
    "/api/dead-letters",
    "/replay",
    "{id}",
    "{other}",
    "{row}",
    "{letter}",
    "?",
    "q=",
    "limit=",
    "after=",
    "cursor=",
    "status=",
    "waiting",
    "agent=",
    "team=",
    "conversation_id=",
    "text",
    "seq",
    "take_over",
    "/notes",
    "/files",
    "/file",
    "download=",
    "range: bytes=",
    "multipart/form-data; boundary=B",
    "--B\r\n",
    "content-disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n",
    "filename*=utf-8''%E2%82%AC.png",
    "filename*0*=",
    "=?utf-8?B?4oKs?=",
    "=?iso-8859-1?Q?=FC?=",
    "/api/canned-replies",
    "/api/session",
    "/console/",
    "title",
    "token",
    "code",
    "cookie: ",
    "accept-encoding: ",
    "if-none-match: ",
    "idempotency-key: ",
    "last-event-id: ",
    "content-type: ",
    "application/json",
];

#[test]
fn agents() {
    let runtime = Runtime::new().unwrap();
    let mut pair: Option<Pair> = None;
    Target { name: "agents", count: 500, words: WORDS }.fuzz(|input| {
        runtime.block_on(async {
            if pair.as_ref().is_none_or(|pair| pair.requests >= REQUESTS) {
                pair = Some(Pair::new().await);
            }
            pair.as_mut().unwrap().take(input).await
        })
    });
}

/// Two relays to which the same happens.
struct Pair {
    memory: World,
    sqlite: World,
    requests: usize,
    _folder: TempDir,
}

impl Pair {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = format!("sqlite://{}", folder.path().join("relay.db").display());
        let (memory, sqlite) = (World::new("memory:").await, World::new(&file).await);
        Self { memory, sqlite, requests: 0, _folder: folder }
    }

    async fn take(&mut self, input: &[u8]) -> String {
        self.requests += 1;
        let memory = self.memory.ask(input).await;
        let mut sqlite = self.sqlite.ask(input).await;
        // The index of a search comes after what it is of: asked again, it catches up.
        let deadline = Instant::now() + DEADLINE;
        while sqlite != memory && memory.listed.is_some() && Instant::now() < deadline {
            sleep(PAUSE).await;
            sqlite = self.sqlite.ask(input).await;
        }
        assert_eq!(memory, sqlite, "the stores differ");
        format!("{} {}", memory.kind, memory.listed.unwrap_or_default())
    }
}

/// What is alike in the answers of two relays.
#[derive(Debug, PartialEq)]
struct Seen {
    kind: String,
    /// Whose handoffs a list shows.
    listed: Option<String>,
}

/// A relay with something of everything in it.
struct World {
    door: Door,
    ids: [(&'static str, String); 4],
}

impl World {
    async fn new(database: &str) -> Self {
        let mut door = Door::open(database, NOWHERE).await;
        let [id, other] =
            ["100%_Straße", "other"].map(|chat| json!({ "conversation_id": chat, "first_name": "İpek" }));
        let id = handoff(&mut door, &id).await;
        let other = handoff(&mut door, &other).await;
        assert_eq!(door.webhook("msg_1", format!("not JSON {MARK}").as_bytes()).await.status, 200);
        let letter = door.get("/api/dead-letters").await["data"][0]["id"].as_str().unwrap().to_owned();
        let body = json!({ "text": MARK }).to_string();
        let path = format!("/api/handoffs/{id}/messages");
        let request = Request {
            method: "POST",
            path: path.as_bytes(),
            headers: vec![as_alex()],
            body: body.as_bytes(),
        };
        let row = door.ask(&request).await.json()["id"].as_str().unwrap().to_owned();
        Self { door, ids: [("{id}", id), ("{other}", other), ("{row}", row), ("{letter}", letter)] }
    }

    /// What is answered, without what is another in each relay.
    async fn ask(&mut self, input: &[u8]) -> Seen {
        let (head, body) = parts(input);
        let (line, rest) = split(head, b"\n").unwrap_or((head, b""));
        let (method, path) = split(line, b" ").unwrap_or((b"GET", line));
        let method: String =
            method.iter().filter(|byte| byte.is_ascii_uppercase()).map(|byte| char::from(*byte)).collect();
        let path = self.named(path);
        let headers = [vec![as_alex()], headers(rest)].concat();
        let method = if method.is_empty() { "GET" } else { &method };
        let answer = self.door.ask(&Request { method, path: &path, headers, body }).await;
        let listed = match path.starts_with(b"/api/handoffs?") && answer.status == 200 && method == "GET" {
            true => Some(summary(&answer.json())),
            false => None,
        };
        Seen { kind: answer.kind(), listed }
    }

    /// A path with ids for names.
    fn named(&self, path: &[u8]) -> Vec<u8> {
        // A slash at least: nothing else is a path.
        let path = if path.starts_with(b"/") { path.to_vec() } else { [b"/", path].concat() };
        match String::from_utf8(path) {
            Ok(text) => self.ids.iter().fold(text, |text, (name, id)| text.replace(name, id)).into_bytes(),
            Err(bytes) => bytes.into_bytes(),
        }
    }
}

async fn handoff(door: &mut Door, start: &Value) -> String {
    let answer = door.start(start.to_string().as_bytes()).await;
    answer.json()["handoff_id"].as_str().unwrap().to_owned()
}

/// Whose handoffs a list shows.
fn summary(list: &Value) -> String {
    let shown = list["data"].as_array().unwrap().iter().map(|handoff| &handoff["conversation_id"]);
    format!("{:?} {}", shown.collect::<Vec<_>>(), list["next_cursor"].is_null())
}

/// The head of an input, and its body.
pub fn parts(input: &[u8]) -> (&[u8], &[u8]) {
    split(input, b"\n\n").unwrap_or((input, b""))
}

/// Those lines of a head that can be sent as headers, but for those that say how a message is framed.
pub fn headers(head: &[u8]) -> Vec<(String, Vec<u8>)> {
    let lines = head.split(|byte| *byte == b'\n').filter_map(|line| split(line, b": "));
    let named =
        lines.filter_map(|(name, value)| Some((std::str::from_utf8(name).ok()?.to_ascii_lowercase(), value)));
    let fit = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let ours =
        ["host", "connection", "content-length", "transfer-encoding", "expect", "upgrade", "authorization"];
    named
        .filter(|(name, _)| fit(name) && !ours.contains(&name.as_str()))
        .map(|(name, value)| (name, value.to_vec()))
        .collect()
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = bytes.windows(at.len()).position(|window| window == at)?;
    Some((&bytes[..place], &bytes[place + at.len()..]))
}
