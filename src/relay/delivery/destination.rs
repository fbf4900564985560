//! Where deliveries go. A delivery's lane, places, budget and courier follow from its destination.

use std::borrow::Cow;

use super::{Delivery, Job, Notify};
use crate::relay::id::{AiAgentId, ConversationKey, HandoffId, PlatformId};

/// Where a delivery goes. A destination that is full or down uses only its own budget and places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// An AI Agent's API, for calls whose effect the end user sees.
    Writes(AiAgentId),
    /// An AI Agent's API, for reads. They are separate, so that they don't delay messages.
    Reads(AiAgentId),
    /// The servers of files. Downloads don't wait for Ada, and may be retried for days.
    Files,
    /// An agent platform.
    Platform(PlatformId),
    /// An AI Agent's API, for values. Nothing waits for them.
    Updates(AiAgentId),
}

impl Destination {
    /// Whether these are the reads of an AI Agent.
    pub fn is_reads_of(&self, ai_agent: &AiAgentId) -> bool {
        matches!(self, Self::Reads(of) if of == ai_agent)
    }

    /// The name it is stored under.
    pub fn name(&self) -> String {
        match self {
            Self::Writes(AiAgentId(ai_agent)) => format!("writes {ai_agent}"),
            Self::Reads(AiAgentId(ai_agent)) => format!("reads {ai_agent}"),
            Self::Files => "files".to_owned(),
            Self::Platform(PlatformId(platform)) => format!("platform {platform}"),
            Self::Updates(AiAgentId(ai_agent)) => format!("updates {ai_agent}"),
        }
    }

    /// The destination of this name; `None` if there is none that we know.
    pub fn of_name(name: &str) -> Option<Self> {
        match name.split_once(' ') {
            Some(("writes", ai_agent)) => Some(Self::Writes(ai_agent.into())),
            Some(("reads", ai_agent)) => Some(Self::Reads(ai_agent.into())),
            Some(("platform", platform)) => Some(Self::Platform(platform.into())),
            Some(("updates", ai_agent)) => Some(Self::Updates(ai_agent.into())),
            None if name == "files" => Some(Self::Files),
            Some(_) | None => None,
        }
    }

    /// Whose API it is, if it is an AI Agent's.
    pub const fn ai_agent(&self) -> Option<&AiAgentId> {
        match self {
            Self::Writes(ai_agent) | Self::Reads(ai_agent) | Self::Updates(ai_agent) => Some(ai_agent),
            Self::Files | Self::Platform(_) => None,
        }
    }

    /// The name of its lanes.
    fn lane(&self) -> Cow<'static, str> {
        match self {
            Self::Writes(_) => "ada".into(),
            Self::Reads(_) => "ada_reads".into(),
            Self::Files => "files".into(),
            Self::Platform(_) => self.name().into(),
            Self::Updates(_) => "ada_updates".into(),
        }
    }

    /// How many of a lane may be under way at a time.
    pub const fn at_once_in_lane(&self) -> usize {
        match self {
            Self::Writes(_) | Self::Reads(_) | Self::Platform(_) => 1,
            Self::Files => 4,
            Self::Updates(_) => 2,
        }
    }

    /// Whether a waiting delivery blocks those behind it in its lane.
    pub const fn is_ordered(&self) -> bool {
        match self {
            Self::Writes(_) | Self::Reads(_) | Self::Platform(_) => true,
            Self::Files | Self::Updates(_) => false,
        }
    }

    /// Whether it has a budget, beyond which no deliveries are accepted. Downloads have none, because their rows are
    /// stored anyway; values have none, because a contact has few.
    pub const fn has_budget(&self) -> bool {
        match self {
            Self::Writes(_) | Self::Reads(_) | Self::Platform(_) => true,
            Self::Files | Self::Updates(_) => false,
        }
    }
}

/// A lane. It belongs to a handoff if its order matters. Otherwise it belongs to a conversation, so that slow files of
/// one customer leave places for others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// Whose conversation.
    pub key: ConversationKey,
    /// Which handoff, where it is a handoff's.
    pub handoff: Option<HandoffId>,
    /// Its destination.
    pub destination: Destination,
}

impl Lane {
    /// How many deliveries of the lane with this name may be under way at a time, if it is in no order; `None` if it is ordered.
    pub fn at_once_without_order(name: &str) -> Option<usize> {
        let without_order = [Destination::Files, Destination::Updates(AiAgentId::default())];
        let destination = without_order.into_iter().find(|destination| destination.lane() == name)?;
        Some(destination.at_once_in_lane())
    }

    /// The name it is stored under, within its conversation.
    pub fn name(&self) -> String {
        let lane = self.destination.lane();
        match &self.handoff {
            Some(handoff) => format!("{lane} {handoff}"),
            None => lane.into_owned(),
        }
    }
}

/// A queue: deliveries that share places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Queue {
    /// Where its deliveries go.
    pub destination: Destination,
    /// Which of them.
    pub class: Class,
}

/// The classes of deliveries. Each has places of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Most of them.
    Fresh,
    /// Deliveries whose earlier attempts failed.
    Retries,
    /// Deliveries of conversations that only anonymous start calls have named.
    Strangers,
}

impl Class {
    /// The name it is stored under.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Retries => "retries",
            Self::Strangers => "strangers",
        }
    }
}

impl Delivery {
    /// Where it goes.
    pub fn destination(&self) -> Destination {
        match &self.job {
            Job::Write(_) => Destination::Writes(self.key.ai_agent.clone()),
            Job::Read(_) => Destination::Reads(self.key.ai_agent.clone()),
            Job::Fetch(_) => Destination::Files,
            Job::Notify(Notify::Notify(notice)) => Destination::Platform(notice.platform.clone()),
            Job::Update(_) => Destination::Updates(self.key.ai_agent.clone()),
        }
    }

    /// The lane it runs in.
    pub fn lane(&self) -> Lane {
        let destination = self.destination();
        let handoff = destination.is_ordered().then(|| self.handoff.clone());
        Lane { key: self.key.clone(), handoff, destination }
    }

    /// Its class. A message that was rate-limited once still counts as fresh.
    pub const fn class(&self) -> Class {
        match (&self.job, self.attempts) {
            (Job::Write(_), 0..=1) if self.outcome_unknown_since.is_none() => Class::Fresh,
            (Job::Write(_), _) => Class::Retries,
            (Job::Read(_), _) if self.stranger => Class::Strangers,
            (Job::Read(_) | Job::Notify(_), 0) | (Job::Fetch(_) | Job::Update(_), _) => Class::Fresh,
            (Job::Read(_) | Job::Notify(_), _) => Class::Retries,
        }
    }

    /// Its queue.
    pub fn queue(&self) -> Queue {
        Queue { destination: self.destination(), class: self.class() }
    }
}
