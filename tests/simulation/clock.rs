//! The simulation's time, ids and chance. Time is tokio's, which stands still unless everybody waits.

use std::sync::atomic::{AtomicU64, Ordering};

use handoff_relay::{environment::Environment, relay::time::Time};
use tokio::time::Instant;

use crate::dice::Dice;

/// When every simulation begins.
const BEGINNING: Time = Time::from_millis(1_790_000_000_000);

pub struct Simulated {
    began: Instant,
    ids: AtomicU64,
    dice: Dice,
}

impl Simulated {
    pub fn new(dice: Dice) -> Self {
        Self { began: Instant::now(), ids: AtomicU64::new(0), dice }
    }
}

impl Environment for Simulated {
    fn now(&self) -> Time {
        BEGINNING + self.began.elapsed()
    }

    fn new_id(&self) -> String {
        format!("{:08}", self.ids.fetch_add(1, Ordering::Relaxed))
    }

    fn jitter(&self) -> f64 {
        self.dice.fraction()
    }
}
