//! What happens to webhooks between Ada and the relay. The same seed brings the same trouble.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::json;

/// Delay, repetition and loss of webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Disorder {
    /// Each event waits for a time of its own from this range, so that a wide one reorders them.
    #[serde(rename = "delay_ms", with = "json::range_ms")]
    pub delay: RangeInclusive<Duration>,
    /// Every n-th event is sent twice under one `svix-id`, the second after a delay of its own.
    #[serde(deserialize_with = "json::maybe_count")]
    pub duplicate_every: Option<u32>,
    /// Every n-th event is lost: no attempt, no retry.
    #[serde(deserialize_with = "json::maybe_count")]
    pub lose_every: Option<u32>,
    /// Chooses the delays.
    pub seed: u64,
}

impl Default for Disorder {
    fn default() -> Self {
        Self { delay: Duration::ZERO..=Duration::ZERO, duplicate_every: None, lose_every: None, seed: 0 }
    }
}

/// Counts events and says when each is sent.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    disorder: Disorder,
    events: u64,
}

impl Deliveries {
    pub(crate) fn disorder(&self) -> &Disorder {
        &self.disorder
    }

    /// Counting begins anew.
    pub(crate) fn follow(&mut self, disorder: Disorder) {
        *self = Self { disorder, events: 0 };
    }

    /// The delays of the next event's copies: none when it is lost.
    pub(crate) fn plan(&mut self) -> Vec<Duration> {
        self.events += 1;
        let event = self.events;
        let is_one_in = |every: Option<u32>| every.is_some_and(|every| event.is_multiple_of(every.into()));
        let copies = match () {
            () if is_one_in(self.disorder.lose_every) => 0,
            () if is_one_in(self.disorder.duplicate_every) => 2,
            () => 1,
        };
        (0..copies).map(|copy| self.delay(2 * event + copy)).collect()
    }

    fn delay(&self, draw: u64) -> Duration {
        let (min, max) = (*self.disorder.delay.start(), *self.disorder.delay.end());
        let spread = u64::try_from(max.saturating_sub(min).as_micros()).unwrap_or(u64::MAX);
        let random = mixed(self.disorder.seed ^ mixed(draw));
        min + Duration::from_micros(random % spread.saturating_add(1))
    }
}

/// SplitMix64: neighbouring numbers come out far apart.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPREAD: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_millis(900);

    fn plans(disorder: Disorder) -> Vec<Vec<Duration>> {
        let mut deliveries = Deliveries::default();
        deliveries.follow(disorder);
        (0..100).map(|_| deliveries.plan()).collect()
    }

    #[test]
    fn without_disorder_every_event_goes_once_and_at_once() {
        assert!(plans(Disorder::default()).iter().all(|plan| *plan == [Duration::ZERO]));
    }

    #[test]
    fn delays_stay_in_their_range_and_reorder() {
        let disorder = Disorder { delay: SPREAD, ..Disorder::default() };
        let first = plans(disorder.clone());
        let delays = first.concat();
        assert!(delays.iter().all(|delay| SPREAD.contains(delay)));
        let falls = delays.windows(2).filter(|pair| pair[0] > pair[1]).count();
        assert!((30..70).contains(&falls), "{falls}");
        assert_eq!(plans(disorder.clone()), first, "the same seed");
        assert_ne!(plans(Disorder { seed: 1, ..disorder }), first, "another seed");
    }

    #[test]
    fn every_nth_is_repeated_or_lost_and_loss_wins() {
        let disorder = Disorder { duplicate_every: Some(2), lose_every: Some(3), ..Disorder::default() };
        let copies: Vec<_> = plans(disorder).iter().take(6).map(Vec::len).collect();
        assert_eq!(copies, [1, 2, 0, 2, 1, 0]);
    }

    #[test]
    fn odd_settings_are_no_trouble() {
        let delay = Duration::MAX..=Duration::ZERO;
        let disorder = Disorder { duplicate_every: Some(0), lose_every: Some(0), delay, seed: u64::MAX };
        assert!(plans(disorder).iter().all(|plan| plan.len() == 1));
    }
}
