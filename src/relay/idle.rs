//! When a handoff times out because no agent accepts it, or because nobody writes in it. By our clock only.

use serde::{Deserialize, Serialize};

use super::time::Time;

/// The start of a handoff's timeout. The deadline is not stored, because the settings may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idle {
    /// Since when it waits for an agent or, once an agent has it, for a message.
    pub since: Time,
    /// It has timed out, and Ada's message list is being read for what webhooks may have missed.
    pub asks_ada: bool,
}

impl Idle {
    /// Since `at`.
    pub const fn since(at: Time) -> Self {
        Self { since: at, asks_ada: false }
    }
}
