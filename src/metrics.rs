//! What is counted and measured, for Prometheus at `/metrics`.
//!
//! One registry, handed to whoever counts; no globals. Labels are closed sets: no id and no text of anybody
//! becomes one. To add a metric: a field, a line in [`Metrics::new`], a method that says what happened.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::atomic::{AtomicI64, AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::relay::{delivery::Destination, ledger::Ledger, rules::arrive::Arrival, time::Time};

/// What the `Content-Type` of the exposition is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AdaCall {
    call: &'static str,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Message {
    what: &'static str,
}

/// Platforms are named by the settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PlatformLabel {
    platform: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PlatformOutcome {
    platform: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Proof {
    proof: &'static str,
}

/// How much waits, as the store counts it when asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depths {
    /// Events in the inbox.
    pub inbox: u64,
    /// The oldest one's time by Ada's clock.
    pub inbox_oldest: Option<Time>,
    /// Deliveries in the outbox, for each destination.
    pub queued: BTreeMap<Destination, u64>,
    /// When the oldest one for Ada was queued.
    pub outbox_oldest: Option<Time>,
    /// Deliveries that can't be read: their lanes stand still.
    pub unreadable: u64,
    /// Handoffs that are waiting, active, ended.
    pub handoffs: [u64; 3],
}

impl Depths {
    /// How many deliveries wait for Ada.
    pub fn outbox(&self) -> u64 {
        let for_ada = self.queued.iter().filter(|(destination, _)| destination.ai_agent().is_some());
        for_ada.map(|(_, queued)| queued).sum()
    }

    /// How many wait for this destination.
    pub fn waiting_for(&self, destination: &Destination) -> u64 {
        self.queued.get(destination).copied().unwrap_or_default()
    }
}

