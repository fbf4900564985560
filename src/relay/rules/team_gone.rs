//! The handoff of a team that has left the settings goes to the default team, so that somebody sees it.

use crate::relay::{
    changes::Scope,
    id::{HandoffId, TeamName},
    rule::Rule,
};

/// Gives the open handoff `id` to the default team, or to none, if no team of the settings has its name.
pub fn move_on(id: HandoffId) -> Rule<()> {
    Rule::new(Scope::handoff(&id), move |tx| {
        let Some(index) = tx.find_handoff(&id) else { return };
        let (handoff, routing) = (&tx.view.handoffs[index], &tx.policy.routing);
        let is_known = |name: &TeamName| routing.teams.iter().any(|team| team.name == *name);
        if handoff.is_open() && !handoff.team.as_ref().is_none_or(is_known) {
            let team = routing.default_team.clone();
            let handoff = tx.change_handoff(index);
            (handoff.team, handoff.has_stayed) = (team, false);
        }
    })
}
