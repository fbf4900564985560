//! A delivery's turn has come: what to do about it now.
//!
//! Ada has no idempotency key. So it is written down before a request leaves that its outcome is in doubt, and
//! while it is, the message is looked for and not sent: see `docs/effectively-once.md`.

use std::time::Duration;

use crate::relay::{
    changes::{Of, Scope},
    delivery::{Attachment, Delivery, Outgoing, Task},
    draft::Draft,
    id::{DeliveryId, HandoffId},
    thread::Row,
    time::Time,
};

/// What Ada stored without telling us comes back by webhook within this time, or is in its list by then.
pub const ECHO_GRACE: Duration = Duration::from_secs(2);

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing now: it was taken back, or it is too early.
    Nothing,
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

/// What [`begin`] needs to see.
pub fn scope(handoff: &HandoffId) -> Scope {
    let mut scope = Scope::new(Of::Handoff(handoff.clone()));
    scope.with_outbox = true;
    scope
}

/// Begins an attempt on the delivery `id`.
pub fn begin(draft: &mut Draft<'_>, id: &DeliveryId) -> Step {
    let Some(place) = draft.find_delivery(id) else { return Step::Nothing };
    let now = draft.now.at;
    let delivery = &draft.view.outbox[place];
    let next = match (&delivery.task, delivery.doubt) {
        (Task::Send { .. }, Some(since)) if now.since(since) < ECHO_GRACE => {
            draft.change_delivery(place).due_at = since + ECHO_GRACE;
            return Step::Nothing;
        }
        (Task::Send { .. }, Some(_)) | (Task::Transcript | Task::Recover { .. }, _) => {
            Step::Look { from: page(draft, delivery) }
        }
        (Task::Send { what: Outgoing::File { file }, .. }, None) if file.uploaded.is_none() => {
            Step::Upload { began: now, file: file.clone() }
        }
        // To end what has ended does no harm: Ada says so.
        (Task::Send { .. } | Task::End { .. }, _) => Step::Call { began: now },
        (Task::Fetch { row }, _) => match draft.find_row(row) {
            Some(row) => Step::Fetch { row: Box::new(draft.view.rows[row].clone()) },
            None => Step::Nothing,
        },
    };
    let delivery = draft.begin_delivery(place);
    delivery.attempts = delivery.attempts.saturating_add(1);
    if matches!(next, Step::Call { .. }) {
        delivery.doubt.get_or_insert(now);
    }
    next
}

/// Where Ada's message list is read on.
fn page(draft: &Draft<'_>, delivery: &Delivery) -> Option<String> {
    let handoff = draft.find_handoff(&delivery.handoff)?;
    draft.view.handoffs[handoff].listed.page.clone()
}
