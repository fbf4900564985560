//! A small support desk on the command line: it takes the relay's signed webhooks, shows them, and answers.
//!
//! ```sh
//! WEBHOOK_SECRET=whsec_... RELAY_URL=http://127.0.0.1:8090 RELAY_TOKEN=... cargo run --example receiver
//! ```
//!
//! A line that you type goes to the customer of the newest handoff. `/file PATH` sends a file, `/note TEXT` a note,
//! `/end` ends the handoff. `LISTEN` is where it listens (`127.0.0.1:8093`), `AGENT` is the name that customers see. With
//! `AUTO_REPLY=on` it answers each message of a customer by itself.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a small program for people to read"
)]

use std::{
    collections::{BTreeMap, HashSet},
    env,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use reqwest::{Client, RequestBuilder, multipart};
use serde_json::{Value, json};
use svix::webhooks::Webhook;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    sync::mpsc,
};

#[derive(Clone)]
struct Desk {
    secret: Arc<Webhook>,
    relay: String,
    token: String,
    agent: String,
    replies: bool,
    http: Client,
    /// What was acknowledged, in its order.
    events: mpsc::UnboundedSender<Value>,
    record: Arc<Mutex<Record>>,
}

#[derive(Default)]
struct Record {
    /// Events that have been handled: each may come more than once.
    seen: HashSet<String>,
    /// The number of the last event of each handoff: a gap shows what was missed.
    last: BTreeMap<String, u64>,
    newest: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let set = |name: &str| env::var(name).with_context(|| format!("{name} is not set"));
    let (events, mut acknowledged) = mpsc::unbounded_channel();
    let desk = Desk {
        secret: Arc::new(Webhook::new(&set("WEBHOOK_SECRET")?)?),
        relay: set("RELAY_URL")?.trim_end_matches('/').to_owned(),
        token: set("RELAY_TOKEN")?,
        agent: env::var("AGENT").unwrap_or_else(|_| "Ann".to_owned()),
        replies: env::var("AUTO_REPLY").is_ok_and(|value| value == "on"),
        http: Client::builder().no_proxy().build()?,
        events,
        record: Arc::default(),
    };
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8093".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await.context(address)?;
    println!("listening at http://{}/ada", listener.local_addr()?);
    let door = Router::new().route("/ada", post(take)).with_state(desk.clone());
    tokio::spawn(async move { axum::serve(listener, door).await });
    let handler = desk.clone();
    tokio::spawn(async move {
        while let Some(event) = acknowledged.recv().await {
            if let Err(error) = handler.handle(&event).await {
                println!("not handled: {error:#}");
            }
        }
    });
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        if let Err(error) = desk.types(line.trim()).await {
            println!("not sent: {error:#}");
        }
    }
    std::future::pending().await
}

/// An event. What can't be verified is refused; everything else is acknowledged at once and handled afterwards.
async fn take(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if desk.secret.verify(&body, &headers).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let Ok(event) = serde_json::from_slice::<Value>(&body) else { return StatusCode::BAD_REQUEST };
    let is_new = desk.lock().seen.insert(id.to_owned());
    if is_new && desk.events.send(event).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::NO_CONTENT
}

impl Desk {
    fn lock(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn handle(&self, event: &Value) -> Result<()> {
        let (kind, data) = (event["type"].as_str().unwrap_or_default(), &event["data"]);
        let (Some(id), Some(sequence)) = (data["handoff_id"].as_str(), data["sequence"].as_u64()) else {
            println!("{kind}");
            return Ok(());
        };
        let last = {
            let mut record = self.lock();
            let newest = record.last.entry(id.to_owned()).or_default();
            std::mem::replace(newest, sequence.max(*newest))
        };
        if sequence > last + 1 && last > 0 {
            println!("missed events {} to {}; the thread has them", last + 1, sequence - 1);
        }
        match kind {
            "handoff.started" => {
                self.lock().newest = Some(id.to_owned());
                println!("handoff {id} of {} waits: {}", data["end_user"]["name"], data["context"]);
            }
            "handoff.message" => self.message(id, data).await?,
            "handoff.message_updated" => self.updated(data).await?,
            "handoff.ended" => println!("handoff {id} has ended, by {}", data["ended_by"]),
            // What this desk doesn't know yet does no harm.
            _ => println!("{kind}"),
        }
        Ok(())
    }

    async fn message(&self, handoff: &str, row: &Value) -> Result<()> {
        let author = row["author"]["display_name"].as_str().or(row["author"]["role"].as_str());
        let late = if row["late"] == true { " (late)" } else { "" };
        let words = row["content"]["body"].as_str().or(row["content"]["filename"].as_str());
        println!("{}{late}: {}", author.unwrap_or_default(), words.unwrap_or("?"));
        let is_new = row["author"]["role"] == "end_user" && row["source"] != "transcript";
        if self.replies && is_new {
            let text = format!("You wrote: {}", words.unwrap_or("a file"));
            // The same key for the same message: however often this runs, the customer gets one answer.
            let key = format!("reply-{}", row["id"].as_str().unwrap_or_default());
            let body = json!({ "text": text, "author": { "display_name": self.agent } });
            self.send(self.post(handoff, "messages").header("idempotency-key", key).json(&body)).await?;
        }
        Ok(())
    }

    async fn updated(&self, row: &Value) -> Result<()> {
        if let Some(state) = row["delivery"]["state"].as_str() {
            println!("{}: {state}", row["content"]["body"].as_str().unwrap_or("a file"));
        }
        let (Some(name), Some(url)) = (row["content"]["filename"].as_str(), row["content"]["url"].as_str())
        else {
            return Ok(());
        };
        if row["author"]["role"] != "human_agent" {
            let file = self.http.get(url).send().await?.error_for_status()?.bytes().await?;
            println!("{name}: {} bytes", file.len());
        }
        Ok(())
    }

    /// A line of the agent's.
    async fn types(&self, line: &str) -> Result<()> {
        let handoff = self.lock().newest.clone().context("no handoff yet")?;
        let author = json!({ "display_name": self.agent });
        let request = if line == "/end" {
            self.post(&handoff, "end")
        } else if let Some(path) = line.strip_prefix("/file ") {
            let bytes = tokio::fs::read(path).await?;
            let name = path.rsplit('/').next().unwrap_or(path).to_owned();
            let file = multipart::Part::bytes(bytes).file_name(name);
            let form = multipart::Form::new().part("file", file).text("author", author.to_string());
            self.post(&handoff, "files").multipart(form)
        } else if let Some(note) = line.strip_prefix("/note ") {
            self.post(&handoff, "notes").json(&json!({ "text": note, "author": author }))
        } else {
            self.post(&handoff, "messages").json(&json!({ "text": line, "author": author }))
        };
        self.send(request).await
    }

    fn post(&self, handoff: &str, what: &str) -> RequestBuilder {
        let url = format!("{}/platform/handoffs/{handoff}/{what}", self.relay);
        self.http.post(url).bearer_auth(&self.token)
    }

    async fn send(&self, request: RequestBuilder) -> Result<()> {
        let answer = request.send().await?;
        let status = answer.status();
        if !status.is_success() {
            let problem: Value = answer.json().await.unwrap_or_default();
            anyhow::bail!("{status}: {}", problem["detail"].as_str().unwrap_or("no reason given"));
        }
        Ok(())
    }
}
