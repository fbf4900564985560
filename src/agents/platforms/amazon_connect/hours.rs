//! The hours of queues, each kept for a minute.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{
    api::{Connect, Hours},
    aws::CallError,
};
use crate::relay::time::Time;

const KEPT_FOR: Duration = Duration::from_mins(1);
/// Queues that are named in start calls: somebody could make them up.
const MOST: usize = 1_000;

/// Whether a queue is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Now.
    Open,
    /// Not now.
    Closed,
    /// The queue has no hours, or they name a time zone that is not known.
    NoHours,
}

/// See the module.
#[derive(Default)]
pub struct QueueHours(Mutex<BTreeMap<String, (Time, Option<Hours>)>>);

impl QueueHours {
    /// Whether this queue is open at `now`.
    ///
    /// # Errors
    /// Its hours can't be read.
    pub async fn of(&self, api: &Connect, queue: &str, now: Time) -> Result<Opening, CallError> {
        if let Some(known) = self.known(queue, now) {
            return Ok(opening(known.as_ref(), now));
        }
        let found = read(api, queue).await;
        // A queue that can't be read is not asked for again at once.
        let hours = found.as_ref().ok().cloned().flatten();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (at, _)| now.since(*at) < KEPT_FOR);
        if known.len() < MOST {
            known.insert(queue.to_owned(), (now, hours.clone()));
        }
        found.map(|_| opening(hours.as_ref(), now))
    }

    fn known(&self, queue: &str, now: Time) -> Option<Option<Hours>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, hours) = known.get(queue)?;
        (now.since(*at) < KEPT_FOR).then(|| hours.clone())
    }
}

async fn read(api: &Connect, queue: &str) -> Result<Option<Hours>, CallError> {
    match api.describe_queue(queue).await?.hours_of_operation_id {
        Some(id) => api.describe_hours(&id).await.map(Some),
        None => Ok(None),
    }
}

fn opening(hours: Option<&Hours>, now: Time) -> Opening {
    match hours.map(|hours| hours.is_open(now)) {
        Some(Ok(true)) => Opening::Open,
        Some(Ok(false)) => Opening::Closed,
        Some(Err(_)) | None => Opening::NoHours,
    }
}
