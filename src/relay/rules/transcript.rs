//! Merges Ada's message list into a thread.

use super::{
    file,
    message::{find, find_by_id, forget_delivery, is_news_elsewhere, learn, record_end_user},
};
use crate::relay::{
    changes::Scope,
    delivery::{Delivery, MessagePage},
    event::{EventKind, Message},
    handoff::{AdaEnd, CLOCK_TOLERANCE, ReadAgain},
    id::HandoffId,
    matching::{LearnedFrom, Match, MatchKey},
    rules::start::SAME_CALL,
    thread::{Content, Role, Sending, Source},
    time::Time,
    transaction::{NewRow, Transaction, system},
};

/// What [`merge`] is to be called with.
pub(super) fn scope(handoff: &HandoffId, messages: &[Message]) -> Scope {
    let matching = messages.iter().map(MatchKey::from).collect();
    Scope { matching, ..Scope::handoff(handoff).with_inbox().with_outbox() }
}

/// A part of Ada's message list.
pub struct Reading<'a> {
    /// What it says.
    pub listed: &'a MessagePage,
    /// The page at which it began; the first, if there is none.
    pub from: Option<&'a str>,
    /// For messages from before this time, by our clock, no webhook is expected any more.
    pub missed_before: Option<Time>,
}

/// Adds missing messages to the thread, in the list's order. Messages after the end belong to the AI Agent's part of
/// the conversation, and are left out.
///
/// An end user's message of this handoff whose webhook is overdue counts as recovered. It is unread, like any other.
///
/// Returns whether the list, now read to its end, has unclear entries. The next reading begins there.
pub fn merge(tx: &mut Transaction<'_>, handoff: usize, reading: &Reading<'_>) -> bool {
    let owner = &tx.view.handoffs[handoff];
    let (mut end, mut latest) = (owner.ended_by_ada_clock(tx.now.offset), owner.takes_until(tx.now.offset));
    if let Some(AdaEnd::Replaced { .. }) = owner.end().map(|end| end.ada) {
        // Our clock alone says when, and what came around then is the next one's.
        end = end.map(|end| end - CLOCK_TOLERANCE);
        latest = end;
    }
    let is_before = |message: &Message, end: Option<Time>| end.is_none_or(|end| message.created_at <= end);
    // If the end is known only to the second, people's messages in that second are kept. The AI Agent's are from after
    // it.
    let belongs = |message: &&Message| match message.author.role {
        Role::EndUser | Role::HumanAgent => is_before(message, latest),
        _ => is_before(message, end),
    };
    let messages: Vec<&Message> = reading.listed.messages.iter().filter(belongs).collect();
    // By id first: a message that matches by content must not take the row of another that matches by id.
    for message in &messages {
        if let Match::Same(row) = find_by_id(tx, handoff, message, LearnedFrom::List) {
            reached_ada(tx, row, message);
        }
    }
    let mut awaited = false;
    for message in messages {
        let may_be_ours = may_be_ours(message) && is_recent(tx, message);
        awaited |= may_be_ours;
        let is_new = is_new(tx, handoff, message);
        let overdue = is_overdue(tx, message, reading.missed_before);
        let row = match find(tx, handoff, message, LearnedFrom::List) {
            Match::Known(row) => {
                learn(tx, handoff, row, message);
                row
            }
            Match::Same(row) => {
                learn(tx, handoff, row, message);
                reached_ada(tx, row, message);
                row
            }
            // A new row would stay beside the agent's row forever.
            Match::None if may_be_ours && is_in_doubt(tx, handoff) => continue,
            Match::None => {
                record_ai_agent(tx, handoff, message);
                let row = tx.add_row(handoff, new_row(message));
                tx.change_row(row, |row| LearnedFrom::List.assign(&mut row.ids, message.id.clone()));
                row
            }
        };
        if !is_new || tx.view.rows[row].source != Source::Transcript {
            continue;
        }
        if overdue {
            tx.change_row(row, |row| row.source = Source::Recovered);
            record_end_user(tx.change_handoff(handoff), message.created_at, None, message);
        }
        awaited |= !overdue;
    }
    record_reading(tx, handoff, reading, awaited)
}

/// Whether a message can't be read and could be from one of our agents.
pub fn may_be_ours(message: &Message) -> bool {
    matches!(message.content, Content::Unreadable { .. })
        && matches!(message.author.role, Role::HumanAgent | Role::Unknown)
}

/// Whether it is unknown if Ada has a message of the thread.
fn is_in_doubt(tx: &Transaction<'_>, handoff: usize) -> bool {
    let known = &tx.view.handoffs[handoff];
    let is_unknown =
        |delivery: &Delivery| delivery.handoff == known.id && tx.outcome_unknown_since(delivery).is_some();
    // An end has failed what was in doubt.
    tx.view.outbox.iter().any(is_unknown) || (!known.is_open() && known.ledger.failed > 0)
}

