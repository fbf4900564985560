//! The quiet period is over: buffered events leave the inbox, sorted, for their threads.
//!
//! An event of a conversation that no handoff covers is held for its start call. When the wait is over, an
//! end user's message is adopted as a new waiting handoff: nobody talks into the void.

use std::time::Duration;

use super::{ending, message, owner, start};
use crate::relay::{
    buffer::Buffer,
    changes::{INBOX_PAGE, Scope},
    event::{Event, EventKind, Message},
    handoff::{AdaEnd, EndedBy},
    id::ConversationKey,
    rule::Rule,
    thread::Role,
    time::Time,
    transaction::Transaction,
};

/// An older message is not adopted.
pub const ADOPT_MAX_AGE: Duration = Duration::from_hours(48);
/// What is said of one.
pub const TOO_OLD_TO_ADOPT: &str = "older than 48 hours, and its handoff is unknown";
/// What is said of one whose start call was answered 409.
pub const START_REFUSED: &str = "the start of its handoff was refused within the last hour";
const IN_A_MOMENT: Duration = Duration::from_secs(1);
/// What is said of one that a rule fails on.
pub const RULE_FAILED: &str = "the relay has an internal error with it";
/// `conversation.ended` says who ended a handoff if it follows the end within this time.
const REFINE_WITHIN: Duration = Duration::from_mins(1);

/// What a flush did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlushReport {
    /// Events that left the inbox.
    pub left: usize,
    /// How long each of them had waited.
    pub waits: Vec<Duration>,
    /// Events still held for their start call.
    pub held: usize,
    /// Events set aside.
    pub set_aside: usize,
}

