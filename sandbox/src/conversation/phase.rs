//! Where a conversation stands.

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Active,
    Ended,
}

/// A place in the queue, as the human side last told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Queue {
    pub(crate) unit: &'static str,
    pub(crate) amount: Option<u64>,
}

/// Who the customer is talking with.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "with", rename_all = "snake_case")]
pub(crate) enum Phase {
    AiAgent,
    /// The handoff block waits for the answer to its start call.
    Starting,
    Waiting {
        queue: Option<Queue>,
    },
    Person {
        name: String,
    },
}
