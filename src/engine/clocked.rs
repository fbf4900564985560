//! Waiting for what is due.

use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Engine;
use crate::relay::time::Time;

/// A worker without anything due looks again after this time, should our clock have been set back.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl Engine {
    /// Waits until `at`, a nudge, or the stop. Says whether to go on.
    pub(super) async fn wait(&self, until: Option<Time>, nudge: &Notify, stop: &CancellationToken) -> bool {
        let longest = until.map_or(LOOK_AGAIN, |at| at.since(self.environment.now()).min(LOOK_AGAIN));
        // In a fixed order, so that a simulation replays exactly.
        tokio::select! {
            biased;
            () = stop.cancelled() => false,
            () = nudge.notified() => true,
            () = tokio::time::sleep(longest) => true,
        }
    }
}
