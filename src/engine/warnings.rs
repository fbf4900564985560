//! The usual first mistakes: the identifier in Ada's dashboard isn't the one in our settings, or webhooks don't
//! come at all.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    relay::time::Time,
    store::{HandoffQuery, StatusFilter, Store},
};

/// Ada sends something within this time of a start call, if only other conversations' events.
const SILENCE: Duration = Duration::from_secs(120);

/// Beyond this many names somebody plays; the first ones have told enough.
const MAX_NAMES: usize = 100;

/// Identifiers of others that were seen in conversations of ours, each warned of once.
#[derive(Default)]
pub struct ForeignNames(Mutex<HashSet<String>>);

impl ForeignNames {
    /// Warns if the newest handoff of `conversation` is open here while Ada names another integration.
    pub async fn note(&self, store: &dyn Store, ours: &str, theirs: String, conversation: String) {
        if !self.is_news(&theirs) {
            return;
        }
        let query = HandoffQuery { conversation: Some(conversation), limit: 1, ..HandoffQuery::default() };
        let newest = store.handoffs(&query).await.ok().and_then(|page| page.handoffs.into_iter().next());
        if newest.is_some_and(|handoff| StatusFilter::of(&handoff) != StatusFilter::Ended)
            && self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(theirs.clone())
        {
            tracing::warn!(
                handoff.integration = theirs,
                setting = ours,
                "Ada names another integration in a conversation handed off to us: \
                 is HANDOFF_INTEGRATION the identifier in Ada's dashboard?"
            );
        }
    }

    fn is_news(&self, name: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.len() < MAX_NAMES && !known.contains(name)
    }
}

/// Warns if the newest handoff began some minutes ago and no verified webhook has come since.
pub async fn silence(store: &dyn Store, last_webhook: Option<Time>, now: Time) {
    let query = HandoffQuery { limit: 1, ..HandoffQuery::default() };
    let newest = store.handoffs(&query).await.ok().and_then(|page| page.handoffs.into_iter().next());
    let Some(called_at) = newest.filter(|newest| newest.is_open()).and_then(|newest| newest.called_at())
    else {
        return;
    };
    let age = now.since(called_at);
    // Once: the next look is a minute later.
    let just_now = (SILENCE..SILENCE * 3 / 2).contains(&age);
    if just_now && last_webhook.is_none_or(|at| at < called_at) {
        tracing::warn!(
            "a handoff began two minutes ago and no webhook has come since: \
             is the webhook endpoint set up in Ada, with this address and WEBHOOK_SECRET?"
        );
    }
}
