//! What drives the rules: doors call in, workers carry out.
//!
//! The engine knows the rules, the store and Ada's client, and nothing of HTTP doors or agents' screens.
//! Handlers ask it for one use case each; none of them waits for the network. [Workers](worker::Worker) do what is
//! due; what the store commits wakes them.

mod canned_replies;
mod claims;
mod couriers;
mod dead_letters;
mod expiry;
mod files;
mod foreign_names;
mod outbox;
mod recovery;
mod release;
mod retention;
mod silence;
mod start_limit;
pub mod tasks;
mod time_outs;
mod webhooks;
pub mod worker;

use std::sync::{Arc, atomic::AtomicBool};

use serde_json::{Map, Value};

pub use dead_letters::ReplayError;
pub use expiry::Expiry;
pub use files::{NewFile, SendFileError};
pub use outbox::Outbox;
pub use recovery::Recovery;
pub use release::Releaser;
pub use retention::Retention;
pub use silence::Silence;
pub use time_outs::TimeOuts;

use crate::{
    ada::{api::Ada, webhook::Reader},
    environment::Environment,
    files::{Files, fetch::Fetcher},
    metrics::Metrics,
    relay::{
        delivery::{Delivery, Failure},
        draft::Draft,
        id::HandoffId,
        policy::{Now, Policy},
        rule::Rule,
        rules::{
            act::Refusal,
            start::{self, Caller, Started},
        },
    },
    store::{self, Store, StoreError},
};
use foreign_names::ForeignNames;
use recovery::Wishes;
use start_limit::{Place, StartLimit};

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
    /// The way to Ada.
    pub ada: Arc<dyn Ada>,
    /// Where the bytes of files are kept.
    pub files: Files,
    /// How they are fetched from where Ada points.
    pub fetcher: Arc<Fetcher>,
    /// How webhooks are read.
    pub reader: Reader,
    /// The rules' settings.
    pub policy: Policy,
    /// Where to count.
    pub metrics: Arc<Metrics>,
    /// Time, ids and chance.
    pub environment: Arc<dyn Environment>,
    /// Whether start calls carry a shared key; without one, new handoffs are limited.
    pub start_is_authenticated: bool,
}

/// The use cases.
pub struct Engine {
    store: Arc<dyn Store>,
    ada: Arc<dyn Ada>,
    files: Files,
    fetcher: Arc<Fetcher>,
    reader: Reader,
    policy: Arc<Policy>,
    metrics: Arc<Metrics>,
    environment: Arc<dyn Environment>,
    start_limit: Option<Arc<StartLimit>>,
    foreign: ForeignNames,
    wishes: Wishes,
    /// The last webhook found no room.
    full: Arc<AtomicBool>,
}

impl Engine {
    /// Puts the parts together. Workers are separate.
    pub fn new(parts: Parts) -> Self {
        Self {
            store: parts.store,
            ada: parts.ada,
            files: parts.files,
            fetcher: parts.fetcher,
            reader: parts.reader,
            policy: Arc::new(parts.policy),
            metrics: parts.metrics,
            environment: parts.environment,
            start_limit: (!parts.start_is_authenticated).then(Arc::default),
            foreign: ForeignNames::default(),
            wishes: Wishes::default(),
            full: Arc::default(),
        }
    }

    /// The store, for readers.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Time, ids and chance.
    pub fn environment(&self) -> Arc<dyn Environment> {
        Arc::clone(&self.environment)
    }

    /// Why Ada refuses our key, if it does.
    pub fn denied_by_ada(&self) -> Option<String> {
        self.ada.denied()
    }

    /// Our clock and Ada's.
    fn now(&self) -> Now {
        Now { at: self.environment.now(), offset: self.ada.offset() }
    }

    /// An agent looks at a handoff: what webhooks may have missed is read for it.
    pub fn opened(&self, id: HandoffId) {
        self.wishes.opened(id);
    }

    /// A call made for `delivery` came to this.
    fn note_outcome(&self, delivery: &Delivery, failure: Option<&Failure>) {
        let unanswered = matches!(failure, Some(Failure::Unreached(_) | Failure::Unclear(_)));
        if self.wishes.heard_from_ada(!unanswered, self.environment.now(), self.policy.recover_after) {
            tracing::info!("Ada answers again: what was missed meanwhile is read");
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

    /// The same. Once it is durable `committed` is called, whether or not the caller is still there; if it can't be kept,
    /// or nobody got to it, `committed` is dropped.
    async fn decide_and<T: Send + 'static>(
        &self,
        rule: Rule<T>,
        committed: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (scope, decide) = rule.into_parts();
        let (policy, now) = (Arc::clone(&self.policy), self.now());
        let (environment, metrics) = (Arc::clone(&self.environment), Arc::clone(&self.metrics));
        let decided = store::decide(
            &*self.store,
            scope,
            move |view| {
                let mut ids: &dyn Environment = &*environment;
                let mut draft = Draft::new(view, now, &policy, &mut ids);
                let answer = decide(&mut draft);
                let changes = draft.into_changes();
                let ledger = changes.ledger;
                (changes, (answer, ledger))
            },
            move |(answer, ledger)| {
                metrics.account(ledger);
                committed(answer);
            },
        );
        Ok(decided.await?.0)
    }

    /// Ada's start call.
    ///
    /// # Errors
    /// The store failed: Ada must take its fallback.
    pub async fn start(
        &self,
        conversation: String,
        context: Map<String, Value>,
    ) -> Result<Started, StoreError> {
        let now = self.environment.now();
        let key = self.reader.key(conversation);
        let Some(limit) = self.start_limit.clone() else {
            return self.decide(start::call(key, context, Caller::WithKey)).await;
        };
        // The place is taken within the decision, and kept if that is.
        let place = Place::new(limit, now);
        let rule_place = place.clone();
        let caller = Caller::Anyone(Box::new(move || rule_place.take()));
        self.decide_and(start::call(key, context, caller), move |_| place.keep()).await
    }

    /// What an agent does: a rule of [`act`](crate::relay::rules::act), [`write`](crate::relay::rules::write) or
    /// [`note`](crate::relay::rules::note).
    ///
    /// # Errors
    /// As the rule's, or the store failed.
    pub async fn act<T: Send + 'static>(&self, rule: Rule<Result<T, Refusal>>) -> Result<T, EngineError> {
        // A rule that refuses has changed nothing: they check before they write.
        Ok(self.decide(rule).await??)
    }
}
