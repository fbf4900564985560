//! Whether an agent takes handoffs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Time;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// They take handoffs.
    On,
    /// They have said that they don't.
    Away,
    /// There is no sign of them.
    Gone,
}

impl Duty {
    /// The name that the agent API uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Away => "away",
            Self::Gone => "gone",
        }
    }
}

/// What is known of an agent beyond the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentState {
    /// Their name.
    pub name: String,
    /// Whether they have said that they take no handoffs.
    pub is_away: bool,
    /// The last sign of them, an open event stream or a call: to within a third of the time after which they are gone,
    /// and a minute at most.
    pub seen_at: Time,
}

impl AgentState {
    /// What that means at `now`, if an agent without a sign is gone after the time `gone_after`.
    pub fn duty(&self, now: Time, gone_after: Duration) -> Duty {
        match (self.is_away, self.is_gone(now, gone_after)) {
            (true, _) => Duty::Away,
            (false, false) => Duty::On,
            (false, true) => Duty::Gone,
        }
    }

    /// Whether there is no sign of them, whatever they have said.
    pub fn is_gone(&self, now: Time, gone_after: Duration) -> bool {
        now.since(self.seen_at) >= gone_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_away_is_on_duty_as_long_as_there_are_signs() {
        let minute = |minutes: i64| Time::from_millis(minutes * 60_000);
        for (is_away, now, duty) in [
            (false, 10, Duty::On),
            (false, 12, Duty::On),
            (false, 13, Duty::Gone),
            (false, 9, Duty::On),
            (true, 10, Duty::Away),
            (true, 99, Duty::Away),
        ] {
            let state = AgentState { name: "Alex".to_owned(), is_away, seen_at: minute(10) };
            assert_eq!(state.duty(minute(now), Duration::from_mins(3)), duty, "{is_away} {now}");
        }
    }
}
