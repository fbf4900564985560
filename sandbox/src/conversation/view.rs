//! What the end user sees: the chat page shows it, and tests compare with it.

use serde_json::{Value, json};

use super::{CUSTOMER, Conversation, Phase};
use crate::message::StoredMessage;
use crate::webhook;

impl Conversation {
    /// All of it: messages and notices in order, and who the end user is talking with.
    pub(crate) fn end_users_view(&self) -> Value {
        json!({
            "id": self.id,
            "status": self.status,
            "customer": CUSTOMER,
            "in_handoff": self.in_handoff(),
            "human_joined": matches!(self.phase, Phase::Person { .. }),
            "phase": self.phase,
            "messages": self.messages.iter().map(|message| self.shown(message)).collect::<Vec<_>>(),
            "notices": self.notices,
        })
    }

    /// A message as the page gets it. A file is at an address of the page's own.
    fn shown(&self, message: &StoredMessage) -> Value {
        let mut shown = json!(message);
        if message.file.is_some() {
            let url = format!("/chat/api/conversations/{}/files/{}", self.id, message.message_id);
            shown["content"]["url"] = url.into();
        }
        shown
    }

    /// A row of the list of conversations. Sorts by age.
    pub(crate) fn summary(&self) -> (String, Value) {
        let created_at = webhook::time(self.created_at);
        let summary = json!({
            "id": self.id,
            "created_at": created_at,
            "status": self.status,
            "in_handoff": self.in_handoff(),
            "messages": self.messages.len(),
        });
        (created_at, summary)
    }
}
