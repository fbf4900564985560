//! An agent's actions on a handoff, except writing.

use super::{ending, note, say, values, waiting_text};
use crate::relay::{
    changes::Scope,
    contact::customers_name,
    delivery::{Read, ShownAuthor},
    dispatch::Dispatch,
    handoff::{EndedBy, Handoff, Status},
    id::{HandoffId, TeamName},
    idle::Idle,
    rule::Rule,
    thread::{EventName, Source},
    time::Time,
    transaction::Transaction,
};

/// Why an agent's request is refused. The text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such handoff, or no such row in it.
    #[error("no such handoff or message")]
    Unknown,
    /// It has ended.
    #[error("this handoff has ended")]
    Ended,
    /// Another agent has it.
    #[error("{0} has this handoff; take it over first")]
    HasAnother(String),
    /// It is offered to another agent.
    #[error("{0} is offered this handoff; take it over first")]
    Offered(String),
    /// It is not offered to this agent, who can't decline it.
    #[error("this handoff is not offered to you")]
    NotOffered,
    /// No agent has it, so it can't be returned to the queue.
    #[error("nobody has accepted this handoff")]
    NotAccepted,
    /// Only a failed message can be sent again or dropped.
    #[error("this message has not failed")]
    NotFailed,
    /// Too many messages wait to be sent.
    #[error("too many messages are waiting to be sent; try again later")]
    QueueFull,
    /// The idempotency key was used for another request.
    #[error("this Idempotency-Key was used with another body")]
    OtherRequest,
}

/// `rule` about a handoff, by somebody who may not see all: what they may not see does not exist for them.
///
/// # Errors
/// As `rule`, or the handoff is unknown to them.
pub fn if_seen<T: 'static>(
    id: HandoffId,
    sees: impl Fn(&Handoff) -> bool + Send + 'static,
    rule: Rule<Result<T, Refusal>>,
) -> Rule<Result<T, Refusal>> {
    let (scope, decide) = rule.into_parts();
    Rule::new(scope, move |tx| {
        let handoff = tx.find_handoff(&id).ok_or(Refusal::Unknown)?;
        if !sees(&tx.view.handoffs[handoff]) {
            return Err(Refusal::Unknown);
        }
        decide(tx)
    })
}

/// Whether accepting may take the handoff from another agent, who has it or is offered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeOver {
    /// It may.
    Yes,
    /// Only a handoff that is nobody's.
    No,
}

/// `agent` accepts the handoff. A repeated call changes nothing.
///
/// # Errors
/// Unknown, over, or another agent has it or is offered it and `take_over` is [`TakeOver::No`].
pub fn accept(id: HandoffId, agent: String, take_over: TakeOver) -> Rule<Result<Handoff, Refusal>> {
    Rule::new(Scope::handoff(&id).with_outbox(), move |tx| {
        let handoff = tx.find_handoff(&id).ok_or(Refusal::Unknown)?;
        match (&tx.view.handoffs[handoff].status, take_over) {
            (Status::Ended(_), _) => return Err(Refusal::Ended),
            (Status::Active { agent: owner }, TakeOver::No) if *owner != agent => {
                return Err(Refusal::HasAnother(owner.clone()));
            }
            (Status::Active { agent: owner }, _) if *owner == agent => {}
            (Status::Active { .. }, _) => assign(tx, handoff, &agent, EventName::TakenOver),
            (Status::Waiting, take_over) => {
                if take_over == TakeOver::No {
                    may_write(&tx.view.handoffs[handoff], &agent, tx.now.at)?;
                }
                let shown = ShownAuthor::named(customers_name(&agent).to_owned());
                accept_if_waiting(tx, handoff, &agent, shown);
            }
        }
        Ok(tx.view.handoffs[handoff].clone())
    })
}

