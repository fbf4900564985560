//! What a decision sees and what it changes.
//!
//! The store loads a [`View`] for a [`Scope`], hands it to the decision, and writes the [`WriteSet`] in the
//! same transaction. A [`Transaction`](super::transaction::Transaction) is the view being
//! worked on, with its changes marked.

use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    buffer::Buffer,
    contact::Contact,
    delivery::{Delivery, Destination, Lane},
    event::Event,
    handoff::Handoff,
    id::{AiAgentId, ConversationKey, DeliveryId, HandoffId, RowId},
    ledger::Ledger,
    matching::MatchKey,
    thread::Row,
    time::Time,
};

/// Tolerance for differences between clocks, and for late news of an end.
const SLACK: Duration = Duration::from_hours(24);

/// What a decision needs to see.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The conversation whose handoffs, buffer and outbox are needed.
    pub of: Of,
    /// Is this `svix-id` remembered?
    pub svix_id: Option<String>,
    /// The buffered events, and the rows they could belong to.
    pub with_inbox: bool,
    /// The deliveries of the conversation.
    pub with_outbox: bool,
    /// The time of the earliest message that must find its handoff, by Ada's clock. The buffered events are included
    /// anyway.
    pub since: Option<Time>,
    /// Rows by id.
    pub rows: Vec<RowId>,
    /// Rows that could be a given message.
    pub matching: Vec<MatchKey>,
    /// The number of unread rows after this `seq`.
    pub unread_behind: Option<u64>,
    /// Has this request been made before?
    pub idempotency: Option<IdempotencyScope>,
    /// The dead letter with this id.
    pub dead_letter: Option<String>,
    /// Deliveries to platforms: [`Scope::with_outbox`] leaves them out, however many a dead platform has waiting.
    pub notices: Option<NoticeScope>,
    /// The contact in Amazon Connect of the handoff.
    pub with_contact: bool,
}

/// Which deliveries to platforms.
#[derive(Clone, Debug)]
pub enum NoticeScope {
    /// The next one of this lane.
    NextOf(Lane),
    /// The next ones of this lane, at most [`NOTICE_PAGE`].
    FirstOf(Lane),
    /// This one.
    One(DeliveryId),
    /// Those of a handoff whose time is over, at most [`NOTICE_PAGE`].
    Expired {
        /// The handoff.
        handoff: HandoffId,
        /// When.
        at: Time,
    },
}

/// How many events for platforms one decision is about.
pub const NOTICE_PAGE: usize = 100;

/// Which conversation a decision is about.
#[derive(Clone, Debug)]
pub enum Of {
    /// This one.
    Conversation(ConversationKey),
    /// The one of this handoff.
    Handoff(HandoffId),
}

impl Scope {
    /// Handoffs and buffer of a conversation; add what else is needed.
    pub fn conversation(key: &ConversationKey) -> Self {
        Self::of(Of::Conversation(key.clone()))
    }

    /// The same of a handoff's conversation.
    pub fn handoff(id: &HandoffId) -> Self {
        Self::of(Of::Handoff(id.clone()))
    }

    /// For decisions on the outcome of an attempt on `delivery`.
    pub fn attempted(delivery: &Delivery) -> Self {
        let rows = delivery.job.row().cloned().into_iter().collect();
        Self { rows, ..Self::handoff(&delivery.handoff).with_outbox() }
    }

    /// For decisions that concern no conversation.
    pub fn nobody() -> Self {
        Self::of(Of::Conversation(ConversationKey { ai_agent: "".into(), conversation: "".into() }))
    }

    const fn of(of: Of) -> Self {
        Self {
            of,
            svix_id: None,
            with_inbox: false,
            with_outbox: false,
            since: None,
            rows: Vec::new(),
            matching: Vec::new(),
            unread_behind: None,
            idempotency: None,
            dead_letter: None,
            notices: None,
            with_contact: false,
        }
    }

    /// Handoffs that ended before this time, by Ada's clock, are not needed, except the newest of them. Includes
    /// tolerance for clocks and for late news from Ada.
    pub fn takes_from(&self, inbox: &[Event]) -> Time {
        let buffered = inbox.iter().map(|event| event.timestamp);
        let earliest = buffered.chain(self.since).min();
        earliest.map_or(Time::from_micros(i64::MAX), |earliest| earliest - SLACK)
    }

    /// With the conversation's deliveries, except those to platforms.
    #[must_use]
    pub fn with_outbox(self) -> Self {
        Self { with_outbox: true, ..self }
    }

    /// With its buffered events, and the rows they could belong to.
    #[must_use]
    pub fn with_inbox(self) -> Self {
        Self { with_inbox: true, ..self }
    }
}

/// An `Idempotency-Key` counts per agent and handoff.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdempotencyScope {
    /// Whose request.
    pub agent: String,
    /// About what.
    pub handoff: HandoffId,
    /// The key.
    pub key: String,
}

/// What an `Idempotency-Key` stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotent {
    /// A digest of the request's body.
    pub digest: String,
    /// The row it made.
    pub row: RowId,
}

/// A part of a [`View`] that a [`Scope`] may leave out. If a rule reads a part that was not loaded, it panics instead
/// of seeing an empty value. The panic affects only this decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded<T>(Option<T>);

impl<T: Default> Loaded<T> {
    /// Empty, and readable if the scope names it.
    fn named(is_named: bool) -> Self {
        Self(is_named.then(T::default))
    }
}

impl<T> Default for Loaded<T> {
    fn default() -> Self {
        Self(None)
    }
}

const NOT_LOADED: &str = "a rule looks only at what its scope names";

impl<T> Deref for Loaded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect(NOT_LOADED)
    }
}

