//! How fast signed calls are made: operations without a quota of their own may be called twice a second, and five times
//! in a burst, by all callers of one account and region.
//! Source: Amazon Connect's administrator guide, "Amazon Connect service quotas", "API throttling quotas".

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Mutex as Line,
    time::{Instant, sleep_until},
};

const INTERVAL: Duration = Duration::from_millis(500);
const BURST: u32 = 5;

/// A token bucket. Whoever asks first has the first turn.
#[derive(Default)]
pub(super) struct Pace {
    /// When the bucket is full again. The one at the front of the line holds it while it waits.
    full_at: Line<Option<Instant>>,
    paused_until: Mutex<Option<Instant>>,
}

impl Pace {
    /// Waits for a turn. Whoever stops waiting takes none.
    pub(super) async fn turn(&self) {
        let mut full_at = self.full_at.lock().await;
        loop {
            let now = Instant::now();
            let full = full_at.map_or(now, |full| full.max(now));
            // With less room than one token's, the bucket is empty until this instant.
            let free = (full + INTERVAL).checked_sub(INTERVAL * BURST).unwrap_or(now);
            let next = self.paused().map_or(free, |paused| paused.max(free));
            if next <= now {
                *full_at = Some(full + INTERVAL);
                return;
            }
            sleep_until(next).await;
        }
    }

    /// Nobody has a turn for this long.
    pub(super) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut paused = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        *paused = paused.max(Some(until));
    }

    fn paused(&self) -> Option<Instant> {
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn five_at_once_and_then_two_a_second() {
        let (pace, began) = (Pace::default(), Instant::now());
        let mut turns = Vec::new();
        for _ in 0..8 {
            pace.turn().await;
            turns.push(began.elapsed().as_millis());
        }
        assert_eq!(turns, [0, 0, 0, 0, 0, 500, 1000, 1500]);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let began = Instant::now();
        for _ in 0..6 {
            pace.turn().await;
        }
        assert_eq!(began.elapsed(), INTERVAL);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody_and_a_turn_is_not_lost() {
        let (pace, began) = (Pace::default(), Instant::now());
        pace.pause(Duration::from_secs(3));
        pace.pause(Duration::from_secs(1));
        let left = tokio::time::timeout(Duration::from_secs(1), pace.turn()).await;
        assert!(left.is_err());
        for _ in 0..5 {
            pace.turn().await;
            assert_eq!(began.elapsed(), Duration::from_secs(3));
        }
    }
}