/// Assigns a waiting handoff to `agent`, whom the customer knows as `shown`, and queues a read of its history. The customer
/// is told, unless the same agent had it last.
pub(super) fn accept_if_waiting(tx: &mut Transaction<'_>, handoff: usize, agent: &str, shown: ShownAuthor) {
    let known = &tx.view.handoffs[handoff];
    if known.status != Status::Waiting {
        return;
    }
    let is_back = known.last_agent.as_deref() == Some(agent);
    let text = tx
        .policy
        .waiting_rooms
        .of(known.route.as_deref(), known.team.as_ref())
        .accept_text_of(&shown.display_name);
    assign(tx, handoff, agent, EventName::Accepted);
    if let Some(text) = text.filter(|_| !is_back) {
        say::say(tx, handoff, shown, text, Source::Relay);
    }
    greet(tx, handoff);
}

/// What a handoff needs that an agent has got from the queue.
fn greet(tx: &mut Transaction<'_>, handoff: usize) {
    tx.welcome(handoff);
    tx.deliver(handoff, Read::Transcript);
}

/// Assigns the handoff of another agent to `agent`.
pub(super) fn take_over(tx: &mut Transaction<'_>, handoff: usize, agent: &str) {
    assign(tx, handoff, agent, EventName::TakenOver);
}

fn assign(tx: &mut Transaction<'_>, handoff: usize, agent: &str, event: EventName) {
    tx.add_event(handoff, event, Some(agent.to_owned()));
    give(tx, handoff, agent);
}

fn give(tx: &mut Transaction<'_>, handoff: usize, agent: &str) {
    let now = tx.now.at;
    let given = tx.change_handoff(handoff);
    // Whoever had it may not see it any more.
    given.has_stayed &= given.agent().is_none();
    given.status = Status::Active { agent: agent.to_owned() };
    given.last_agent = Some(agent.to_owned());
    given.accepted_at.get_or_insert(now);
    given.idle = Idle::since(now);
    given.dispatch = Dispatch { agent_since: Some(now), ..Dispatch::default() };
    values::tell(tx, handoff);
}

/// `agent` returns the handoff to the queue of its team, with a note for colleagues or without.
///
/// # Errors
/// Unknown, over, another agent's, or nobody's.
pub fn release(id: HandoffId, agent: String, note: Option<String>) -> Rule<Result<Handoff, Refusal>> {
    Rule::new(Scope::handoff(&id).with_outbox(), move |tx| {
        let handoff = tx.find_handoff(&id).ok_or(Refusal::Unknown)?;
        may_write(&tx.view.handoffs[handoff], &agent, tx.now.at)?;
        if tx.view.handoffs[handoff].status == Status::Waiting {
            return Err(Refusal::NotAccepted);
        }
        add_note(tx, handoff, &agent, note);
        tx.add_event(handoff, EventName::Released, Some(agent.clone()));
        return_to_queue(tx, handoff, agent);
        waiting_text::begin(tx, handoff, waiting_text::Since::Known);
        Ok(tx.view.handoffs[handoff].clone())
    })
}

/// The handoff waits for another agent than the one it is `from`.
pub(super) fn return_to_queue(tx: &mut Transaction<'_>, handoff: usize, from: String) {
    let now = tx.now.at;
    let returned = tx.change_handoff(handoff);
    returned.status = Status::Waiting;
    returned.has_stayed = false;
    returned.idle = Idle::since(now);
    returned.dispatch = Dispatch { passed_by: vec![from], ..Dispatch::default() };
    values::tell(tx, handoff);
}

fn add_note(tx: &mut Transaction<'_>, handoff: usize, agent: &str, note: Option<String>) {
    if let Some(text) = note {
        note::add(tx, handoff, ShownAuthor::named(agent.to_owned()), text);
    }
}

/// Who gets a handoff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// This agent has it at once.
    Agent(String),
    /// It waits for an agent of this team.
    Team(TeamName),
}

