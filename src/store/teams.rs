//! What is known of teams beyond the settings.

use serde::{Deserialize, Serialize};

use crate::relay::{hours::Override, id::TeamName};

/// What agents have decided about a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamState {
    /// Which team.
    pub name: TeamName,
    /// Whether it is open or closed in place of its hours, if that was decided.
    pub decided: Option<Override>,
}
