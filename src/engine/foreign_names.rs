//! The usual first mistake: the identifier in Ada's dashboard isn't the one in our settings.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use crate::store::Store;

/// Beyond this many names somebody plays; the first ones have told enough.
const MAX_NAMES: usize = 100;

/// Identifiers of others that were seen in conversations of ours, each warned of once.
#[derive(Default)]
pub struct ForeignNames(Mutex<HashSet<String>>);

impl ForeignNames {
    /// Warns if `conversation` has an open handoff here while Ada names another integration.
    pub fn record(&self, store: &dyn Store, ours: &str, theirs: String, conversation: &str) {
        if store.has_open_handoff(conversation) && self.is_news(&theirs) {
            tracing::warn!(
                handoff.integration = theirs,
                setting = ours,
                "Ada names another integration in one of our conversations: \
                 does HANDOFF_INTEGRATION match the identifier in Ada's dashboard?"
            );
        }
    }

    fn is_news(&self, name: &str) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.len() < MAX_NAMES && known.insert(name.to_owned())
    }
}
