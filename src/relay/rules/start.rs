//! A handoff begins: by Ada's start call, or adopted from a message whose call never came.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{ending, values, waiting_text};
use crate::relay::{
    changes::Scope,
    context::{self, Merge},
    delivery::{Destination, Read},
    dispatch::Dispatch,
    handoff::{AdaEnd, CLOCK_TOLERANCE, EndUser, EndedBy, Handoff, Origin, Status, Unanswered},
    id::{ConversationKey, HandoffId, PlatformId},
    idle::Idle,
    routing::{Facts, Placement},
    rule::Rule,
    thread::EventName,
    time::Time,
    transaction::Transaction,
};

/// A start call repeated within this time is the same call.
pub const SAME_CALL: Duration = Duration::from_secs(60);

/// How long a refused start call is remembered.
pub const REFUSED_FOR: Duration = Duration::from_hours(1);

/// The outcome of a start call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartOutcome {
    /// A new handoff.
    New(HandoffId),
    /// The open handoff.
    Same(HandoffId),
    /// The limit of new handoffs is reached.
    TooMany,
    /// Too many deliveries are waiting, so no more work is accepted.
    Full,
    /// Nobody is there at this hour.
    Closed(Closed),
}

/// Why nobody takes a handoff now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// For people to read.
    pub reason: String,
    /// When somebody does, if that is known.
    pub opens_at: Option<Time>,
}

/// Who makes a start call.
pub enum Caller {
    /// Somebody with the shared key.
    WithKey,
    /// Anyone: the key is off. This takes one of the few places for new handoffs, if one is left.
    Anyone(Box<dyn FnMut() -> bool + Send>),
}

/// An authorised start call is refused, because nobody is there at this hour: Ada takes its fallback. For an hour, messages
/// of the conversation adopt nothing.
pub fn refuse(key: ConversationKey) -> Rule<()> {
    Rule::new(Scope::nobody(), move |tx| {
        let until = tx.now.at + REFUSED_FOR;
        tx.writes().start_refused = Some((key, Some(until)));
    })
}

/// Ada's start call for the conversation `key`.
///
/// If a handoff is open, the call belongs to it if that handoff's own call is recent or never arrived. Otherwise the
/// call proves that the earlier handoff has ended in Ada, and its queued messages must not reach the new one. If the
/// key is off, a call proves nothing about an open handoff: it neither ends it nor changes its fields. After a handoff
/// that has ended here, it still begins the next one, because a customer may be waiting.
pub fn call(key: ConversationKey, context: Map<String, Value>, caller: Caller) -> Rule<StartOutcome> {
    let scope = Scope::conversation(&key).with_outbox();
    Rule::new(scope, move |tx| called(tx, &key, context, caller))
}

fn called(
    tx: &mut Transaction<'_>,
    key: &ConversationKey,
    context: Map<String, Value>,
    mut caller: Caller,
) -> StartOutcome {
    if let Some(same) = tx.latest().filter(|latest| is_same(tx, *latest, &caller)) {
        match caller {
            Caller::WithKey => repeat(tx, same, context),
            Caller::Anyone(_) => add(tx, same, context),
        }
        wake_held(tx, key);
        return StartOutcome::Same(tx.view.handoffs[same].id.clone());
    }
    if !tx.has_room(&Destination::Reads(key.ai_agent.clone())) {
        return StartOutcome::Full;
    }
    if let Caller::Anyone(take_place) = &mut caller
        && !take_place()
    {
        return StartOutcome::TooMany;
    }
    if let Some(earlier) = tx.latest() {
        replace(tx, earlier);
    }
    let mut bounded = Map::new();
    context::merge(&mut bounded, context, Merge::Overwrite);
    let origin = Origin::Started { called_at: tx.now.at };
    let unheard = matches!(caller, Caller::Anyone(_)) && !super::unknown::is_heard_of(tx);
    let handoff = begin(tx, key, origin, bounded, EventName::Started);
    if unheard && let Some(reading) = tx.view.outbox.len().checked_sub(1) {
        tx.change_delivery(reading).stranger = true;
    }
    // Anyone may have named a conversation of which nothing is known.
    if !unheard {
        values::tell(tx, handoff);
    }
    waiting_text::begin(tx, handoff, waiting_text::Since::Called);
    wake_held(tx, key);
    StartOutcome::New(tx.view.handoffs[handoff].id.clone())
}

/// A message without a handoff creates a waiting one.
pub fn adopt(tx: &mut Transaction<'_>, key: &ConversationKey, message_at: Time) {
    let origin = Origin::Adopted { message_at, called_at: None };
    let handoff = begin(tx, key, origin, Map::new(), EventName::Adopted);
    // The line has the time at which the customer began to wait, not the time at which the relay noticed.
    if let Some(line) = tx.view.rows.len().checked_sub(1) {
        tx.change_handoff(handoff).newest_at = message_at;
        tx.change_row(line, |row| row.at = message_at);
    }
    values::tell(tx, handoff);
    waiting_text::begin(tx, handoff, waiting_text::Since::Known);
}

