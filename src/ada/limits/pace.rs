//! How many calls may be made when. Pure: the time is an argument.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::Rates;
use crate::relay::time::Time;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
/// A call has reached Ada within this time if it ever does. One that hangs for longer holds up nobody.
const ON_ITS_WAY: Duration = Duration::from_secs(2);

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Now.
    Now,
    /// Not before this time.
    At(Time),
    /// Not before a call under way is answered, or this time.
    WhenAnswered(Time),
}

/// A call under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallNumber(u64);

/// The calls of the last minute, and what Ada has said.
#[derive(Clone, Debug)]
pub struct Pace {
    rates: Rates,
    /// When calls were sent that Ada may not have seen yet.
    under_way: BTreeMap<CallNumber, Time>,
    last_call: u64,
    /// By when Ada had seen calls, within the last minute; sorted.
    seen: VecDeque<Time>,
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
            under_way: BTreeMap::new(),
            last_call: 0,
            seen: VecDeque::new(),
            closed_until: None,
            told: None,
            probing: false,
        }
    }

    /// Whether a call may be made at `now`.
    pub fn room(&mut self, now: Time) -> Room {
        self.settle(now);
        self.told = self.told.filter(|(_, until)| *until > now);
        if let (true, Some(until)) = (self.is_closed(now), self.closed_until) {
            return Room::At(until);
        }
        if let Some((0, until)) = self.told {
            return Room::At(until);
        }
        if self.probing && !self.under_way.is_empty() {
            return self.when_answered();
        }
        let windows = [(SECOND, self.rates.per_second), (MINUTE, self.rates.per_minute)];
        let waits = windows.map(|(window, limit)| self.wait_for(window, limit, now));
        waits.into_iter().max_by_key(severity).unwrap_or(Room::Now)
    }

    /// Hung calls count as seen, and what was seen long ago no longer counts.
    fn settle(&mut self, now: Time) {
        while let Some(oldest) = self.under_way.first_entry() {
            let seen_by = *oldest.get() + ON_ITS_WAY;
            if seen_by > now {
                break;
            }
            oldest.remove();
            let place = self.seen.partition_point(|at| *at <= seen_by);
            self.seen.insert(place, seen_by);
        }
        while self.seen.front().is_some_and(|at| *at + MINUTE <= now) {
            self.seen.pop_front();
        }
    }

    fn when_answered(&self) -> Room {
        self.under_way.values().next().map_or(Room::Now, |sent| Room::WhenAnswered(*sent + ON_ITS_WAY))
    }

    fn wait_for(&self, window: Duration, limit: u32, now: Time) -> Room {
        let counted = self.counted(window, now);
        let recent = counted - self.under_way.len();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if counted < limit {
            return Room::Now;
        }
        // So many seen calls must leave the window before there is room.
        let too_many = counted - limit + 1;
        match self.seen.len().checked_sub(recent).map(|first| first + too_many - 1) {
            Some(last) if too_many <= recent => Room::At(self.seen[last] + window),
            _ => self.when_answered(),
        }
    }

    /// Others have made calls at these times. Says whether those under way still fit beside them.
    pub fn others(&mut self, calls: impl Iterator<Item = Time>, now: Time) -> bool {
        self.settle(now);
        for sent in calls {
            let seen_by = sent + ON_ITS_WAY;
            let place = self.seen.partition_point(|at| *at <= seen_by);
            self.seen.insert(place, seen_by);
        }
        let windows = [(SECOND, self.rates.per_second), (MINUTE, self.rates.per_minute)];
        windows.into_iter().all(|(window, limit)| self.counted(window, now) <= limit as usize)
    }

    /// How many calls are under way, or were seen within a window.
    fn counted(&self, window: Duration, now: Time) -> usize {
        self.under_way.len() + self.seen.len() - self.seen.partition_point(|at| *at + window <= now)
    }

    /// A call is sent.
    pub fn sent(&mut self, now: Time) -> CallNumber {
        self.last_call += 1;
        self.under_way.insert(CallNumber(self.last_call), now);
        if let Some((remaining, _)) = &mut self.told {
            *remaining = remaining.saturating_sub(1);
        }
        CallNumber(self.last_call)
    }

    /// A call that counts as sent was not made.
    pub fn taken_back(&mut self, call: CallNumber) {
        let was_counted = self.under_way.remove(&call).is_some();
        if let (true, Some((remaining, _))) = (was_counted, &mut self.told) {
            *remaining = remaining.saturating_add(1);
        }
    }

    /// The last call that was sent.
    pub const fn last_call(&self) -> CallNumber {
        CallNumber(self.last_call)
    }

    /// A call was answered, or never will be.
    pub fn answered(&mut self, call: CallNumber, now: Time) {
        self.settle(now);
        if self.under_way.remove(&call).is_some() {
            self.seen.push_back(now);
        }
    }

    /// Ada takes `remaining` more calls until `until`. Those under way may not be among them.
    pub fn limit_headers(&mut self, remaining: u32, until: Time) {
        let under_way = u32::try_from(self.under_way.len()).unwrap_or(u32::MAX);
        self.told = Some((remaining.saturating_sub(under_way), until));
    }

    /// No call before `until`.
    pub fn close(&mut self, until: Time) {
        self.closed_until = self.closed_until.max(Some(until));
    }

    /// Whether no call may be made at `now`.
    pub fn is_closed(&self, now: Time) -> bool {
        self.closed_until.is_some_and(|until| until > now)
    }

    /// While probing, one call at a time.
    pub const fn probe(&mut self, probing: bool) {
        self.probing = probing;
    }
}

