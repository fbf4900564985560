//! When a handoff that nobody accepts, or in which nobody writes, has waited long enough. By our clock alone.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    changes::Policy,
    handoff::{Handoff, Status},
    time::Time,
};

/// How long a handoff may be idle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeout {
    /// So long.
    pub after: Duration,
    /// What the end user is told before the end, if anything.
    pub text: Option<String>,
}

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

impl Handoff {
    /// The timeout that counts in its state.
    pub const fn timeout<'a>(&self, policy: &'a Policy) -> Option<&'a Timeout> {
        match self.status {
            Status::Waiting => policy.waiting_timeout.as_ref(),
            Status::Active { .. } => policy.idle_timeout.as_ref(),
            Status::Ended(_) => None,
        }
    }

    /// When it times out unless something happens before.
    pub fn times_out_at(&self, policy: &Policy) -> Option<Time> {
        Some(self.idle.since + self.timeout(policy)?.after)
    }

    /// Since when it has been idle; `None` while nothing needs to look at its timeout.
    pub fn idle_since(&self) -> Option<Time> {
        (self.is_open() && !self.idle.asks_ada).then_some(self.idle.since)
    }

    /// Somebody writes at `at`, or is read only now. Whoever waits for an agent goes on waiting.
    pub const fn note_writing(&mut self, at: Time) {
        if matches!(self.status, Status::Active { .. }) {
            self.idle = Idle::since(at);
        }
    }
}
