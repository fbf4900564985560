//! What customers say of handoffs afterwards.

use super::{AiAgent, Engine};
use crate::{
    ada::feedback_call::About,
    relay::{feedback::Given, handoff::Handoff, id::HandoffId, rules::feedback},
    store::{HandoffQuery, StatusFilter, StoreError},
};

/// So many handoffs of conversations with the same id are looked at, which several AI Agents may have.
const LOOKED_AT: usize = 50;

impl Engine {
    /// Keeps the feedback to a handoff of this AI Agent that is over. Gives its id; none if there is no such handoff.
    ///
    /// # Errors
    /// The store failed.
    pub async fn feedback(
        &self,
        ai_agent: &AiAgent,
        about: About,
        given: Given,
    ) -> Result<Option<HandoffId>, StoreError> {
        let found = match about {
            About::Handoff(id) => self.store.handoff(&HandoffId(id)).await?.into_iter().collect(),
            About::Conversation(conversation) => {
                let query = HandoffQuery {
                    status: Some(StatusFilter::Ended),
                    conversation: Some(conversation),
                    limit: LOOKED_AT,
                    ..HandoffQuery::default()
                };
                self.store.handoffs(&query).await?.handoffs
            }
        };
        let is_theirs = |handoff: &&Handoff| {
            self.ai_agents().own(&handoff.key.ai_agent)
                && self.ai_agents().of(&handoff.key.ai_agent).id() == ai_agent.id()
        };
        let Some(id) = found.iter().find(is_theirs).map(|handoff| handoff.id.clone()) else {
            return Ok(None);
        };
        let is_kept = self.decide(feedback::give(id.clone(), given)).await?;
        Ok(is_kept.then_some(id))
    }
}
