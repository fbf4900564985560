//! Figures of a group of handoffs.

use std::{collections::BTreeMap, time::Duration};

use super::entry::{Entry, Stage};
use crate::relay::{
    feedback::Rating,
    handoff::{EndedBy, FirstAnswer},
};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// How many began.
    pub begun: u64,
    /// How many of them an agent accepted.
    pub accepted: u64,
    /// How many ran out while the customer waited for an answer.
    pub missed: u64,
    /// How many are not over yet.
    pub open: u64,
    /// How many are, by who ended them.
    pub ended: EndedCounts,
    /// How many came to each outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// How long customers waited until an agent accepted.
    pub wait: Spread,
    /// How long they waited for the first message of a human agent.
    pub first_answer: Spread,
    /// How many accepted ones are left out of that, as the relay did not record it when they began.
    pub unrecorded: u64,
    /// What customers said.
    pub ratings: Ratings,
}

/// How many handoffs ended, by who ended them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndedCounts {
    /// The customer.
    pub end_user: u64,
    /// An agent.
    pub agent: u64,
    /// A rule of the relay or of Ada.
    pub system: u64,
    /// Ada, without saying who.
    pub ada: u64,
}

/// How long something took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// How often it was measured.
    pub count: u64,
    /// Half of them took no longer.
    pub median: Option<Duration>,
    /// Nine of ten took no longer.
    pub p90: Option<Duration>,
}

/// What customers said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ratings {
    /// How many gave a rating.
    pub count: u64,
    /// How many of these are numbers.
    pub numbers: u64,
    /// The average of these.
    pub average: Option<f64>,
}

/// Figures that are being counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: Figures,
    waits: Vec<Duration>,
    answers: Vec<Duration>,
    sum_of_ratings: f64,
}

impl EndedCounts {
    /// All of them.
    pub const fn all(&self) -> u64 {
        self.end_user + self.agent + self.system + self.ada
    }

    const fn of(&mut self, by: EndedBy) -> &mut u64 {
        match by {
            EndedBy::EndUser => &mut self.end_user,
            EndedBy::Agent => &mut self.agent,
            EndedBy::System => &mut self.system,
            EndedBy::Ada => &mut self.ada,
        }
    }
}

impl Spread {
    /// Of these times, in any order.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { count: times.len() as u64, median: percentile(&times, 50), p90: percentile(&times, 90) }
    }
}

/// The smallest of some sorted times that `percent` of them do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

impl Tally {
    /// Counts a handoff, but for its first answer.
    pub fn count(&mut self, entry: &Entry) {
        let counts = &mut self.counts;
        counts.begun += 1;
        counts.accepted += u64::from(entry.accepted_at.is_some());
        counts.missed += u64::from(entry.is_missed);
        counts.unrecorded +=
            u64::from(entry.accepted_at.is_some() && entry.first_answer == FirstAnswer::Unrecorded);
        match entry.stage {
            Stage::Waiting | Stage::Active => counts.open += 1,
            Stage::Ended { by, .. } => *counts.ended.of(by) += 1,
        }
        if let Some(outcome) = &entry.outcome {
            *counts.outcomes.entry(outcome.clone()).or_default() += 1;
        }
        self.waits.extend(entry.wait());
        if let Some(rating) = &entry.rating {
            counts.ratings.count += 1;
            if let Rating::Number(number) = rating
                && let Some(number) = number.as_f64()
            {
                counts.ratings.numbers += 1;
                self.sum_of_ratings += number;
            }
        }
    }

    /// Counts how long a customer waited for the first answer.
    pub fn count_answer(&mut self, after: Duration) {
        self.answers.push(after);
    }

    /// What it came to.
    pub fn figures(self) -> Figures {
        let numbers = self.counts.ratings.numbers;
        let average = (numbers > 0).then(|| self.sum_of_ratings / numbers as f64);
        Figures {
            wait: Spread::of(self.waits),
            first_answer: Spread::of(self.answers),
            ratings: Ratings { average, ..self.counts.ratings },
            ..self.counts
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(all: &[u64]) -> Vec<Duration> {
        all.iter().copied().map(Duration::from_secs).collect()
    }

    #[test]
    fn the_median_and_the_ninth_of_ten_are_times_that_were_measured() {
        let ten: Vec<u64> = (1..=10).rev().collect();
        let eleven: Vec<u64> = (1..=11).collect();
        for (times, median, p90) in [
            (&[][..], None, None),
            (&[7], Some(7), Some(7)),
            (&[9, 1], Some(1), Some(9)),
            (&[3, 1, 2], Some(2), Some(3)),
            (&[5, 5, 5, 5], Some(5), Some(5)),
            (&ten, Some(5), Some(9)),
            (&eleven, Some(6), Some(10)),
        ] {
            let spread = Spread::of(seconds(times));
            assert_eq!(spread.count, times.len() as u64);
            assert_eq!(
                (spread.median, spread.p90),
                (median.map(Duration::from_secs), p90.map(Duration::from_secs)),
                "{times:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn so_many_took_no_longer(times in prop::collection::vec(0_u64..1_000, 1..200)) {
            let spread = Spread::of(seconds(&times));
            for (share, time) in [(50, spread.median), (90, spread.p90)] {
                let time = time.map_or(0, |time| time.as_secs());
                let within = times.iter().filter(|one| **one <= time).count();
                let below = times.iter().filter(|one| **one < time).count();
                prop_assert!(within * 100 >= times.len() * share);
                prop_assert!(below * 100 < times.len() * share);
            }
        }
    }
}
