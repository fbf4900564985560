//! What all relays that share a store may do only so often, together.

use std::time::Duration;

/// No quota is within a longer time.
pub const QUOTA_LONGEST: Duration = Duration::from_mins(10);

/// So many times within any span of this length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Whose it is. A secret has no place in it.
    pub name: String,
    /// How many times, at least once.
    pub times: u32,
    /// Within which time, at most [`QUOTA_LONGEST`].
    pub within: Duration,
}

/// What came of asking for a place within quotas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// One of each is taken; with these numbers they can be given back.
    Taken(Vec<u64>),
    /// None is taken. This is how long until each has one again.
    NoneFor(Duration),
}
