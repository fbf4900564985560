//! Which AI Agent stored conversations belong to, where the settings file lists several.

use std::{collections::BTreeSet, time::Duration};

use super::{AiAgents, Engine};
use crate::{
    relay::{
        delivery::Destination,
        event::Event,
        id::{AiAgentId, ConversationKey},
        time::Time,
    },
    store::{HandoffQuery, StatusFilter, Store, StoreError},
};

/// Handoffs asked of the store at once.
const PAGE: usize = 200;
/// No event waits longer in the inbox.
const A_DAY: Duration = Duration::from_hours(24);
/// More conversations than wait at a time.
const MANY: usize = 1_000_000;

/// The AI Agents that are in no list, though the store has open handoffs, deliveries or events of theirs.
///
/// # Errors
/// The store can't be read.
pub async fn without_owner(
    store: &dyn Store,
    ai_agents: &AiAgents,
    now: Time,
) -> Result<Vec<AiAgentId>, StoreError> {
    if !ai_agents.are_listed() {
        return Ok(Vec::new());
    }
    let queued = store.depths().await?.queued;
    let mut stored: BTreeSet<AiAgentId> = queued.keys().filter_map(Destination::ai_agent).cloned().collect();
    let waiting = store.due_conversations(now + A_DAY, MANY).await?;
    stored.extend(waiting.items.into_iter().map(|key| key.ai_agent));
    for status in [StatusFilter::Waiting, StatusFilter::Active] {
        let mut after = None;
        loop {
            let query = HandoffQuery { status: Some(status), after, limit: PAGE, ..HandoffQuery::default() };
            let page = store.handoffs(&query).await?;
            stored.extend(page.handoffs.into_iter().map(|handoff| handoff.key.ai_agent));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(stored.into_iter().filter(|id| !ai_agents.own(id)).collect())
}

impl Engine {
    /// The event, in the conversation as it is stored.
    ///
    /// # Errors
    /// The store can't be read.
    pub(super) async fn under_its_key(
        &self,
        ai_agents: &AiAgents,
        mut event: Box<Event>,
    ) -> Result<Box<Event>, StoreError> {
        if let Some(key) = self.former_key(ai_agents, &event.key).await? {
            event.key = key;
        }
        Ok(event)
    }

    /// The key under which a conversation is stored. One that began under a former id of its AI Agent stays there, so
    /// that it doesn't begin anew.
    ///
    /// # Errors
    /// The store can't be read.
    pub(super) async fn known_key(
        &self,
        ai_agents: &AiAgents,
        key: ConversationKey,
    ) -> Result<ConversationKey, StoreError> {
        Ok(self.former_key(ai_agents, &key).await?.unwrap_or(key))
    }

    /// The key under which a conversation is stored, if it may be another one.
    async fn former_key(
        &self,
        ai_agents: &AiAgents,
        key: &ConversationKey,
    ) -> Result<Option<ConversationKey>, StoreError> {
        let ai_agent = ai_agents.of(&key.ai_agent);
        if ai_agent.formerly.is_empty() || key.ai_agent != *ai_agent.id() {
            return Ok(None);
        }
        let is_of = |known: &ConversationKey| ai_agent.ids().any(|id| *id == known.ai_agent);
        let known = Box::pin(self.keys_of(key, None)).await?;
        Ok(known.into_iter().find(is_of))
    }

    /// Whether there is an open handoff of this conversation.
    ///
    /// # Errors
    /// The store can't be read.
    pub(super) async fn is_open(&self, key: &ConversationKey) -> Result<bool, StoreError> {
        if !self.store.has_open_handoff(key.conversation.as_str()) {
            return Ok(false);
        }
        // Another AI Agent may have a conversation with the same id.
        if !self.ai_agents().are_listed() {
            return Ok(true);
        }
        for status in [StatusFilter::Waiting, StatusFilter::Active] {
            if self.keys_of(key, Some(status)).await?.contains(key) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The keys of the newest handoffs of conversations with this id, the newest first.
    async fn keys_of(
        &self,
        key: &ConversationKey,
        status: Option<StatusFilter>,
    ) -> Result<Vec<ConversationKey>, StoreError> {
        let conversation = Some(key.conversation.0.clone());
        let query = HandoffQuery { status, conversation, limit: PAGE, ..HandoffQuery::default() };
        let page = self.store.handoffs(&query).await?;
        Ok(page.handoffs.into_iter().map(|handoff| handoff.key).collect())
    }
}
