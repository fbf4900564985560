//! A stand-in Ada: the part of Ada that a custom handoff meets, in one small server.
//!
//! It keeps conversations in memory, answers the Conversations API below `/api`, sends signed webhooks the
//! way Svix does, calls the relay's start door like a handoff block, and has a chat page for the customer at
//! `/chat` and a page that stands for the dashboard at `/dashboard`. `handoff-relay demo` runs it, and tests use it as a fake that records every call and can be told
//! what to answer.
//!
//! How the parts fit:
//! - `conversation` has the rules, and they are pure: a change to a conversation leaves events in its outbox;
//! - `shared` holds the state behind one short lock, and hands those events to `deliver` after unlocking;
//! - `dial` has what may go wrong, as pure rules; `api` and `deliver` carry it out;
//! - `files` keeps the files of messages and serves them by URLs that expire;
//! - `api` is what the relay calls, `chat` is what the customer's browser calls, `developer` is what turns the
//!   dial from outside;
//! - [`amazon_connect`] is a stand-in of its own, for the other side of a relay: Amazon Connect with SNS;
//! - [`webhook`] makes and signs Ada's payloads, for the sandbox and for tests.
//!
//! It must not know the relay: all it has are two URLs and a key.

pub mod amazon_connect;
mod api;
mod chat;
mod connection;
mod conversation;
mod customer;
mod dashboard;
mod deliver;
mod developer;
mod dial;
mod endpoint;
mod files;
mod message;
mod options;
mod passage;
mod record;
mod refusal;
mod replies;
mod serve;
mod shared;
pub mod webhook;

use std::{sync::Arc, time::Duration};

pub use dial::{Dial, Disorder, EchoTiming, Fault, FileFault, IdScheme, RateHeaders, RateLimits};
pub use files::{KeptFile, SentFile};
pub use message::{Role, StoredMessage};
pub use options::Options;
pub use record::{Call, RecordedCall, ScriptedAnswer};
pub use refusal::Refusal;
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::endpoint::Endpoint;
use crate::shared::Shared;

/// A handle to one stand-in Ada. Clones are cheap and share everything.
///
/// Events are sent from tasks: create conversations and change them inside a Tokio runtime.
#[derive(Clone)]
pub struct Sandbox(Arc<Shared>);

impl Sandbox {
    /// An Ada without conversations. It answers the network only while [`serve`](Self::serve) runs.
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Shared::new(options)))
    }

    /// Sends what follows to other addresses, as after a relay that came back on another port. Retries of
    /// earlier events go there too.
    pub fn set_targets(&self, webhook_url: String, start_url: String) {
        let mut state = self.0.lock();
        match state.endpoints.first_mut() {
            Some(endpoint) => endpoint.url = webhook_url,
            None => state.endpoints.push(Endpoint::with_secret(webhook_url, self.0.webhook_secret.clone())),
        }
        state.block.url = start_url;
    }

    /// The dashboard's page proposes this: a heading and its text each.
    pub fn propose(&self, trial: Vec<(String, String)>) {
        self.0.lock().trial = Some(trial);
    }

    /// Turns webhooks on or off. Events that happen while they are off are lost; retries of earlier ones
    /// still go out.
    pub fn set_webhooks(&self, on: bool) {
        self.0.lock().webhooks_on = on;
    }

    /// Gives up every webhook on its way, as Ada does when all retries have failed: they never come. Those of
    /// later events are sent.
    pub fn give_up_webhooks(&self) {
        let given_up = std::mem::take(&mut self.0.lock().patience);
        given_up.cancel();
    }

    /// Whether nothing is on its way to the relay: no webhook, no retry, no start call.
    pub fn is_idle(&self) -> bool {
        self.0.tasks.is_empty()
    }

    /// What the end user sees in a conversation, in order. Empty for an unknown one.
    pub fn messages(&self, conversation: &str) -> Vec<StoredMessage> {
        self.peek(conversation, |conversation| conversation.messages.clone()).unwrap_or_default()
    }

    /// Whether a conversation is with a human team right now.
    pub fn in_handoff(&self, conversation: &str) -> bool {
        self.peek(conversation, |conversation| conversation.in_handoff()).unwrap_or(false)
    }

    /// The metadata of a conversation. Empty for an unknown one.
    pub fn metadata(&self, conversation: &str) -> Map<String, Value> {
        self.peek(conversation, |conversation| conversation.metadata.clone()).unwrap_or_default()
    }

    /// The id of a conversation's end user; none for an unknown one.
    pub fn end_user_id(&self, conversation: &str) -> Option<String> {
        self.peek(conversation, |conversation| conversation.end_user_id.clone()).ok()
    }

    /// The metavariables of a conversation's end user. Empty for an unknown one.
    pub fn metavariables(&self, conversation: &str) -> Map<String, Value> {
        let end_user = self.end_user_id(conversation);
        let state = self.0.lock();
        end_user.and_then(|id| state.metavariables.get(&id).cloned()).unwrap_or_default()
    }

    /// Every API request so far, in the order in which their answers were made: the last 10,000.
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.0.lock().records.calls()
    }

    /// The most requests of the API that came within any span of this length.
    pub fn busiest(&self, span: Duration) -> usize {
        let mut times: Vec<_> = self.calls().iter().map(|call| call.at).collect();
        times.sort_unstable();
        let within = |from: usize| times[from..].partition_point(|at| *at < times[from] + span);
        (0..times.len()).map(within).max().unwrap_or_default()
    }

    /// Queues an answer for the next authorized request of that kind. The request then changes nothing.
    pub fn answer_next(&self, call: Call, answer: ScriptedAnswer) {
        self.0.lock().records.script(call, answer);
    }

    /// A counter that moves with every change and every recorded call.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.revision.subscribe()
    }

    /// Waits until `condition` holds; it is asked again after every change. Bring your own deadline.
    pub async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let mut changes = self.changes();
        // The sender lives as long as `self`, so waiting can't fail.
        while !condition(self) && changes.changed().await.is_ok() {}
    }
}
