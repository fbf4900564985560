//! The rules' settings, and the time of a decision.

use std::{sync::Arc, time::Duration};

use super::{
    buffer::Timings,
    id::TeamName,
    platform::PlatformPolicy,
    routing::Routing,
    time::{Offset, Time},
    values::HandoffValues,
    waiting_room::WaitingRooms,
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
    /// How long a handoff may wait for an agent, unless its route or team says otherwise; `None` for no limit.
    pub waiting_timeout: Option<Timeout>,
    /// How long an agent's handoff may have no messages, unless its route or team says otherwise; `None` for no limit.
    pub idle_timeout: Option<Timeout>,
    /// What the AI Agent's customers speak if their start calls do not say it.
    pub language: Option<String>,
    /// An agent of whom nothing is seen for so long is gone: no event stream and no call.
    pub gone_after: Duration,
    /// What customers are told while they wait.
    pub waiting_rooms: WaitingRooms,
    /// What Ada learns of handoffs.
    pub values: HandoffValues,
    /// Teams, and which handoffs are theirs.
    pub routing: Arc<Routing>,
    /// Agent platforms.
    pub platforms: PlatformPolicy,
}

/// The timeouts of a handoff, in each of its states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts<'a> {
    /// While it waits for an agent.
    pub waiting: Option<&'a Timeout>,
    /// While an agent has it.
    pub idle: Option<&'a Timeout>,
}

impl Policy {
    /// The timeouts of a handoff that came by `route` and is for `team`.
    pub fn timeouts(&self, route: Option<&str>, team: Option<&TeamName>) -> Timeouts<'_> {
        self.routing.timeouts(route, team, self.general_timeouts())
    }

    /// The shortest timeouts that any handoff can have.
    pub fn shortest_timeouts(&self) -> Timeouts<'_> {
        self.routing.shortest_timeouts(self.general_timeouts())
    }

    const fn general_timeouts(&self) -> Timeouts<'_> {
        Timeouts { waiting: self.waiting_timeout.as_ref(), idle: self.idle_timeout.as_ref() }
    }
}