/// The relay's metrics.
pub struct Metrics {
    registry: Registry,
    webhooks: Family<Outcome, Counter>,
    /// Two of these, to which most come.
    kept: Counter,
    ignored: Counter,
    foreign: Counter,
    elsewhere: Counter,
    guesses: Family<Proof, Counter>,
    ada_calls: Family<AdaCall, Counter>,
    debounce: Histogram,
    delivery: Histogram,
    streams: Gauge,
    last_webhook: Gauge<f64, AtomicU64>,
    inbox: Gauge<i64, AtomicI64>,
    inbox_age: Gauge<f64, AtomicU64>,
    outbox: Gauge<i64, AtomicI64>,
    outbox_age: Gauge<f64, AtomicU64>,
    files: Gauge<i64, AtomicI64>,
    unreadable: Gauge<i64, AtomicI64>,
    handoffs: Family<State, Gauge>,
    messages: Family<Message, Counter>,
    fetches: Family<Outcome, Counter>,
    platform_events: Family<PlatformOutcome, Counter>,
    platform_queue: Family<PlatformLabel, Gauge>,
    platform_up: Family<PlatformLabel, Gauge>,
    lost: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// What a webhook can come to.
const WEBHOOK_OUTCOMES: [&str; 7] =
    ["kept", "duplicate", "ignored", "dead_letter", "inbox_full", "invalid_signature", "not_kept"];

impl Metrics {
    /// Everything at zero.
    pub fn new() -> Self {
        let webhooks: Family<Outcome, Counter> = Family::default();
        let counter = |arrival: Arrival| webhooks.get_or_create_owned(&Outcome { outcome: arrival.as_str() });
        let (kept, ignored) = (counter(Arrival::Kept), counter(Arrival::Ignored));
        let quick = [0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 30.0, 60.0];
        let slow = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0];
        let mut metrics = Self {
            registry: Registry::with_prefix("handoff_relay"),
            webhooks,
            kept,
            ignored,
            foreign: Counter::default(),
            elsewhere: Counter::default(),
            guesses: Family::default(),
            ada_calls: Family::default(),
            debounce: Histogram::new(quick),
            delivery: Histogram::new(slow),
            streams: Gauge::default(),
            last_webhook: Gauge::default(),
            inbox: Gauge::default(),
            inbox_age: Gauge::default(),
            outbox: Gauge::default(),
            outbox_age: Gauge::default(),
            files: Gauge::default(),
            unreadable: Gauge::default(),
            handoffs: Family::default(),
            messages: Family::default(),
            fetches: Family::default(),
            platform_events: Family::default(),
            platform_queue: Family::default(),
            platform_up: Family::default(),
            lost: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("webhooks", "Webhooks by outcome", self.webhooks.clone());
        let help = "Events of our conversations that name another integration";
        r.register("foreign_integration_events", help, self.foreign.clone());
        let help = "Events that name a domain of another AI Agent than the one whose secret signed them";
        r.register("foreign_domain_events", help, self.elsewhere.clone());
        let help = "Wrong tokens and codes, by what they were shown as";
        r.register("wrong_guesses", help, self.guesses.clone());
        r.register("ada_calls", "Calls to Ada by status", self.ada_calls.clone());
        r.register("debounce_seconds", "How long events waited in the inbox", self.debounce.clone());
        let help = "From the agent's message to Ada's answer";
        r.register("delivery_seconds", help, self.delivery.clone());
        r.register("event_streams", "Open event streams", self.streams.clone());
        let help = "When the last verified webhook came, in Unix seconds; 0 if none has";
        r.register("last_webhook_timestamp_seconds", help, self.last_webhook.clone());
        r.register("inbox_events", "Events in the inbox", self.inbox.clone());
        r.register("inbox_oldest_seconds", "Age of the oldest event in the inbox", self.inbox_age.clone());
        r.register("outbox_deliveries", "Deliveries that wait for Ada", self.outbox.clone());
        r.register("outbox_oldest_seconds", "Age of the oldest of these", self.outbox_age.clone());
        let help = "Deliveries that can't be read, as a newer relay may have written them";
        r.register("unreadable_deliveries", help, self.unreadable.clone());
        r.register("files_to_fetch", "Files that are still to be fetched", self.files.clone());
        r.register("handoffs", "Handoffs by state", self.handoffs.clone());
        let help = "Messages of all handoffs since the start, by what became of them";
        r.register("messages", help, self.messages.clone());
        let help = "Tries to fetch files of customers, by outcome";
        r.register("file_fetches", help, self.fetches.clone());
        let help = "Attempts to tell platforms of an event, by outcome";
        r.register("platform_events", help, self.platform_events.clone());
        r.register("platform_queue", "Events that wait for a platform", self.platform_queue.clone());
        let help = "1 if a platform takes events; 0 if it is disabled, or has taken none for 5 minutes";
        r.register("platform_up", help, self.platform_up.clone());
        let help = "Message events that left the inbox and stand in no thread; anything but 0 is a defect";
        r.register("messages_lost", help, self.lost.clone());
    }

    /// A verified webhook came to this.
    pub fn arrived(&self, arrival: Arrival, now: Time) {
        self.last_webhook.set(seconds(now));
        match arrival {
            Arrival::Kept => drop(self.kept.inc()),
            Arrival::Ignored => drop(self.ignored.inc()),
            other => self.webhook(other.as_str()),
        }
    }

    /// The accounts of handoffs have grown by so much.
    pub fn account(&self, grown: &Ledger) {
        for (what, by) in [
            ("received", grown.received),
            ("recovered", grown.recovered),
            ("duplicate", grown.duplicates),
            ("late", grown.late),
            ("sent", grown.sent),
            ("confirmed", grown.confirmed),
            ("failed", grown.failed),
        ] {
            if by > 0 {
                self.messages.get_or_create(&Message { what }).inc_by(by);
            }
        }
        let taken = grown.taken.saturating_sub(grown.duplicates);
        self.lost.inc_by(i64::try_from(taken).unwrap_or(0) - i64::try_from(grown.shown).unwrap_or(0));
    }

