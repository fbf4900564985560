//! A stand-in Amazon Connect: the parts of Amazon Connect, SNS, STS and S3 that a relay of chats meets, over
//! real HTTP on one origin.
//!
//! How the parts fit:
//! - `operation` and `shape` say how operations are called and what they take; `sigv4` checks signatures;
//! - `door` carries a request through all of that, and through the trouble that the `dial` makes;
//! - `contacts`, `participants`, `attachments` and `query` have what the operations do;
//! - `chat` and `item` have the rules of one chat: a change leaves what is to be notified in its outbox;
//! - `state` holds everything behind one short lock, and hands that to `notify` after unlocking;
//! - `storage` is S3, `agents` is what human agents do, `control` the same over HTTP, with a page.
//!
//! It must not know the relay: all it has are keys and the URL of a subscriber.

mod agents;
mod attachments;
mod chat;
mod contacts;
mod control;
mod dial;
mod door;
mod error;
mod item;
mod notify;
mod operation;
mod options;
mod participants;
mod query;
mod record;
mod rsa;
mod serve;
mod shape;
mod signer;
mod sigv4;
mod state;
mod storage;
mod transcript;

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::watch;

pub use self::agents::ReceivedAttachment;
pub use self::chat::{ChatState, ContactView};
pub use self::dial::{ConnectFault, Dial, MessageProcessing};
pub use self::item::{Attachment, Item, Person};
pub use self::notify::Subscription;
pub use self::options::ConnectOptions;
pub use self::record::{Delivery, RecordedRequest};
use self::state::Shared;

/// A handle to one stand-in Amazon Connect. Clones are cheap and share everything.
///
/// Notifications are sent from tasks: change chats inside a Tokio runtime.
#[derive(Clone)]
pub struct ConnectStandIn(Arc<Shared>);

impl ConnectStandIn {
    /// An instance without chats. It answers the network only while [`serve`](Self::serve) runs.
    ///
    /// # Panics
    /// When no RSA key can be made.
    pub fn new(options: ConnectOptions) -> Self {
        Self(Arc::new(Shared::new(options)))
    }

    /// What it was set up with.
    pub fn options(&self) -> &ConnectOptions {
        &self.0.options
    }

    /// The origin of every API, once it is served.
    pub fn url(&self) -> String {
        self.0.lock().base_url.clone()
    }

    /// The dial as it stands.
    pub fn dial(&self) -> Dial {
        self.0.lock().dial.clone()
    }

    /// Sets all of the dial; its seed counts anew.
    pub fn set_dial(&self, dial: Dial) {
        self.with(|state| {
            state.dice.0 = dial.seed;
            state.dial = dial;
        });
    }

    /// Queues an error for the next call of an operation that is well formed. The call has no effect.
    pub fn answer_next(&self, operation: &str, status: u16, code: &str, message: &str) {
        let (code, message) = (code.to_owned(), message.to_owned());
        self.fault_next(operation, ConnectFault::Error { status, code, message });
    }

    /// Queues a fault for the next call of an operation that is well formed.
    pub fn fault_next(&self, operation: &str, fault: ConnectFault) {
        self.with(|state| state.scripts.entry(operation.to_owned()).or_default().push_back(fault));
    }

    /// Every request of an operation so far, in the order of their answers.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.0.lock().records.requests.clone()
    }

    /// The requests of one operation.
    pub fn requests_of(&self, operation: &str) -> Vec<RecordedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.operation == operation);
        requests
    }

    /// What callers have done that no caller may do.
    pub fn violations(&self) -> Vec<String> {
        self.0.lock().records.violations.clone()
    }

    /// Every try of a notification so far.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.0.lock().records.deliveries.clone()
    }

    /// Appends the requests from now on to a file, as lines of JSON: `service`, `operation` and `params`.
    ///
    /// # Errors
    /// When the file can't be opened.
    pub fn write_requests_to(&self, path: impl AsRef<Path>) -> std::io::Result<()> {
        self.0.lock().records.file = Some(OpenOptions::new().create(true).append(true).open(path)?);
        Ok(())
    }

    /// Lets time pass for everything that expires: tokens, URLs, the time to connect and chats.
    pub fn pass_time(&self, time: Duration) {
        self.with(|state| {
            let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::ZERO);
            state.passed = state.passed.saturating_add(time);
        });
        // What has expired is found at the next look.
        self.with(|_| ());
    }

    /// Ends the life of every connection token that was given out.
    pub fn expire_connection_tokens(&self) {
        self.with(|state| state.connections.clear());
    }

    /// The next attachment that is scanned is rejected.
    pub fn reject_next_attachment(&self) {
        self.with(|state| state.rejects_next = true);
    }

    /// Sets the hours of operation: the `TimeZone` and `Config` of `DescribeHoursOfOperation`'s answer.
    pub fn set_hours(&self, time_zone: &str, config: Value) {
        self.with(|state| state.hours = (time_zone.to_owned(), config));
    }

    /// The certificate of the topic's notifications, as PEM.
    pub fn certificate(&self) -> String {
        self.0.signer.pem.clone()
    }

    /// How often the certificate was fetched.
    pub fn certificate_fetches(&self) -> usize {
        self.0.certificate_fetches.load(Ordering::Relaxed)
    }

    /// Whether nothing is on its way to a subscriber or being scanned.
    pub fn is_idle(&self) -> bool {
        Arc::strong_count(&self.0.under_way) == 1
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

    /// The bytes of an attachment of either side.
    pub fn attachment_bytes(&self, attachment: &str) -> Option<Bytes> {
        self.0.lock().files.get(attachment)?.bytes.clone()
    }
}
