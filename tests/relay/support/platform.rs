//! A stand-in for an agent platform: it verifies and records what it is told, and can be told to fail.

use std::{
    collections::VecDeque,
    future::IntoFuture,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::Value;
use svix::webhooks::Webhook;

use super::{
    agent::Agent,
    answer::Answer,
    eventually,
    relay::{Relay, Setup},
};

pub const SECRET: &str = "whsec_dGhlLXNlY3JldC1vZi1hLXBsYXRmb3JtIQ==";
pub const TOKEN: &str = "token-of-the-desk-0123456789";
pub const OPERATOR: &str = "token-of-an-operator-0123456789";
/// Where the relay says that it is; a test asks the relay itself.
pub const PUBLIC: &str = "https://relay.example";

/// How the platform answers one event.
#[derive(Clone, Copy)]
pub enum Script {
    Status(u16),
    RetryAfter(u16, u64),
    Never,
}

/// One event, as it came.
#[derive(Clone, Debug)]
pub struct Told {
    pub id: String,
    pub event: Value,
}

impl Told {
    pub fn name(&self) -> &str {
        self.event["type"].as_str().unwrap()
    }

    pub fn sequence(&self) -> u64 {
        self.event["data"]["sequence"].as_u64().unwrap()
    }
}

#[derive(Default)]
struct Record {
    all: Vec<Told>,
    taken: Vec<Told>,
    script: VecDeque<Script>,
    /// How it answers what the script says nothing about.
    otherwise: Option<Script>,
}

#[derive(Clone)]
pub struct Platform {
    record: Arc<Mutex<Record>>,
    pub url: String,
}

impl Platform {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ada", listener.local_addr().unwrap());
        let platform = Self { record: Arc::default(), url };
        let door = Router::new().route("/ada", post(Self::take)).with_state(platform.clone());
        tokio::spawn(axum::serve(listener, door).into_future());
        platform
    }

    /// A relay that tells this platform, too.
    pub fn setup(&self) -> Setup {
        let settings = self.settings().into_iter();
        settings.fold(Setup::new().two_doors(), |setup, (name, value)| setup.set(name, &value))
    }

    /// The settings that name it.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PUBLIC_URL", PUBLIC.to_owned()),
            ("PLATFORM_ALLOW_PRIVATE", "on".to_owned()),
            ("PLATFORM_WEBHOOK_URL", self.url.clone()),
            ("PLATFORM_WEBHOOK_SECRET", SECRET.to_owned()),
            ("PLATFORM_TOKENS", format!("Desk={TOKEN}")),
            ("OPERATOR_TOKENS", format!("Olivia={OPERATOR}")),
        ]
    }

    async fn take(State(platform): State<Self>, headers: HeaderMap, body: Bytes) -> Response {
        Webhook::new(SECRET).unwrap().verify(&body, &headers).expect("a good signature");
        assert_eq!(headers["content-type"], "application/json");
        let id = headers["webhook-id"].to_str().unwrap().to_owned();
        let told = Told { id, event: serde_json::from_slice(&body).expect("JSON") };
        let script = {
            let mut record = platform.record.lock().unwrap();
            record.all.push(told.clone());
            let script = record.script.pop_front().or(record.otherwise).unwrap_or(Script::Status(204));
            if matches!(script, Script::Status(200..=299)) {
                record.taken.push(told);
            }
            script
        };
        match script {
            Script::Status(status) => {
                (StatusCode::from_u16(status).unwrap(), "words\u{202e} of the platform").into_response()
            }
            Script::RetryAfter(status, seconds) => {
                (StatusCode::from_u16(status).unwrap(), [("retry-after", seconds.to_string())])
                    .into_response()
            }
            Script::Never => {
                tokio::time::sleep(Duration::from_secs(3_600)).await;
                StatusCode::OK.into_response()
            }
        }
    }

    /// How the next events are answered.
    pub fn answers(&self, script: &[Script]) {
        self.record.lock().unwrap().script.extend(script);
    }

    /// How all others are.
    pub fn otherwise(&self, script: Option<Script>) {
        self.record.lock().unwrap().otherwise = script;
    }

    /// What it was told, retries included.
    pub fn told(&self) -> Vec<Told> {
        self.record.lock().unwrap().all.clone()
    }

    /// What it has taken of a handoff, without what came again.
    pub fn taken(&self, handoff: &str) -> Vec<Told> {
        let mut taken: Vec<Told> = self.record.lock().unwrap().taken.clone();
        taken.retain(|told| told.event["data"]["handoff_id"] == handoff);
        let mut seen = Vec::new();
        taken.retain(|told| {
            let is_new = !seen.contains(&told.id);
            seen.push(told.id.clone());
            is_new
        });
        taken
    }

    /// Waits for an event of a handoff that passes.
    pub async fn is_told(&self, handoff: &str, what: &str, passes: impl Fn(&Told) -> bool) -> Told {
        eventually(what, || async { self.taken(handoff).into_iter().find(|told| passes(told)) }).await
    }

    /// Waits for words in a message.
    pub async fn hears(&self, handoff: &str, words: &str) -> Told {
        self.is_told(handoff, words, |told| told.event["data"]["content"]["body"] == words).await
    }
}

impl Relay {
    /// The platform's service account, at its own door.
    pub fn desk(&self) -> Agent {
        Agent::at(self.http.clone(), format!("{}/platform", self.url), TOKEN)
    }

    /// An operator, at the agents' door.
    pub async fn operator(&self, method: &str, path: &str) -> Answer {
        let operator = Agent::at(self.http.clone(), format!("{}/api", self.agents_url), OPERATOR);
        Answer::to(operator.request(method, path)).await
    }
}
