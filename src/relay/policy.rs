//! The rules' settings, and the time of a decision.

use std::time::Duration;

use super::{
    buffer::Timings,
    time::{Offset, Time},
};

/// How long a handoff may be idle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeout {
    /// So long.
    pub after: Duration,
    /// What the end user is told before the end, if anything.
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
    /// How many events may be buffered in all.
    pub inbox_limit: u64,
    /// How many deliveries may be queued for a destination that has a budget.
    pub outbox_limit: u64,
    /// How long a message may wait to be sent.
    pub send_max_age: Duration,
    /// When this process began, by our clock.
    pub began_at: Time,
    /// A message that is older and that no webhook has brought is taken from Ada's list.
    pub recover_after: Duration,
    /// How long a handoff may wait for an agent, unless for ever.
    pub waiting_timeout: Option<Timeout>,
    /// How long nobody may write in a handoff that an agent has, unless for ever.
    pub idle_timeout: Option<Timeout>,
}
