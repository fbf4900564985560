//! What agents are shown before its quiet period is over.
//!
//! The journal alone says what waits. A handler asks for what arrives in a thread, and the worker [`Arrivals`] tells the
//! open event streams what is new and what is withdrawn. While no stream is open, nobody looks.

mod shown;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::sync::{
    broadcast::{self, error::TryRecvError},
    watch,
};

use self::shown::Shown;
use super::{
    Engine,
    worker::{StepError, Worker, signal},
};
use crate::{
    relay::{
        id::{ConversationKey, HandoffId},
        rule::Rule,
        rules::arriving::{self, ArrivingMessage, Withdrawal},
        time::Time,
    },
    store::{self, InboxChanges, StoreError},
};

/// The number of conversations that are looked at together: few, since what is released meanwhile waits for a processor.
const AT_ONCE: usize = 8;
/// A pause between looks is so many times as long as the look was, and no longer than this. So looking takes no more than
/// a quarter of the time, and what comes meanwhile is looked at together: where there is too much, messages come when they
/// are released.
const PAUSE: u32 = 3;
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// When the first stream opens, what waits is looked for in so many conversations.
const AT_FIRST: usize = 10_000;
/// A stream that misses more news than these is closed: its client connects again, and loads what arrives.
const BEHIND: usize = 1_024;

/// What a stream is told.
#[derive(Clone, Debug)]
pub enum ArrivalNews {
    /// A message is shown.
    Shown {
        /// The message.
        message: Arc<ArrivingMessage>,
        /// The newest change that was known before it was looked at: its row is behind that.
        known: u64,
    },
    /// A message is no longer shown where it was.
    Withdrawn {
        /// The message.
        message: Arc<ArrivingMessage>,
        /// Why.
        how: Withdrawal,
    },
}

/// Some news were lost.
#[derive(Clone, Copy, Debug)]
pub struct Lost;

/// The news for one stream. While there is such a feed, conversations are looked at.
pub struct ArrivalFeed {
    news: broadcast::Receiver<ArrivalNews>,
    changes: Arc<InboxChanges>,
}

impl ArrivalFeed {
    /// Waits for news. The future may be dropped.
    ///
    /// # Errors
    /// Some were lost.
    pub async fn next(&mut self) -> Result<ArrivalNews, Lost> {
        self.news.recv().await.map_err(|_| Lost)
    }

    /// The next news, if there are any.
    ///
    /// # Errors
    /// Some were lost.
    pub fn next_at_once(&mut self) -> Result<Option<ArrivalNews>, Lost> {
        match self.news.try_recv() {
            Ok(news) => Ok(Some(news)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Closed | TryRecvError::Lagged(_)) => Err(Lost),
        }
    }
}

impl Drop for ArrivalFeed {
    fn drop(&mut self) {
        self.changes.unwatch();
    }
}

/// Where streams get their news.
pub(super) fn board() -> broadcast::Sender<ArrivalNews> {
    broadcast::Sender::new(BEHIND)
}

impl Engine {
    /// What arrives from now on.
    pub fn arrival_feed(&self) -> ArrivalFeed {
        let changes = Arc::clone(self.store.signals().inbox_changes());
        let news = self.arrivals.subscribe();
        changes.watch();
        ArrivalFeed { news, changes }
    }

    /// What arrives in the thread of a handoff.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn arriving_in(&self, handoff: &HandoffId) -> Result<Vec<ArrivingMessage>, StoreError> {
        match self.look(arriving::in_handoff(handoff.clone())).await {
            // The thread can be read all the same.
            Err(error) if error.is_lasting() => {
                tracing::error!(handoff.id = %handoff, error = %error, "what arrives can't be shown");
                Ok(Vec::new())
            }
            looked => looked,
        }
    }

    /// Runs a rule that changes nothing.
    async fn look<T: Send + 'static>(&self, rule: Rule<T>) -> Result<T, StoreError> {
        let (scope, decision) = self.decider(&self.ai_agents()).decision(rule, self.environment.now());
        store::look(&*self.store, scope, |view| decision(view).1.0).await
    }
}