fn is_same(tx: &Transaction<'_>, latest: usize, caller: &Caller) -> bool {
    let latest = &tx.view.handoffs[latest];
    let young = |called: Time| tx.now.at.since(called) < SAME_CALL;
    latest.is_open() && (matches!(caller, Caller::Anyone(_)) || latest.called_at().is_none_or(young))
}

/// The call of an open handoff has come again, or for the first time.
fn repeat(tx: &mut Transaction<'_>, handoff: usize, context: Map<String, Value>) {
    let now = tx.now.at;
    let mut merged = tx.view.handoffs[handoff].clone();
    context::merge(&mut merged.context, context, Merge::Overwrite);
    if let Origin::Adopted { called_at: called_at @ None, .. } = &mut merged.origin {
        *called_at = Some(now);
        place_late(tx, &mut merged);
    }
    merged.end_user.introduce(&merged.context);
    put(tx, handoff, merged);
    // A later webhook about an older end belongs to another handoff.
    let runs_at = tx.now.by_ada() - CLOCK_TOLERANCE;
    tx.change_unseen(handoff).record_runs(runs_at);
}

/// An adopted handoff was placed before its start call said anything. Unless somebody has moved it or taken it since, it
/// goes where the call leads. The platforms that got it keep it.
fn place_late(tx: &Transaction<'_>, handoff: &mut Handoff) {
    let routing = &tx.policy.routing;
    let is_untouched = handoff.accepted_at.is_none() && handoff.team == routing.default_team;
    if handoff.status == Status::Waiting && is_untouched {
        let facts = Facts {
            ai_agent: &handoff.key.ai_agent,
            context: &handoff.context,
            language: tx.policy.language.as_deref(),
            now: tx.now.at,
        };
        let Placement { route, team, priority, platforms: _ } = routing.place(&facts);
        handoff.has_stayed &= handoff.team == team;
        (handoff.route, handoff.team, handoff.priority) = (route, team, priority);
        handoff.dispatch = Dispatch::default();
    }
}

/// A further call has fields for an open handoff.
fn add(tx: &mut Transaction<'_>, handoff: usize, context: Map<String, Value>) {
    let mut merged = tx.view.handoffs[handoff].clone();
    context::merge(&mut merged.context, context, Merge::Add);
    if merged.end_user.name.is_none() {
        merged.end_user.introduce(&merged.context);
    }
    put(tx, handoff, merged);
}

fn put(tx: &mut Transaction<'_>, handoff: usize, merged: Handoff) {
    if merged != tx.view.handoffs[handoff] {
        *tx.change_handoff(handoff) = merged;
    }
}

fn replace(tx: &mut Transaction<'_>, earlier: usize) {
    let reason = "a new handoff of this conversation began before this was sent";
    let ada = AdaEnd::Replaced { at: tx.now.at };
    if tx.view.handoffs[earlier].is_open() {
        ending::over(tx, earlier, EndedBy::Ada, ada, reason);
    } else if tx.view.handoffs[earlier].end_is_unsettled() {
        if let Status::Ended(end) = &mut tx.change_handoff(earlier).status {
            end.ada = ada;
        }
        ending::clear_outbox(tx, earlier, reason);
    }
}

fn begin(
    tx: &mut Transaction<'_>,
    key: &ConversationKey,
    origin: Origin,
    context: Map<String, Value>,
    event: EventName,
) -> usize {
    let mut end_user = EndUser::default();
    end_user.introduce(&context);
    let is_heard_of = super::unknown::is_heard_of(tx);
    let id = HandoffId(tx.new_id());
    let facts = Facts {
        ai_agent: &key.ai_agent,
        context: &context,
        language: tx.policy.language.as_deref(),
        now: tx.now.at,
    };
    let Placement { route, team, priority, platforms } = tx.policy.routing.place(&facts);
    let gets = |id: &&PlatformId| platforms.as_ref().is_none_or(|platforms| platforms.contains(id));
    let platforms = tx.policy.platforms.ids.iter().filter(gets);
    let handoff = Handoff {
        integration: tx.policy.integration.clone(),
        domain: tx.policy.domain.clone(),
        origin,
        end_user,
        context,
        created_at: tx.now.at,
        unanswered: Some(Unanswered { since: tx.now.at, last_seq: 0 }),
        idle: Idle::since(tx.now.at),
        is_heard_of,
        team,
        route,
        priority,
        platforms: platforms.map(|id| (id.clone(), 0)).collect(),
        ..Handoff::blank(id, key.clone())
    };
    tx.writes().start_refused = Some((key.clone(), None));
    tx.view.handoffs.push(handoff);
    let at = tx.view.handoffs.len() - 1;
    tx.add_event(at, event, None);
    tx.deliver(at, Read::Transcript);
    at
}

/// Events that were held for this call need not wait any longer.
fn wake_held(tx: &mut Transaction<'_>, key: &ConversationKey) {
    if let Some(mut buffer) = tx.view.buffer
        && buffer.held_until.is_some()
    {
        buffer.held_until = Some(tx.now.at);
        tx.set_buffer(key, buffer);
    }
}
