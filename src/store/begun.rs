//! Finding the handoffs that began within a span of time. No index has their beginning, but their positions are in its
//! order, as exactly as clocks and commits are: the first one is found by halving, and the rest follow it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::document::Document;
use crate::relay::{handoff::Handoff, report::Entry, time::Time};

/// A handoff may stand behind one that began so much later: several relays have several clocks, and clocks are set.
const DISORDER: Duration = Duration::from_mins(10);
/// How many handoffs are read at once.
pub const PAGE: usize = 500;

/// The part of a handoff that says when it began.
#[derive(Serialize, Deserialize)]
pub struct Beginning {
    pub created_at: Time,
}

impl Document for Beginning {}

/// Looks for the first position from which on handoffs are to be read.
pub struct Search {
    from: Time,
    /// Whatever is before it began too early.
    low: u64,
    /// Whatever is at it or behind it is to be read.
    high: u64,
}

impl Search {
    /// For handoffs that began at `from` or later, where `last` is the last position that one has.
    pub fn new(from: Time, last: u64) -> Self {
        Self { from: from - DISORDER, low: 0, high: last.saturating_add(1) }
    }

    /// Where to look next: at the first handoff from one position on, and before another; `None` once the search is over.
    pub const fn range(&self) -> Option<(u64, u64)> {
        let middle = self.low + (self.high - self.low) / 2;
        if self.low < self.high { Some((middle, self.high)) } else { None }
    }

    /// What was found there, if anything: its position, and when it began.
    pub fn narrow(&mut self, (middle, _): (u64, u64), found: Option<(u64, Time)>) {
        match found {
            Some((position, begun_at)) if begun_at < self.from => self.low = position + 1,
            _ => self.high = middle,
        }
    }

    /// The position, once the search is over.
    pub const fn first(&self) -> u64 {
        self.low
    }
}

/// Takes in the handoffs from there on.
pub struct Reading {
    from: Time,
    until: Time,
    limit: usize,
    entries: Vec<Entry>,
    is_over: bool,
}

impl Reading {
    /// Of at most `limit` that began from `from` on, and before `until`.
    pub const fn new(from: Time, until: Time, limit: usize) -> Self {
        Self { from, until, limit, entries: Vec::new(), is_over: limit == 0 }
    }

    /// The next handoff, in the order of positions.
    pub fn take(&mut self, handoff: Handoff) {
        self.is_over |= handoff.created_at >= self.until + DISORDER;
        if !self.is_over && (self.from..self.until).contains(&handoff.created_at) {
            self.entries.push(handoff.into());
            self.is_over = self.entries.len() == self.limit;
        }
    }

    /// Whether no other one can be among them.
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Those that were found.
    pub fn entries(self) -> Vec<Entry> {
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::relay::id::ConversationKey;

    fn found(begun: &BTreeMap<u64, Time>, from: Time, until: Time, limit: usize) -> (Vec<Time>, u32) {
        let mut search = Search::new(from, begun.keys().next_back().copied().unwrap_or(0));
        let mut looks = 0;
        while let Some(range) = search.range() {
            let first = begun.range(range.0..range.1).next();
            search.narrow(range, first.map(|(position, at)| (*position, *at)));
            looks += 1;
        }
        let mut reading = Reading::new(from, until, limit);
        for created_at in begun.range(search.first()..).map(|(_, at)| *at) {
            if reading.is_over() {
                break;
            }
            let key = ConversationKey { ai_agent: "acme".into(), conversation: "c".into() };
            reading.take(Handoff { created_at, ..Handoff::blank("h".into(), key) });
        }
        (reading.entries().into_iter().map(|entry| entry.begun_at).collect(), looks)
    }

    proptest! {
        #[test]
        fn all_of_a_span_are_found_and_no_others(
            steps in prop::collection::vec((1_u64..50, 0_i64..2_000, -500_i64..=0), 0..80),
            from in -1_000_i64..60_000,
            length in 0_i64..20_000,
            limit in 0_usize..100,
        ) {
            let time = |seconds: i64| Time::from_millis(seconds * 1_000);
            let (mut begun, mut position, mut clock) = (BTreeMap::new(), 0, 0);
            for (gap, step, late) in steps {
                (position, clock) = (position + gap, clock + step);
                begun.insert(position, time(clock + late));
            }
            let (from, until) = (time(from), time(from + length));
            let (times, looks) = found(&begun, from, until, limit);
            let wanted: Vec<Time> = begun.values().copied().filter(|at| (from..until).contains(at)).take(limit).collect();
            prop_assert_eq!(times, wanted);
            prop_assert!(looks <= position.checked_ilog2().unwrap_or(0) + 2, "{} of {}", looks, position);
        }
    }
}
