//! Which handoff of a conversation an event belongs to. Ada's times are compared with Ada's alone.

use crate::relay::{
    handoff::{CLOCK_TOLERANCE, Handoff},
    time::Time,
    transaction::Transaction,
};

/// The handoff whose thread a message of Ada's time `at` belongs to; `None` when it is younger than the
/// last one's end, or the conversation is unknown.
///
/// While our own end call is unsettled the thread counts as open.
pub fn of_message(tx: &Transaction<'_>, at: Time) -> Option<usize> {
    let latest = tx.latest()?;
    let newest = &tx.view.handoffs[latest];
    let takes_more = newest.is_open() || newest.end_is_unsettled();
    if takes_more && at + CLOCK_TOLERANCE >= newest.began(tx.now.offset) {
        return Some(latest);
    }
    let before_its_end = |handoff: &Handoff| handoff.takes_until(tx.now.offset).is_some_and(|end| at <= end);
    tx.view.handoffs.iter().position(before_its_end).or(takes_more.then_some(latest))
}

/// The handoff that an end of Ada's time `at` can end or date: the newest that had surely begun.
pub fn of_end(tx: &Transaction<'_>, at: Time) -> Option<usize> {
    tx.view.handoffs.iter().rposition(|handoff| at >= handoff.surely_began(tx.now.offset))
}
