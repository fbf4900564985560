//! What all handles share: the state behind one lock that is never held across an await.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::chat::Chat;
use super::dial::{ConnectFault, Dial, Dice};
use super::item::{Attachment, Item};
use super::notify::Subscription;
use super::record::Records;
use super::signer::Signer;
use super::{ConnectOptions, ConnectStandIn};

pub(super) struct Shared {
    pub(super) options: ConnectOptions,
    pub(super) client: reqwest::Client,
    pub(super) tasks: TaskTracker,
    /// Each task that is not done has a clone.
    pub(super) under_way: Arc<()>,
    pub(super) revision: watch::Sender<u64>,
    pub(super) signer: Signer,
    pub(super) certificate_fetches: AtomicUsize,
    state: Mutex<State>,
}

/// What a connection token stands for.
pub(super) struct ConnectionToken {
    pub(super) chat: String,
    pub(super) until: Timestamp,
    pub(super) uses: usize,
}

/// Credentials of an assumed role.
pub(super) struct Session {
    pub(super) secret: String,
    pub(super) token: String,
    pub(super) until: Timestamp,
}

/// A file of a chat.
pub(super) struct StoredFile {
    pub(super) chat: String,
    pub(super) about: Attachment,
    pub(super) size: u64,
    pub(super) bytes: Option<Bytes>,
    /// The transcript's item, once there is one.
    pub(super) item: Option<String>,
    pub(super) by_customer: bool,
}

/// A signed URL.
pub(super) struct Link {
    pub(super) file: String,
    pub(super) is_upload: bool,
    pub(super) until: Timestamp,
    /// What an upload must bring.
    pub(super) headers: Vec<(String, String)>,
}

/// An operation, what its token is unique in, and the token.
pub(super) type DoneKey = (&'static str, String, String);

pub(super) struct State {
    pub(super) base_url: String,
    pub(super) passed: SignedDuration,
    pub(super) chats: HashMap<String, Chat>,
    /// The initial contacts, in their order.
    pub(super) order: Vec<String>,
    /// Any contact to its initial one.
    pub(super) aliases: HashMap<String, String>,
    /// The chats that may have something to notify of.
    pub(super) dirty: BTreeSet<String>,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) files: HashMap<String, StoredFile>,
    pub(super) links: HashMap<String, Link>,
    /// What was asked and answered.
    pub(super) done: HashMap<DoneKey, (Value, Value)>,
    pub(super) connections: HashMap<String, ConnectionToken>,
    pub(super) sessions: HashMap<String, Session>,
    pub(super) records: Records,
    pub(super) dial: Dial,
    pub(super) dice: Dice,
    pub(super) scripts: HashMap<String, VecDeque<ConnectFault>>,
    pub(super) rejects_next: bool,
    pub(super) hours: (String, Value),
    pub(super) run: CancellationToken,
    /// Cancelled when the last notification was tried once.
    pub(super) last_tried: CancellationToken,
}

/// A week of office hours that never end.
fn always_open() -> Value {
    let days = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];
    let midnight = json!({ "Hours": 0, "Minutes": 0 });
    days.iter().map(|day| json!({ "Day": day, "StartTime": midnight, "EndTime": midnight })).collect()
}

impl Shared {
    pub(super) fn new(options: ConnectOptions) -> Self {
        let last_tried = CancellationToken::new();
        last_tried.cancel();
        let state = State {
            base_url: "http://localhost".to_owned(),
            passed: SignedDuration::ZERO,
            chats: HashMap::new(),
            order: Vec::new(),
            aliases: HashMap::new(),
            dirty: BTreeSet::new(),
            subscriptions: Vec::new(),
            files: HashMap::new(),
            links: HashMap::new(),
            done: HashMap::new(),
            connections: HashMap::new(),
            sessions: HashMap::new(),
            records: Records::default(),
            dial: Dial::default(),
            dice: Dice(0),
            scripts: HashMap::new(),
            rejects_next: false,
            hours: ("UTC".to_owned(), always_open()),
            run: CancellationToken::new(),
            last_tried,
        };
        Self {
            client: client(&options),
            options,
            tasks: TaskTracker::new(),
            under_way: Arc::default(),
            revision: watch::Sender::new(0),
            signer: Signer::new().expect("a key of the usual size"),
            certificate_fetches: AtomicUsize::new(0),
            state: Mutex::new(state),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked elsewhere must not hide what it has found.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn changed(&self) {
        self.revision.send_modify(|revision| *revision = revision.wrapping_add(1));
    }
}

/// Plain HTTP to the subscriber: no proxy of the environment, no redirects, no system certificates.
fn client(options: &ConnectOptions) -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([])
        .timeout(options.delivery_timeout)
        .build()
        .expect("without certificates to load nothing can fail")
}

impl State {
    /// The stand-in's clock, which may be ahead.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::now().saturating_add(self.passed).unwrap_or(Timestamp::MAX)
    }

    /// The chat of any of its contacts.
    pub(super) fn chat(&mut self, contact: &str) -> Option<&mut Chat> {
        let initial = self.aliases.get(contact)?.clone();
        self.dirty.insert(initial.clone());
        self.chats.get_mut(&initial)
    }

    /// A chat to look at.
    pub(super) fn peek(&self, contact: &str) -> Option<&Chat> {
        self.chats.get(self.aliases.get(contact)?)
    }

    /// Ends the chats whose time is over; returns whether there were any.
    fn settle(&mut self) -> bool {
        let now = self.now();
        let mut due = Vec::new();
        for chat in self.chats.values_mut() {
            if let Some(reason) = chat.due(now) {
                chat.end(reason);
                due.push(chat.initial_id.clone());
            }
        }
        let is_any = !due.is_empty();
        self.dirty.extend(due);
        is_any
    }

    /// What is to be notified of, and has a stream.
    fn take_outboxes(&mut self, topic: &str) -> Vec<Item> {
        let mut items = Vec::new();
        for initial in std::mem::take(&mut self.dirty) {
            let Some(chat) = self.chats.get_mut(&initial) else { continue };
            self.aliases.insert(chat.contact_id().to_owned(), initial);
            let outbox = std::mem::take(&mut chat.outbox);
            if chat.streams.iter().any(|stream| stream.topic == topic) {
                items.extend(outbox);
            }
        }
        items
    }

    /// Gives out a connection token, with the time that the client is told.
    pub(super) fn connection_token(&mut self, chat: &str) -> Value {
        const DAY: SignedDuration = SignedDuration::from_hours(24);
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let connection = ConnectionToken { chat: chat.to_owned(), until: self.now() + DAY, uses: 0 };
        self.connections.insert(token.clone(), connection);
        json!({ "ConnectionToken": token, "Expiry": time(Timestamp::now() + DAY) })
    }
}

/// A time as the participant's API writes it.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

impl ConnectStandIn {
    /// Ends the chats whose time is over, when nothing else happens.
    pub(super) fn tick(&self) {
        if self.0.lock().settle() {
            self.with(|_| ());
        }
    }

    /// Changes the state and sends the notifications that come of it.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.with_tried(change).0
    }

    /// The same, with what ends when each notification was tried once.
    pub(super) fn with_tried<T>(&self, change: impl FnOnce(&mut State) -> T) -> (T, Vec<CancellationToken>) {
        let (result, items) = {
            let mut state = self.0.lock();
            state.settle();
            let result = change(&mut state);
            (result, state.take_outboxes(&self.0.options.topic_arn))
        };
        let tried = items.into_iter().map(|item| self.notify(&item)).collect();
        self.0.changed();
        (result, tried)
    }
}
