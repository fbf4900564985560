//! What reports need to know of a handoff.

use std::time::Duration;

use crate::relay::{
    feedback::Rating,
    handoff::{EndedBy, FirstAnswer, Handoff, Status},
    id::{ConversationId, HandoffId, TeamName},
    time::Time,
};

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its id.
    pub id: HandoffId,
    /// The conversation's id at Ada.
    pub conversation: ConversationId,
    /// Its team.
    pub team: Option<TeamName>,
    /// Who has it, or had it last.
    pub agent: Option<String>,
    /// Where it stands.
    pub stage: Stage,
    /// When it began.
    pub begun_at: Time,
    /// When an agent first accepted it.
    pub accepted_at: Option<Time>,
    /// When a human agent first wrote.
    pub first_answer: FirstAnswer,
    /// Whether the customer waits for an answer.
    pub is_unanswered: bool,
    /// Whether its time ran out while they did.
    pub is_missed: bool,
    /// What came of it.
    pub outcome: Option<String>,
    /// What the customer said of it.
    pub rating: Option<Rating>,
}

/// Where a handoff stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// No agent has it.
    Waiting,
    /// An agent has it.
    Active,
    /// Over.
    Ended {
        /// When.
        at: Time,
        /// Who ended it.
        by: EndedBy,
    },
}

impl From<Handoff> for Entry {
    fn from(handoff: Handoff) -> Self {
        let stage = match &handoff.status {
            Status::Waiting => Stage::Waiting,
            Status::Active { .. } => Stage::Active,
            Status::Ended(end) => Stage::Ended { at: end.at, by: end.by },
        };
        let agent = handoff.agent().map(str::to_owned);
        Self {
            agent: agent.or(handoff.last_agent),
            id: handoff.id,
            conversation: handoff.key.conversation,
            team: handoff.team,
            stage,
            begun_at: handoff.created_at,
            accepted_at: handoff.accepted_at,
            first_answer: handoff.first_answer,
            is_unanswered: handoff.unanswered.is_some(),
            is_missed: handoff.missed.is_some(),
            outcome: handoff.outcome,
            rating: handoff.feedback.and_then(|feedback| feedback.given.rating),
        }
    }
}

impl Entry {
    /// How long the customer waited until an agent accepted, if one has.
    pub fn wait(&self) -> Option<Duration> {
        Some(self.accepted_at?.since(self.begun_at))
    }

    /// How long the customer waited for the first message of a human agent, and who had the handoff then.
    pub fn answer(&self) -> Option<(Duration, Option<&str>)> {
        match &self.first_answer {
            FirstAnswer::Given { at, by } => Some((at.since(self.begun_at), by.as_deref())),
            FirstAnswer::Unrecorded | FirstAnswer::Awaited => None,
        }
    }
}
