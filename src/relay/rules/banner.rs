//! The banner with which Ada's chat shows customers how long they wait. It is no delivery: what it shows is soon out of date,
//! so nothing is kept of a call that failed but when the next one may be made.

use std::time::Duration;

use super::settle::START_GRACE;
use crate::relay::{
    changes::Scope,
    delivery::Failure,
    id::HandoffId,
    rule::Rule,
    waiting_room::{BannerState, Shown},
};

/// The least time between two calls about a conversation.
pub const BETWEEN: Duration = Duration::from_secs(10);
/// The least time after a call that has failed.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// The banner is about to show this. False if it can't, or not now, or shows it already.
///
/// It counts as shown from here on, so that no other relay shows it as well.
pub fn begin(id: HandoffId, shown: Shown) -> Rule<bool> {
    Rule::new(Scope::handoff(&id), move |tx| {
        let Some(handoff) = tx.find_handoff(&id) else { return false };
        let now = tx.now.at;
        if !tx.view.handoffs[handoff].banner_may_show(shown, now) {
            return false;
        }
        let state = BannerState { shown: Some(shown), next_at: now + BETWEEN, is_off: false };
        tx.change_unseen(handoff).banner = Some(state);
        true
    })
}

/// The call to show this has failed. What Ada refuses is not tried again for this conversation, unless Ada may not have acted
/// on our answer to its start call yet.
pub fn failed(id: HandoffId, shown: Shown, failure: Failure) -> Rule<()> {
    Rule::new(Scope::handoff(&id), move |tx| {
        let Some(handoff) = tx.find_handoff(&id) else { return };
        let (known, now) = (&tx.view.handoffs[handoff], tx.now.at);
        if known.banner.is_none_or(|state| state.shown != Some(shown)) {
            return;
        }
        let is_new = known.called_at().is_some_and(|called| now.since(called) < START_GRACE);
        let (wait, is_off) = match &failure {
            Failure::NoHandoff(_) | Failure::UnknownConversation(_) if is_new => (BETWEEN, false),
            Failure::NoHandoff(_) | Failure::UnknownConversation(_) | Failure::Refused(_) => (BETWEEN, true),
            Failure::Throttled { retry_after, .. } => {
                (retry_after.unwrap_or_default().max(AFTER_FAILURE), false)
            }
            Failure::Denied(_) | Failure::Unreached(_) | Failure::Unclear(_) => (AFTER_FAILURE, false),
        };
        tx.change_unseen(handoff).banner = Some(BannerState { shown: None, next_at: now + wait, is_off });
    })
}
