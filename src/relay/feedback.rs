//! What a customer says of a handoff afterwards.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::time::Time;

/// The feedback to a handoff, as it was given last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// What was said.
    #[serde(flatten)]
    pub given: Given,
    /// When it came, by our clock.
    pub at: Time,
}

/// A rating, a comment, or both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// How good it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
    /// In the customer's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A rating, on whatever scale the business has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Rating {
    /// Such as 5.
    Number(Number),
    /// Such as `good`.
    Text(String),
}
