//! An event that arrives, and what a store needs to know to keep it without a decision.

use super::Decision;
use crate::relay::{buffer::Timings, changes::Scope, event::Event};

/// An event that needs no decision ([`needs_a_rule`](crate::relay::rules::arrive::needs_a_rule)) unless the store has had
/// it already or is full.
pub struct Arriving {
    /// The event.
    pub event: Box<Event>,
    /// How long its conversation has to be quiet.
    pub timings: Timings,
    /// With so many events in the inbox it is a rule that decides.
    pub inbox_limit: u64,
    /// With so many deliveries queued for the AI Agent's reads, too.
    pub outbox_limit: u64,
    /// Called once, when the event is durable, if it was kept without a decision.
    pub kept: Box<dyn Fn() + Send>,
    /// The rule for all other cases, which comes to the same where it wasn't needed.
    pub rule: Box<dyn FnOnce(Box<Event>) -> (Scope, Decision) + Send>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// It was kept.
    Kept,
    /// The rule has decided.
    Decided,
}
