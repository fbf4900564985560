//! What the rules must not make themselves: waiting, new ids and chance.

use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::relay::{id::NewIds, time::Time};

/// A worker without anything due looks again after this time, should our clock have been set back.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Waits until `at`, a nudge, or the stop. Says whether to go on.
pub async fn wait(until: Option<Time>, nudge: &Notify, stop: &CancellationToken) -> bool {
    let longest = until.map_or(LOOK_AGAIN, |at| at.since(Time::now()).min(LOOK_AGAIN));
    tokio::select! {
        () = stop.cancelled() => false,
        () = nudge.notified() => true,
        () = tokio::time::sleep(longest) => true,
    }
}

/// Random ids that sort by age (UUID version 7).
pub struct RandomIds;

impl NewIds for RandomIds {
    fn next(&mut self) -> String {
        uuid::Uuid::now_v7().to_string()
    }
}

/// A number from 0 to 1, drawn anew.
pub fn jitter() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}
