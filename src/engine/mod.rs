//! What drives the rules: doors call in, workers carry out.
//!
//! The engine knows the rules, the store and Ada's client, and nothing of HTTP doors or agents' screens.
//! Handlers ask it for one use case each; none of them waits for the network. [Workers](worker::Worker) do what is
//! due; what the store commits wakes them.

mod canned_replies;
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
        changes::{Now, Policy, Scope},
        delivery::{Delivery, Failure},
        draft::Draft,
        handoff::Handoff,
        id::{HandoffId, RowId},
        rules::{
            act::{self, Refusal, TakeOver},
            note,
            start::{self, Caller, Started},
            write::{self, Message},
        },
        thread::Row,
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

    /// Runs a rule in the store's transaction.
    async fn decide<T: Send + 'static>(
        &self,
        scope: Scope,
        rule: impl FnOnce(&mut Draft<'_>) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        self.decide_and(scope, rule, |_| {}).await
    }

    /// The same. Once it is durable `committed` is called, whether or not the caller is still there; if it can't be kept,
    /// or nobody got to it, `committed` is dropped.
    async fn decide_and<T: Send + 'static>(
        &self,
        scope: Scope,
        rule: impl FnOnce(&mut Draft<'_>) -> T + Send + 'static,
        committed: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (policy, now) = (Arc::clone(&self.policy), self.now());
        let (environment, metrics) = (Arc::clone(&self.environment), Arc::clone(&self.metrics));
        let decided = store::decide(
            &*self.store,
            scope,
            move |view| {
                let mut ids: &dyn Environment = &*environment;
                let mut draft = Draft::new(view, now, &policy, &mut ids);
                let answer = rule(&mut draft);
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
        let scope = start::scope(&key);
        let Some(limit) = self.start_limit.clone() else {
            return self.decide(scope, move |draft| start::call(draft, &key, context, Caller::WithKey)).await;
        };
        // The place is taken within the decision, and kept if that is.
        let place = Place::new(limit, now);
        let rule_place = place.clone();
        let rule = move |draft: &mut Draft<'_>| {
            start::call(draft, &key, context, Caller::Anyone(&mut || rule_place.take()))
        };
        self.decide_and(scope, rule, move |_| place.keep()).await
    }

    /// `agent` takes a handoff.
    ///
    /// # Errors
    /// As [`act::accept`], or the store failed.
    pub async fn accept(
        &self,
        id: HandoffId,
        agent: String,
        take_over: TakeOver,
    ) -> Result<Handoff, EngineError> {
        self.act(act::scope(&id), move |draft| act::accept(draft, &id, &agent, take_over)).await
    }

    /// `agent` gives a handoff back to the queue.
    ///
    /// # Errors
    /// As [`act::release`], or the store failed.
    pub async fn release(&self, id: HandoffId, agent: String) -> Result<Handoff, EngineError> {
        self.act(act::scope(&id), move |draft| act::release(draft, &id, &agent)).await
    }

    /// `agent` ends a handoff.
    ///
    /// # Errors
    /// As [`act::end`], or the store failed.
    pub async fn end(&self, id: HandoffId, agent: String) -> Result<Handoff, EngineError> {
        self.act(act::scope(&id), move |draft| act::end(draft, &id, &agent)).await
    }

    /// Marks rows up to `seq` as read.
    ///
    /// # Errors
    /// As [`act::read`], or the store failed.
    pub async fn read(&self, id: HandoffId, seq: u64) -> Result<(), EngineError> {
        self.act(act::scope_of_read(&id, seq), move |draft| act::read(draft, &id, seq)).await
    }

    /// An agent writes.
    ///
    /// # Errors
    /// As [`write::message`], or the store failed.
    pub async fn write(&self, id: HandoffId, message: Message) -> Result<Row, EngineError> {
        let scope = write::scope(&id, &message.by);
        self.act(scope, move |draft| write::message(draft, &id, &message)).await
    }

    /// An agent writes something down for other agents.
    ///
    /// # Errors
    /// As [`note::note`], or the store failed.
    pub async fn note(&self, id: HandoffId, note: Message) -> Result<Row, EngineError> {
        let scope = note::scope(&id, &note);
        self.act(scope, move |draft| note::note(draft, &id, &note)).await
    }

    /// Sends a failed message again.
    ///
    /// # Errors
    /// As [`write::retry`], or the store failed.
    pub async fn retry(&self, id: HandoffId, row: RowId, agent: String) -> Result<Row, EngineError> {
        let scope = write::scope_of_row(&id, &row);
        self.act(scope, move |draft| write::retry(draft, &id, &row, &agent)).await
    }

    /// Puts a failed message aside.
    ///
    /// # Errors
    /// As [`write::drop`], or the store failed.
    pub async fn drop_row(&self, id: HandoffId, row: RowId, agent: String) -> Result<(), EngineError> {
        let scope = write::scope_of_row(&id, &row);
        self.act(scope, move |draft| write::drop(draft, &id, &row, &agent)).await
    }

    async fn act<T: Send + 'static>(
        &self,
        scope: Scope,
        rule: impl FnOnce(&mut Draft<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, EngineError> {
        // A rule that refuses has changed nothing: they check before they write.
        Ok(self.decide(scope, rule).await??)
    }
}
