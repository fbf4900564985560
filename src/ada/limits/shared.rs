//! Limits that hold over several relays: each call is counted where all of them see it, before it is made.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{Limits, Permit};

/// How long to wait when calls can't be counted: then none is made.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Where the calls of several relays to one AI Agent are counted, one after another.
#[async_trait]
pub trait SharedCount: Send + Sync {
    /// Counts a call that is about to be made. `None` if that is not possible now.
    async fn count(&self) -> Option<CountedCall>;

    /// A call that was counted is not made.
    async fn take_back(&self, call: CountedCall);
}

/// A call that was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedCall {
    /// Its number.
    pub number: u64,
    /// How long ago other relays have made calls that this one had not heard of, all within the last minute.
    pub others: Vec<Duration>,
}

impl Limits {
    /// Counts a call for all relays. Gives no permit if calls of others have used up the limits meanwhile, or if the call
    /// can't be counted.
    pub(super) async fn count(self: &Arc<Self>, shared: &dyn SharedCount, permit: Permit) -> Option<Permit> {
        let Some(call) = shared.count().await else {
            permit.give_back();
            tokio::time::sleep(AFTER_FAILURE).await;
            return None;
        };
        // Also if it has heard of nobody: who has heard of others meanwhile may have found that there is less room than this
        // permit was given for.
        let now = self.environment.now();
        let fits = self.lock().paces[0].others(call.others.iter().map(|ago| now - *ago), now);
        if fits {
            return Some(permit);
        }
        permit.give_back();
        shared.take_back(call).await;
        None
    }
}
