//! The usual first mistake: the identifier in Ada's dashboard isn't the one in our settings.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use crate::store::{HandoffQuery, StatusFilter, Store};

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
