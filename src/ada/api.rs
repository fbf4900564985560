//! What the engine asks of Ada.

use async_trait::async_trait;

use super::{
    answer::Answer,
    limits::{Permit, Priority},
};
use crate::relay::{
    delivery::{Listed, Receipt},
    id::ConversationId,
    time::Offset,
};

/// The calls of one AI Agent's API that a handoff needs. [`Client`](super::client::Client) makes them; a
/// simulation answers them itself.
#[async_trait]
pub trait Ada: Send + Sync {
    /// Waits until Ada's limits leave room for a call about `conversation`.
    async fn turn(&self, priority: Priority, conversation: &ConversationId) -> Permit;

    /// Posts a text message of a human agent.
    async fn send_message(
        &self,
        permit: Permit,
        conversation: &ConversationId,
        display_name: &str,
        text: &str,
    ) -> Answer<Receipt>;

    /// Ends the handoff. Ada's "not in a handoff" comes as [`Failure::NoHandoff`].
    ///
    /// [`Failure::NoHandoff`]: crate::relay::delivery::Failure::NoHandoff
    async fn end_handoff(&self, permit: Permit, conversation: &ConversationId) -> Answer<Receipt>;

    /// Reads a part of the conversation's messages, oldest first, from the page where the last reading ended
    /// or else from the beginning. What can't be read is left out. Each page after the first waits for a
    /// permit of `priority`.
    async fn list_messages(
        &self,
        permit: Permit,
        priority: Priority,
        conversation: &ConversationId,
        from: Option<&str>,
    ) -> Answer<Listed>;

    /// Whether the whole conversation has ended.
    async fn is_over(&self, permit: Permit, conversation: &ConversationId) -> Answer<bool>;

    /// Ada's clock minus ours, as far as answers have told.
    fn offset(&self) -> Offset;

    /// Why Ada refuses the key, if it does.
    fn denied(&self) -> Option<String>;
}
