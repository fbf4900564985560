//! What agent platforms are told. A platform can't re-sort, so it gets what threads get, in their order, and a number
//! with each event that shows what it missed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    contact::ContactPolicy,
    handoff::{Handoff, Status},
    id::PlatformId,
    thread::{Content, EventName, Row},
    time::Time,
};

/// The end of a handoff is tried for so long, whatever the age of other events is.
pub const ENDED_MAX_AGE: Duration = Duration::from_hours(24);

/// The rules' settings for platforms.
#[derive(Clone, Debug, Default)]
pub struct PlatformPolicy {
    /// The platforms that get new handoffs.
    pub ids: Vec<PlatformId>,
    /// How long an event may wait to be delivered.
    pub max_age: Duration,
    /// Contacts in Amazon Connect, if it is one of them.
    pub contacts: Option<ContactPolicy>,
}

/// One event for one platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Which platform.
    pub platform: PlatformId,
    /// The event's id, the same for each attempt and replay.
    pub id: String,
    /// Counts the events of a handoff for this platform, from 1, without gaps.
    pub sequence: u64,
    /// When it happened, by our clock.
    pub at: Time,
    /// What happened.
    pub event: PlatformEvent,
}

/// What happened to a handoff, with the handoff or the row as it was then. Only the first event has the context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum PlatformEvent {
    /// It waits for an agent.
    #[serde(rename = "handoff.started")]
    Started {
        /// As it is now.
        handoff: Box<Handoff>,
    },
    /// An agent has it, or another one than before.
    #[serde(rename = "handoff.accepted")]
    Accepted {
        /// As it is now.
        handoff: Box<Handoff>,
    },
    /// It waits again.
    #[serde(rename = "handoff.released")]
    Released {
        /// As it is now.
        handoff: Box<Handoff>,
    },
    /// It is over.
    #[serde(rename = "handoff.ended")]
    Ended {
        /// As it is now.
        handoff: Box<Handoff>,
    },
    /// The thread has a new row.
    #[serde(rename = "handoff.message")]
    Message {
        /// The row.
        row: Box<Row>,
    },
    /// A row shows something else: its delivery, its place, its file.
    #[serde(rename = "handoff.message_updated")]
    MessageUpdated {
        /// The row.
        row: Box<Row>,
    },
}

impl PlatformEvent {
    /// Its type, as platforms get it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "handoff.started",
            Self::Accepted { .. } => "handoff.accepted",
            Self::Released { .. } => "handoff.released",
            Self::Ended { .. } => "handoff.ended",
            Self::Message { .. } => "handoff.message",
            Self::MessageUpdated { .. } => "handoff.message_updated",
        }
    }

    /// The row that it is about, if it is about one.
    pub fn message(&self) -> Option<&Row> {
        match self {
            Self::Message { row } | Self::MessageUpdated { row } => Some(row),
            Self::Started { .. } | Self::Accepted { .. } | Self::Released { .. } | Self::Ended { .. } => None,
        }
    }

    /// How long it may wait to be delivered.
    pub fn max_age(&self, policy: &PlatformPolicy) -> Duration {
        match self {
            Self::Ended { .. } => ENDED_MAX_AGE.max(policy.max_age),
            Self::Started { .. }
            | Self::Accepted { .. }
            | Self::Released { .. }
            | Self::Message { .. }
            | Self::MessageUpdated { .. } => policy.max_age,
        }
    }
}

/// What matters of a handoff as it was before a decision.
#[derive(Clone, Debug)]
pub struct Before {
    status: Status,
    last_seq: u64,
}

impl Before {
    /// Of this handoff.
    pub fn of(handoff: &Handoff) -> Self {
        Self { status: handoff.status.clone(), last_seq: handoff.last_seq }
    }
}

/// What a decision has changed of a handoff, as events in their order. `before` is `None` for a new handoff; `rows` are
/// those of its rows that agents see changed, by `seq`.
pub fn events(before: Option<&Before>, handoff: &Handoff, rows: &[Row]) -> Vec<PlatformEvent> {
    let now = || Box::new(Handoff { context: serde_json::Map::new(), ..handoff.clone() });
    let mut events = Vec::new();
    if before.is_none() {
        events.push(PlatformEvent::Started { handoff: Box::new(handoff.clone()) });
    }
    let was = before.map_or(&Status::Waiting, |before| &before.status);
    let is_accepted = matches!(handoff.status, Status::Active { .. }) && *was != handoff.status;
    if is_accepted {
        events.push(PlatformEvent::Accepted { handoff: now() });
    }
    let last_seq = before.map_or(0, |before| before.last_seq);
    for row in rows.iter().filter(|row| !has_its_own_event(row)) {
        let is_new = row.seq > last_seq;
        let row = Box::new(row.clone());
        events.push(if is_new {
            PlatformEvent::Message { row }
        } else {
            PlatformEvent::MessageUpdated { row }
        });
    }
    match (&handoff.status, was) {
        (Status::Waiting, Status::Active { .. }) => events.push(PlatformEvent::Released { handoff: now() }),
        (Status::Ended(_), Status::Waiting | Status::Active { .. }) => {
            events.push(PlatformEvent::Ended { handoff: now() });
        }
        _ => {}
    }
    events
}

/// Whether a row only says what an event about its handoff says.
const fn has_its_own_event(row: &Row) -> bool {
    match &row.content {
        Content::Event { event, .. } => match event {
            EventName::Started
            | EventName::Adopted
            | EventName::Accepted
            | EventName::TakenOver
            | EventName::Released
            | EventName::Ended => true,
            EventName::HandedOver | EventName::AgentGone | EventName::TimedOut => false,
        },
        _ => false,
    }
}
