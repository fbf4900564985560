//! `handoff-relay serve` with settings that will do, and its agent API.

use std::{
    path::Path,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use reqwest::{Method, multipart::Form};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    DEADLINE, PAUSE,
    ada::{API_KEY, START_KEY, WEBHOOK_SECRET},
    moment,
    parcel::Parcel,
    process::{Env, Process, log_line},
};

pub const TOKEN: &str = "token-of-alex-0123456789";

/// A folder of a test's own.
pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Everything that must be set, on one free port.
pub fn settings(ada_url: &str) -> Vec<(&'static str, String)> {
    [
        ("ADA_BASE_URL", format!("{ada_url}/api")),
        ("ADA_API_KEY", API_KEY.to_owned()),
        ("WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
        ("HANDOFF_AUTH_KEY", START_KEY.to_owned()),
        ("AGENT_TOKENS", format!("Alex={TOKEN}")),
        // All on one address.
        ("LISTEN", "127.0.0.1:0".to_owned()),
        ("AGENT_LISTEN", "127.0.0.1:0".to_owned()),
    ]
    .into()
}

/// These settings and `more`, which win.
fn with<'a>(settings: &'a [(&'a str, String)], more: Env<'a>) -> Vec<(&'a str, &'a str)> {
    let mut env: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    env.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
    env.extend(more);
    env
}

/// A relay that starts, with `more` settings, which win.
pub fn start(folder: &Path, ada_url: &str, more: Env<'_>) -> Process {
    Process::start(folder, &[], &with(&settings(ada_url), more))
}

/// The same of another binary.
pub fn start_other(binary: &Path, folder: &Path, ada_url: &str, more: Env<'_>) -> Process {
    Process::start_other(binary, folder, &with(&settings(ada_url), more))
}

/// Waits until a relay says that it is up; gives the line.
pub async fn up(process: &Process) -> Value {
    process.stderr.find(1, "the start line", start_line).await.remove(0)
}

/// The same, unless it ends before.
pub async fn up_or_ended(process: &Process) -> Option<Value> {
    process.stderr.first("the start line", start_line).await
}

/// Where a relay is that has said so.
pub fn url(line: &Value) -> String {
    format!("http://{}", line["listen"].as_str().unwrap())
}

/// A relay that has said that it is up.
pub struct Relay {
    pub process: Process,
    /// The line that says so.
    pub line: Value,
    pub url: String,
    http: reqwest::Client,
}

impl Relay {
    /// With `more` settings, which win.
    pub async fn start(folder: &Path, ada_url: &str, more: Env<'_>) -> Self {
        Self::of(start(folder, ada_url, more)).await
    }

    /// On a disk that [`Process::limit_files`] fills.
    #[cfg(target_os = "linux")]
    pub async fn start_on_a_small_disk(folder: &Path, ada_url: &str, more: Env<'_>) -> Self {
        let settings = settings(ada_url);
        Self::of(Process::start_on_a_small_disk(folder, None, &with(&settings, more))).await
    }

    /// The shell's `ulimit` with these options comes first.
    #[cfg(target_os = "linux")]
    pub async fn start_with_limit(options: &str, folder: &Path, ada_url: &str, more: Env<'_>) -> Self {
        let settings = settings(ada_url);
        Self::of(Process::start_with_limit(options, folder, &with(&settings, more))).await
    }

    pub async fn of(process: Process) -> Self {
        let line = up(&process).await;
        let url = url(&line);
        Self { process, line, url, http: client() }
    }

    /// It stops when it is told, and has never panicked.
    pub async fn stops_well(self) {
        let (ended, _) = self.process.stopped().await;
        assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
        ended.never_says(&[]);
    }

    /// Where to connect to.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(TOKEN)
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    /// What it answers, if anything: health in words of HTTP.
    pub async fn status(&self, path: &str) -> u16 {
        self.request(Method::GET, path).send().await.unwrap().status().as_u16()
    }

    /// Posts, and gives the answer once it has been accepted.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.request(Method::POST, path).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    /// What waits, as the metrics tell it: events in the inbox, deliveries for Ada, and events for platforms.
    pub async fn waiting(&self) -> Vec<String> {
        let metrics = self.http.get(format!("{}/metrics", self.url)).send().await.unwrap();
        let metrics = metrics.text().await.unwrap();
        let queues = ["handoff_relay_inbox_events ", "handoff_relay_outbox_deliveries "];
        let is_one = |line: &&str| {
            queues.iter().any(|queue| line.starts_with(queue))
                || line.starts_with("handoff_relay_platform_queue{")
        };
        let lines: Vec<&str> = metrics.lines().filter(is_one).collect();
        // The database may not be back yet.
        if lines.len() < queues.len() {
            return vec!["not known".to_owned()];
        }
        lines.into_iter().filter(|line| !line.ends_with(" 0")).map(str::to_owned).collect()
    }

    /// Ada sends a webhook, and has it acknowledged.
    pub async fn gets(&self, svix_id: &str, body: &str) {
        let answer = self.webhook(svix_id, body, WEBHOOK_SECRET).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    /// A webhook signed with any secret.
    pub fn webhook(&self, svix_id: &str, body: &str, secret: &str) -> reqwest::RequestBuilder {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let signature = sandbox::webhook::sign(secret, svix_id, seconds.try_into().unwrap(), body.as_bytes());
        let request = self.http.post(format!("{}/webhooks/message", self.url));
        let request = request.header("svix-id", svix_id).header("svix-timestamp", seconds);
        request.header("svix-signature", signature).body(body.to_owned())
    }

    /// The only handoff's id.
    pub async fn handoff(&self) -> String {
        let list = self.get("/api/handoffs").await;
        assert_eq!(list["data"].as_array().unwrap().len(), 1, "{list}");
        list["data"][0]["id"].as_str().unwrap().to_owned()
    }

    pub async fn writes(&self, handoff: &str, text: &str) {
        self.post(&format!("/api/handoffs/{handoff}/messages"), &json!({ "text": text })).await;
    }

    /// The request with which an agent sends a file.
    pub fn sending(&self, handoff: &str, form: Form) -> reqwest::RequestBuilder {
        self.request(Method::POST, &format!("/api/handoffs/{handoff}/files")).multipart(form)
    }

    /// Sends a file, and gives its row once it has been accepted.
    pub async fn sends(&self, handoff: &str, file: &Parcel) -> Value {
        let answer = self.sending(handoff, file.form()).send().await.unwrap();
        let status = answer.status();
        let row: Value = answer.json().await.unwrap();
        assert_eq!(status, 202, "{row}");
        row
    }

    /// The row of a file, once its bytes are in this state: the only one of its name.
    pub async fn file(&self, handoff: &str, name: &str, state: &str) -> Value {
        let what = format!("{name}: {state}");
        let found = |rows: &[Value]| -> Vec<Value> {
            rows.iter().filter(|row| row["content"]["filename"] == name).cloned().collect()
        };
        let is_there = |rows: &[Value]| found(rows).iter().any(|row| row["content"]["state"] == state);
        let mut rows = found(&self.thread_with(handoff, &what, is_there).await);
        assert_eq!(rows.len(), 1, "{rows:#?}");
        rows.remove(0)
    }

    /// What the relay gives for the `url` of a row's file.
    pub async fn download(&self, row: &Value) -> Bytes {
        let url = row["content"]["url"].as_str().unwrap_or_else(|| panic!("no file is kept: {row}"));
        let answer = self.request(Method::GET, url).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{row}");
        answer.bytes().await.unwrap()
    }

    /// The thread as readers show it.
    pub async fn thread(&self, handoff: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        loop {
            let after = rows.last().map_or(0, |row: &Value| row["seq"].as_u64().unwrap());
            let page = self.get(&format!("/api/handoffs/{handoff}/messages?limit=500&after={after}")).await;
            rows.extend(page["data"].as_array().unwrap().iter().cloned());
            if page["next_after"].is_null() {
                break;
            }
        }
        rows.sort_by_key(|row| (row["at"].to_string(), row["seq"].as_u64()));
        rows
    }

    /// Waits until the thread passes `check`.
    pub async fn thread_with(
        &self,
        handoff: &str,
        what: &str,
        check: impl Fn(&[Value]) -> bool,
    ) -> Vec<Value> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let rows = self.thread(handoff).await;
            if check(&rows) {
                return rows;
            }
            let log = || self.process.stderr.so_far();
            assert!(Instant::now() < deadline, "never happened: {what}: {rows:#?} {:#?}", log());
            moment(Instant::now() + PAUSE).await;
        }
    }
}

/// The line that says what runs, also when it was written for eyes.
fn start_line(line: &str) -> Option<Value> {
    const WORDS: &str = "handoff-relay is up";
    let json = log_line(line).filter(|line| line["message"] == WORDS);
    json.or_else(|| {
        let fields = line.split_once(WORDS)?.1.split_whitespace();
        Some(
            fields
                .filter_map(|field| field.split_once('='))
                .map(|(name, value)| (name, json!(value)))
                .collect(),
        )
    })
}

/// A client that knows no proxy.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// What a role has said, in order.
pub fn said(rows: &[Value], role: &str) -> Vec<String> {
    let by_role = rows.iter().filter(|row| row["author"]["role"] == role);
    by_role.filter_map(|row| row["content"]["body"].as_str().map(str::to_owned)).collect()
}
