//! The counts of a handoff's messages: what arrived, what was sent, and whether anything was lost.

use serde::{Deserialize, Serialize};

use super::thread::{Row, Sending, Source};

/// Counts of one handoff. Those of rows follow the rows: a message that failed and was sent after all counts
/// as sent alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Message events that left the inbox for this thread, duplicates among them.
    pub taken: u64,
    /// Duplicates: events that had arrived before, with the same `svix-id` or the same `message_id`.
    pub duplicates: u64,
    /// Rows that an event has created or confirmed.
    pub shown: u64,
    /// Rows that an event has created, except agents' own messages.
    pub received: u64,
    /// Rows that were read from Ada's message list because no webhook delivered them.
    pub recovered: u64,
    /// Rows that left the inbox after a newer one.
    pub late: u64,
    /// Agents' rows that Ada has.
    pub sent: u64,
    /// Agents' rows that an Ada webhook has returned.
    pub confirmed: u64,
    /// Agents' rows that failed.
    pub failed: u64,
}

impl Ledger {
    /// Accepted events that are in no thread. Any value except 0 is a defect.
    pub const fn lost(&self) -> u64 {
        self.taken.saturating_sub(self.duplicates).saturating_sub(self.shown)
    }

    /// What one row adds.
    pub fn of(row: &Row) -> Self {
        let sent = matches!(row.sending, Some(Sending::Sent | Sending::Confirmed));
        Self {
            shown: u64::from(row.ids.webhook.is_some()),
            received: u64::from(row.ids.webhook.is_some() && !row.is_ours()),
            recovered: u64::from(row.source == Source::Recovered),
            late: u64::from(row.late),
            sent: u64::from(sent && row.is_ours()),
            confirmed: u64::from(row.sending == Some(Sending::Confirmed) && row.is_ours()),
            failed: u64::from(matches!(row.sending, Some(Sending::Failed { .. }))),
            ..Self::default()
        }
    }

    /// A row that added `before` now adds `after`.
    pub fn replace(&mut self, before: &Self, after: &Self) {
        self.each(before, u64::saturating_sub);
        self.each(after, u64::saturating_add);
    }

    /// An event that was here before.
    pub const fn record_duplicate(&mut self) {
        self.taken += 1;
        self.duplicates += 1;
    }

    /// By how much each count has grown since `earlier`. A count that shrank gives 0.
    #[must_use]
    pub fn since(mut self, earlier: &Self) -> Self {
        self.each(earlier, u64::saturating_sub);
        self
    }

    /// The sum of both ledgers.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.each(other, u64::saturating_add);
        self
    }

    fn each(&mut self, other: &Self, change: impl Fn(u64, u64) -> u64) {
        for (count, by) in [
            (&mut self.taken, other.taken),
            (&mut self.duplicates, other.duplicates),
            (&mut self.shown, other.shown),
            (&mut self.received, other.received),
            (&mut self.recovered, other.recovered),
            (&mut self.late, other.late),
            (&mut self.sent, other.sent),
            (&mut self.confirmed, other.confirmed),
            (&mut self.failed, other.failed),
        ] {
            *count = change(*count, by);
        }
    }
}
