//! What the bench reports: figures beside goals, with their spread over the rounds.

use serde::Serialize;

use crate::measure::Run;

/// A middle and its extremes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of some values; of none it is not a number.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        let middle = values.len() / 2;
        let is_even = values.len().is_multiple_of(2) && !values.is_empty();
        let median = if is_even { f64::midpoint(at(middle - 1), at(middle)) } else { at(middle) };
        Self { median, least: at(0), most: at(values.len().saturating_sub(1)) }
    }
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// This, or more.
    AtLeast(f64),
    /// This, or less.
    AtMost(f64),
}

impl Goal {
    /// Whether a figure meets it.
    pub fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(goal) => figure >= goal,
            Self::AtMost(goal) => figure <= goal,
        }
    }

    /// Its number.
    pub const fn number(self) -> f64 {
        match self {
            Self::AtLeast(goal) | Self::AtMost(goal) => goal,
        }
    }
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Relay to ceiling, or to an empty store.
    Ratio,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Megabytes.
    Mb,
    /// Bytes.
    Bytes,
    /// How many a second.
    PerSecond,
}

impl Unit {
    /// A figure in words.
    pub fn say(self, figure: f64) -> String {
        match self {
            Self::Ratio => format!("{figure:.2}"),
            Self::Ms if figure >= 100.0 => format!("{figure:.0} ms"),
            Self::Ms => format!("{figure:.2} ms"),
            Self::Us => format!("{figure:.1} µs"),
            Self::Mb => format!("{figure:.1} MB"),
            Self::Bytes => format!("{figure:.0} B"),
            Self::PerSecond => format!("{figure:.0}/s"),
        }
    }
}

/// A line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// Over the rounds.
    pub figure: Spread,
    /// What it counts.
    pub unit: Unit,
    /// What it should be, if there is a goal.
    pub goal: Option<Goal>,
    /// What one must know to read it.
    pub note: Option<String>,
}

impl Row {
    /// A figure without a goal.
    pub fn new(what: impl Into<String>, unit: Unit, values: impl IntoIterator<Item = f64>) -> Self {
        Self { what: what.into(), figure: Spread::of(values), unit, goal: None, note: None }
    }

    /// The same figure with a goal.
    #[must_use]
    pub fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// The same figure with a note.
    #[must_use]
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    /// Whether the goal is met, if there is one and a figure.
    pub fn is_met(&self) -> Option<bool> {
        self.goal.filter(|_| self.figure.median.is_finite()).map(|goal| goal.is_met(self.figure.median))
    }
}

/// All that came of a scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Which.
    pub scenario: String,
    /// Figures beside goals.
    pub rows: Vec<Row>,
    /// What each server did in each round.
    pub runs: Vec<Run>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { median: 2.0, least: 1.0, most: 3.0 });
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert!(Spread::of([]).median.is_nan());
    }

    #[test]
    fn a_goal_has_a_direction() {
        assert!(Goal::AtLeast(0.9).is_met(0.95) && !Goal::AtLeast(0.9).is_met(0.85));
        assert!(Goal::AtMost(1.2).is_met(1.1) && !Goal::AtMost(1.2).is_met(1.3));
    }
}
