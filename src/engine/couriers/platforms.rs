//! Events for agent platforms.

use std::sync::Arc;

use super::{AFTER_FAILURE, Errand};
use crate::{
    agents::platforms::{Answer, Kind, Platform},
    engine::{Engine, amazon_connect},
    relay::{
        delivery::Delivery,
        id::PlatformId,
        rules::{
            attempt::Turn,
            notify::{self, NoticeAttempt, NoticeOutcome},
        },
    },
    store::{StoreError, platforms::PlatformState},
};

/// Waits until the platform may be called, and delivers the next event of the lane.
pub async fn carry(errand: &Errand<'_>, turn: Turn, id: &PlatformId) -> Result<(), StoreError> {
    let engine = errand.engine;
    // Only platforms of the settings have places.
    let Some(platform) = engine.platforms.find(id) else { return Ok(()) };
    let Some(permit) = errand.stop.run_until_cancelled(platform.circuit.turn()).await else { return Ok(()) };
    let Some(delivery) = engine.decide(notify::begin(turn)).await? else {
        permit.give_back();
        return Ok(());
    };
    let _held = errand.held.hold(&delivery.id);
    let Some(notice) = delivery.job.notice() else { return Ok(()) };
    let now = engine.environment.now();
    let answer = match &platform.kind {
        Kind::Webhook(webhook) => {
            webhook
                .send(&delivery.handoff, notice, &platform.links, now, Some(&engine.policy_of(&delivery.key)))
                .await
        }
        Kind::AmazonConnect(connect) => {
            amazon_connect::tell(engine, platform, connect, &delivery.handoff, notice).await
        }
    };
    let known = if let Answer::KnownUpTo(seq) = answer {
        Some((delivery.lane(), delivery.handoff.clone(), seq))
    } else {
        None
    };
    let outcome = judge(engine, platform, answer).await;
    if !matches!(outcome, NoticeOutcome::NotYet(_)) {
        engine.metrics.notified(id.as_str(), outcome_name(&outcome));
    }
    if let NoticeOutcome::Later { reason, .. } | NoticeOutcome::Refused(reason) = &outcome {
        tracing::warn!(
            platform = %id,
            handoff.id = %delivery.handoff,
            event = notice.event.name(),
            attempt = delivery.attempts,
            reason,
            "a platform did not take an event"
        );
    }
    let jitter = engine.environment.jitter();
    settle(engine, Arc::new(NoticeAttempt { delivery, outcome, jitter })).await;
    if let Some((lane, handoff, seq)) = known {
        while engine.decide(notify::pass_over(lane.clone(), handoff.clone(), seq)).await? > 0 {}
    }
    // Whoever waits for a platform in trouble goes on when it is known how this one went.
    drop(permit);
    Ok(())
}

const fn outcome_name(outcome: &NoticeOutcome) -> &'static str {
    match outcome {
        NoticeOutcome::Taken => "taken",
        NoticeOutcome::Refused(_) => "refused",
        NoticeOutcome::Later { .. } | NoticeOutcome::NotYet(_) => "later",
    }
}

/// What an answer means for the event; the circuit learns what it means for the platform.
async fn judge(engine: &Engine, platform: &Platform, answer: Answer) -> NoticeOutcome {
    match answer {
        Answer::Outcome(outcome) => {
            match &outcome {
                NoticeOutcome::Taken => platform.circuit.succeeded(),
                NoticeOutcome::Refused(reason) => platform.circuit.refused(reason),
                NoticeOutcome::Later { reason, .. } => platform.circuit.failed(reason),
                NoticeOutcome::NotYet(_) => {}
            }
            outcome
        }
        Answer::KnownUpTo(_) => NoticeOutcome::Taken,
        Answer::Refused(reason) => {
            tracing::warn!(platform = %platform.id, reason, "a platform refused what an event asked for");
            platform.circuit.refused(&reason);
            NoticeOutcome::Taken
        }
        Answer::Gone(reason) => {
            engine.disable_platform(platform, &reason).await;
            NoticeOutcome::Later { reason, retry_after: None }
        }
    }
}

/// Repeats the decision until the store has committed it, or has stopped.
async fn settle(engine: &Engine, attempt: Arc<NoticeAttempt>) {
    loop {
        let error = match engine.decide(notify::settle(Arc::clone(&attempt))).await {
            Ok(()) | Err(StoreError::Stopped) => return,
            Err(error) => error,
        };
        let delivery: &Delivery = &attempt.delivery;
        tracing::error!(handoff.id = %delivery.handoff, error = %error, "the outcome of an event could not be stored");
        if matches!(error, StoreError::Panicked | StoreError::Unreadable(_)) {
            let _ = engine.decide(notify::spoiled(delivery.id.clone())).await;
            return;
        }
        tokio::time::sleep(AFTER_FAILURE).await;
    }
}

impl Engine {
    /// A platform answered that it is gone: nothing is sent to it until an operator enables it, also after a restart.
    async fn disable_platform(&self, platform: &Platform, reason: &str) {
        let at = self.environment.now();
        platform.circuit.disable(at, reason);
        tracing::error!(platform = %platform.id, reason, "the platform is disabled until an operator enables it");
        let state = PlatformState { id: platform.id.clone(), disabled: Some((at, reason.to_owned())) };
        if let Err(error) = self.store.put_platform(state).await {
            tracing::error!(platform = %platform.id, error = %error, "that it is disabled could not be stored");
        }
    }
}
