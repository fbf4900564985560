//! Where deliveries go. Lane, places, budget and courier of one follow from this.

use super::{Delivery, Job};
use crate::relay::id::{AiAgentId, ConversationKey, HandoffId};

/// Where a delivery goes. One that is full or dead fills its own budget and takes its own places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// An AI Agent's API, with what the end user notices.
    Writes(AiAgentId),
    /// The same, with what only the thread needs: reads don't hold up what people write.
    Reads(AiAgentId),
    /// Wherever Ada says that files are. They wait for others than Ada, for days if they must.
    Files,
}

impl Destination {
    /// The name it is stored under.
    pub fn name(&self) -> String {
        match self {
            Self::Writes(AiAgentId(ai_agent)) => format!("writes {ai_agent}"),
            Self::Reads(AiAgentId(ai_agent)) => format!("reads {ai_agent}"),
            Self::Files => "files".to_owned(),
        }
    }

    /// The destination of this name; `None` if there is none that we know.
    pub fn of_name(name: &str) -> Option<Self> {
        match name.split_once(' ') {
            Some(("writes", ai_agent)) => Some(Self::Writes(ai_agent.into())),
            Some(("reads", ai_agent)) => Some(Self::Reads(ai_agent.into())),
            None if name == "files" => Some(Self::Files),
            Some(_) | None => None,
        }
    }

    /// Whose API it is, if it is an AI Agent's.
    pub const fn ai_agent(&self) -> Option<&AiAgentId> {
        match self {
            Self::Writes(ai_agent) | Self::Reads(ai_agent) => Some(ai_agent),
            Self::Files => None,
        }
    }

    /// The name of its lanes.
    const fn lane(&self) -> &'static str {
        match self {
            Self::Writes(_) => "ada",
            Self::Reads(_) => "ada_reads",
            Self::Files => "files",
        }
    }

    /// How many of a lane may be under way at a time.
    pub const fn at_once_in_lane(&self) -> usize {
        match self {
            Self::Writes(_) | Self::Reads(_) => 1,
            Self::Files => 4,
        }
    }

    /// Whether one that must wait holds up those behind it in its lane.
    pub const fn is_ordered(&self) -> bool {
        match self {
            Self::Writes(_) | Self::Reads(_) => true,
            Self::Files => false,
        }
    }

    /// Whether it has a budget: deliveries beyond that are not taken on. A file to fetch is a row of a thread, and kept
    /// anyway.
    pub const fn has_budget(&self) -> bool {
        match self {
            Self::Writes(_) | Self::Reads(_) => true,
            Self::Files => false,
        }
    }
}

/// One lane of all: of a handoff, where its order matters, else of a conversation, so that slow files of one customer leave
/// places for the others'.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// Whose conversation.
    pub key: ConversationKey,
    /// Which handoff, where it is a handoff's.
    pub handoff: Option<HandoffId>,
    /// Where it leads.
    pub destination: Destination,
}

impl Lane {
    /// The name it is stored under, within its conversation.
    pub fn name(&self) -> String {
        let lane = self.destination.lane();
        match &self.handoff {
            Some(handoff) => format!("{lane} {handoff}"),
            None => lane.to_owned(),
        }
    }
}

/// What is claimed together, and shares its places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Queue {
    /// Where its deliveries go.
    pub destination: Destination,
    /// Which of them.
    pub class: Class,
}

/// What takes no places from the rest of its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Most of them.
    Fresh,
    /// What was tried before, and is in trouble.
    Retries,
    /// What only anonymous start calls have asked for.
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
        match self.job {
            Job::Write(_) => Destination::Writes(self.key.ai_agent.clone()),
            Job::Read(_) => Destination::Reads(self.key.ai_agent.clone()),
            Job::Fetch(_) => Destination::Files,
        }
    }

    /// The lane it runs in.
    pub fn lane(&self) -> Lane {
        let destination = self.destination();
        let handoff = destination.is_ordered().then(|| self.handoff.clone());
        Lane { key: self.key.clone(), handoff, destination }
    }

    /// Which class it is of. A message that was refused for a moment, once, is as good as new.
    pub const fn class(&self) -> Class {
        match (&self.job, self.attempts) {
            (Job::Write(_), 0..=1) if self.outcome_unknown_since.is_none() => Class::Fresh,
            (Job::Write(_), _) => Class::Retries,
            (Job::Read(_), _) if self.stranger => Class::Strangers,
            (Job::Read(_), 0) | (Job::Fetch(_), _) => Class::Fresh,
            (Job::Read(_), _) => Class::Retries,
        }
    }

    /// Where it waits.
    pub fn queue(&self) -> Queue {
        Queue { destination: self.destination(), class: self.class() }
    }
}
