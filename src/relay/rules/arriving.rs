//! What agents are shown before its quiet period is over: an end user's message that is kept and waits, of a handoff that
//! was open when it came.
//!
//! Nothing is decided here. When the message is released it gets its row, mostly in that handoff. Where another handoff
//! gets it, or none, it is withdrawn from where it was shown.

use std::collections::HashSet;

use super::{message, owner};
use crate::relay::{
    changes::{INBOX_PAGE, Scope},
    event::{Event, EventKind, Message},
    id::{ConversationKey, HandoffId, MessageId, RowId},
    matching::{LearnedFrom, Match, MatchKey},
    rule::Rule,
    thread::{AdaIds, Role, Row, Source},
    time::Time,
    transaction::Transaction,
};

/// A message that agents are shown while it waits.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrivingMessage {
    /// In whose thread.
    pub handoff: HandoffId,
    /// The event's time.
    at: Time,
    message: Message,
}

impl ArrivingMessage {
    /// A message of an event at `at`, which arrives in the thread of this handoff.
    pub const fn new(handoff: HandoffId, at: Time, message: Message) -> Self {
        Self { handoff, at, message }
    }

    /// Its id at Ada, which it keeps.
    pub const fn id(&self) -> &MessageId {
        &self.message.id
    }

    /// As a row of the thread, except that it has neither an id nor a number yet.
    pub fn row(&self) -> Row {
        Row {
            id: RowId(String::new()),
            handoff: self.handoff.clone(),
            seq: 0,
            at: self.at,
            ids: AdaIds { webhook: Some(self.message.id.clone()), ..AdaIds::default() },
            author: self.message.author.clone(),
            content: self.message.content.clone(),
            created_at: self.message.created_at,
            created_by_ada: true,
            source: Source::Webhook,
            sending: None,
            tried_at: None,
            late: false,
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.handoff == other.handoff && self.id() == other.id()
    }
}

/// Why a message is no longer shown where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    /// It is in this handoff's thread, or arrives there.
    Moved(HandoffId),
    /// It is in none.
    Dropped,
}

/// What arrives in a conversation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrivals {
    /// What is shown now, in its order.
    pub shown: Vec<ArrivingMessage>,
    /// What was shown and is so no longer, without having joined that thread.
    pub withdrawn: Vec<(ArrivingMessage, Withdrawal)>,
}

impl Arrivals {
    /// Those that were not among `before`.
    pub fn new_since<'a>(
        &'a self,
        before: &'a [ArrivingMessage],
    ) -> impl Iterator<Item = &'a ArrivingMessage> {
        self.shown.iter().filter(|shown| !before.iter().any(|known| known.is(shown)))
    }
}

/// What arrives in the thread of a handoff.
pub fn in_handoff(id: HandoffId) -> Rule<Vec<ArrivingMessage>> {
    Rule::new(Scope::handoff(&id).with_inbox(), move |tx| {
        let arriving = arriving(tx);
        arriving.into_iter().filter(|shown| shown.handoff == id).collect()
    })
}

/// What arrives in a conversation, of which this was shown `before`.
pub fn in_conversation(key: &ConversationKey, before: Vec<ArrivingMessage>) -> Rule<Arrivals> {
    let scope = Scope {
        since: before.iter().map(|shown| shown.at).min(),
        matching: before.iter().map(|shown| MatchKey::from(&shown.message)).collect(),
        ..Scope::conversation(key).with_inbox()
    };
    Rule::new(scope, move |tx| compare(tx, before))
}

fn arriving(tx: &Transaction<'_>) -> Vec<ArrivingMessage> {
    let mut events: Vec<&Event> = tx.view.inbox.iter().collect();
    events.sort_by_key(|event| event.sort_key());
    let mut known = HashSet::new();
    let arriving = events.into_iter().filter_map(|event| as_shown(tx, event));
    arriving.filter(|shown| known.insert(shown.id().clone())).collect()
}

fn as_shown(tx: &Transaction<'_>, event: &Event) -> Option<ArrivingMessage> {
    let EventKind::Message(message) = &event.kind else { return None };
    let home = home(tx, event).filter(|_| message.author.role == Role::EndUser)?;
    if is_in_thread(tx, home, message) {
        return None;
    }
    let handoff = tx.view.handoffs[home].id.clone();
    Some(ArrivingMessage::new(handoff, event.timestamp, message.clone()))
}

/// Whose thread shows what waits. One that came before its handoff ended stays there until it is released: it may be held
/// for the start call of the next.
fn home(tx: &Transaction<'_>, event: &Event) -> Option<usize> {
    let handoff = owner::of_message(tx, event.timestamp).or_else(|| tx.latest())?;
    let known = &tx.view.handoffs[handoff];
    let came_in_time = known.end().is_none_or(|end| event.received_at <= end.at);
    came_in_time.then_some(handoff)
}

/// Whether agents have the message already, in the thread that it would join.
fn is_in_thread(tx: &Transaction<'_>, home: usize, message: &Message) -> bool {
    (0..tx.view.handoffs.len()).any(|handoff| match row_in(tx, handoff, message) {
        Some(row) => handoff == home || row.source == Source::Recovered,
        None => false,
    })
}

fn row_in<'a>(tx: &'a Transaction<'_>, handoff: usize, message: &Message) -> Option<&'a Row> {
    match message::find(tx, handoff, message, LearnedFrom::Webhook) {
        Match::Known(row) | Match::Same(row) => Some(&tx.view.rows[row]),
        Match::None => None,
    }
}

fn compare(tx: &Transaction<'_>, before: Vec<ArrivingMessage>) -> Arrivals {
    let mut arrivals = Arrivals { shown: arriving(tx), withdrawn: Vec::new() };
    for shown in before {
        if arrivals.shown.iter().any(|now| now.is(&shown)) {
            continue;
        }
        match fate(tx, &shown, &arrivals.shown) {
            Fate::MayWait => arrivals.shown.push(shown),
            Fate::Joined => {}
            Fate::Withdrawn(how) => arrivals.withdrawn.push((shown, how)),
        }
    }
    arrivals
}

enum Fate {
    MayWait,
    Joined,
    Withdrawn(Withdrawal),
}

/// What has become of a message that is not shown any more where it was.
fn fate(tx: &Transaction<'_>, was: &ArrivingMessage, now: &[ArrivingMessage]) -> Fate {
    let rows = (0..tx.view.handoffs.len()).filter_map(|handoff| row_in(tx, handoff, &was.message));
    let (own, others): (Vec<&Row>, Vec<&Row>) = rows.partition(|row| row.handoff == was.handoff);
    if own.iter().any(|row| row.ids.shown() == Some(was.id())) {
        return Fate::Joined;
    }
    // Readers know the row by another id.
    let rows = own.iter().chain(&others).map(|row| &row.handoff);
    let elsewhere = now.iter().filter(|shown| shown.id() == was.id()).map(|shown| &shown.handoff);
    if let Some(handoff) = rows.chain(elsewhere).next() {
        return Fate::Withdrawn(Withdrawal::Moved(handoff.clone()));
    }
    // With more than a page, it may be among the rest.
    let is_page_full = tx.view.inbox.len() + tx.view.unreadable.len() >= INBOX_PAGE;
    if is_page_full { Fate::MayWait } else { Fate::Withdrawn(Withdrawal::Dropped) }
}
