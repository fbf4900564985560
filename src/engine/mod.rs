//! What drives the rules: doors call in, workers carry out.
//!
//! The engine knows the rules, the store and Ada's client, and nothing of HTTP doors or agents' screens.
//! Handlers ask it for one use case each; none of them waits for the network. Workers are loops around a
//! `step` that says when to look again; a nudge makes them look at once.

mod canned_replies;
mod clocked;
mod dead_letters;
mod files;
mod outbox;
mod recovery;
mod release;
mod start_limit;
pub mod tasks;
mod time_outs;
mod warnings;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Map, Value};
use tokio::sync::Notify;

pub use dead_letters::ReplayError;
pub use files::{NewFile, SendFileError};
pub use outbox::Outbox;
pub use recovery::Recovery;
pub use release::Releaser;
pub use time_outs::TimeOuts;

use crate::{
    ada::{
        api::Ada,
        signature::VerifiedWebhook,
        webhook::{Reader, Reading},
    },
    environment::Environment,
    files::{Files, fetch::Fetcher},
    metrics::Metrics,
    relay::{
        changes::{Now, Of, Policy, Scope},
        delivery::{Delivery, Failure},
        draft::Draft,
        handoff::Handoff,
        id::{HandoffId, RowId},
        rules::{
            act::{self, Refusal, TakeOver},
            arrive::{self, Arrival},
            note,
            start::{self, Caller, Started},
            write::{self, Message},
        },
        thread::Row,
        time::Time,
    },
    store::{self, Store, StoreError},
};
use recovery::Wishes;
use start_limit::StartLimit;
use warnings::ForeignNames;

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
    release_nudge: Notify,
    outbox_nudge: Notify,
    recovery_nudge: Notify,
    wishes: Wishes,
    /// The last webhook found no room.
    full: AtomicBool,
}

