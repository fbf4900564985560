//! The courier for reads of Ada's message list: for the thread, and to look for messages in doubt.

use std::sync::Arc;

use super::{Errand, patiently};
use crate::{
    ada::{
        answer::Answer,
        limits::{Permit, Priority},
    },
    relay::{
        delivery::Delivery,
        rules::look::{self, Look},
    },
};

/// Which part of Ada's message list to read.
pub struct Part {
    /// From this page on; the first, if there is none.
    pub from: Option<String>,
    /// Whether to ask, after the end of the list, if the whole conversation has ended.
    pub asks_if_over: bool,
}

/// Reads the list, and settles the result.
pub async fn carry(errand: &Errand<'_>, permit: Permit, priority: Priority, delivery: Delivery, part: Part) {
    let engine = errand.engine;
    let Part { from, asks_if_over } = part;
    let (ada, key) = (engine.ada(&delivery.key), &delivery.key);
    let answer = ada.list_messages(permit, priority, key, from.as_deref()).await;
    let Answer { outcome, mut answered_at } = answer;
    engine.record_outcome(&delivery, outcome.as_ref().err());
    let mut is_over = false;
    if asks_if_over && outcome.as_ref().is_ok_and(|listed| !listed.more) {
        // A stop does not wait for it: the list is read again.
        let Some(permit) = errand.stop.run_until_cancelled(ada.turn(priority)).await else { return };
        let status = ada.is_over(permit, key).await;
        engine.record_outcome(&delivery, status.outcome.as_ref().err());
        answered_at = status.answered_at.or(answered_at);
        is_over = status.outcome == Ok(true);
    }
    let jitter = engine.environment.jitter();
    let look = Arc::new(Look { delivery, from, outcome, is_over, answered_at, jitter });
    // If the result can't be stored, the list is read again.
    drop(patiently(engine, &look.delivery, || look::settle(Arc::clone(&look))).await);
    engine.recovery_requests.reading_ended();
}
