//! What drives the rules: doors call in, workers carry out.
//!
//! The engine knows the rules, the store, files and Ada's client, and nothing of HTTP doors or agents' screens.
//! Handlers ask it for one use case each; none of them waits for the network. [Workers](worker::Worker) do what is
//! due; what the store commits wakes them.

mod absence;
mod ai_agents;
mod amazon_connect;
mod arriving;
mod assignment;
mod availability;
mod banners;
mod canned_replies;
mod claims;

mod couriers;
mod dead_letters;
mod expiry;
mod feedback;
mod files;
mod flush;
mod foreign_names;
mod gone_teams;
mod indexing;
mod outbox;
mod owners;
mod platforms;
mod presence;
mod recovery;
mod reports;
mod retention;
mod shared_calls;
mod silence;
mod start_limit;
pub mod tasks;
mod time_outs;
mod viewers;
mod waiting_texts;
mod webhooks;
pub mod worker;

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicBool},
};

use arc_swap::ArcSwap;
use serde_json::{Map, Value};
use tokio::sync::{broadcast, watch};

pub use absence::Absence;
pub use ai_agents::{AiAgent, AiAgents, NotOurs, StartKey};
pub use amazon_connect::{Availability, ContactArrival, Contacts};
pub use arriving::{ArrivalFeed, ArrivalNews, Arrivals, Lost};
pub use assignment::Assigner;
pub use availability::Queue;
pub use banners::Banners;
pub use dead_letters::ReplayError;
pub use expiry::Expiry;
pub use files::{KeepFileError, NewFile};
pub use flush::Flusher;
pub use gone_teams::GoneTeams;
pub use indexing::Indexing;
pub use outbox::Outbox;
pub use owners::without_owner;
pub use recovery::Recovery;
pub use reports::ReportError;
pub use retention::Retention;
pub use shared_calls::CallsInStore;
pub use silence::Silence;
pub use time_outs::TimeOuts;
pub use viewers::{ViewerStream, Viewers};
pub use waiting_texts::WaitingTexts;

use crate::{
    ada::api::Ada,
    agents::platforms::Platforms,
    environment::Environment,
    files::{Files, fetch::Fetcher},
    metrics::Metrics,
    relay::{
        changes::{Scope, View, WriteSet},
        delivery::{Delivery, Failure},
        id::{AiAgentId, ConversationKey, HandoffId},
        ledger::Ledger,
        policy::{Now, Policy},
        rule::Rule,
        rules::{
            act::Refusal,
            start::{self, Caller, Closed, StartOutcome},
        },
        time::Time,
        transaction::Transaction,
    },
    store::{self, Store, StoreError},
};
use foreign_names::{ForeignDomains, ForeignNames};
use presence::Signs;
use recovery::RecoveryRequests;
use start_limit::Reservation;
use viewers::Presences;

/// Why a use case did not happen.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed; nothing happened.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the engine is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Whose conversations are handed off.
    pub ai_agents: AiAgents,
    /// Where agents work, beside the console.
    pub platforms: Platforms,
    /// Where the bytes of files are kept.
    pub files: Files,
    /// How they are fetched from where Ada points.
    pub fetcher: Arc<Fetcher>,
    /// Where to count.
    pub metrics: Arc<Metrics>,
    /// Time, ids and chance.
    pub environment: Arc<dyn Environment>,
}

/// The use cases.
pub struct Engine {
    store: Arc<dyn Store>,
    ai_agents: ArcSwap<AiAgents>,
    /// Tells that the settings were read again.
    replaced: watch::Sender<()>,
    platforms: Platforms,
    files: Files,
    fetcher: Arc<Fetcher>,
    metrics: Arc<Metrics>,
    environment: Arc<dyn Environment>,
    foreign: ForeignNames,
    elsewhere: ForeignDomains,
    recovery_requests: RecoveryRequests,
    signs: Signs,
    presences: Presences,
    /// The last webhook found no room.
    full: Arc<AtomicBool>,
    /// Tells the event streams what arrives.
    arrivals: broadcast::Sender<ArrivalNews>,
}

