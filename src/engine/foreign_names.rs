//! The usual first mistakes: the identifier in Ada's dashboard isn't the one in our settings, and an AI Agent's webhooks
//! are signed with another one's secret.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use crate::{relay::id::AiAgentId, store::Store};

/// Beyond this many names somebody plays; the first ones have told enough.
const MAX_NAMES: usize = 100;

/// Identifiers of others that were seen in conversations of ours, each warned of once.
#[derive(Default)]
pub struct ForeignNames(Mutex<HashSet<String>>);

impl ForeignNames {
    /// Warns if `conversation` has an open handoff here while Ada names another integration.
    pub fn record(&self, store: &dyn Store, ours: &[String], theirs: String, conversation: &str) {
        if store.has_open_handoff(conversation) && self.is_news(&theirs) {
            tracing::warn!(
                handoff.integration = theirs,
                setting = ours.join(", "),
                "Ada names another integration in one of our conversations: \
                 does HANDOFF_INTEGRATION (or integrations in the settings file) match the identifier in Ada's dashboard?"
            );
        }
    }

    fn is_news(&self, name: &str) -> bool {
        is_news(&self.0, name)
    }
}

/// Domains in events that another AI Agent's secret signed, each warned of once.
#[derive(Default)]
pub struct ForeignDomains(Mutex<HashSet<String>>);

impl ForeignDomains {
    /// Warns if the domain was not seen yet.
    pub fn record(&self, reason: &str, domain: String) {
        if is_news(&self.0, &domain) {
            tracing::warn!(ai_agent.domain = domain, reason, "webhooks become dead letters");
        }
    }
}

/// Why an event is set aside that names another AI Agent's domain.
pub fn elsewhere(signed_for: &AiAgentId, domain: &str) -> String {
    format!("`ai_agent_domain` is {domain}, which is no domain of {signed_for}, whose secret signed it")
}

fn is_news(known: &Mutex<HashSet<String>>, name: &str) -> bool {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    known.len() < MAX_NAMES && known.insert(name.to_owned())
}