enum Verdict {
    Done,
    Hold,
    SetAside(&'static str),
}

/// Releases what is due of the conversation `key`. Harmless when nothing is: timers may be stale.
pub fn due(key: ConversationKey) -> Rule<FlushReport> {
    rule(key, flush)
}

fn rule<T>(
    key: ConversationKey,
    decide: impl FnOnce(&mut Transaction<'_>, &ConversationKey) -> T + Send + 'static,
) -> Rule<T> {
    Rule::new(Scope::conversation(&key).with_inbox().with_outbox(), move |tx| decide(tx, &key))
}

fn flush(tx: &mut Transaction<'_>, key: &ConversationKey) -> FlushReport {
    let Some(buffer) = tx.view.buffer else { return FlushReport::default() };
    if buffer.due(&tx.policy.timings).is_none_or(|due| due > tx.now.at) {
        // A store may know that something waits, and not since when.
        tx.set_buffer(key, buffer);
        return FlushReport::default();
    }
    let mut events = std::mem::take(&mut *tx.view.inbox);
    events.sort_by_key(Event::sort_key);
    let more = events.len() + tx.view.unreadable.len() >= INBOX_PAGE;
    if let Some(latest) = tx.latest() {
        tx.welcome(latest);
    }
    date_ends(tx, &events);
    adopt_if_due(tx, &events);

    let mut report = FlushReport::default();
    for event in std::mem::take(&mut tx.view.unreadable) {
        report.set_aside += 1;
        tx.writes().inbox_done.push(event.svix_id.clone());
        tx.set_aside_unreadable(key.ai_agent.clone(), event);
    }
    let mut held_until: Option<Time> = None;
    let mut events = events.into_iter();
    while let Some(event) = events.next() {
        let verdict = one(tx, &event, held_until.is_some());
        if !matches!(event.kind, EventKind::Message(_)) {
            // Messages behind an end are nobody's only from here on.
            adopt_if_due(tx, events.as_slice());
        }
        match verdict {
            Verdict::Hold => {
                report.held += 1;
                let until = hold_ends(tx, &event);
                held_until = Some(held_until.map_or(until, |known| known.min(until)));
                continue;
            }
            Verdict::SetAside(reason) => {
                report.set_aside += 1;
                tx.set_aside_event(&event, reason);
            }
            Verdict::Done => {}
        }
        report.left += 1;
        report.waits.push(tx.now.at.since(event.received_at));
        tx.writes().inbox_done.push(event.svix_id);
    }
    if more && (report.left > 0 || report.set_aside > 0) {
        held_until = Some(tx.now.at);
    }
    tx.set_buffer(key, Buffer { arrivals: None, held_until });
    report
}

/// The buffered events' `svix-id`s, in their order.
pub fn in_order(key: ConversationKey) -> Rule<Vec<String>> {
    rule(key, |tx, _| {
        let mut events: Vec<&Event> = tx.view.inbox.iter().collect();
        events.sort_by_key(|event| event.sort_key());
        events.into_iter().map(|event| event.svix_id.clone()).collect()
    })
}

/// Releases one buffered event, whose quiet period is over.
pub fn one_alone(key: ConversationKey, svix_id: String) -> Rule<()> {
    rule(key, move |tx, key| {
        let more = tx.view.inbox.len() > 1;
        tx.view.inbox.retain(|event| event.svix_id == svix_id);
        tx.view.buffer = Some(Buffer { arrivals: None, held_until: Some(tx.now.at) });
        flush(tx, key);
        wait_on(tx, key, more);
    })
}

/// Sets one buffered event aside that no rule can take.
pub fn set_aside(key: ConversationKey, svix_id: String) -> Rule<()> {
    rule(key, move |tx, key| {
        let Some(index) = tx.view.inbox.iter().position(|event| event.svix_id == svix_id) else { return };
        let event = tx.view.inbox.remove(index);
        tx.set_aside_event(&event, RULE_FAILED);
        tx.writes().inbox_done.push(event.svix_id);
        let more = !tx.view.inbox.is_empty();
        tx.set_buffer(key, Buffer { arrivals: None, held_until: None });
        wait_on(tx, key, more);
    })
}

/// The other events are due in a moment, should nobody flush them before.
fn wait_on(tx: &mut Transaction<'_>, key: &ConversationKey, more: bool) {
    if more {
        let held_until = Some(tx.now.at + IN_A_MOMENT);
        tx.set_buffer(key, Buffer { arrivals: None, held_until });
    }
}

fn hold_ends(tx: &Transaction<'_>, event: &Event) -> Time {
    event.received_at + tx.policy.timings.unknown_hold
}

fn one(tx: &mut Transaction<'_>, event: &Event, holding: bool) -> Verdict {
    match &event.kind {
        EventKind::Message(message) => join_or_hold(tx, event, message),
        EventKind::HandoffEnded => handoff_ended(tx, event, holding),
        EventKind::ConversationEnded { by } => {
            conversation_ended(tx, event, by.as_deref());
            Verdict::Done
        }
    }
}

fn join_or_hold(tx: &mut Transaction<'_>, event: &Event, message: &Message) -> Verdict {
    if let Some(home) = owner::of_message(tx, event.timestamp) {
        message::join(tx, home, event, message);
        return Verdict::Done;
    }
    if hold_ends(tx, event) > tx.now.at {
        return Verdict::Hold;
    }
    match message.author.role {
        Role::EndUser if start_is_refused(tx) => Verdict::SetAside(START_REFUSED),
        Role::EndUser => Verdict::SetAside(TOO_OLD_TO_ADOPT),
        _ => Verdict::Done,
    }
}

/// Notes the exact time of ends that are known already, before messages are placed by it.
fn date_ends(tx: &mut Transaction<'_>, events: &[Event]) {
    for event in events.iter().filter(|event| event.kind == EventKind::HandoffEnded) {
        if let Some(handoff) = owner::of_end(tx, event.timestamp) {
            ending::told(tx, handoff, event.timestamp);
        }
    }
}

/// Makes a waiting handoff out of the first end user's message that nothing covers, once one has waited
/// long enough. What else is held then finds its place in it.
fn adopt_if_due(tx: &mut Transaction<'_>, events: &[Event]) {
    let orphans: Vec<&Event> = events.iter().filter(|event| adoptable(tx, event)).collect();
    let due = orphans.iter().any(|event| hold_ends(tx, event) <= tx.now.at);
    if let (true, Some(first)) = (due, orphans.first()) {
        start::adopt(tx, &first.key, first.timestamp);
    }
}

fn adoptable(tx: &Transaction<'_>, event: &Event) -> bool {
    let by_end_user =
        matches!(&event.kind, EventKind::Message(message) if message.author.role == Role::EndUser);
    by_end_user
        && !start_is_refused(tx)
        && event.timestamp + ADOPT_MAX_AGE >= tx.now.by_ada()
        && owner::of_message(tx, event.timestamp).is_none()
}

fn start_is_refused(tx: &Transaction<'_>) -> bool {
    tx.view.start_refused_until.is_some_and(|until| until > tx.now.at)
}

fn handoff_ended(tx: &mut Transaction<'_>, event: &Event, holding: bool) -> Verdict {
    let waits = hold_ends(tx, event) > tx.now.at;
    let Some(handoff) = owner::of_end(tx, event.timestamp) else {
        let unknown = tx.view.handoffs.is_empty();
        return if unknown && waits { Verdict::Hold } else { Verdict::Done };
    };
    let latest = tx.latest() == Some(handoff);
    let of_what_is_held = holding && latest && !tx.view.handoffs[handoff].is_open();
    if of_what_is_held && owner::of_message(tx, event.timestamp).is_none() && waits {
        return Verdict::Hold;
    }
    end_or_date(tx, handoff, event, EndedBy::Ada);
    Verdict::Done
}

/// Ends the handoff if it is open, else notes the exact time of its end.
fn end_or_date(tx: &mut Transaction<'_>, handoff: usize, event: &Event, by: EndedBy) {
    let known = &tx.view.handoffs[handoff];
    // What Ada has shown since proves that a handoff still runs. What its list says doesn't: that has messages of
    // the time after a handoff, too.
    if known.is_open() && known.runs_at.is_some_and(|at| at > event.timestamp) {
        return;
    }
    if known.is_open() {
        let reason = "the handoff ended before this was sent";
        ending::over(tx, handoff, by, AdaEnd::Told { at: event.timestamp }, reason);
    } else {
        ending::told(tx, handoff, event.timestamp);
    }
    ending::record_order(tx, handoff, &event.sort_key());
}

fn conversation_ended(tx: &mut Transaction<'_>, event: &Event, by: Option<&str>) {
    let Some(handoff) = owner::of_end(tx, event.timestamp) else { return };
    let by = match by {
        Some("end_user") => EndedBy::EndUser,
        Some("human_agent") => EndedBy::Agent,
        Some("system") => EndedBy::System,
        _ => EndedBy::Ada,
    };
    let known = &tx.view.handoffs[handoff];
    let ended_at = known.ended_by_ada_clock(tx.now.offset);
    if ended_at.is_some_and(|end| event.timestamp > end + REFINE_WITHIN) {
        return;
    }
    let refines = known.end().is_some_and(|end| end.by == EndedBy::Ada) && by != EndedBy::Ada;
    end_or_date(tx, handoff, event, by);
    if refines {
        ending::was_by(tx, handoff, by);
    }
}
