//! Hours: whether a queue of Amazon Connect is open when a handoff is to start.

use std::time::Duration;

use serde_json::{Map, Value};

use super::begin::id_of;
use crate::{agents::platforms::amazon_connect::Opening, engine::Engine, relay::context::is_unfilled};

/// Ada's HTTP Request block waits for the answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The start call's field that names the queue.
const QUEUE_FIELD: &str = "queue_id";
const QUEUE_CHARS: usize = 256;

/// Whether a handoff may start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Yes, or nobody knows better.
    Open,
    /// No, for this reason.
    Closed(&'static str),
}

impl Engine {
    /// Whether a handoff with this context may start: not outside the hours of its queue, if these are to be checked.
    /// If they can't be found out soon, it may.
    pub(in crate::engine) async fn availability(
        &self,
        context: &Map<String, Value>,
        is_authorised: bool,
    ) -> Availability {
        let Some((_, connect)) = self.amazon_connect().filter(|(_, connect)| connect.settings.check_hours)
        else {
            return Availability::Open;
        };
        // Who has no key must not be able to have any queue looked up.
        let named = context.get(QUEUE_FIELD).and_then(Value::as_str).filter(|_| is_authorised).map(id_of);
        let named = named.filter(|id| !id.is_empty() && id.len() <= QUEUE_CHARS && !is_unfilled(id));
        let Some(queue) = named.or(connect.settings.queue_id.as_deref()) else {
            tracing::warn!(
                "AMAZON_CONNECT_CHECK_HOURS is on, and neither the start call nor AMAZON_CONNECT_QUEUE_ID names a queue"
            );
            return Availability::Open;
        };
        match tokio::time::timeout(PATIENCE, connect.is_open(queue)).await {
            Ok(Ok(Opening::Open)) => Availability::Open,
            Ok(Ok(Opening::Closed)) => {
                Availability::Closed("the queue in Amazon Connect is closed at this hour")
            }
            Ok(Ok(Opening::NoHours)) => {
                tracing::warn!(
                    queue,
                    "the hours of the queue in Amazon Connect are not known; the start is accepted"
                );
                Availability::Open
            }
            Ok(Err(error)) => {
                tracing::warn!(queue, reason = %error, "the hours of the queue could not be read; the start is accepted");
                Availability::Open
            }
            Err(_) => {
                tracing::warn!(
                    queue,
                    "the hours of the queue could not be read within 2 s; the start is accepted"
                );
                Availability::Open
            }
        }
    }
}
