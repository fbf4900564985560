//! The management of canned replies.

use super::Engine;
use crate::store::{
    StoreError,
    replies::{CannedReply, ReplyChange, ReplyOutcome},
};

impl Engine {
    /// `agent` creates a canned reply, which all agents share unless it has an `owner`. The endpoint has checked title and text.
    ///
    /// # Errors
    /// The store failed.
    pub async fn add_reply(
        &self,
        title: String,
        text: String,
        agent: String,
        owner: Option<String>,
    ) -> Result<ReplyOutcome, StoreError> {
        let reply = CannedReply { owner, ..self.reply(self.environment.new_id(), title, text, agent) };
        self.store.change_replies(ReplyChange::Add(reply)).await
    }

    /// `agent` changes a canned reply that they see.
    ///
    /// # Errors
    /// The store failed.
    pub async fn replace_reply(
        &self,
        id: String,
        title: String,
        text: String,
        agent: String,
    ) -> Result<ReplyOutcome, StoreError> {
        let reply = self.reply(id, title, text, agent);
        self.store.change_replies(ReplyChange::Replace(reply)).await
    }

    /// `agent` deletes a canned reply that they see.
    ///
    /// # Errors
    /// The store failed.
    pub async fn drop_reply(&self, id: String, agent: String) -> Result<ReplyOutcome, StoreError> {
        self.store.change_replies(ReplyChange::Drop { id, by: agent }).await
    }

    fn reply(&self, id: String, title: String, text: String, updated_by: String) -> CannedReply {
        let now = self.environment.now();
        CannedReply { id, title, text, created_at: now, updated_at: now, updated_by, owner: None }
    }
}
