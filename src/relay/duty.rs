//! Whether an agent takes handoffs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Time;

/// An agent of whom nothing was seen for so long is gone: no event stream and no call.
pub const GONE_AFTER: Duration = Duration::from_mins(3);

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
    /// The last sign of them, to within a minute.
    pub seen_at: Time,
}

impl AgentState {
    /// What that means at `now`.
    pub fn duty(&self, now: Time) -> Duty {
        match (self.is_away, now.since(self.seen_at) < GONE_AFTER) {
            (true, _) => Duty::Away,
            (false, true) => Duty::On,
            (false, false) => Duty::Gone,
        }
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
            assert_eq!(state.duty(minute(now)), duty, "{is_away} {now}");
        }
    }
}
