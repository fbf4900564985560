//! Chance from a seed: the same numbers for every run of it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// A generator (SplitMix64) that clones share.
#[derive(Clone)]
pub struct Dice(Arc<Mutex<u64>>);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `below`.
    pub fn below(&self, below: u64) -> u64 {
        self.next() % below
    }

    /// Whether something happens that happens so often in a hundred times.
    pub fn percent(&self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// A time from `from` to `to` milliseconds.
    pub fn millis(&self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from + 1))
    }

    /// A number from 0 to 1.
    pub fn fraction(&self) -> f64 {
        self.below(1 << 20) as f64 / f64::from(1 << 20)
    }

    /// One of these.
    pub fn one_of<T: Copy>(&self, options: &[T]) -> T {
        options[self.below(options.len() as u64) as usize]
    }
}
