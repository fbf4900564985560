//! Rate limits over sliding windows, and the count of what arrived. Time is an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::json;

/// How many arrivals are remembered.
const ARRIVALS_KEPT: usize = 100_000;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// How many calls are answered; the others get 429 and don't count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimits {
    /// In any second.
    #[serde(deserialize_with = "json::count")]
    pub per_second: u32,
    /// In any minute.
    #[serde(deserialize_with = "json::count")]
    pub per_minute: u32,
    /// What the answers say about it.
    #[serde(default)]
    pub headers: RateHeaders,
}

/// What answers say about the limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateHeaders {
    /// Nothing: a bare 429.
    None,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds until a call of that window is free again) of
    /// the tighter window on every answer, and `Retry-After` on a 429.
    #[default]
    Full,
}

/// What the headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Whole seconds.
    pub(crate) reset: u64,
}

/// Whether a call may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admission {
    pub(crate) refused: bool,
    /// Present when the headers are to be sent.
    pub(crate) quota: Option<Quota>,
}

/// The calls with the right key, counted as they arrive.
#[derive(Default)]
pub(crate) struct Traffic {
    limits: Option<RateLimits>,
    arrivals: VecDeque<Instant>,
    /// Those of the last minute that passed the limits.
    admitted: VecDeque<Instant>,
}

impl Traffic {
    pub(crate) fn limits(&self) -> Option<RateLimits> {
        self.limits
    }

    /// Counting begins anew.
    pub(crate) fn limit(&mut self, limits: Option<RateLimits>) {
        self.limits = limits;
        self.admitted.clear();
    }

    pub(crate) fn arrive(&mut self, now: Instant) -> Admission {
        if self.arrivals.len() == ARRIVALS_KEPT {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back(now);
        let Some(limits) = self.limits else { return Admission { refused: false, quota: None } };
        while self.admitted.front().is_some_and(|at| now.duration_since(*at) >= MINUTE) {
            self.admitted.pop_front();
        }
        let is_full = |&(limit, length): &(u32, Duration)| self.used(length, now) >= limit;
        let windows = [(limits.per_second, SECOND), (limits.per_minute, MINUTE)];
        let refused = windows.iter().any(is_full);
        if !refused {
            self.admitted.push_back(now);
        }
        // Of two windows that are as tight, the one that takes longer counts.
        let quotas = windows.map(|(limit, length)| self.quota(limit, length, now));
        let tightest = quotas.into_iter().min_by_key(|quota| (quota.remaining, u64::MAX - quota.reset));
        Admission { refused, quota: tightest.filter(|_| limits.headers == RateHeaders::Full) }
    }

    /// The most arrivals from any moment on until just before `window` later.
    pub(crate) fn most_in(&self, window: Duration) -> usize {
        let (mut most, mut first) = (0, 0);
        for (last, at) in self.arrivals.iter().enumerate() {
            while first < last && at.duration_since(self.arrivals[first]) >= window {
                first += 1;
            }
            most = most.max(last + 1 - first);
        }
        most
    }

    fn quota(&self, limit: u32, length: Duration, now: Instant) -> Quota {
        let remaining = limit.saturating_sub(self.used(length, now));
        let wait =
            self.within(length, now).next().map_or(length, |oldest| length - now.duration_since(oldest));
        Quota { limit, remaining, reset: wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX) }
    }

    fn used(&self, length: Duration, now: Instant) -> u32 {
        u32::try_from(self.within(length, now).count()).unwrap_or(u32::MAX)
    }

    /// The admitted calls that still count, oldest first.
    fn within(&self, length: Duration, now: Instant) -> impl Iterator<Item = Instant> {
        self.admitted.iter().copied().filter(move |at| now.duration_since(*at) < length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RateLimits = RateLimits { per_second: 2, per_minute: 3, headers: RateHeaders::Full };

    fn arrivals(limits: RateLimits, at_ms: &[u64]) -> (Traffic, Vec<Admission>) {
        let (mut traffic, start) = (Traffic::default(), Instant::now());
        traffic.limit(Some(limits));
        let answers = at_ms.iter().map(|ms| traffic.arrive(start + Duration::from_millis(*ms))).collect();
        (traffic, answers)
    }

    fn told(limit: u32, remaining: u32, reset: u64) -> Option<Quota> {
        Some(Quota { limit, remaining, reset })
    }

    #[test]
    fn the_tighter_window_refuses_and_is_told() {
        let (_, answers) = arrivals(LIMITS, &[0, 500, 999, 1_000, 1_600, 59_999, 60_000]);
        assert_eq!(
            answers.iter().map(|answer| answer.refused).collect::<Vec<_>>(),
            [false, false, true, false, true, true, false]
        );
        let quotas: Vec<_> = answers.iter().map(|answer| answer.quota).collect();
        assert_eq!(quotas[..4], [told(2, 1, 1), told(2, 0, 1), told(2, 0, 1), told(3, 0, 59)]);
        assert_eq!(quotas[4..], [told(3, 0, 59), told(3, 0, 1), told(3, 0, 1)]);
    }

    #[test]
    fn without_headers_nothing_is_told() {
        let (_, answers) = arrivals(RateLimits { headers: RateHeaders::None, ..LIMITS }, &[0, 0, 0]);
        assert_eq!(answers[2], Admission { refused: true, quota: None });
    }

    #[test]
    fn the_busiest_window_is_found_and_ends_before_its_length() {
        let (traffic, _) = arrivals(LIMITS, &[0, 900, 1_000, 1_100, 1_899, 5_000]);
        assert_eq!(traffic.most_in(SECOND), 4);
        assert_eq!(traffic.most_in(MINUTE), 6);
        assert_eq!(traffic.most_in(Duration::ZERO), 1);
        assert_eq!(Traffic::default().most_in(SECOND), 0);
    }
}
