//! What Ada tells the world about a conversation: an event for each change, put into its outbox.

use jiff::Timestamp;

use super::{Conversation, Event};
use crate::message::{Role, StoredMessage};
use crate::webhook::{
    Author, ConversationCreatedEvent, ConversationEndedEvent, HandoffEndedEvent, MessageEvent,
    conversation_created_event, conversation_ended_event, handoff_ended_event, message_event,
};

impl Conversation {
    pub(super) fn announce_created(&mut self) {
        self.outbox.push(
            conversation_created_event(ConversationCreatedEvent {
                conversation_id: self.id.clone(),
                end_user_id: self.end_user_id.clone(),
                created_at: self.created_at,
                ai_agent_domain: self.origin.ai_agent_domain.clone(),
            })
            .into(),
        );
    }

    pub(super) fn announce_message(&mut self, message: &StoredMessage, at: Timestamp) {
        let mut payload = message_event(MessageEvent {
            message_id: message.ids.in_webhook(&message.message_id),
            conversation_id: self.id.clone(),
            end_user_id: self.end_user_id.clone(),
            handoff_integration: message.in_handoff.then(|| self.origin.integration.clone()),
            timestamp: at,
            created_at: at,
            author: Author {
                id: message.author_id.clone(),
                role: message.role.as_str().to_owned(),
                avatar: message.avatar.clone(),
                display_name: message.display_name.clone(),
            },
            content: message.content.clone(),
            ai_agent_domain: self.origin.ai_agent_domain.clone(),
        });
        payload["data"]["channel"]["modality"] = self.modality.into();
        self.outbox.push(Event { payload, file: message.file.as_ref().map(|file| file.id) });
    }

    pub(super) fn announce_handoff_ended(&mut self, at: Timestamp) {
        self.outbox.push(
            handoff_ended_event(HandoffEndedEvent {
                conversation_id: self.id.clone(),
                end_user_id: self.end_user_id.clone(),
                handoff_integration: self.origin.integration.clone(),
                timestamp: at,
                ai_agent_domain: self.origin.ai_agent_domain.clone(),
            })
            .into(),
        );
    }

    /// The end user has ended it, at the time of the latest change.
    pub(super) fn announce_ended(&mut self) {
        self.outbox.push(
            conversation_ended_event(ConversationEndedEvent {
                conversation_id: self.id.clone(),
                end_user_id: self.end_user_id.clone(),
                created_at: self.created_at,
                timestamp: self.clock,
                ended_by_id: Some(self.end_user_id.clone()),
                ended_by_role: Role::EndUser.as_str().to_owned(),
                metadata: self.metadata.clone(),
                ai_agent_domain: self.origin.ai_agent_domain.clone(),
            })
            .into(),
        );
    }
}
