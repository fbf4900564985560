//! How many calls may be made when. Pure: the time is an argument.

use std::{collections::VecDeque, time::Duration};

use super::Rates;
use crate::relay::time::Time;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Now.
    Now,
    /// Not before this time.
    At(Time),
    /// Not before a call under way is answered.
    WhenAnswered,
}

/// The calls of the last minute, and what Ada has said.
#[derive(Clone, Debug)]
pub struct Pace {
    rates: Rates,
    under_way: u32,
    /// When calls were answered, within the last minute.
    answered: VecDeque<Time>,
    closed_until: Option<Time>,
    /// How many more calls Ada takes, and until when that holds.
    told: Option<(u32, Time)>,
    probing: bool,
}

impl Pace {
    /// Nothing counted yet.
    pub fn new(rates: Rates) -> Self {
        Self {
            rates,
            under_way: 0,
            answered: VecDeque::new(),
            closed_until: None,
            told: None,
            probing: false,
        }
    }

    /// Whether a call may be made at `now`.
    pub fn room(&mut self, now: Time) -> Room {
        while self.answered.front().is_some_and(|at| *at + MINUTE <= now) {
            self.answered.pop_front();
        }
        self.told = self.told.filter(|(_, until)| *until > now);
        if let Some(until) = self.closed_until.filter(|until| *until > now) {
            return Room::At(until);
        }
        if let Some((0, until)) = self.told {
            return Room::At(until);
        }
        if self.probing && self.under_way > 0 {
            return Room::WhenAnswered;
        }
        let windows = [(SECOND, self.rates.per_second), (MINUTE, self.rates.per_minute)];
        let waits = windows.map(|(window, limit)| self.wait_for(window, limit, now));
        waits.into_iter().max_by_key(severity).unwrap_or(Room::Now)
    }

    fn wait_for(&self, window: Duration, limit: u32, now: Time) -> Room {
        let recent = self.answered.iter().rev().take_while(|at| **at + window > now).count();
        let counted = usize::try_from(self.under_way).unwrap_or(usize::MAX).saturating_add(recent);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if counted < limit {
            return Room::Now;
        }
        // So many answered calls must leave the window before there is room.
        let too_many = counted - limit + 1;
        match self.answered.len().checked_sub(recent).map(|first| first + too_many - 1) {
            Some(last) if too_many <= recent => Room::At(self.answered[last] + window),
            _ => Room::WhenAnswered,
        }
    }

    /// A call was sent.
    pub fn sent(&mut self) {
        self.under_way += 1;
        if let Some((remaining, _)) = &mut self.told {
            *remaining = remaining.saturating_sub(1);
        }
    }

    /// A call was answered, or never will be.
    pub fn answered(&mut self, now: Time) {
        self.under_way = self.under_way.saturating_sub(1);
        self.answered.push_back(now);
    }

    /// Ada takes `remaining` more calls until `until`. Those under way may not be among them.
    pub fn told(&mut self, remaining: u32, until: Time) {
        self.told = Some((remaining.saturating_sub(self.under_way), until));
    }

    /// No call before `until`.
    pub fn close(&mut self, until: Time) {
        self.closed_until = self.closed_until.max(Some(until));
    }

    /// While probing, one call at a time.
    pub const fn probe(&mut self, probing: bool) {
        self.probing = probing;
    }
}

/// Waiting for an answer outlasts any time: the answer makes everyone look again.
const fn severity(room: &Room) -> (u8, i64) {
    match room {
        Room::Now => (0, 0),
        Room::At(at) => (1, at.as_micros()),
        Room::WhenAnswered => (2, 0),
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Time {
        Time::from_millis(millis)
    }

    fn pace(per_second: u32, per_minute: u32) -> Pace {
        Pace::new(Rates { per_second, per_minute })
    }

    #[test]
    fn a_call_counts_until_a_window_after_its_answer() {
        let mut pace = pace(2, 100);
        pace.sent();
        pace.sent();
        assert_eq!(pace.room(at(0)), Room::WhenAnswered);
        pace.answered(at(300));
        assert_eq!(pace.room(at(300)), Room::At(at(1_300)));
        pace.answered(at(500));
        assert_eq!(pace.room(at(1_299)), Room::At(at(1_300)));
        assert_eq!(pace.room(at(1_300)), Room::Now);
    }

    #[test]
    fn ada_overrules() {
        let mut pace = pace(10, 100);
        pace.told(1, at(5_000));
        assert_eq!(pace.room(at(0)), Room::Now);
        pace.sent();
        assert_eq!(pace.room(at(0)), Room::At(at(5_000)));
        pace.close(at(7_000));
        pace.close(at(6_000));
        assert_eq!(pace.room(at(5_500)), Room::At(at(7_000)));
        pace.probe(true);
        assert_eq!(pace.room(at(7_000)), Room::WhenAnswered);
        pace.answered(at(7_000));
        assert_eq!(pace.room(at(7_001)), Room::Now);
    }

    /// Calls as fast as `room` allows, each taking as long as told; gives when Ada saw them.
    fn drive(pace: &mut Pace, latencies: &[(i64, i64)]) -> Vec<i64> {
        let (mut now, mut seen) = (at(0), Vec::new());
        let mut under_way: Vec<Time> = Vec::new();
        for (to_ada, back) in latencies {
            loop {
                under_way.sort();
                while under_way.first().is_some_and(|answer| *answer <= now) {
                    pace.answered(under_way.remove(0));
                }
                now = match (pace.room(now), under_way.first()) {
                    (Room::Now, _) => break,
                    (Room::At(time), None) => time,
                    (Room::At(time), Some(answer)) => time.min(*answer),
                    (Room::WhenAnswered, Some(answer)) => *answer,
                    (Room::WhenAnswered, None) => panic!("waits for nothing"),
                };
            }
            pace.sent();
            seen.push(now.as_micros() / 1_000 + to_ada);
            under_way.push(at(now.as_micros() / 1_000 + to_ada + back));
        }
        seen
    }

    proptest! {
        #[test]
        fn no_window_at_ada_exceeds_the_limits(
            latencies in prop::collection::vec((0_i64..900, 0_i64..900), 1..300),
            per_second in 1_u32..12,
            per_minute in 5_u32..120,
        ) {
            let mut seen = drive(&mut pace(per_second, per_minute), &latencies);
            seen.sort_unstable();
            for (limit, window) in [(per_second, 1_000), (per_minute, 60_000)] {
                for calls in seen.windows(limit as usize + 1) {
                    prop_assert!(calls[limit as usize] - calls[0] >= window);
                }
            }
        }
    }

    #[test]
    fn the_limits_are_used_up() {
        let seen = drive(&mut pace(10, 100), &[(20, 30); 300]);
        let last = seen.last().copied().unwrap_or_default();
        assert!((120_000..130_000).contains(&last), "300 calls took {last} ms");
    }
}
