//! One instance at a time carries the deliveries to an AI Agent's API: it has the agent's line, a lease in the database, by
//! the database's clock. So instances don't compete for turns, and who has waited longest goes first. That limits hold in
//! sum does not depend on it ([`super::calls`]). The line of no AI Agent is that of the instance that leads
//! ([`Store::leads`](crate::store::Store::leads)).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Shared,
    query::{Value, all, key, run, values},
};
use crate::{relay::id::AiAgentId, store::StoreError};

/// How long a line is had, unless that is renewed.
const LEASE: Duration = Duration::from_secs(10);
/// It is renewed when so much of that has passed.
const RENEW_AFTER: Duration = Duration::from_secs(3);
/// A line that another instance has is asked for so often.
pub const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What this instance knows of its lines.
#[derive(Default)]
pub struct Lines(Mutex<BTreeMap<AiAgentId, Line>>);

#[derive(Clone, Copy)]
struct Line {
    is_ours: bool,
    asked_at: Instant,
}

impl Lines {
    /// Those that have to be asked for.
    fn unknown<'a>(&self, ai_agents: impl Iterator<Item = &'a AiAgentId>) -> BTreeSet<AiAgentId> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh =
            |line: &Line| line.asked_at.elapsed() < if line.is_ours { RENEW_AFTER } else { ASK_AGAIN };
        ai_agents.filter(|id| !known.get(id).is_some_and(is_fresh)).cloned().collect()
    }

    fn asked(&self, asked: BTreeSet<AiAgentId>, ours: &BTreeSet<AiAgentId>, asked_at: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for id in asked {
            let is_ours = ours.contains(&id);
            known.insert(id, Line { is_ours, asked_at });
        }
    }

    /// Our own, which it is time to renew.
    fn to_renew(&self) -> BTreeSet<AiAgentId> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = |line: &Line| line.is_ours && line.asked_at.elapsed() >= RENEW_AFTER;
        known.iter().filter(|(_, line)| is_due(line)).map(|(id, _)| id.clone()).collect()
    }

    fn is_ours(&self, id: &AiAgentId) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(id).is_some_and(|line| line.is_ours && line.asked_at.elapsed() < LEASE)
    }
}

impl Shared {
    /// Which of these AI Agents' lines this instance has. Takes those that nobody has, and renews its own.
    pub async fn take_lines(
        &self,
        ai_agents: BTreeSet<&AiAgentId>,
    ) -> Result<BTreeSet<AiAgentId>, StoreError> {
        let unknown = self.lines.unknown(ai_agents.iter().copied());
        if !unknown.is_empty() {
            // The lease counts from before it was asked for.
            let asked_at = Instant::now();
            let ours = self.ask(&unknown).await?;
            self.lines.asked(unknown, &ours, asked_at);
        }
        Ok(ai_agents.into_iter().filter(|id| self.lines.is_ours(id)).cloned().collect())
    }

    /// Renews our own: an instance that lives keeps them, also while there is nothing to do.
    pub async fn renew_lines(&self) -> Result<(), StoreError> {
        let due = self.lines.to_renew();
        if !due.is_empty() {
            let asked_at = Instant::now();
            let ours = self.ask(&due).await?;
            self.lines.asked(due, &ours, asked_at);
        }
        Ok(())
    }

    async fn ask(&self, ai_agents: &BTreeSet<AiAgentId>) -> Result<BTreeSet<AiAgentId>, StoreError> {
        let sql = "INSERT INTO lines (ai_agent, holder, until) \
                   SELECT unnest($1), $2, clock_timestamp() + $3 * interval '1 millisecond' \
                   ON CONFLICT (ai_agent) DO UPDATE SET holder = excluded.holder, until = excluded.until \
                   WHERE lines.holder = $2 OR lines.until < clock_timestamp() \
                   RETURNING ai_agent";
        let client = self.connections.get().await?;
        let ids = Value::keys(ai_agents.iter().map(AiAgentId::as_str));
        let lease = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
        let ours = all(&client, sql, values![ids, self.instance.as_str(), lease]).await?;
        ours.iter().map(|row| Ok(AiAgentId(key(row, 0)?))).collect()
    }

    /// Lets go of all lines: this instance stops.
    pub async fn leave_lines(&self) -> Result<(), StoreError> {
        let client = self.connections.get().await?;
        run(&client, "DELETE FROM lines WHERE holder = $1", values![self.instance.as_str()]).await.map(drop)
    }
}
