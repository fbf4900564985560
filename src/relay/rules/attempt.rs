//! A delivery's turn has come: what to do about it now.
//!
//! Ada has no idempotency key. So it is written down before a request leaves that its outcome is in doubt, and
//! while it is, the message is looked for and not sent: see `docs/effectively-once.md`.

use std::time::Duration;

use super::expiry;
use crate::relay::{
    changes::Scope,
    delivery::{Attachment, Claim, Delivery, LaneKey, Outgoing, Queue, Task},
    draft::Draft,
    id::HolderId,
    rule::Rule,
    thread::Row,
    time::Time,
};

/// What Ada stored without telling us comes back by webhook within this time, or is in its list by then.
pub const ECHO_GRACE: Duration = Duration::from_secs(2);
/// How long a claim lasts unless it is renewed.
pub const LEASE: Duration = Duration::from_secs(10);

/// Somebody's turn in a lane.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Which lane.
    pub lane: LaneKey,
    /// For what has waited here: another kind of delivery has to wait for a turn of its own kind.
    pub queue: Queue,
    /// Whose turn it is.
    pub holder: HolderId,
}

/// An attempt that has begun.
#[derive(Clone, Debug, PartialEq)]
pub struct Begun {
    /// On which delivery: as it was before, but with the fence of this attempt.
    pub delivery: Delivery,
    /// What to do.
    pub step: Step,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Make the call that the task names.
    Call {
        /// When this attempt began, by our clock.
        began: Time,
    },
    /// Bring the bytes of the message's file to Ada, which has them from no earlier attempt that we know of.
    Upload {
        /// When this attempt began, by our clock.
        began: Time,
        /// Which file.
        file: Attachment,
    },
    /// Fetch the bytes of the row's file.
    Fetch {
        /// Which row.
        row: Box<Row>,
    },
    /// Read Ada's message list from this page on, or else from the beginning.
    Look {
        /// The page.
        from: Option<String>,
    },
}

/// Claims the next delivery of a lane and begins an attempt on it: one decision, so that nothing is claimed that waits,
/// and nothing begins that another holds. `None` if there is nothing to do now.
pub fn begin(turn: Turn) -> Rule<Option<Begun>> {
    let scope = Scope::conversation(&turn.lane.key).with_outbox();
    Rule::new(scope, move |draft| begin_next(draft, &turn))
}

fn begin_next(draft: &mut Draft<'_>, turn: &Turn) -> Option<Begun> {
    let place = next(draft, turn)?;
    let now = draft.now.at;
    expiry::learn_age(draft, place);
    if draft.is_unverified(&draft.view.outbox[place]) {
        let queued_at = draft.view.outbox[place].queued_at;
        draft.change_delivery(place).doubt = Some(queued_at);
        expiry::verified(draft, place);
        expiry::allow_a_look(draft, place);
    }
    let delivery = &draft.view.outbox[place];
    if delivery.doubt.is_none() && expiry::is_over(draft, delivery) {
        expiry::fail_expired(draft, &delivery.handoff.clone(), None);
        return None;
    }
    let step = match (&delivery.task, delivery.doubt) {
        (Task::Send { .. }, Some(since)) if now.since(since) < ECHO_GRACE => {
            draft.change_delivery(place).due_at = since + ECHO_GRACE;
            return None;
        }
        (Task::Send { .. }, Some(_)) | (Task::Transcript | Task::Recover { .. }, _) => {
            Step::Look { from: page(draft, delivery) }
        }
        (Task::Send { what: Outgoing::File { file }, .. }, None) if file.uploaded.is_none() => {
            Step::Upload { began: now, file: file.clone() }
        }
        // To end what has ended does no harm: Ada says so.
        (Task::Send { .. } | Task::End { .. }, _) => Step::Call { began: now },
        (Task::Fetch { row }, _) => {
            let Some(row) = draft.find_row(row) else {
                draft.finish_delivery(place);
                return None;
            };
            Step::Fetch { row: Box::new(draft.view.rows[row].clone()) }
        }
    };
    let before = delivery.clone();
    let delivery = draft.change_delivery(place);
    delivery.fence += 1;
    delivery.claim = Some(Claim { holder: turn.holder.clone(), until: now + LEASE });
    delivery.attempts = delivery.attempts.saturating_add(1);
    if matches!(step, Step::Call { .. }) {
        delivery.doubt.get_or_insert(now);
    }
    let fence = delivery.fence;
    Some(Begun { delivery: Delivery { fence, ..before }, step })
}

/// The delivery whose turn it is.
fn next(draft: &Draft<'_>, turn: &Turn) -> Option<usize> {
    let (lane, now) = (turn.lane.lane, draft.now.at);
    let in_lane = || {
        let all = draft.view.outbox.iter().enumerate();
        all.filter(|(_, delivery)| delivery.task.lane() == lane && delivery.lane() == turn.lane)
    };
    let is_ready = |delivery: &Delivery| delivery.queue() == turn.queue && delivery.ready_at() <= now;
    if lane.is_ordered() {
        return in_lane().next().filter(|(_, first)| is_ready(first)).map(|(place, _)| place);
    }
    let is_held = |delivery: &Delivery| delivery.claim.as_ref().is_some_and(|claim| claim.until > now);
    if in_lane().filter(|(_, delivery)| is_held(delivery)).count() >= lane.at_once() {
        return None;
    }
    let ready = in_lane().filter(|(_, delivery)| is_ready(delivery));
    ready.min_by_key(|(_, delivery)| delivery.ready_at()).map(|(place, _)| place)
}

/// Where Ada's message list is read on.
fn page(draft: &Draft<'_>, delivery: &Delivery) -> Option<String> {
    let handoff = draft.find_handoff(&delivery.handoff)?;
    draft.view.handoffs[handoff].listed.page.clone()
}
