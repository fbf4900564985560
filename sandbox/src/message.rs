//! A message as the conversation keeps it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::IdScheme;
use crate::files::{KeptFile, Minter};

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The customer.
    EndUser,
    /// Ada's AI Agent.
    AiAgent,
    /// A person of the support team.
    HumanAgent,
}

impl Role {
    /// Ada's name for the role.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndUser => "end_user",
            Self::AiAgent => "ai_agent",
            Self::HumanAgent => "human_agent",
        }
    }
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredMessage {
    /// The same in the API's answers, its message list and the webhooks, unless the
    /// [`IdScheme`] says otherwise: then each makes its own of it.
    pub message_id: String,
    /// RFC 3339 in UTC with milliseconds; no two messages of a conversation share it.
    pub created_at: String,
    /// Who wrote it.
    pub role: Role,
    /// The author's name, when there is one.
    pub display_name: Option<String>,
    /// The author's id: end users have one.
    pub author_id: Option<String>,
    /// The URL of the author's picture.
    pub avatar: Option<String>,
    /// Ada's content object, told apart by its `type`. That of a file that Ada keeps has no `url`: each time it
    /// is shown it gets a new one.
    pub content: Value,
    /// The file that Ada keeps for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<KeptFile>,
    /// Whether the conversation was with a human team: its webhook then names the handoff integration.
    #[serde(skip)]
    pub in_handoff: bool,
    /// How it is named outside.
    #[serde(skip)]
    pub(crate) ids: IdScheme,
}

impl StoredMessage {
    /// The text of a `text` message.
    pub fn text(&self) -> Option<&str> {
        self.content.get("body").and_then(Value::as_str)
    }

    /// The author as the API shows it.
    pub(crate) fn author_json(&self) -> Value {
        json!({
            "id": self.author_id,
            "role": self.role,
            "avatar": self.avatar,
            "display_name": self.display_name,
        })
    }

    /// A row of the message list.
    pub(crate) fn list_row(&self, minter: &Minter<'_>) -> Value {
        json!({
            "type": "message_logs",
            "message_id": self.ids.in_list(&self.message_id),
            "created_at": self.created_at,
            "author": self.author_json(),
            "content": minter.content(self),
        })
    }

    /// The answer to the call that created it.
    pub(crate) fn created_json(&self, conversation_id: &str, minter: &Minter<'_>) -> Value {
        json!({
            "id": self.ids.in_answer(&self.message_id),
            "conversation_id": conversation_id,
            "author": self.author_json(),
            "content": minter.content(self),
            "created_at": self.created_at,
            "updated_at": self.created_at,
        })
    }
}
