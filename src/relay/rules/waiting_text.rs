//! Texts for customers who wait for an agent: each at most once while they wait, and none once an agent has them.

use std::time::Duration;

use super::{say, time_out::SUPPORT};
use crate::relay::{
    changes::Scope, delivery::ShownAuthor, handoff::Status, id::HandoffId, rule::Rule, thread::Source,
    transaction::Transaction, waiting_room::TextsTold,
};

/// Ada needs a moment to act on our answer to its start call. Until then, it takes no message.
const SETTLES_WITHIN: Duration = Duration::from_secs(1);

/// A handoff has begun to wait, by a start call or in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// By a start call that is still to be answered.
    Called,
    /// Ada knows of the handoff.
    Known,
}

/// The first text, if there is one for those who begin to wait.
pub(super) fn begin(tx: &mut Transaction<'_>, handoff: usize, since: Since) {
    if !tell(tx, handoff) || since == Since::Known {
        return;
    }
    if let Some(text) = tx.view.outbox.len().checked_sub(1) {
        let due_at = tx.now.at + SETTLES_WITHIN;
        tx.change_delivery(text).due_at = due_at;
    }
}

/// Tells a handoff that waits the latest text that is due and new. Gives the time of the latest text that it has been told
/// while it waits; none if there is none yet. Does nothing else, because timers may be stale.
pub fn due(id: HandoffId) -> Rule<Option<Duration>> {
    Rule::new(Scope::handoff(&id).with_outbox(), move |tx| {
        let handoff = tx.find_handoff(&id)?;
        tell(tx, handoff);
        tx.view.handoffs[handoff].texts_told()
    })
}

fn tell(tx: &mut Transaction<'_>, handoff: usize) -> bool {
    let known = &tx.view.handoffs[handoff];
    // Anyone may have named a conversation of which nothing is known.
    let is_strangers = tx.view.outbox.iter().any(|queued| queued.handoff == known.id && queued.stranger);
    if known.status != Status::Waiting || is_strangers {
        return false;
    }
    let (since, told) = (known.idle.since, known.texts_told());
    let room = tx.policy.waiting_rooms.of(known.route.as_deref(), known.team.as_ref());
    let Some(text) = room.text_due(tx.now.at.since(since), told).cloned() else { return false };
    tx.change_unseen(handoff).texts_told = Some(TextsTold { since, up_to: text.after });
    let by = ShownAuthor::named(SUPPORT.to_owned());
    say::say(tx, handoff, by, text.text, Source::Relay);
    true
}
