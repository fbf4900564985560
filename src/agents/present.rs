//! Who is in a handoff, as JSON.

use serde::Serialize;
use utoipa::ToSchema;

use crate::relay::presence::{Activity, Presence};

/// An agent in a handoff: the data of `event: presence`.
#[derive(Serialize, ToSchema)]
#[schema(as = Presence, example = json!({"handoff_id": "0197a3c2", "agent": "Sam", "state": "writing"}))]
pub struct PresenceView {
    /// The handoff.
    handoff_id: String,
    /// The agent's name.
    agent: String,
    /// `looking`, `writing`, or `none`: they have gone.
    state: &'static str,
}

impl From<&Presence> for PresenceView {
    fn from(presence: &Presence) -> Self {
        Self {
            handoff_id: presence.handoff.0.clone(),
            agent: presence.agent.clone(),
            state: presence.activity.map_or("none", Activity::as_str),
        }
    }
}
