//! An agent's screen: what the event stream has shown last of each message. It is opened again wherever it breaks off.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::{
    moment,
    relay::{Relay, TOKEN, client},
    until,
};

const PAUSE: Duration = Duration::from_millis(100);

/// Gone when dropped.
pub struct Screen {
    shown: Arc<Mutex<Shown>>,
    follows: JoinHandle<()>,
}

#[derive(Default)]
struct Shown {
    /// The number of the last change.
    last: Option<u64>,
    messages: BTreeMap<String, Value>,
    /// How often it broke off.
    breaks: usize,
    /// What must never be.
    wrong: Vec<String>,
}

impl Screen {
    /// One at a relay, or at a balancer.
    pub async fn open(url: &str) -> Self {
        let shown = Arc::<Mutex<Shown>>::default();
        let follows = tokio::spawn(follow(url.to_owned(), Arc::clone(&shown)));
        let screen = Self { shown, follows };
        until("the stream is open", async || screen.lock().last).await;
        screen
    }

    /// Waits until it shows each message as the relay has it. Gives how many there are, and how often it broke off.
    pub async fn agrees(&self, relay: &Relay) -> (usize, usize) {
        let mut differ = Vec::new();
        let deadline = Instant::now() + crate::DEADLINE;
        while Instant::now() < deadline {
            differ = self.differences(relay).await;
            if differ.is_empty() {
                let shown = self.lock();
                assert!(shown.wrong.is_empty(), "{:#?}", shown.wrong);
                return (shown.messages.len(), shown.breaks);
            }
            moment(Instant::now() + PAUSE).await;
        }
        panic!("not as the stream has shown it: {differ:#?}");
    }

    async fn differences(&self, relay: &Relay) -> Vec<String> {
        let list = relay.get("/api/handoffs?limit=200").await;
        let mut differ = Vec::new();
        for handoff in list["data"].as_array().unwrap() {
            let rows = relay.thread(handoff["id"].as_str().unwrap()).await;
            let shown = self.lock();
            let is_shown = |row: &&Value| shown.messages.get(row["id"].as_str().unwrap()) != Some(*row);
            differ.extend(
                rows.iter().filter(is_shown).map(|row| {
                    format!("{row}, shown as {:?}", shown.messages.get(row["id"].as_str().unwrap()))
                }),
            );
        }
        differ
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.follows.abort();
    }
}

async fn follow(url: String, shown: Arc<Mutex<Shown>>) {
    let http = client();
    loop {
        let mut request = http.get(format!("{url}/api/events")).bearer_auth(TOKEN);
        let last = shown.lock().unwrap().last;
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        if let Ok(answer) = request.send().await
            && answer.status() == 200
        {
            let mut stream = answer.bytes_stream();
            let mut text = Vec::new();
            while let Some(Ok(bytes)) = stream.next().await {
                text.extend_from_slice(&bytes);
                while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
                    let event: Vec<u8> = text.drain(..end + 2).collect();
                    shown.lock().unwrap().take(std::str::from_utf8(&event).unwrap());
                }
            }
        }
        shown.lock().unwrap().breaks += 1;
        moment(Instant::now() + PAUSE).await;
    }
}

impl Shown {
    fn take(&mut self, event: &str) {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let Some(id) = field("id:").map(|id| id.parse::<u64>().unwrap()) else { return };
        match field("event:") {
            None => {}
            _ if self.last.is_some_and(|last| id <= last) => {
                self.wrong.push(format!("after {:?} came {event}", self.last))
            }
            Some("message") => {
                let row: Value = serde_json::from_str(field("data:").unwrap()).unwrap();
                self.messages.insert(row["id"].as_str().unwrap().to_owned(), row);
            }
            Some("reset") => self.wrong.push(event.to_owned()),
            Some(_) => {}
        }
        self.last = Some(id);
    }
}
