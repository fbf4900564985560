//! Gaps close: what webhooks never brought is read from Ada's message list.

use crate::relay::{
    changes::Scope,
    delivery::{Job, Read},
    draft::Draft,
    handoff::{AdaEnd, EndedBy},
    id::{DeliveryId, HandoffId},
    rule::Rule,
    time::Time,
};

/// Has an open handoff looked after, unless that is queued already. What was written before `missed_before`,
/// by our clock, won't come by webhook any more. Gives the delivery to wait for.
pub fn open_handoff(id: HandoffId, missed_before: Option<Time>) -> Rule<Option<DeliveryId>> {
    let scope = Scope::handoff(&id).with_outbox();
    Rule::new(scope, move |draft| look_after(draft, &id, missed_before))
}

/// The same, in the course of another decision.
pub(super) fn look_after(
    draft: &mut Draft<'_>,
    id: &HandoffId,
    missed_before: Option<Time>,
) -> Option<DeliveryId> {
    let handoff = draft.find_handoff(id).filter(|handoff| draft.view.handoffs[*handoff].is_open())?;
    let recovers = |job: &Job| matches!(job, Job::Read(Read::Recover { .. }));
    let queued = draft.view.outbox.iter().position(|known| known.handoff == *id && recovers(&known.job));
    if let Some(place) = queued {
        let delivery = draft.change_delivery(place);
        if let Job::Read(Read::Recover { missed_before: known }) = &mut delivery.job {
            *known = (*known).max(missed_before);
        }
        return Some(delivery.id.clone());
    }
    Some(draft.deliver(handoff, Read::Recover { missed_before }))
}

/// Ada says that the whole conversation has ended.
pub fn is_over(draft: &mut Draft<'_>, handoff: usize, answered_at: Option<Time>) {
    if draft.view.handoffs[handoff].is_open() {
        let at = answered_at.unwrap_or(draft.now.by_ada());
        let reason = "the conversation ended before this was sent";
        super::ending::over(draft, handoff, EndedBy::Ada, AdaEnd::Dated { at }, reason);
    }
}
