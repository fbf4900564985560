//! A handoff whose conversation Ada does not have: the start call was made up, or went to the wrong relay. The handoff
//! is closed, so that nobody works on it and no call to Ada is wasted on it.

use std::time::Duration;

use super::{
    ending,
    settle::{START_GRACE, retry_later},
};
use crate::relay::{
    delivery::Job,
    handoff::{AdaEnd, EndedBy, Handoff},
    ledger::Ledger,
    thread::{Content, Source},
    transaction::{NewRow, Transaction, system},
};

/// How often Ada must answer so.
const ANSWERS: u32 = 2;
/// Longer than the grace period after a start call.
const BEHIND: Duration = Duration::from_millis(500);

/// Ada has answered the reading `index` of the message list with its own 404. The list is read again, or the handoff is
/// closed. If something shows that the conversation exists, does neither and returns that.
pub fn answered(
    tx: &mut Transaction<'_>,
    handoff: usize,
    index: usize,
    reason: &str,
    wait: Duration,
) -> bool {
    let answers = tx.view.handoffs[handoff].listed.unknown.saturating_add(1);
    tx.change_unseen(handoff).listed.unknown = answers;
    let known = &tx.view.handoffs[handoff];
    let Some(called_at) = known.called_at().filter(|_| known.is_open() && !is_heard_of(tx)) else {
        return false;
    };
    let age = tx.now.at.since(called_at);
    if answers < ANSWERS || age <= START_GRACE {
        let behind = (START_GRACE + BEHIND).saturating_sub(age);
        retry_later(tx, index, reason, wait.max(behind));
    } else {
        close(tx, handoff, reason);
    }
    true
}

/// Whether an event, or a message that Ada accepted, shows that the conversation exists. Start calls don't count.
pub fn is_heard_of(tx: &Transaction<'_>) -> bool {
    let shows = |handoff: &Handoff| {
        let Ledger { taken, sent, .. } = handoff.ledger;
        handoff.is_heard_of
            || taken > 0
            || sent > 0
            || matches!(handoff.end().map(|end| end.ada), Some(AdaEnd::Told { .. }))
    };
    tx.view.buffer.is_some() || tx.view.handoffs.iter().any(shows)
}

fn close(tx: &mut Transaction<'_>, handoff: usize, reason: &str) {
    let body = format!("Ada does not know this conversation, so the handoff is closed: {reason}");
    let at = tx.own_at(handoff);
    tx.add_row(handoff, NewRow::own(at, system(), Content::Text { body }, Source::Relay));
    ending::over(tx, handoff, EndedBy::Ada, AdaEnd::Unknown, reason);
    let owner = tx.view.handoffs[handoff].id.clone();
    while let Some(index) = tx
        .view
        .outbox
        .iter()
        .position(|delivery| delivery.handoff == owner && matches!(delivery.job, Job::Read(_)))
    {
        tx.finish_delivery(index);
    }
}
