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

impl Sight {
    /// Whether this handoff is among them.
    pub fn has(&self, handoff: &Handoff) -> bool {
        match self {
            Self::All => true,
            Self::Of { teams, agent } => {
                handoff.team.as_ref().is_none_or(|team| teams.contains(team))
                    || handoff.agent() == Some(agent.as_str())
            }
        }
    }
}
