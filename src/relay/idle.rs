//! When a handoff that nobody accepts, or in which nobody writes, has waited long enough. By our clock alone.

use serde::{Deserialize, Serialize};

use super::time::Time;

/// What a handoff's timeout counts from. The deadline is not kept: the settings may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idle {
    /// Since when it waits for an agent, or once one has it, for anybody to write.
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
