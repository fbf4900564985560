//! Events for agent platforms: an attempt begins, is settled, or its time is over. None of it changes a handoff.

use std::{sync::Arc, time::Duration};

use super::{
    attempt::{LEASE, Turn},
    replay::ReplayRefusal,
};
use crate::relay::{
    backoff,
    changes::{NoticeScope, Scope},
    delivery::{Claim, Delivery, Lane},
    id::{DeliveryId, HandoffId},
    rule::Rule,
    time::Time,
    transaction::Transaction,
};

/// How a platform answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeOutcome {
    /// It has the event.
    Taken,
    /// It never will: 4xx.
    Refused(String),
    /// It may later.
    Later {
        /// Why not now.
        reason: String,
        /// How long it asks us to wait.
        retry_after: Option<Duration>,
    },
    /// Not before something else has happened: look again after this time. It is no attempt.
    NotYet(Duration),
}

/// An attempt and its outcome.
#[derive(Clone, Debug)]
pub struct NoticeAttempt {
    /// The delivery, with the attempt's fence.
    pub delivery: Delivery,
    /// How it went.
    pub outcome: NoticeOutcome,
    /// Drawn anew for each attempt, 0 to 1.
    pub jitter: f64,
}

fn scope(notices: NoticeScope) -> Scope {
    Scope { notices: Some(notices), ..Scope::nobody() }
}

/// Claims the next event of a lane. `None` if there is nothing to do now.
pub fn begin(turn: Turn) -> Rule<Option<Delivery>> {
    Rule::new(scope(NoticeScope::NextOf(turn.lane.clone())), move |tx| {
        let now = tx.now.at;
        let mut delivery = tx.view.notices.first()?.clone();
        if delivery.queue() != turn.queue || delivery.ready_at() > now {
            return None;
        }
        if is_over(&delivery, now) {
            give_up(tx, &delivery);
            return None;
        }
        delivery.fence += 1;
        delivery.attempts = delivery.attempts.saturating_add(1);
        delivery.claim = Some(Claim { holder: turn.holder.clone(), until: now + LEASE });
        tx.writes().deliveries.push(delivery.clone());
        Some(delivery)
    })
}

/// Settles an attempt.
pub fn settle(attempt: Arc<NoticeAttempt>) -> Rule<()> {
    Rule::new(scope(NoticeScope::One(attempt.delivery.id.clone())), move |tx| {
        let Some(mut delivery) = tx.view.notices.first().cloned() else { return };
        // If another attempt has begun meanwhile, only a success is recorded.
        if delivery.fence != attempt.delivery.fence && attempt.outcome != NoticeOutcome::Taken {
            return;
        }
        match &attempt.outcome {
            NoticeOutcome::Taken => tx.writes().deliveries_done.push(delivery.id),
            NoticeOutcome::Refused(reason) => set_aside(tx, &delivery, reason),
            NoticeOutcome::Later { reason, retry_after } => {
                let wait = backoff::notice_delay(delivery.attempts, attempt.jitter);
                delivery.due_at = tx.now.at + retry_after.unwrap_or_default().max(wait);
                delivery.trouble = Some(reason.clone());
                delivery.claim = None;
                tx.writes().deliveries.push(delivery);
            }
            NoticeOutcome::NotYet(wait) => {
                delivery.attempts = delivery.attempts.saturating_sub(1);
                delivery.due_at = tx.now.at + *wait;
                delivery.claim = None;
                tx.writes().deliveries.push(delivery);
            }
        }
    })
}

/// The platform knows all messages of a handoff up to this `seq` already: events about them that are next in their lane go, at
/// most [`NOTICE_PAGE`]. Gives how many went.
///
/// [`NOTICE_PAGE`]: crate::relay::changes::NOTICE_PAGE
pub fn pass_over(lane: Lane, handoff: HandoffId, known_up_to: u64) -> Rule<usize> {
    Rule::new(scope(NoticeScope::FirstOf(lane)), move |tx| {
        let now = tx.now.at;
        let is_free = |delivery: &Delivery| delivery.claim.as_ref().is_none_or(|claim| claim.until <= now);
        let is_known = |delivery: &Delivery| {
            let row = delivery.job.notice().and_then(|notice| notice.event.message());
            delivery.handoff == handoff && row.is_some_and(|row| row.seq <= known_up_to)
        };
        let known = tx.view.notices.iter().take_while(|delivery| is_free(delivery) && is_known(delivery));
        let known: Vec<DeliveryId> = known.map(|delivery| delivery.id.clone()).collect();
        let count = known.len();
        tx.writes().deliveries_done.extend(known);
        count
    })
}

/// A rule panics on the outcome of an attempt: the event becomes a dead letter, so that it does not block those behind it.
pub fn spoiled(id: DeliveryId) -> Rule<()> {
    Rule::new(scope(NoticeScope::One(id)), |tx| {
        if let Some(delivery) = tx.view.notices.first().cloned() {
            set_aside(tx, &delivery, "an internal error occurred after the attempt");
        }
    })
}

/// The events of a handoff that are too old at `at` become dead letters, at most [`NOTICE_PAGE`]; those behind them go on.
///
/// [`NOTICE_PAGE`]: crate::relay::changes::NOTICE_PAGE
pub fn expire(handoff: HandoffId, at: Time) -> Rule<()> {
    Rule::new(scope(NoticeScope::Expired { handoff, at }), |tx| {
        let now = tx.now.at;
        let is_held = |delivery: &&Delivery| delivery.claim.as_ref().is_none_or(|claim| claim.until <= now);
        let over: Vec<Delivery> = tx.view.notices.iter().filter(is_held).cloned().collect();
        over.iter().for_each(|delivery| give_up(tx, delivery));
    })
}

/// The event of a dead letter is queued again, behind those that wait, under its former id and number.
///
/// # Errors
/// There is no such dead letter, or it can't be read, or the platform's queue is full.
pub fn replay(letter: String) -> Rule<Result<(), ReplayRefusal>> {
    let scope = Scope { dead_letter: Some(letter), ..Scope::nobody() };
    Rule::new(scope, |tx| {
        let letter = tx.view.dead_letter.clone().ok_or(ReplayRefusal::Unknown)?;
        let unreadable = |error| ReplayRefusal::Unusable(format!("the stored event can't be read: {error}"));
        let old: Delivery = serde_json::from_str(&letter.body).map_err(unreadable)?;
        let Some(notice) = old.job.notice().cloned() else {
            return Err(ReplayRefusal::Unusable("it is no event for a platform".to_owned()));
        };
        let (id, now) = (DeliveryId(tx.new_id()), tx.now.at);
        let expires_at = Some(now + notice.event.max_age(&tx.policy.platforms));
        let delivery = Delivery::new(id, old.handoff, old.key, notice.into(), now);
        if !tx.has_room(&delivery.destination()) {
            return Err(ReplayRefusal::PlatformFull);
        }
        tx.writes().deliveries.push(Delivery { expires_at, ..delivery });
        tx.writes().dead_letters_done.push(letter.id);
        Ok(())
    })
}

fn is_over(delivery: &Delivery, now: Time) -> bool {
    delivery.expires_at.is_some_and(|at| at <= now)
}

fn give_up(tx: &mut Transaction<'_>, delivery: &Delivery) {
    let trouble = delivery.trouble.as_deref().unwrap_or("its turn never came");
    set_aside(tx, delivery, &format!("it could not be delivered in time: {trouble}"));
}

fn set_aside(tx: &mut Transaction<'_>, delivery: &Delivery, reason: &str) {
    tx.set_notice_aside(delivery, reason);
    tx.writes().deliveries_done.push(delivery.id.clone());
}