impl Engine {
    /// Puts the parts together. Workers are separate: [`Releaser`] and [`Outbox`].
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
            release_nudge: Notify::new(),
            outbox_nudge: Notify::new(),
            recovery_nudge: Notify::new(),
            wishes: Wishes::default(),
            full: AtomicBool::new(false),
        }
    }

    /// The store, for readers.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Why Ada refuses our key, if it does.
    pub fn denied_by_ada(&self) -> Option<String> {
        self.ada.denied()
    }

    /// What is full, if webhooks find no room.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn is_full(&self) -> Result<Option<&'static str>, StoreError> {
        if !self.full.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let depths = self.store.depths().await?;
        Ok(if depths.outbox >= self.policy.outbox_limit {
            Some("outbox")
        } else if depths.inbox >= self.policy.inbox_limit {
            Some("inbox")
        } else {
            None
        })
    }

    /// Our clock and Ada's.
    fn now(&self) -> Now {
        Now { at: self.environment.now(), offset: self.ada.offset() }
    }

    /// An agent looks at a handoff: what webhooks may have missed is read for it.
    pub fn opened(&self, id: HandoffId) {
        self.wishes.opened(id);
        self.recovery_nudge.notify_one();
    }

    /// A call made for `delivery` came to this.
    fn note_outcome(&self, delivery: &Delivery, failure: Option<&Failure>) {
        let unanswered = matches!(failure, Some(Failure::Unreached(_) | Failure::Unclear(_)));
        if self.wishes.heard_from_ada(!unanswered, self.environment.now(), self.policy.recover_after) {
            tracing::info!("Ada answers again: what was missed meanwhile is read");
            self.recovery_nudge.notify_one();
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

    /// Runs a rule in the store's transaction and nudges the workers it made work for.
    async fn decide<T: Send + 'static>(
        &self,
        scope: Scope,
        rule: impl FnOnce(&mut Draft<'_>) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (policy, now) = (Arc::clone(&self.policy), self.now());
        let environment = Arc::clone(&self.environment);
        let (answer, inbox_changed, outbox_changed, ledger) =
            store::decide(&*self.store, scope, move |view| {
                let mut ids: &dyn Environment = &*environment;
                let mut draft = Draft::new(view, now, &policy, &mut ids);
                let answer = rule(&mut draft);
                let changes = draft.into_changes();
                let outbox_changed = !changes.deliveries.is_empty() || !changes.deliveries_done.is_empty();
                let inbox_changed = changes.buffer.is_some();
                let ledger = changes.ledger;
                (changes, (answer, inbox_changed, outbox_changed, ledger))
            })
            .await?;
        self.metrics.account(&ledger);
        if inbox_changed {
            self.release_nudge.notify_one();
        }
        if outbox_changed {
            self.outbox_nudge.notify_one();
        }
        Ok(answer)
    }

    /// Keeps a verified webhook, or finds that it needn't be kept. Once this returns [`Ok`] it may be
    /// acknowledged, unless the answer is [`Arrival::Full`].
    ///
    /// # Errors
    /// It could not be kept.
    pub async fn webhook(&self, webhook: VerifiedWebhook) -> Result<Arrival, StoreError> {
        let received_at = self.environment.now();
        let arrival = self.keep(webhook, received_at).await;
        if let Ok(arrival) = &arrival {
            self.full.store(*arrival == Arrival::Full, Ordering::Relaxed);
        }
        match &arrival {
            Ok(arrival) => self.metrics.arrived(*arrival, received_at),
            Err(_) => self.metrics.webhook("not_kept"),
        }
        arrival
    }

    async fn keep(&self, webhook: VerifiedWebhook, received_at: Time) -> Result<Arrival, StoreError> {
        match self.reader.read(&webhook, received_at) {
            Reading::Event(event) => {
                let scope = arrive::scope(&event);
                self.decide(scope, move |draft| arrive::event(draft, *event)).await
            }
            Reading::Ignored => Ok(Arrival::Ignored),
            Reading::Foreign { integration, conversation } => {
                self.metrics.foreign();
                self.foreign.note(&*self.store, &self.policy.integration, integration, conversation).await;
                Ok(Arrival::Ignored)
            }
            Reading::Unreadable(reason) => {
                tracing::warn!(svix.id = webhook.id, reason = %reason, "webhook set aside");
                self.set_aside(webhook, reason.to_string()).await
            }
        }
    }

    async fn set_aside(&self, webhook: VerifiedWebhook, reason: String) -> Result<Arrival, StoreError> {
        let body = String::from_utf8_lossy(&webhook.body).into_owned();
        // No conversation is known; the empty key has neither handoffs nor a buffer.
        let mut scope = Scope::new(Of::Conversation(self.reader.key(String::new())));
        scope.svix_id = Some(webhook.id.clone());
        self.decide(scope, move |draft| {
            if draft.view.seen {
                return Arrival::Duplicate;
            }
            draft.changes().remember.push(webhook.id.clone());
            draft.set_aside(&webhook.id, &reason, body);
            Arrival::DeadLetter
        })
        .await
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
        // The place is taken within the decision: a caller that leaves takes it along.
        let taken = Arc::new(AtomicBool::new(false));
        let took = Arc::clone(&taken);
        let started = self.decide(scope, {
            let limit = Arc::clone(&limit);
            move |draft| {
                let mut take = || {
                    let has = limit.take(now);
                    took.store(has, Ordering::Relaxed);
                    has
                };
                start::call(draft, &key, context, Caller::Anyone(&mut take))
            }
        });
        let started = started.await;
        if started.is_err() && taken.load(Ordering::Relaxed) {
            limit.give_back(now);
        }
        started
    }

    /// Warns if a handoff has begun and no webhook at all has come since: the endpoint is missing or disabled.
    pub async fn warn_of_silence(&self) {
        warnings::silence(&*self.store, self.metrics.last_webhook(), self.environment.now()).await;
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
        self.act(act::scope_of_end(&id), move |draft| act::end(draft, &id, &agent)).await
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
