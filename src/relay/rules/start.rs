//! A handoff begins: by Ada's start call, or adopted from a message whose call never came.

use std::time::Duration;

use serde_json::{Map, Value};

use super::ending;
use crate::relay::{
    changes::Scope,
    context::{self, Merge},
    delivery::{Destination, Read},
    draft::Draft,
    handoff::{AdaEnd, DOUBT, EndUser, EndedBy, Handoff, Origin, Status},
    id::{ConversationKey, HandoffId},
    idle::Idle,
    rule::Rule,
    thread::EventName,
    time::Time,
};

/// A start call repeated within this time is the same call.
pub const SAME_CALL: Duration = Duration::from_secs(60);

/// What a start call led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// A new handoff.
    New(HandoffId),
    /// The one that runs.
    Same(HandoffId),
    /// A new one would be one too many just now.
    TooMany,
    /// So much waits to leave the relay that no more work is taken on.
    Full,
}

/// Who makes a start call.
pub enum Caller {
    /// Somebody with the shared key.
    WithKey,
    /// Anyone: the key is off. This takes one of the few places for new handoffs, if one is left.
    Anyone(Box<dyn FnMut() -> bool + Send>),
}

/// Ada's start call for the conversation `key`.
///
/// With an open handoff it is the same one if that one's own call is young or never came. Otherwise it
/// proves that the earlier handoff is over at Ada, and nothing queued for that one may reach the new one. A call
/// that anyone can make proves nothing about an open handoff: it neither ends it nor changes what is known of it. Behind
/// one that has ended here it begins the next all the same, for a customer may wait.
pub fn call(key: ConversationKey, context: Map<String, Value>, caller: Caller) -> Rule<Started> {
    let scope = Scope::conversation(&key).with_outbox();
    Rule::new(scope, move |draft| called(draft, &key, context, caller))
}

fn called(
    draft: &mut Draft<'_>,
    key: &ConversationKey,
    context: Map<String, Value>,
    mut caller: Caller,
) -> Started {
    if let Some(same) = draft.latest().filter(|latest| is_same(draft, *latest, &caller)) {
        match caller {
            Caller::WithKey => repeat(draft, same, context),
            Caller::Anyone(_) => add(draft, same, context),
        }
        wake_held(draft, key);
        return Started::Same(draft.view.handoffs[same].id.clone());
    }
    if !draft.has_room(&Destination::Reads(key.ai_agent.clone())) {
        return Started::Full;
    }
    if let Caller::Anyone(take_place) = &mut caller
        && !take_place()
    {
        return Started::TooMany;
    }
    if let Some(earlier) = draft.latest() {
        replace(draft, earlier);
    }
    let mut bounded = Map::new();
    context::merge(&mut bounded, context, Merge::Overwrite);
    let origin = Origin::Started { called_at: draft.now.at };
    let unheard = matches!(caller, Caller::Anyone(_)) && !super::unknown::is_heard_of(draft);
    let handoff = begin(draft, key, origin, bounded, EventName::Started);
    if unheard && let Some(reading) = draft.view.outbox.len().checked_sub(1) {
        draft.change_delivery(reading).stranger = true;
    }
    wake_held(draft, key);
    Started::New(draft.view.handoffs[handoff].id.clone())
}

/// A message whose handoff never began makes one, waiting like any other.
pub fn adopt(draft: &mut Draft<'_>, key: &ConversationKey, message_at: Time) {
    let origin = Origin::Adopted { message_at, called_at: None };
    let handoff = begin(draft, key, origin, Map::new(), EventName::Adopted);
    // The line stands where the conversation began to wait, not where we noticed.
    if let Some(line) = draft.view.rows.len().checked_sub(1) {
        draft.change_handoff(handoff).newest_at = message_at;
        draft.change_row(line, |row| row.at = message_at);
    }
}

fn is_same(draft: &Draft<'_>, latest: usize, caller: &Caller) -> bool {
    let latest = &draft.view.handoffs[latest];
    let young = |called: Time| draft.now.at.since(called) < SAME_CALL;
    latest.is_open() && (matches!(caller, Caller::Anyone(_)) || latest.called_at().is_none_or(young))
}

/// The call of an open handoff has come again, or for the first time.
fn repeat(draft: &mut Draft<'_>, handoff: usize, context: Map<String, Value>) {
    let now = draft.now.at;
    let mut merged = draft.view.handoffs[handoff].clone();
    context::merge(&mut merged.context, context, Merge::Overwrite);
    if let Origin::Adopted { called_at: called_at @ None, .. } = &mut merged.origin {
        *called_at = Some(now);
    }
    if !merged.end_user.named_by_webhook {
        merged.end_user.name = context::name(&merged.context);
    }
    put(draft, handoff, merged);
    // An older end that is told later is another handoff's.
    let runs_at = draft.now.by_ada() - DOUBT;
    draft.change_unseen(handoff).note_runs(runs_at);
}

/// Somebody says more about an open handoff.
fn add(draft: &mut Draft<'_>, handoff: usize, context: Map<String, Value>) {
    let mut merged = draft.view.handoffs[handoff].clone();
    context::merge(&mut merged.context, context, Merge::Add);
    merged.end_user.name = merged.end_user.name.or_else(|| context::name(&merged.context));
    put(draft, handoff, merged);
}

fn put(draft: &mut Draft<'_>, handoff: usize, merged: Handoff) {
    if merged != draft.view.handoffs[handoff] {
        *draft.change_handoff(handoff) = merged;
    }
}

fn replace(draft: &mut Draft<'_>, earlier: usize) {
    let reason = "a new handoff of this conversation began before this was sent";
    let ada = AdaEnd::Replaced { at: draft.now.at };
    if draft.view.handoffs[earlier].is_open() {
        ending::over(draft, earlier, EndedBy::Ada, ada, reason);
    } else if draft.view.handoffs[earlier].end_is_unsettled() {
        if let Status::Ended(end) = &mut draft.change_handoff(earlier).status {
            end.ada = ada;
        }
        ending::clear_outbox(draft, earlier, reason);
    }
}

fn begin(
    draft: &mut Draft<'_>,
    key: &ConversationKey,
    origin: Origin,
    context: Map<String, Value>,
    event: EventName,
) -> usize {
    let name = context::name(&context);
    let is_heard_of = super::unknown::is_heard_of(draft);
    let id = HandoffId(draft.new_id());
    let handoff = Handoff {
        integration: draft.policy.integration.clone(),
        origin,
        end_user: EndUser { id: None, name, named_by_webhook: false },
        context,
        created_at: draft.now.at,
        idle: Idle::since(draft.now.at),
        is_heard_of,
        ..Handoff::blank(id, key.clone())
    };
    draft.view.handoffs.push(handoff);
    let at = draft.view.handoffs.len() - 1;
    draft.add_event(at, event, None);
    draft.deliver(at, Read::Transcript);
    at
}

/// What was held for this call needn't wait any longer.
fn wake_held(draft: &mut Draft<'_>, key: &ConversationKey) {
    if let Some(mut buffer) = draft.view.buffer
        && buffer.held_until.is_some()
    {
        buffer.held_until = Some(draft.now.at);
        draft.set_buffer(key, buffer);
    }
}
