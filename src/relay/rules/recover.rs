//! Recovery: messages whose webhook is missing are read from Ada's message list.

use crate::relay::{
    changes::Scope,
    delivery::{Job, Read},
    handoff::{AdaEnd, EndedBy},
    id::{DeliveryId, HandoffId},
    rule::Rule,
    time::Time,
    transaction::Transaction,
};

/// Queues a reading of an open handoff's list, unless one is queued already. No webhook is expected any more for
/// messages from before `missed_before`, by our clock. Returns the delivery to wait for.
pub fn open_handoff(id: HandoffId, missed_before: Option<Time>) -> Rule<Option<DeliveryId>> {
    let scope = Scope::handoff(&id).with_outbox();
    Rule::new(scope, move |tx| look_after(tx, &id, missed_before))
}

/// The same, as part of another decision.
pub(super) fn look_after(
    tx: &mut Transaction<'_>,
    id: &HandoffId,
    missed_before: Option<Time>,
) -> Option<DeliveryId> {
    let handoff = tx.find_handoff(id).filter(|handoff| tx.view.handoffs[*handoff].is_open())?;
    let recovers = |job: &Job| matches!(job, Job::Read(Read::Recover { .. }));
    let queued = tx.view.outbox.iter().position(|known| known.handoff == *id && recovers(&known.job));
    if let Some(index) = queued {
        let delivery = tx.change_delivery(index);
        if let Job::Read(Read::Recover { missed_before: known }) = &mut delivery.job {
            *known = (*known).max(missed_before);
        }
        return Some(delivery.id.clone());
    }
    Some(tx.deliver(handoff, Read::Recover { missed_before }))
}

/// Ada says that the whole conversation has ended.
pub fn is_over(tx: &mut Transaction<'_>, handoff: usize, answered_at: Option<Time>) {
    if tx.view.handoffs[handoff].is_open() {
        let at = answered_at.unwrap_or(tx.now.by_ada());
        let reason = "the conversation ended before this was sent";
        super::ending::over(tx, handoff, EndedBy::Ada, AdaEnd::Dated { at }, reason);
    }
}
