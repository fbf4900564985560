//! Many handoffs at once, in a simulation without chance faults.

use std::{sync::Arc, time::Duration};

use handoff_relay::{
    engine::Engine,
    environment::Environment,
    relay::{
        id::HandoffId,
        rules::{
            start::StartOutcome,
            write::{self, AgentMessage, Request},
        },
        thread::{Content, Role, Row, Sending},
        time::Time,
    },
};
use serde_json::Map;
use tokio::time::{Instant, sleep};

use crate::{ada::SimAda, clock::Simulated, dice::Dice, kept::Kind, post::Post, relay::Relay};

const HISTORY: &str = "Is anybody there?";
/// Nothing that is waited for takes so long.
const PATIENCE: Duration = Duration::from_secs(600);

/// The one agent there is.
pub fn alex() -> Request {
    Request { agent: "Alex".to_owned(), idempotency: None, author: None }
}

/// A conversation in a handoff.
pub struct Chat {
    pub conversation: String,
    pub handoff: HandoffId,
}

/// An agent's desk.
pub struct Desk {
    pub ada: Arc<SimAda>,
    pub relay: Arc<Relay>,
    pub post: Post,
    environment: Arc<Simulated>,
}

impl Desk {
    pub async fn new(seed: u64) -> Self {
        let dice = Dice::new(seed);
        let environment = Arc::new(Simulated::new(dice.clone()));
        let clock: Arc<dyn Environment> = Arc::<Simulated>::clone(&environment);
        let ada = SimAda::new(clock, dice.clone());
        ada.calm();
        let relay = Relay::new(Kind::Memory, Arc::clone(&environment), Arc::clone(&ada), dice.clone()).await;
        let post = Post::new(Arc::clone(&ada), Arc::clone(&relay), dice);
        Self { ada, relay, post, environment }
    }

    pub fn engine(&self) -> Arc<Engine> {
        self.relay.engine().unwrap()
    }

    pub fn now(&self) -> Time {
        self.environment.now()
    }

    /// So many handoffs begin, and their histories are read.
    pub async fn hands_off(&mut self, count: usize) -> Vec<Chat> {
        let mut chats = Vec::new();
        for _ in 0..count {
            chats.push(self.begins().await);
        }
        self.reads_histories(&chats).await;
        chats
    }

    async fn begins(&self) -> Chat {
        let conversation = format!("chat-{}", self.environment.new_id());
        self.ada.writes(&conversation, Role::EndUser, HISTORY);
        self.ada.begins(&conversation, Duration::ZERO);
        let engine = self.engine();
        let ai_agents = engine.ai_agents();
        let started = engine.start(&ai_agents, ai_agents.first(), conversation.clone(), Map::new());
        match started.await.unwrap() {
            StartOutcome::New(handoff) => Chat { conversation, handoff },
            other => panic!("a start call came to {other:?}"),
        }
    }

    /// How long it takes until a new handoff's history is read.
    pub async fn history_takes(&self) -> Duration {
        let began = Instant::now();
        let chat = self.begins().await;
        while !self.rows(&chat).await.iter().any(|row| text(row) == Some(HISTORY)) {
            sleep(Duration::from_millis(10)).await;
            assert!(began.elapsed() < PATIENCE, "it is never read");
        }
        began.elapsed()
    }

    /// Waits until all histories are read.
    async fn reads_histories(&mut self, chats: &[Chat]) {
        for chat in chats {
            while !self.rows(chat).await.iter().any(|row| text(row) == Some(HISTORY)) {
                self.post.passes(Duration::from_secs(1)).await;
            }
        }
    }

    /// Waits until nothing is left to send.
    pub async fn sends_all(&mut self, chats: &[Chat]) {
        for chat in chats {
            while self.rows(chat).await.iter().any(|row| row.sending == Some(Sending::Queued)) {
                self.post.passes(Duration::from_secs(1)).await;
            }
        }
    }

    pub async fn writes(&self, chat: &Chat, text: &str) -> Row {
        let message = AgentMessage { by: alex(), text: text.to_owned() };
        self.engine().act(write::message(chat.handoff.clone(), message)).await.unwrap()
    }

    pub async fn rows(&self, chat: &Chat) -> Vec<Row> {
        self.relay.store.held().rows(&chat.handoff, 0, usize::MAX).await.unwrap()
    }

    /// The words of a thread.
    pub async fn reads(&self, chat: &Chat) -> Vec<String> {
        self.rows(chat).await.iter().filter_map(text).map(str::to_owned).collect()
    }

    /// What the customer has of agents.
    pub fn arrived(&self, chat: &Chat) -> Vec<String> {
        self.ada.look(&chat.conversation, |known| {
            let agents = known.messages.iter().filter(|stored| stored.role == Role::HumanAgent);
            agents.map(|stored| stored.body.clone()).collect()
        })
    }

    /// How long it takes until the customer has what an agent writes.
    pub async fn takes(&self, chat: &Chat, text: &str) -> Duration {
        let began = Instant::now();
        self.writes(chat, text).await;
        while !self.arrived(chat).iter().any(|arrived| arrived == text) {
            sleep(Duration::from_millis(10)).await;
            assert!(began.elapsed() < PATIENCE, "{text} never arrives");
        }
        began.elapsed()
    }

    /// The most calls that reached Ada in any window of this length, from `from` on.
    pub fn busiest(&self, window: Duration, from: Time) -> usize {
        let mut calls = self.ada.calls();
        calls.retain(|at| *at >= from);
        calls.sort_unstable();
        let within = |first: &Time| calls.iter().filter(|at| *at >= first && **at < *first + window).count();
        calls.iter().map(within).max().unwrap_or_default()
    }
}

/// What a row says, if it is text.
pub fn text(row: &Row) -> Option<&str> {
    match &row.content {
        Content::Text { body } => Some(body),
        _ => None,
    }
}