    /// A webhook was not Ada's, or could not be kept.
    pub fn webhook(&self, outcome: &'static str) {
        self.webhooks.get_or_create(&Outcome { outcome }).inc();
    }

    /// How many webhooks came to what so far.
    pub fn webhooks_so_far(&self) -> BTreeMap<&'static str, u64> {
        let count = |outcome| Some((outcome, self.webhooks.get(&Outcome { outcome })?.get()));
        WEBHOOK_OUTCOMES.into_iter().filter_map(count).collect()
    }

    /// An event of a conversation of ours named another integration.
    pub fn foreign(&self) {
        self.foreign.inc();
    }

    /// An event named the domain of another AI Agent than the one whose secret signed it.
    pub fn elsewhere(&self) {
        self.elsewhere.inc();
    }

    /// Somebody showed something that is wrong: a `token` or a `code` to sign in, or a `bearer` token.
    pub fn wrong_guess(&self, proof: &'static str) {
        self.guesses.get_or_create(&Proof { proof }).inc();
    }

    /// A call to Ada was answered with `status`, or not at all.
    pub fn ada_call(&self, call: &'static str, status: Option<u16>) {
        let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        self.ada_calls.get_or_create(&AdaCall { call, status }).inc();
    }

    /// A file was fetched and kept, or not: `kept`, `passing`, `gone` or `refused`.
    pub fn fetched(&self, outcome: &'static str) {
        self.fetches.get_or_create(&Outcome { outcome }).inc();
    }

    /// A platform was told of an event: `taken`, `refused` or `later`.
    pub fn notified(&self, platform: &str, outcome: &'static str) {
        let platform = platform.to_owned();
        self.platform_events.get_or_create(&PlatformOutcome { platform, outcome }).inc();
    }

    /// How a platform is doing, and how many events wait for it.
    pub fn platform(&self, platform: &str, is_up: bool, queued: u64) {
        let label = PlatformLabel { platform: platform.to_owned() };
        self.platform_up.get_or_create(&label).set(i64::from(is_up));
        self.platform_queue.get_or_create(&label).set(i64::try_from(queued).unwrap_or(i64::MAX));
    }

    /// An event left the inbox after `wait`.
    pub fn debounced(&self, wait: Duration) {
        self.debounce.observe(wait.as_secs_f64());
    }

    /// Ada took a delivery, so long after it was queued.
    pub fn delivered(&self, after: Duration) {
        self.delivery.observe(after.as_secs_f64());
    }

    /// An event stream is open for as long as this lives.
    pub fn stream(&self) -> OpenStream {
        self.streams.inc();
        OpenStream(self.streams.clone())
    }

    /// When the last verified webhook came.
    pub fn last_webhook(&self) -> Option<Time> {
        let at = self.last_webhook.get();
        (at > 0.0).then(|| Time::from_micros((at * 1e6) as i64))
    }

    /// Everything, as text; `depths` are as of `now`.
    pub fn text(&self, depths: &Depths, now: Time) -> String {
        let age = |at: Option<Time>| at.map_or(0.0, |at| now.since(at).as_secs_f64());
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.inbox.set(count(depths.inbox));
        self.inbox_age.set(age(depths.inbox_oldest));
        self.outbox.set(count(depths.outbox()));
        self.outbox_age.set(age(depths.outbox_oldest));
        self.files.set(count(depths.waiting_for(&Destination::Files)));
        self.unreadable.set(count(depths.unreadable));
        for (state, number) in ["waiting", "active", "ended"].into_iter().zip(depths.handoffs) {
            self.handoffs.get_or_create(&State { state }).set(count(number));
        }
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            let _ = writeln!(text, "# EOF");
        }
        text
    }
}

fn seconds(at: Time) -> f64 {
    Duration::from_micros(u64::try_from(at.as_micros()).unwrap_or(0)).as_secs_f64()
}

/// See [`Metrics::stream`].
pub struct OpenStream(Gauge);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}