/// `agent` hands the handoff over, with a note for whoever gets it or without. One that waits can be handed over by
/// anyone. Who has it already keeps it, and nothing changes.
///
/// # Errors
/// Unknown, over, or another agent's.
pub fn hand_over(
    id: HandoffId,
    agent: String,
    to: Receiver,
    note: Option<String>,
) -> Rule<Result<Handoff, Refusal>> {
    Rule::new(Scope::handoff(&id).with_outbox(), move |tx| {
        let handoff = tx.find_handoff(&id).ok_or(Refusal::Unknown)?;
        may_write(&tx.view.handoffs[handoff], &agent, tx.now.at)?;
        if has_it(&tx.view.handoffs[handoff], &to) {
            return Ok(tx.view.handoffs[handoff].clone());
        }
        add_note(tx, handoff, &agent, note);
        match to {
            Receiver::Agent(to) => {
                let waited = tx.view.handoffs[handoff].status == Status::Waiting;
                tx.add_event_to(handoff, EventName::HandedOver, Some(agent), Some(to.clone()));
                give(tx, handoff, &to);
                if waited {
                    greet(tx, handoff);
                }
            }
            Receiver::Team(team) => {
                tx.add_event_to(handoff, EventName::HandedOver, Some(agent.clone()), Some(team.0.clone()));
                return_to_queue(tx, handoff, agent);
                let changed = tx.change_handoff(handoff);
                (changed.team, changed.route) = (Some(team), None);
                waiting_text::begin(tx, handoff, waiting_text::Since::Known);
            }
        }
        tx.change_handoff(handoff).has_stayed = false;
        Ok(tx.view.handoffs[handoff].clone())
    })
}

fn has_it(handoff: &Handoff, receiver: &Receiver) -> bool {
    match receiver {
        Receiver::Agent(agent) => handoff.agent() == Some(agent),
        Receiver::Team(team) => handoff.status == Status::Waiting && handoff.team.as_ref() == Some(team),
    }
}

/// How an agent ends a handoff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// What came of it.
    pub outcome: Option<String>,
    /// A note for colleagues.
    pub note: Option<String>,
}

/// `agent` ends the handoff: in the relay at once, in Ada after the queued messages.
///
/// # Errors
/// Unknown, over, or another agent's. A waiting one may be ended by anyone.
pub fn end(id: HandoffId, agent: String, Ending { outcome, note }: Ending) -> Rule<Result<Handoff, Refusal>> {
    Rule::new(Scope::handoff(&id).with_outbox(), move |tx| {
        let handoff = tx.find_handoff(&id).ok_or(Refusal::Unknown)?;
        may_write(&tx.view.handoffs[handoff], &agent, tx.now.at)?;
        let closing_note = note.as_ref().and_then(|note| tx.policy.values.closing_note(note));
        add_note(tx, handoff, &agent, note);
        if closing_note.is_some() {
            tx.change_unseen(handoff).closing_note = closing_note;
        }
        if outcome.is_some() {
            tx.change_handoff(handoff).outcome = outcome;
        }
        ending::end_at_ada(tx, handoff, EndedBy::Agent, agent);
        Ok(tx.view.handoffs[handoff].clone())
    })
}

/// Marks the rows up to `seq` as read.
///
/// # Errors
/// Unknown. Ended handoffs can be read.
pub fn read(id: HandoffId, seq: u64) -> Rule<Result<(), Refusal>> {
    let scope = Scope { unread_behind: Some(seq), ..Scope::handoff(&id) };
    Rule::new(scope, move |tx| {
        let handoff = tx.find_handoff(&id).ok_or(Refusal::Unknown)?;
        let unread = *tx.view.unread_behind;
        let known = &tx.view.handoffs[handoff];
        let seq = seq.min(known.last_seq);
        if seq > known.read_up_to {
            let handoff = tx.change_handoff(handoff);
            handoff.read_up_to = seq;
            handoff.unread = unread;
        }
        Ok(())
    })
}

/// Whether `agent` may act at `now`: the handoff is open, and no other agent has it or is offered it.
pub fn may_write(handoff: &Handoff, agent: &str, now: Time) -> Result<(), Refusal> {
    match &handoff.status {
        Status::Ended(_) => Err(Refusal::Ended),
        Status::Active { agent: owner } if owner != agent => Err(Refusal::HasAnother(owner.clone())),
        Status::Active { .. } => Ok(()),
        Status::Waiting => match handoff.dispatch.offered_to(now).filter(|offered| *offered != agent) {
            Some(offered) => Err(Refusal::Offered(offered.to_owned())),
            None => Ok(()),
        },
    }
}