/// Whether a message that is still in the outbox can have been sent so long ago.
fn is_recent(tx: &Transaction<'_>, message: &Message) -> bool {
    message.created_at + tx.policy.send_max_age >= tx.now.by_ada()
}

/// Remembers how far the list has been read and, at the first reading, which messages are history. The next reading
/// begins where a webhook is `awaited`: if it does not arrive, the message is recovered then. The next reading also
/// begins at an unreadable message that may be one of ours in doubt.
///
/// If two readings run at the same time, the first result counts: the other may lack the awaited message.
fn record_reading(tx: &mut Transaction<'_>, handoff: usize, reading: &Reading<'_>, awaited: bool) -> bool {
    let (known, listed) = (&tx.view.handoffs[handoff], reading.listed);
    if known.listed.page.as_deref() != reading.from {
        return false;
    }
    let mut noted = known.listed.clone();
    if awaited && noted.again.is_none() {
        noted.again = Some(ReadAgain { from: noted.page.take() });
    }
    noted.page.clone_from(&listed.page);
    let begins_anew = (!listed.more).then(|| noted.again.take()).flatten();
    let is_unclear = begins_anew.is_some();
    if let Some(again) = begins_anew {
        noted.page = again.from;
    }
    if !noted.history_is_read {
        let began = known.surely_began(tx.now.offset);
        let history = listed.messages.iter().map(|message| message.created_at).filter(|at| *at < began);
        noted.history_until = noted.history_until.max(history.max());
        noted.history_is_read = !listed.more;
    }
    if noted != known.listed {
        tx.change_unseen(handoff).listed = noted;
    }
    is_unclear
}

/// Whether the end user wrote this in this handoff.
fn is_new(tx: &Transaction<'_>, handoff: usize, message: &Message) -> bool {
    let known = &tx.view.handoffs[handoff];
    // Ada's list shows better than clocks which messages existed when the handoff began.
    let is_history = match known.listed.history_is_read {
        true => Some(message.created_at) <= known.listed.history_until,
        false => message.created_at < known.surely_began(tx.now.offset),
    };
    message.author.role == Role::EndUser && !is_history && !is_news_elsewhere(tx, handoff, message)
}

/// Whether the webhook of this message is overdue.
fn is_overdue(tx: &Transaction<'_>, message: &Message, before: Option<Time>) -> bool {
    let old = tx.now.at - tx.policy.recover_after;
    let before = before.map_or(old, |before| before.max(old)).shifted(tx.now.offset);
    let waits_in_inbox = || {
        tx.view.inbox.iter().any(|event| match &event.kind {
            EventKind::Message(waiting) => {
                waiting.id == message.id
                    || (waiting.created_at == message.created_at && waiting.author.role == Role::EndUser)
            }
            _ => false,
        })
    };
    message.created_at <= before && !waits_in_inbox()
}

/// The AI Agent has written while human agents should have the conversation. Ada does not say whether they still have
/// it, so a line warns the agent.
fn record_ai_agent(tx: &mut Transaction<'_>, handoff: usize, message: &Message) {
    let known = &tx.view.handoffs[handoff];
    let at_work = known.is_open() && message.created_at > known.began(tx.now.offset) + SAME_CALL;
    if message.author.role != Role::AiAgent || !at_work {
        return;
    }
    let was_doubtful = known.is_doubtful();
    let owner = tx.change_handoff(handoff);
    owner.listed.ai_agent_wrote_at = owner.listed.ai_agent_wrote_at.max(Some(message.created_at));
    if !was_doubtful && tx.view.handoffs[handoff].is_doubtful() {
        let body = "The AI Agent has written again, so this handoff may have ended in Ada".to_owned();
        let at = tx.own_at(handoff);
        tx.add_row(handoff, NewRow::own(at, system(), Content::Text { body }, Source::Relay));
    }
}

/// An agent's row that is in the list has reached Ada, whatever its state says.
fn reached_ada(tx: &mut Transaction<'_>, row: usize, message: &Message) {
    let arrived = tx.view.rows[row].is_ours();
    file::seen_again(tx, row, message);
    tx.change_row(row, |row| {
        LearnedFrom::List.assign(&mut row.ids, message.id.clone());
        if !row.created_by_ada {
            row.created_at = message.created_at;
            row.created_by_ada = true;
            row.at = message.created_at.floor_millis();
        }
        if arrived && row.sending != Some(Sending::Confirmed) {
            row.sending = Some(Sending::Sent);
        }
    });
    if arrived {
        forget_delivery(tx, row);
    }
}

fn new_row(message: &Message) -> NewRow {
    NewRow {
        at: message.created_at.floor_millis(),
        author: message.author.clone(),
        content: message.content.clone(),
        created_at: message.created_at,
        created_by_ada: true,
        source: Source::Transcript,
        sending: None,
    }
}
