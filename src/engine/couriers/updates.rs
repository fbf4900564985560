//! The courier for values that the AI Agent may go on from, and for the profiles of end users.

use std::sync::Arc;

use super::patiently;
use crate::{
    ada::limits::Permit,
    engine::Engine,
    relay::{
        delivery::{Delivery, Update},
        rules::update::{self, UpdateAttempt, UpdateOutcome},
    },
};

/// Sets the values at Ada, and settles the outcome.
pub async fn carry(
    engine: &Engine,
    permit: Permit,
    delivery: Delivery,
    what: Update,
    end_user: Option<String>,
) {
    let (ada, key) = (engine.ada(&delivery.key), &delivery.key);
    let outcome = match (&what, end_user) {
        (Update::UpdateEndUser { .. } | Update::ReadEndUser, None) => {
            permit.give_back();
            UpdateOutcome::Nobody
        }
        (Update::UpdateEndUser { values }, Some(id)) => {
            outcome(ada.update_end_user(permit, &id, values).await.outcome)
        }
        (Update::ReadEndUser, Some(id)) => match ada.read_end_user(permit, &id).await.outcome {
            Ok(profile) => UpdateOutcome::Told(profile),
            Err(failure) => UpdateOutcome::Failed(failure),
        },
        (Update::UpdateConversation { values }, _) => {
            outcome(ada.update_conversation(permit, key, values).await.outcome)
        }
        // The rules have said what these are to set.
        (Update::HandoffToEndUser | Update::HandoffToConversation, _) => {
            permit.give_back();
            UpdateOutcome::Nobody
        }
    };
    if let UpdateOutcome::Failed(failure) = &outcome {
        let reason = failure.reason();
        let what = if what == Update::ReadEndUser { "who the customer is" } else { "values for Ada" };
        tracing::warn!(handoff.id = %delivery.handoff, reason, what, "a call to Ada that nothing depends on failed");
    }
    let jitter = engine.environment.jitter();
    let attempt = Arc::new(UpdateAttempt { delivery, outcome, jitter });
    // If the outcome can't be stored, the values are set again.
    drop(patiently(engine, &attempt.delivery, || update::settle(Arc::clone(&attempt))).await);
}

fn outcome(answer: Result<(), crate::relay::delivery::Failure>) -> UpdateOutcome {
    match answer {
        Ok(()) => UpdateOutcome::Done,
        Err(failure) => UpdateOutcome::Failed(failure),
    }
}
