//! The worker that warns if no webhooks arrive, because the endpoint is missing or disabled.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    Engine,
    worker::{StepError, Worker},
};
use crate::{
    relay::{handoff::Handoff, time::Time},
    store::HandoffQuery,
};

/// How often to look.
const EVERY: Duration = Duration::from_secs(60);
/// How many handoffs are looked at, the newest first.
const MOST: usize = 200;

/// See the module.
pub struct Silence {
    engine: Arc<Engine>,
    began: Time,
    /// The time of the last webhook when the warning was last given. There is one warning per silence.
    warned: Option<Option<Time>>,
}

impl Silence {
    /// A worker on the engine's store. Earlier webhooks went to another process.
    pub fn new(engine: Arc<Engine>) -> Self {
        let began = engine.environment.now();
        Self { engine, began, warned: None }
    }
}

#[async_trait]
impl Worker for Silence {
    fn name(&self) -> &'static str {
        "silence"
    }

    /// Warns if a customer has written in a handoff, and no webhook has arrived since that handoff began.
    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        let query = HandoffQuery { limit: MOST, ..HandoffQuery::default() };
        let newest = self.engine.store.handoffs(&query).await?.handoffs;
        let last_webhook = self.engine.metrics.last_webhook();
        if is_silent(&newest, last_webhook.unwrap_or(self.began)) && self.warned != Some(last_webhook) {
            self.warned = Some(last_webhook);
            tracing::warn!(
                "a customer has written, but no webhook arrived for it: \
                 is the webhook endpoint set up in Ada, with this address and WEBHOOK_SECRET?"
            );
        }
        Ok(Some(self.engine.environment.now() + EVERY))
    }
}

/// Whether a handoff that began `since` the last webhook has a customer's message. Such a message was read from Ada's
/// list, although a webhook should have delivered it. A handoff without messages shows nothing.
fn is_silent(handoffs: &[Handoff], since: Time) -> bool {
    let began_since = |handoff: &&Handoff| handoff.called_at().is_some_and(|at| at > since);
    // Another relay on the same store may have got the webhooks.
    let has_none = |handoff: &Handoff| handoff.last_from_end_user.is_some() && handoff.ledger.taken == 0;
    handoffs.iter().filter(began_since).any(has_none)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::{
        handoff::Origin,
        id::{AiAgentId, ConversationKey},
    };

    #[test]
    fn only_what_a_customer_wrote_since_the_last_webhook_is_missed() {
        let at = |seconds: i64| Time::from_millis(1_790_000_000_000 + seconds * 1_000);
        let handoff = |called: i64, wrote: Option<i64>| {
            let key = ConversationKey { ai_agent: AiAgentId("ada".to_owned()), conversation: "c".into() };
            let (origin, last_from_end_user) = (Origin::Started { called_at: at(called) }, wrote.map(at));
            Handoff { origin, last_from_end_user, ..Handoff::blank("h".into(), key) }
        };
        for (what, handoffs, silent) in [
            ("nobody has written", vec![handoff(100, None)], false),
            (
                "the newest says nothing, an older one does",
                vec![handoff(200, None), handoff(100, Some(150))],
                true,
            ),
            ("a webhook came since", vec![handoff(40, Some(45))], false),
            ("no handoff", vec![], false),
        ] {
            assert_eq!(is_silent(&handoffs, at(50)), silent, "{what}");
        }
    }
}
