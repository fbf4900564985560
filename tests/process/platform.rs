//! An agent platform that is told of handoffs: a stand-in that fails, hangs and is late, and the examples.

use std::{
    collections::BTreeMap,
    future::IntoFuture,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::Value;
use svix::webhooks::Webhook;
use tokio::{
    io::AsyncWriteExt,
    net::TcpListener,
    process::{Child, ChildStdin, Command},
};

use crate::{moment, process::Lines};

pub const SECRET: &str = "whsec_dGhlLXNlY3JldC1vZi1hLXBsYXRmb3JtIQ==";
pub const TOKEN: &str = "token-of-the-desk-0123456789";

/// The settings that name a platform. `public` is where the relay is, as far as that is known beforehand.
pub fn settings(url: &str, public: &str) -> Vec<(&'static str, String)> {
    vec![
        ("PUBLIC_URL", public.to_owned()),
        ("PLATFORM_ALLOW_PRIVATE", "on".to_owned()),
        ("PLATFORM_WEBHOOK_URL", url.to_owned()),
        ("PLATFORM_WEBHOOK_SECRET", SECRET.to_owned()),
        ("PLATFORM_TOKENS", format!("Desk={TOKEN}")),
    ]
}

/// How the platform answers an event.
#[derive(Clone, Copy)]
pub enum Mood {
    Takes,
    Fails,
    /// It has the event, and answers too late.
    Hangs,
    Slow(Duration),
}

type Moods = Box<dyn FnMut() -> Mood + Send>;

/// What a platform has been told of each handoff, in the order in which it came.
#[derive(Clone)]
pub struct Platform {
    told: Arc<Mutex<BTreeMap<String, Vec<Value>>>>,
    moods: Arc<Mutex<Option<Moods>>>,
    pub url: String,
}

impl Platform {
    pub async fn start(moods: impl FnMut() -> Mood + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ada", listener.local_addr().unwrap());
        let moods: Moods = Box::new(moods);
        let platform = Self { told: Arc::default(), moods: Arc::new(Mutex::new(Some(moods))), url };
        let door = Router::new().route("/ada", post(Self::take)).with_state(platform.clone());
        tokio::spawn(axum::serve(listener, door).into_future());
        platform
    }

    async fn take(State(platform): State<Self>, headers: HeaderMap, body: Bytes) -> StatusCode {
        Webhook::new(SECRET).unwrap().verify(&body, &headers).expect("a good signature");
        let event: Value = serde_json::from_slice(&body).unwrap();
        let mood = platform.moods.lock().unwrap().as_mut().map_or(Mood::Takes, |moods| moods());
        if matches!(mood, Mood::Fails) {
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
        let handoff = event["data"]["handoff_id"].as_str().unwrap().to_owned();
        platform.told.lock().unwrap().entry(handoff).or_default().push(event);
        match mood {
            Mood::Hangs => moment(Instant::now() + Duration::from_secs(60)).await,
            Mood::Slow(for_so_long) => moment(Instant::now() + for_so_long).await,
            Mood::Takes | Mood::Fails => {}
        }
        StatusCode::NO_CONTENT
    }

    /// It takes everything from now on.
    pub fn recovers(&self) {
        *self.moods.lock().unwrap() = None;
    }

    /// What it was told of a handoff: each event where it came first, and how many came again.
    pub fn told(&self, handoff: &str) -> (Vec<Value>, usize) {
        let told = self.told.lock().unwrap().get(handoff).cloned().unwrap_or_default();
        let (mut first, mut again) = (Vec::<Value>::new(), 0);
        for event in told {
            if first.iter().any(|known| known["data"]["sequence"] == event["data"]["sequence"]) {
                again += 1;
            } else {
                first.push(event);
            }
        }
        (first, again)
    }
}

/// One of the receivers in `examples/`, killed when dropped.
pub struct Example {
    _child: Child,
    stdin: ChildStdin,
    pub stdout: Lines,
    pub url: String,
}

impl Example {
    /// By its file's name. `relay` is where it answers; with `replies` it answers customers by itself.
    pub async fn start(name: &str, relay: &str, replies: bool) -> Self {
        let mut command = command(name);
        let set = [
            ("WEBHOOK_SECRET", SECRET),
            ("RELAY_URL", relay),
            ("RELAY_TOKEN", TOKEN),
            ("LISTEN", "127.0.0.1:0"),
            ("AUTO_REPLY", if replies { "on" } else { "off" }),
        ];
        command.env_clear().env("PATH", std::env::var("PATH").unwrap()).envs(set);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let (stdin, stdout) = (child.stdin.take().unwrap(), Lines::of(child.stdout.take().unwrap()));
        let at = |line: &str| line.strip_prefix("listening at ").map(str::to_owned);
        let url = stdout.find(1, "where it listens", at).await.remove(0);
        Self { _child: child, stdin, stdout, url }
    }

    /// The agent types a line.
    pub async fn types(&mut self, line: &str) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    pub async fn shows(&self, words: &str) {
        self.stdout.find(1, words, |line| line.contains(words).then_some(())).await;
    }
}

fn command(name: &str) -> Command {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    if name.ends_with(".py") {
        let mut python = Command::new("python3");
        python.arg("-B").arg(source);
        return python;
    }
    // Cargo builds examples with the tests, beside the folder of this one.
    let here = std::env::current_exe().unwrap();
    let built: PathBuf = here.ancestors().nth(2).unwrap().join("examples").join(name.trim_end_matches(".rs"));
    assert!(built.exists(), "{} is not built: cargo build --examples", built.display());
    Command::new(built)
}