/// The worker that looks at conversations whose inbox has changed.
pub struct Arrivals {
    engine: Arc<Engine>,
    changed: watch::Receiver<()>,
    /// What streams were told and is not settled.
    shown: Shown,
}

impl Arrivals {
    /// A worker on the engine's store.
    pub fn new(engine: Arc<Engine>) -> Self {
        let changed = engine.store.signals().inbox_changes().changed();
        Self { engine, changed, shown: Shown::default() }
    }

    /// Somebody watches since nobody did: whatever waits is new.
    async fn begin_anew(&mut self) -> Result<(), StoreError> {
        self.shown = Shown::begins_at(*self.engine.store.signals().feed().borrow());
        let waiting = self.engine.store.waiting_conversations(AT_FIRST).await?;
        self.engine.store.signals().inbox_changes().note(waiting);
        Ok(())
    }

    async fn look(&self, key: &ConversationKey) -> Result<arriving::Arrivals, StoreError> {
        self.engine.look(arriving::in_conversation(key, self.shown.of(key).to_vec())).await
    }

    /// Those of these conversations that must be looked at. The others have nothing that waits, and what was shown of them
    /// has its row.
    async fn unsettled(
        &mut self,
        mut keys: Vec<ConversationKey>,
    ) -> Result<Vec<ConversationKey>, StoreError> {
        let store = Arc::clone(&self.engine.store);
        let may_wait: Vec<bool> = keys.iter().map(|key| store.may_wait(key)).collect();
        if may_wait.contains(&false) {
            // Behind that look: what left the inbox before it has its row now.
            self.shown.follow(&*store).await?;
        }
        let mut may_wait = may_wait.into_iter();
        keys.retain(|key| may_wait.next() != Some(false) || !self.shown.of(key).is_empty());
        Ok(keys)
    }

    /// Tells what is new since the last look, which was at `known`.
    fn tell(&mut self, key: ConversationKey, now: arriving::Arrivals, known: u64) {
        let before = self.shown.put(key, now.shown.clone());
        let withdrawn = now.withdrawn.iter().map(|(message, how)| ArrivalNews::Withdrawn {
            message: Arc::new(message.clone()),
            how: how.clone(),
        });
        let shown = now
            .new_since(&before)
            .map(|message| ArrivalNews::Shown { message: Arc::new(message.clone()), known });
        for news in withdrawn.chain(shown) {
            // The last stream may have gone.
            let _ = self.engine.arrivals.send(news);
        }
    }
}

#[async_trait]
impl Worker for Arrivals {
    fn name(&self) -> &'static str {
        "arrivals"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        let changes = Arc::clone(self.engine.store.signals().inbox_changes());
        if changes.is_watched_anew()
            && let Err(error) = self.begin_anew().await
        {
            changes.is_to_be_watched_anew();
            return Err(error.into());
        }
        let began = self.engine.environment.now();
        let keys = changes.take(AT_ONCE);
        let is_all = keys.len() < AT_ONCE;
        let keys = match self.unsettled(keys.clone()).await {
            Ok(keys) => keys,
            Err(error) => {
                changes.note(keys);
                return Err(error.into());
            }
        };
        let known = *self.engine.store.signals().feed().borrow();
        let looks = join_all(keys.iter().map(|key| self.look(key))).await;
        let mut failed = None;
        for (key, look) in keys.into_iter().zip(looks) {
            match look {
                Ok(now) => self.tell(key, now, known),
                Err(error) if error.is_lasting() => {
                    tracing::error!(conversation.id = %key.conversation, error = %error, "what arrives can't be shown");
                }
                Err(error) => {
                    changes.note([key]);
                    failed = Some(error);
                }
            }
        }
        let took = self.engine.environment.now().since(began);
        tokio::time::sleep((took * PAUSE).min(LONGEST_PAUSE)).await;
        match failed {
            Some(error) => Err(error.into()),
            None => Ok((!is_all).then(|| self.engine.environment.now())),
        }
    }

    async fn woken(&mut self) {
        signal(&mut self.changed).await;
    }
}
