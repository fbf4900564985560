//! What a process draws from the machine it runs on: the time, new ids, chance.
//!
//! Handed in, so that a simulation can own all three and replay a run exactly.

use crate::relay::{id::NewIds, time::Time};

/// Time, ids and chance.
pub trait Environment: Send + Sync {
    /// The present instant by our clock.
    fn now(&self) -> Time;

    /// An id never given before, later than all given before.
    fn new_id(&self) -> String;

    /// A number from 0 to 1, drawn anew each time.
    fn jitter(&self) -> f64;
}

/// The machine itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Environment for Machine {
    #[expect(clippy::disallowed_methods, reason = "everybody else is told the time")]
    fn now(&self) -> Time {
        Time::from_micros(jiff::Timestamp::now().as_microsecond())
    }

    /// A UUID of version 7: random, and sorts by age.
    fn new_id(&self) -> String {
        uuid::Uuid::now_v7().to_string()
    }

    fn jitter(&self) -> f64 {
        f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
    }
}

impl NewIds for &dyn Environment {
    fn next(&mut self) -> String {
        self.new_id()
    }
}
