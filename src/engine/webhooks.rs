//! Webhooks are kept, and counted by what became of them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::oneshot;

use super::{AiAgent, AiAgents, Engine, foreign_names::elsewhere};
use crate::{
    ada::{signature::VerifiedWebhook, webhook::Reading},
    metrics::Metrics,
    relay::{
        delivery::Destination,
        event::Event,
        ledger::Ledger,
        policy::Now,
        rules::{
            arrive::{self, Arrival},
            flush::RULE_FAILED,
        },
        time::Time,
    },
    store::{self, Arrived, Arriving, StoreError},
};

/// Counts a webhook when it is known what became of it, whether or not its sender is still there.
struct Account {
    metrics: Arc<Metrics>,
    full: Arc<AtomicBool>,
    received_at: Time,
    is_open: AtomicBool,
}

impl Account {
    fn close(&self, arrival: Arrival) {
        self.is_open.store(false, Ordering::Relaxed);
        self.full.store(arrival == Arrival::Full, Ordering::Relaxed);
        self.metrics.arrived(arrival, self.received_at);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // What a rule panics on is set aside, and counted as that.
        if *self.is_open.get_mut() && !std::thread::panicking() {
            self.metrics.webhook("not_kept");
        }
    }
}

impl Engine {
    /// What is full, if webhooks find no room.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn is_full(&self) -> Result<Option<&'static str>, StoreError> {
        if !self.full.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let depths = self.store.depths().await?;
        let reads = |ai_agent: &AiAgent| depths.waiting_for(&Destination::Reads(ai_agent.id().clone()));
        let limit = self.policy().outbox_limit;
        // What is full for one AI Agent does not concern the others.
        Ok(if self.ai_agents().iter().all(|ai_agent| reads(ai_agent) >= limit) {
            Some("outbox")
        } else if depths.inbox >= self.policy().inbox_limit {
            Some("inbox")
        } else {
            None
        })
    }

    /// Keeps a webhook that one of these AI Agents has verified, or finds that it needn't be kept. Once this returns [`Ok`] it may be
    /// acknowledged, unless the answer is [`Arrival::Full`].
    ///
    /// # Errors
    /// It could not be kept.
    pub async fn webhook(
        &self,
        ai_agents: &Arc<AiAgents>,
        webhook: VerifiedWebhook,
    ) -> Result<Arrival, StoreError> {
        let received_at = self.environment.now();
        let account = self.account(received_at);
        let parser = &ai_agents.of(&webhook.ai_agent).parser;
        match parser.read(&webhook, received_at) {
            Reading::Event(event) => match self.take(ai_agents, event, account).await {
                Err(error @ (StoreError::Panicked | StoreError::Unreadable(_))) => {
                    tracing::error!(svix.id = webhook.id, error = %error, "webhook became a dead letter");
                    let reason = match error {
                        StoreError::Panicked => RULE_FAILED.to_owned(),
                        error => error.to_string(),
                    };
                    let account = self.account(received_at);
                    Box::pin(self.set_aside(webhook, reason, account)).await
                }
                arrival => arrival,
            },
            Reading::Ignored => {
                account.close(Arrival::Ignored);
                Ok(Arrival::Ignored)
            }
            Reading::Foreign { integration, conversation } => {
                self.metrics.foreign();
                account.close(Arrival::Ignored);
                self.foreign.record(&*self.store, &parser.integrations, integration, &conversation);
                Ok(Arrival::Ignored)
            }
            Reading::Elsewhere(domain) => {
                self.metrics.elsewhere();
                let reason = elsewhere(&webhook.ai_agent, &domain);
                self.elsewhere.record(&reason, domain);
                Box::pin(self.set_aside(webhook, reason, account)).await
            }
            Reading::Unreadable(reason) => {
                tracing::warn!(svix.id = webhook.id, reason = %reason, "webhook became a dead letter");
                Box::pin(self.set_aside(webhook, reason.to_string(), account)).await
            }
        }
    }

    fn account(&self, received_at: Time) -> Account {
        let (metrics, full) = (Arc::clone(&self.metrics), Arc::clone(&self.full));
        Account { metrics, full, received_at, is_open: AtomicBool::new(true) }
    }

    /// Keeps an event, in the conversation as it is stored. Most need no decision: the futures of the other ways are apart, so
    /// that this one is small.
    async fn take(
        &self,
        ai_agents: &Arc<AiAgents>,
        event: Box<Event>,
        account: Account,
    ) -> Result<Arrival, StoreError> {
        let event = self.under_its_key(ai_agents, event).await?;
        let ai_agent = ai_agents.of(&event.key.ai_agent);
        let at = account.received_at;
        if arrive::needs_a_rule(&event, &Now { at, offset: ai_agent.ada.offset() }) {
            let rule = arrive::event(*event);
            return Box::pin(self.decide_by(ai_agents, rule, move |arrival| account.close(*arrival))).await;
        }
        let account = Arc::new(account);
        let kept = Arc::clone(&account);
        let decider = self.decider(ai_agents);
        let (tell, told) = oneshot::channel();
        let rule = move |event: Box<Event>| {
            let (scope, decision) = decider.decision(arrive::event(*event), at);
            let committed = move |(arrival, ledger): &(Arrival, Ledger)| {
                account.metrics.account(ledger);
                account.close(*arrival);
            };
            let decision = store::telling(decision, committed, tell);
            (scope, decision)
        };
        let arriving = Arriving {
            event,
            timings: ai_agent.policy.timings,
            inbox_limit: ai_agent.policy.inbox_limit,
            outbox_limit: ai_agent.policy.outbox_limit,
            kept: Box::new(move || kept.close(Arrival::Kept)),
            rule: Box::new(rule),
        };
        match self.store.arrive(arriving).await? {
            Arrived::Kept => Ok(Arrival::Kept),
            Arrived::Decided => told.await.map(|(arrival, _)| arrival).map_err(|_| StoreError::Stopped),
        }
    }

    async fn set_aside(
        &self,
        webhook: VerifiedWebhook,
        reason: String,
        account: Account,
    ) -> Result<Arrival, StoreError> {
        let body = String::from_utf8_lossy(&webhook.body).into_owned();
        let rule = arrive::set_aside(webhook.ai_agent, webhook.id, reason, body);
        self.decide_and(rule, move |arrival| account.close(*arrival)).await
    }
}
