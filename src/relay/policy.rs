//! The rules' settings, and the time of a decision.

use std::time::Duration;

use super::{
    buffer::Timings,
    platform::PlatformPolicy,
    time::{Offset, Time},
};

/// How long a handoff may be idle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeout {
    /// The duration.
    pub after: Duration,
    /// The text that the end user gets before the end, if any.
    pub text: Option<String>,
}

/// Our clock and Ada's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    /// By our clock.
    pub at: Time,
    /// Ada's clock minus ours.
    pub offset: Offset,
}

impl Now {
    /// By Ada's clock.
    pub fn by_ada(&self) -> Time {
        self.at.shifted(self.offset)
    }
}

/// The rules' settings.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The debounce.
    pub timings: Timings,
    /// The identifier that makes an event ours.
    pub integration: String,
    /// The AI Agent's domain, where that is not its id.
    pub domain: Option<String>,
    /// How many events may be buffered in all.
    pub inbox_limit: u64,
    /// How many deliveries may be queued for a destination that has a budget.
    pub outbox_limit: u64,
    /// How long a message may wait to be sent.
    pub send_max_age: Duration,
    /// When this process began, by our clock.
    pub began_at: Time,
    /// A message that is older than this, and for which no webhook arrived, is taken from Ada's list.
    pub recover_after: Duration,
    /// How long a handoff may wait for an agent; `None` for no limit.
    pub waiting_timeout: Option<Timeout>,
    /// How long an agent's handoff may have no messages; `None` for no limit.
    pub idle_timeout: Option<Timeout>,
    /// Agent platforms.
    pub platforms: PlatformPolicy,
}