impl Engine {
    /// Puts the parts together. Workers are separate.
    pub fn new(parts: Parts) -> Self {
        Self {
            store: parts.store,
            ai_agents: ArcSwap::from_pointee(parts.ai_agents),
            replaced: watch::channel(()).0,
            platforms: parts.platforms,
            files: parts.files,
            fetcher: parts.fetcher,
            metrics: parts.metrics,
            environment: parts.environment,
            foreign: ForeignNames::default(),
            elsewhere: ForeignDomains::default(),
            recovery_requests: RecoveryRequests::default(),
            signs: Signs::default(),
            presences: Presences::default(),
            full: Arc::default(),
            arrivals: arriving::board(),
        }
    }

    /// The store, for readers.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The store, for who builds on it.
    pub fn shared_store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    /// Where is counted.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Time, ids and chance.
    pub fn environment(&self) -> Arc<dyn Environment> {
        Arc::clone(&self.environment)
    }

    /// Whose conversations are handed off. Whoever does something in several steps asks once: the settings may be read
    /// again meanwhile.
    pub fn ai_agents(&self) -> Arc<AiAgents> {
        self.ai_agents.load_full()
    }

    /// From now on these conversations are handed off, by these policies. Gives those of before: whoever has begun
    /// something with them ends it with them.
    pub fn replace_ai_agents(&self, ai_agents: Arc<AiAgents>) -> Arc<AiAgents> {
        ai_agents.succeed(&self.ai_agents.load());
        self.ai_agents.swap(ai_agents)
    }

    /// The settings in force are here to stay: workers go by them.
    pub fn settings_are_settled(&self) {
        self.replaced.send_replace(());
    }

    /// Why Ada refuses the keys of AI Agents, where it does, by all ids under which their conversations are stored.
    pub fn denied_by_ada(&self) -> BTreeMap<AiAgentId, String> {
        let ids = |(ai_agent, reason): (&AiAgent, String)| {
            ai_agent.ids().map(|id| (id.clone(), reason.clone())).collect::<Vec<_>>()
        };
        let ai_agents = self.ai_agents();
        let denied = ai_agents.iter().filter_map(|ai_agent| Some((ai_agent, ai_agent.ada.denied()?)));
        denied.flat_map(ids).collect()
    }

    /// Since when Ada has not answered the calls for an AI Agent, if it does not.
    pub fn silent_since(&self, ai_agent: &AiAgent) -> Option<Time> {
        self.recovery_requests.silent_since(ai_agent.id())
    }

    /// The API that a conversation's calls go to.
    fn ada(&self, key: &ConversationKey) -> Arc<dyn Ada> {
        Arc::clone(&self.ai_agents().of(&key.ai_agent).ada)
    }

