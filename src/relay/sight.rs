//! Which handoffs an agent may see.

use super::{handoff::Handoff, id::TeamName};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// All.
    #[default]
    All,
    /// Those of some teams, those of no team, and their own.
    Of {
        /// The teams.
        teams: Vec<TeamName>,
        /// The agent.
        agent: String,
    },
}

/// What decides who may see a handoff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// Its team.
    pub team: Option<TeamName>,
    /// The agent who has it, or had it at its end.
    pub agent: Option<String>,
}

impl Ownership {
    /// Of a handoff as it is now.
    pub fn of(handoff: &Handoff) -> Self {
        Self { team: handoff.team.clone(), agent: handoff.agent().map(str::to_owned) }
    }
}

impl Sight {
    /// Whether this handoff is among them.
    pub fn has(&self, handoff: &Handoff) -> bool {
        self.includes(handoff.team.as_ref(), handoff.agent())
    }

    /// Whether a handoff with this owner is among them.
    pub fn has_owned(&self, owner: &Ownership) -> bool {
        self.includes(owner.team.as_ref(), owner.agent.as_deref())
    }

    fn includes(&self, team: Option<&TeamName>, agent: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Of { teams, agent: own } => {
                team.is_none_or(|team| teams.contains(team)) || agent == Some(own.as_str())
            }
        }
    }
}
