//! Reports, from what the store has.

use super::Engine;
use crate::{
    relay::{
        duty::Duty,
        id::TeamName,
        report::{Day, Entry, MOST_ENTRIES, NowReport, Present},
    },
    store::StoreError,
};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There are more handoffs than a report may have.
    #[error("there are more than {MOST_ENTRIES} handoffs, which is too many for a report")]
    TooMany,
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// How it stands now.
    ///
    /// # Errors
    /// Too many handoffs are open, or the store can't be read.
    pub async fn report_of_now(&self) -> Result<NowReport, ReportError> {
        let entries = within_bounds(self.store.open_entries(MOST_ENTRIES + 1).await?)?;
        let duties = self.duties().await?;
        let policy = self.policy();
        let agents: Vec<Present> = policy
            .routing
            .members
            .iter()
            .map(|member| {
                let duty = duties.get(&member.name).copied().unwrap_or(Duty::Gone);
                Present { member: member.clone(), duty }
            })
            .collect();
        let teams: Vec<TeamName> = policy.routing.teams.iter().map(|team| team.name.clone()).collect();
        Ok(NowReport::new(self.environment.now(), &agents, &teams, &entries))
    }

    /// The handoffs that began on a day, in the order in which they began.
    ///
    /// # Errors
    /// There are too many, or the store can't be read.
    pub async fn begun_on(&self, day: &Day) -> Result<Vec<Entry>, ReportError> {
        within_bounds(self.store.entries_begun(day.from, day.until, MOST_ENTRIES + 1).await?)
    }
}

fn within_bounds(entries: Vec<Entry>) -> Result<Vec<Entry>, ReportError> {
    if entries.len() > MOST_ENTRIES { Err(ReportError::TooMany) } else { Ok(entries) }
}