impl<T> DerefMut for Loaded<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect(NOT_LOADED)
    }
}

impl<T: IntoIterator> IntoIterator for Loaded<T> {
    type Item = T::Item;
    type IntoIter = std::iter::Flatten<std::option::IntoIter<T>>;

    /// All of it, or nothing: what was not loaded was not changed.
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().flatten()
    }
}

/// The stored data that a decision needs.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Handoffs of the conversation, oldest first: the open one, the last one that ended, the requested one with its
    /// neighbours, those with deliveries, and those to which the given messages may belong.
    pub handoffs: Vec<Handoff>,
    /// The store may lack what was committed before, or have sent what it does not know of: another copy of it has taken over.
    pub certain_since: Option<Time>,
    /// Its debounce.
    pub buffer: Option<Buffer>,
    /// Its buffered events, in their order; at most [`INBOX_PAGE`].
    pub inbox: Loaded<Vec<Event>>,
    /// Buffered events that can't be read, if buffered events were requested.
    pub unreadable: Vec<UnreadableEvent>,
    /// Events buffered in all conversations.
    pub inbox_depth: u64,
    /// Deliveries queued in all conversations, for each destination.
    pub queued: BTreeMap<Destination, u64>,
    /// Whether the asked `svix-id` is remembered.
    pub seen: Loaded<bool>,
    /// The requested rows.
    pub rows: Vec<Row>,
    /// Until when its messages adopt nothing: an authorised start call was refused. Read with the buffered events.
    pub start_refused_until: Option<Time>,
    /// The conversation's deliveries, in their order, except those to platforms.
    pub outbox: Loaded<Vec<Delivery>>,
    /// The requested count.
    pub unread_behind: Loaded<u64>,
    /// The request that the key was used for.
    pub idempotent: Option<Idempotent>,
    /// The requested dead letter.
    pub dead_letter: Option<DeadLetter>,
    /// The requested deliveries to platforms.
    pub notices: Loaded<Vec<Delivery>>,
    /// The handoff's contact in Amazon Connect.
    pub contact: Loaded<Option<Contact>>,
}

impl View {
    /// The view of an empty store for `scope`.
    pub fn new(scope: &Scope) -> Self {
        Self {
            inbox: Loaded::named(scope.with_inbox),
            seen: Loaded::named(scope.svix_id.is_some()),
            outbox: Loaded::named(scope.with_outbox),
            unread_behind: Loaded::named(scope.unread_behind.is_some()),
            notices: Loaded::named(scope.notices.is_some()),
            contact: Loaded::named(scope.with_contact),
            ..Self::default()
        }
    }
}

/// A buffered event that can't be read, as a newer relay may have written it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableEvent {
    /// The verified `svix-id`.
    pub svix_id: String,
    /// What is stored.
    pub stored: String,
    /// Why it can't be read.
    pub reason: String,
}

/// How many buffered events of one conversation are flushed at once.
pub const INBOX_PAGE: usize = 1_000;

/// A dead letter: a webhook that the relay needs but can't use, stored for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Its own id.
    pub id: String,
    /// The AI Agent that it belongs to. Empty in dead letters from before this field existed.
    #[serde(default)]
    pub ai_agent: AiAgentId,
    /// The verified `svix-id`.
    pub svix_id: String,
    /// When it was set aside.
    pub at: Time,
    /// Why.
    pub reason: String,
    /// The signed body, or the event read from it.
    pub body: String,
    /// What the body is.
    #[serde(default)]
    pub kind: LetterKind,
}

/// What the body of a dead letter is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterKind {
    /// A webhook's signed body, which could not be read.
    #[default]
    Webhook,
    /// An [`Event`] as JSON, which could be read and not be used.
    Event,
    /// A [`Delivery`] to a platform as JSON, which the platform did not take.
    Platform,
}

/// What to write, all or nothing.
#[derive(Clone, Debug, Default)]
pub struct WriteSet {
    /// Handoffs, new and changed.
    pub handoffs: Vec<Handoff>,
    /// Handoffs changed in what agents don't see.
    pub handoffs_unseen: Vec<Handoff>,
    /// Rows, new and changed.
    pub rows: Vec<Row>,
    /// Rows changed in what agents don't see.
    pub rows_unseen: Vec<Row>,
    /// Deliveries, new and changed; new ones join the end of their lanes.
    pub deliveries: Vec<Delivery>,
    /// Deliveries to remove.
    pub deliveries_done: Vec<DeliveryId>,
    /// Events that join the inbox.
    pub inbox: Vec<Event>,
    /// Events that leave it, by `svix-id`.
    pub inbox_done: Vec<String>,
    /// `svix-id`s to remember.
    pub remember: Vec<String>,
    /// The conversation's debounce, if it changed; `None` inside when nothing waits any more.
    pub buffer: Option<(ConversationKey, Option<(Buffer, Time)>)>,
    /// Dead letters, new and changed.
    pub dead_letters: Vec<DeadLetter>,
    /// Dead letters to remove, by id.
    pub dead_letters_done: Vec<String>,
    /// What an `Idempotency-Key` stands for from now on.
    pub idempotent: Option<(IdempotencyScope, Idempotent)>,
    /// Until when this conversation's messages adopt nothing; `None` inside: they do again.
    pub start_refused: Option<(ConversationKey, Option<Time>)>,
    /// The contact in Amazon Connect, new or changed, and when somebody must look at it.
    pub contact: Option<(Contact, Option<Time>)>,
    /// The sum of what was added to the ledgers of these handoffs.
    pub ledger: Ledger,
    /// When this was decided, by our clock.
    pub at: Time,
}
