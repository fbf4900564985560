//! Ids. Ours are UUIDs that sort by age (version 7); Ada's are opaque strings and stay so.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

id!(
    /// One handoff, made by us.
    HandoffId
);
id!(
    /// One row of a thread, made by us.
    RowId
);
id!(
    /// One delivery in the outbox, made by us.
    DeliveryId
);
id!(
    /// A process that makes attempts on deliveries.
    HolderId
);
id!(
    /// Ada's id of a conversation: opaque, never parsed.
    ConversationId
);
id!(
    /// Ada's id of a message: opaque. The ids in webhooks, lists and answers may differ.
    MessageId
);
id!(
    /// A team of agents, by the name that the settings give it.
    TeamName
);
id!(
    /// An agent platform, by the name that the settings give it (`webhook`, `webhook-2`).
    PlatformId
);
id!(
    /// The AI Agent a conversation belongs to: the host of its API (`acme.ada.support`), or its id in the settings file.
    AiAgentId
);

/// The key of all data of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConversationKey {
    /// Whose conversation it is.
    pub ai_agent: AiAgentId,
    /// Which one.
    pub conversation: ConversationId,
}

/// The source of new ids: random ones from the engine, counted ones in tests.
pub trait NewIds {
    /// An id never given before, later than all given before.
    fn next(&mut self) -> String;
}
