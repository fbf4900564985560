//! A verified event has come: keep it, before it is acknowledged.

use std::time::Duration;

use super::{message, owner};
use crate::relay::{
    changes::Scope,
    delivery::Destination,
    event::{Event, EventKind, Message},
    id::AiAgentId,
    matching::MatchKey,
    policy::Now,
    rule::Rule,
    thread::Role,
    transaction::Transaction,
};

/// How long `svix-id`s are remembered, and so how old an event may be.
pub const MEMORY: Duration = Duration::from_hours(14 * 24);

/// What is said of an older one.
pub const OLDER_THAN_MEMORY: &str = "older than 14 days, the time for which webhook ids are kept";

/// What became of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Kept: in the inbox, or settled at once.
    Kept,
    /// Had before.
    Duplicate,
    /// Nothing of ours.
    Ignored,
    /// Set aside.
    DeadLetter,
    /// Not kept: the inbox is full, or the outbox.
    Full,
}

impl Arrival {
    /// Its name in metrics and in the agent API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::DeadLetter => "dead_letter",
            Self::Full => "inbox_full",
        }
    }
}

/// What the arrival of `event` is decided on.
pub(super) fn scope(event: &Event) -> Scope {
    let (svix_id, since) = (Some(event.svix_id.clone()), Some(event.timestamp));
    let scope = Scope { svix_id, since, ..Scope::conversation(&event.key) };
    match echo(event) {
        Some(message) => Scope { matching: vec![MatchKey::from(message)], ..scope.with_outbox() },
        None => scope,
    }
}

/// Whether what becomes of an event that nobody has had yet depends on more than the room for it. All others join the inbox,
/// are remembered, and restart the quiet period of their conversation.
pub fn needs_a_rule(event: &Event, now: &Now) -> bool {
    let ends_a_conversation = matches!(event.kind, EventKind::ConversationEnded { .. });
    ends_a_conversation || echo(event).is_some() || is_too_old(event, now)
}

fn is_too_old(event: &Event, now: &Now) -> bool {
    event.timestamp + MEMORY < now.by_ada()
}

/// Keeps `event`. What a human agent wrote is settled at once: it neither waits for the quiet period nor
/// prolongs it.
pub fn event(event: Event) -> Rule<Arrival> {
    Rule::new(scope(&event), move |tx| arrived(tx, event))
}

/// Sets a webhook aside whose body no rule gets to see, once.
pub fn set_aside(ai_agent: AiAgentId, svix_id: String, reason: String, body: String) -> Rule<Arrival> {
    Rule::new(Scope { svix_id: Some(svix_id.clone()), ..Scope::nobody() }, move |tx| {
        if *tx.view.seen {
            return Arrival::Duplicate;
        }
        tx.set_aside(ai_agent, &svix_id, &reason, body);
        tx.writes().remember.push(svix_id);
        Arrival::DeadLetter
    })
}

fn arrived(tx: &mut Transaction<'_>, event: Event) -> Arrival {
    if *tx.view.seen {
        if let (EventKind::Message(_), Some(home)) = (&event.kind, owner::of_message(tx, event.timestamp)) {
            tx.record_duplicate(home);
        }
        return Arrival::Duplicate;
    }
    if is_too_old(&event, &tx.now) {
        tx.writes().remember.push(event.svix_id.clone());
        tx.set_aside_event(&event, OLDER_THAN_MEMORY);
        return Arrival::DeadLetter;
    }
    take(tx, event)
}

/// Takes an event, whatever its age and whether or not its id is remembered already.
pub(super) fn take(tx: &mut Transaction<'_>, event: Event) -> Arrival {
    if let Some(message) = echo(&event) {
        // What is ours is so whenever it was stored: a handoff may have gone on longer than we know.
        let home = owner::of_message(tx, event.timestamp);
        if !message::settle_echo(tx, home, &event, message) {
            return Arrival::Ignored;
        }
        remember(tx, &event);
        return Arrival::Kept;
    }
    let unknown = tx.view.handoffs.is_empty() && tx.view.buffer.is_none();
    if unknown && matches!(event.kind, EventKind::ConversationEnded { .. }) {
        return Arrival::Ignored;
    }
    if tx.view.inbox_depth >= tx.policy.inbox_limit
        || !tx.has_room(&Destination::Reads(event.key.ai_agent.clone()))
    {
        return Arrival::Full;
    }
    let mut buffer = tx.view.buffer.unwrap_or_default();
    buffer.arrived(event.received_at);
    tx.set_buffer(&event.key, buffer);
    remember(tx, &event);
    tx.writes().inbox.push(event);
    Arrival::Kept
}

fn remember(tx: &mut Transaction<'_>, event: &Event) {
    if !*tx.view.seen {
        tx.writes().remember.push(event.svix_id.clone());
    }
}

fn echo(event: &Event) -> Option<&Message> {
    match &event.kind {
        EventKind::Message(message) if message.author.role == Role::HumanAgent => Some(message),
        _ => None,
    }
}
