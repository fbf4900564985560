//! What is known of agent platforms beyond the settings.

use serde::{Deserialize, Serialize};

use crate::relay::{id::PlatformId, time::Time};

/// A platform's state that survives a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformState {
    /// Which platform.
    pub id: PlatformId,
    /// Since when nothing is sent to it, and why: it answered that it is gone. An operator enables it again.
    pub disabled: Option<(Time, String)>,
}