    /// What the workers go by that look at all conversations.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.ai_agents.load().first().policy)
    }

    /// What counts for a conversation.
    pub fn policy_of(&self, key: &ConversationKey) -> Arc<Policy> {
        Arc::clone(&self.ai_agents.load().of(&key.ai_agent).policy)
    }

    /// An agent looks at a handoff: what webhooks may have missed is read for it.
    pub fn opened(&self, id: HandoffId) {
        self.recovery_requests.opened(id);
    }

    /// A call made for `delivery` came to this.
    fn record_outcome(&self, delivery: &Delivery, failure: Option<&Failure>) {
        let unanswered = matches!(failure, Some(Failure::Unreached(_) | Failure::Unclear(_)));
        let ai_agents = self.ai_agents();
        let id = ai_agents.of(&delivery.key.ai_agent).id();
        let (now, recover_after) = (self.environment.now(), self.policy().recover_after);
        if self.recovery_requests.heard_from_ada(id, !unanswered, now, recover_after) {
            tracing::info!(ai_agent.id = %id, "Ada answers again; reading the messages that were missed");
        }
        if let Some(failure) = failure {
            tracing::warn!(
                handoff.id = %delivery.handoff,
                attempt = delivery.attempts + 1,
                reason = failure.reason(),
                "a call to Ada failed"
            );
        }
    }

    /// Takes a decision in the store's transaction.
    async fn decide<T: Send + 'static>(&self, rule: Rule<T>) -> Result<T, StoreError> {
        self.decide_and(rule, |_| {}).await
    }

    /// The same. Once it is durable `committed` is called, whether or not the caller is still there; if it can't be
    /// kept, or nobody got to it, `committed` is dropped.
    async fn decide_and<T: Send + 'static>(
        &self,
        rule: Rule<T>,
        committed: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        self.decide_by(&self.ai_agents(), rule, committed).await
    }

    /// The same, by the settings that something was judged by before.
    async fn decide_by<T: Send + 'static>(
        &self,
        ai_agents: &Arc<AiAgents>,
        rule: Rule<T>,
        committed: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let at = self.environment.now();
        let metrics = Arc::clone(&self.metrics);
        let (scope, decision) = self.decider(ai_agents).decision(rule, at);
        let decided = store::decide(&*self.store, scope, decision, move |(answer, ledger)| {
            metrics.account(ledger);
            committed(answer);
        });
        Ok(decided.await?.0)
    }

    fn decider(&self, ai_agents: &Arc<AiAgents>) -> Decider {
        Decider { ai_agents: Arc::clone(ai_agents), environment: Arc::clone(&self.environment) }
    }

    /// The start call of `ai_agent`, which is one of these.
    ///
    /// # Errors
    /// The store failed: Ada must take its fallback.
    pub async fn start(
        &self,
        ai_agents: &Arc<AiAgents>,
        ai_agent: &AiAgent,
        conversation: String,
        context: Map<String, Value>,
    ) -> Result<StartOutcome, StoreError> {
        let now = self.environment.now();
        let key = self.known_key(ai_agents, ai_agent.parser.key(conversation)).await?;
        let is_open = self.is_open(&key).await?;
        let is_authorised = matches!(ai_agent.start_key, StartKey::Shared(_));
        let closed = if is_open { None } else { self.closed(ai_agent, &context, is_authorised).await? };
        if let Some(closed) = closed {
            // Who has no key must not be able to silence a conversation.
            if is_authorised {
                self.decide_by(ai_agents, start::refuse(key), |()| {}).await?;
            }
            return Ok(StartOutcome::Closed(closed));
        }
        let StartKey::Off(limit) = &ai_agent.start_key else {
            return self.decide_by(ai_agents, start::call(key, context, Caller::WithKey), |_| {}).await;
        };
        // The place is taken within the decision, and kept if that is.
        let place = Reservation::new(limit, &self.store, ai_agent.id(), now).await?;
        let rule_place = place.clone();
        let caller = Caller::Anyone(Box::new(move || rule_place.take()));
        self.decide_by(ai_agents, start::call(key, context, caller), move |_| place.keep()).await
    }

    /// Why nobody can take a handoff with this context now, if that is so.
    async fn closed(
        &self,
        ai_agent: &AiAgent,
        context: &Map<String, Value>,
        is_authorised: bool,
    ) -> Result<Option<Closed>, StoreError> {
        if let Some(closed) = self.closed_for(ai_agent, context).await? {
            return Ok(Some(closed));
        }
        Ok(match self.availability(context, is_authorised).await {
            Availability::Open => None,
            Availability::Closed(reason) => Some(Closed { reason: reason.to_owned(), opens_at: None }),
        })
    }

    /// What an agent does: a rule of `act`, `write` or `note`.
    ///
    /// # Errors
    /// As the rule's, or the store failed.
    pub async fn act<T: Send + 'static>(&self, rule: Rule<Result<T, Refusal>>) -> Result<T, EngineError> {
        // A rule that refuses has changed nothing: they check before they write.
        Ok(self.decide(rule).await??)
    }
}

/// What turns a rule into a decision of the store.
struct Decider {
    ai_agents: Arc<AiAgents>,
    environment: Arc<dyn Environment>,
}

impl Decider {
    /// What `rule` needs to see, and the rule as of the time `at`: it gives its answer, and what it adds to the accounts.
    fn decision<T: Send + 'static>(
        self,
        rule: Rule<T>,
        at: Time,
    ) -> (Scope, impl FnOnce(View) -> (WriteSet, (T, Ledger)) + Send + 'static) {
        let (scope, decide) = rule.into_parts();
        let of = scope.of.clone();
        let decision = move |view: View| {
            let mut ids: &dyn Environment = &*self.environment;
            let ai_agent = self.ai_agents.of_view(&of, &view);
            let now = Now { at, offset: ai_agent.ada.offset() };
            let mut tx = Transaction::new(view, now, &ai_agent.policy, &mut ids);
            let answer = decide(&mut tx);
            let changes = tx.into_write_set();
            let ledger = changes.ledger;
            (changes, (answer, ledger))
        };
        (scope, decision)
    }
}
