//! The debounce: when the buffered events of one conversation may leave the inbox.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Time;

/// The quiet period and its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// Events leave the inbox once no event has arrived for this long.
    pub quiet: Duration,
    /// Events wait no longer than this, even if more keep arriving.
    pub cap: Duration,
    /// How long an event of an unknown conversation waits for its start call.
    pub unknown_hold: Duration,
}

/// The debounce state of one conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buffer {
    /// The first and the last arrival since events last left.
    pub arrivals: Option<(Time, Time)>,
    /// When the events held for their start call must be looked at again.
    pub held_until: Option<Time>,
}

impl Buffer {
    /// An event has arrived: the quiet period restarts, the maximum wait does not.
    pub fn arrived(&mut self, at: Time) {
        let first = self.arrivals.map_or(at, |(first, _)| first);
        self.arrivals = Some((first, at));
    }

    /// When something may leave; `None` when nothing waits.
    pub fn due(&self, timings: &Timings) -> Option<Time> {
        let quiet = self.arrivals.map(|(first, last)| (last + timings.quiet).min(first + timings.cap));
        match (quiet, self.held_until) {
            (Some(quiet), Some(held)) => Some(quiet.min(held)),
            (quiet, held) => quiet.or(held),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMINGS: Timings = Timings {
        quiet: Duration::from_millis(1_500),
        cap: Duration::from_millis(5_000),
        unknown_hold: Duration::from_secs(30),
    };

    fn at(millis: i64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn each_arrival_restarts_the_quiet_period_until_the_cap() {
        let mut buffer = Buffer::default();
        assert_eq!(buffer.due(&TIMINGS), None);
        for (arrival, due) in
            [(0, 1_500), (1_000, 2_500), (2_000, 3_500), (3_000, 4_500), (4_000, 5_000), (4_900, 5_000)]
        {
            buffer.arrived(at(arrival));
            assert_eq!(buffer.due(&TIMINGS), Some(at(due)), "after {arrival}");
        }
    }

    #[test]
    fn what_is_held_comes_due_by_itself() {
        let mut buffer = Buffer { arrivals: None, held_until: Some(at(30_000)) };
        assert_eq!(buffer.due(&TIMINGS), Some(at(30_000)));
        buffer.arrived(at(10_000));
        assert_eq!(buffer.due(&TIMINGS), Some(at(11_500)));
    }
}