/// Waiting for an answer outlasts any time: the answer makes everyone look again.
pub const fn severity(room: &Room) -> (u8, i64) {
    match room {
        Room::Now => (0, 0),
        Room::At(at) => (1, at.as_micros()),
        Room::WhenAnswered(at) => (2, at.as_micros()),
    }
}

#[cfg(test)]
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
        let (first, second) = (pace.sent(at(0)), pace.sent(at(0)));
        assert_eq!(pace.room(at(0)), Room::WhenAnswered(at(2_000)));
        pace.answered(first, at(300));
        assert_eq!(pace.room(at(300)), Room::At(at(1_300)));
        pace.answered(second, at(500));
        assert_eq!(pace.room(at(1_299)), Room::At(at(1_300)));
        assert_eq!(pace.room(at(1_300)), Room::Now);
    }

    #[test]
    fn ada_overrules() {
        let mut pace = pace(10, 100);
        pace.limit_headers(1, at(5_000));
        assert_eq!(pace.room(at(0)), Room::Now);
        let call = pace.sent(at(0));
        assert_eq!(pace.room(at(0)), Room::At(at(5_000)));
        pace.close(at(7_000));
        pace.close(at(6_000));
        assert_eq!(pace.room(at(5_500)), Room::At(at(7_000)));
        pace.probe(true);
        assert_eq!(pace.room(at(7_000)), Room::Now, "the first call has long been seen");
        pace.answered(call, at(7_000));
        let probe = pace.sent(at(7_000));
        assert_eq!(pace.room(at(7_001)), Room::WhenAnswered(at(9_000)));
        pace.answered(probe, at(7_002));
        assert_eq!(pace.room(at(7_003)), Room::Now);
    }

    #[test]
    fn a_hung_call_holds_up_nobody() {
        let mut pace = pace(1, 100);
        let hung = pace.sent(at(0));
        assert_eq!(pace.room(at(1_000)), Room::WhenAnswered(at(2_000)));
        assert_eq!(pace.room(at(2_000)), Room::At(at(3_000)));
        assert_eq!(pace.room(at(3_000)), Room::Now);
        pace.answered(hung, at(10_000));
        assert_eq!(pace.room(at(10_000)), Room::Now);
    }

    /// Calls as fast as `room` allows, each taking as long as told; gives when Ada saw them.
    fn drive(pace: &mut Pace, latencies: &[(i64, i64)]) -> Vec<i64> {
        let (mut now, mut seen) = (at(0), Vec::new());
        let mut under_way: Vec<(Time, CallNumber)> = Vec::new();
        for (to_ada, back) in latencies {
            loop {
                under_way.sort();
                while under_way.first().is_some_and(|(answer, _)| *answer <= now) {
                    let (answer, call) = under_way.remove(0);
                    pace.answered(call, answer);
                }
                now = match (pace.room(now), under_way.first()) {
                    (Room::Now, _) => break,
                    (Room::At(time) | Room::WhenAnswered(time), None) => time,
                    (Room::At(time) | Room::WhenAnswered(time), Some((answer, _))) => time.min(*answer),
                };
            }
            let call = pace.sent(now);
            seen.push(now.as_micros() / 1_000 + to_ada);
            under_way.push((at(now.as_micros() / 1_000 + to_ada + back), call));
        }
        seen
    }

    proptest! {
        #[test]
        fn no_window_at_ada_exceeds_the_limits(
            latencies in prop::collection::vec((0_i64..1_900, 0_i64..4_000), 1..300),
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
