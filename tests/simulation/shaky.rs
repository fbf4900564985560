//! A store that sometimes fails, and whose callers may leave once it has committed.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use handoff_relay::{
    metrics::Depths,
    relay::{
        changes::{DeadLetter, Scope, View},
        contact::Contact,
        delivery::{Delivery, Job, Queue},
        duty::AgentState,
        handoff::Handoff,
        id::{ConversationKey, DeliveryId, HandoffId, HolderId, RowId, TeamName},
        report::Entry,
        thread::{Content, Row},
        time::Time,
    },
    store::{
        Arrived, Arriving, Decision, Due, HandoffQuery, IdleHandoff, IdlePlace, LetterPage, Page,
        PurgeProgress, RetentionPeriods, Signals, Since, StatusFilter, Store, StoreError, Unreadable,
        files::{FileChecks, FileOf},
        platforms::PlatformState,
        replies::{CannedReply, ReplyChange, ReplyOutcome},
        search::IndexProgress,
        sessions::{Digest, Session, SessionChange},
        teams::TeamState,
    },
};

use crate::{
    dice::Dice,
    kept::{Held, Kept},
};

/// No rule adds a row of these words without panicking.
pub const POISON: &str = "poison";

/// See the module.
pub struct Shaky {
    store: Arc<Kept>,
    dice: Dice,
    /// How many of a hundred calls fail.
    fails: AtomicU64,
    /// How long the process stands still after the next claim of a message, in seconds.
    stillness: AtomicU64,
    claims: AtomicU64,
}

impl Shaky {
    pub const fn new(store: Arc<Kept>, dice: Dice) -> Self {
        Self {
            store,
            dice,
            fails: AtomicU64::new(0),
            stillness: AtomicU64::new(0),
            claims: AtomicU64::new(0),
        }
    }

    /// The process stands still for so many seconds as soon as it has claimed the next message.
    pub fn stands_still(&self, seconds: u64) {
        self.stillness.store(seconds, Ordering::Relaxed);
    }

    /// From now on so many of a hundred calls fail; gives how many did before.
    pub fn fails(&self, percent: u64) -> u64 {
        self.fails.swap(percent, Ordering::Relaxed)
    }

    /// How often messages have been claimed so far.
    pub fn claims(&self) -> u64 {
        self.claims.load(Ordering::Relaxed)
    }

    fn works(&self) -> Result<Held<'_>, StoreError> {
        let fails = self.fails.load(Ordering::Relaxed);
        if fails > 0 && self.dice.percent(fails) {
            return Err(StoreError::Unavailable("simulated".to_owned()));
        }
        Ok(self.store.held())
    }
}

#[async_trait]
impl Store for Shaky {
    async fn decide(&self, scope: Scope, decision: Decision) -> Result<(), StoreError> {
        let claims = Arc::new(AtomicBool::new(false));
        let has_claimed = Arc::clone(&claims);
        let decision: Decision = Box::new(move |view| {
            let decided = decision(view);
            let is_claim =
                |delivery: &Delivery| delivery.claim.is_some() && matches!(delivery.job, Job::Write(_));
            let claimed = decided.changes.deliveries.iter().any(is_claim);
            has_claimed.store(claimed, Ordering::Relaxed);
            let is_poison = |row: &Row| matches!(&row.content, Content::Text { body } if body == POISON);
            assert!(!decided.changes.rows.iter().any(is_poison), "poison");
            decided
        });
        self.works()?.decide(scope, decision).await?;
        if claims.load(Ordering::Relaxed) {
            self.claims.fetch_add(1, Ordering::Relaxed);
            let stillness = self.stillness.swap(0, Ordering::Relaxed);
            tokio::time::advance(Duration::from_secs(stillness)).await;
        }
        // Whoever asked may leave here: it is done, and they don't know.
        tokio::task::yield_now().await;
        Ok(())
    }

    async fn arrive(&self, arriving: Arriving) -> Result<Arrived, StoreError> {
        let arrived = self.works()?.arrive(arriving).await?;
        tokio::task::yield_now().await;
        Ok(arrived)
    }

    fn has_open_handoff(&self, conversation: &str) -> bool {
        self.store.held().has_open_handoff(conversation)
    }

    fn may_wait(&self, key: &ConversationKey) -> bool {
        self.store.held().may_wait(key)
    }

    async fn view(&self, scope: Scope) -> Result<View, StoreError> {
        self.works()?.view(scope).await
    }

    async fn waiting_conversations(&self, limit: usize) -> Result<Vec<ConversationKey>, StoreError> {
        self.works()?.waiting_conversations(limit).await
    }

    async fn due_conversations(&self, now: Time, limit: usize) -> Result<Due<ConversationKey>, StoreError> {
        self.works()?.due_conversations(now, limit).await
    }

    async fn idle_handoffs(
        &self,
        status: StatusFilter,
        until: Time,
        after: Option<IdlePlace>,
        limit: usize,
    ) -> Result<Due<IdleHandoff>, StoreError> {
        self.works()?.idle_handoffs(status, until, after, limit).await
    }

    async fn due_deliveries(
        &self,
        now: Time,
        queues: &[(Queue, usize)],
    ) -> Result<Vec<Due<Delivery>>, StoreError> {
        self.works()?.due_deliveries(now, queues).await
    }

    async fn expired(&self, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError> {
        self.works()?.expired(now, limit).await
    }

    async fn renew_claims(
        &self,
        holder: &HolderId,
        deliveries: Vec<DeliveryId>,
        until: Time,
    ) -> Result<(), StoreError> {
        self.works()?.renew_claims(holder, deliveries, until).await
    }

    async fn waits_untroubled(&self, delivery: &DeliveryId) -> Result<bool, StoreError> {
        self.works()?.waits_untroubled(delivery).await
    }

    async fn handoff(&self, id: &HandoffId) -> Result<Option<Handoff>, StoreError> {
        self.works()?.handoff(id).await
    }

    async fn handoffs(&self, query: &HandoffQuery) -> Result<Page, StoreError> {
        self.works()?.handoffs(query).await
    }

    async fn index(&self, limit: usize) -> Result<IndexProgress, StoreError> {
        self.works()?.index(limit).await
    }

    async fn rows(&self, id: &HandoffId, after: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.works()?.rows(id, after, limit).await
    }

    async fn row(&self, id: &RowId) -> Result<Option<Row>, StoreError> {
        self.works()?.row(id).await
    }

    async fn changes_since(&self, after: u64, limit: usize) -> Result<Since, StoreError> {
        self.works()?.changes_since(after, limit).await
    }

    async fn dead_letters(&self, after: Option<u64>, limit: usize) -> Result<LetterPage, StoreError> {
        self.works()?.dead_letters(after, limit).await
    }

    async fn dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StoreError> {
        self.works()?.dead_letter(id).await
    }

    async fn canned_replies(&self) -> Result<Vec<CannedReply>, StoreError> {
        self.works()?.canned_replies().await
    }

    async fn change_replies(&self, change: ReplyChange) -> Result<ReplyOutcome, StoreError> {
        self.works()?.change_replies(change).await
    }

    async fn contact(&self, handoff: &HandoffId) -> Result<Option<Contact>, StoreError> {
        self.works()?.contact(handoff).await
    }

    async fn handoff_of_contact(&self, contact: &str) -> Result<Option<HandoffId>, StoreError> {
        self.works()?.handoff_of_contact(contact).await
    }

    async fn due_contacts(&self, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError> {
        self.works()?.due_contacts(now, limit).await
    }

    async fn open_contacts(
        &self,
        after: Option<&HandoffId>,
        limit: usize,
    ) -> Result<Vec<HandoffId>, StoreError> {
        self.works()?.open_contacts(after, limit).await
    }

    async fn platforms(&self) -> Result<Vec<PlatformState>, StoreError> {
        self.works()?.platforms().await
    }

    async fn put_platform(&self, state: PlatformState) -> Result<(), StoreError> {
        self.works()?.put_platform(state).await
    }

    async fn teams(&self) -> Result<Vec<TeamState>, StoreError> {
        self.works()?.teams().await
    }

    async fn put_team(&self, state: TeamState) -> Result<(), StoreError> {
        self.works()?.put_team(state).await
    }

    async fn waiting(&self, team: Option<TeamName>, up_to: Option<HandoffId>) -> Result<u64, StoreError> {
        self.works()?.waiting(team, up_to).await
    }

    async fn loads(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        self.works()?.loads().await
    }

    async fn open_entries(&self, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.works()?.open_entries(limit).await
    }

    async fn entries_begun(&self, from: Time, until: Time, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.works()?.entries_begun(from, until, limit).await
    }

    async fn agents(&self) -> Result<Vec<AgentState>, StoreError> {
        self.works()?.agents().await
    }

    async fn agent_seen(&self, name: String, at: Time) -> Result<(), StoreError> {
        self.works()?.agent_seen(name, at).await
    }

    async fn set_away(&self, name: String, is_away: bool, at: Time) -> Result<(), StoreError> {
        self.works()?.set_away(name, is_away, at).await
    }

    async fn session(&self, id: &Digest) -> Result<Option<Session>, StoreError> {
        self.works()?.session(id).await
    }

    async fn change_sessions(&self, change: SessionChange) -> Result<(), StoreError> {
        self.works()?.change_sessions(change).await
    }

    async fn due_file_checks(&self, now: Time, limit: usize) -> Result<Vec<FileOf>, StoreError> {
        self.works()?.due_file_checks(now, limit).await
    }

    async fn change_file_checks(&self, change: FileChecks) -> Result<(), StoreError> {
        self.works()?.change_file_checks(change).await
    }

    async fn set_apart(&self, key: &ConversationKey, until: Time) -> Result<(), StoreError> {
        self.works()?.set_apart(key, until).await
    }

    async fn set_delivery_apart(&self, id: &DeliveryId) -> Result<(), StoreError> {
        self.works()?.set_delivery_apart(id).await
    }

    async fn unreadable(&self) -> Result<Unreadable, StoreError> {
        self.works()?.unreadable().await
    }

    async fn depths(&self) -> Result<Depths, StoreError> {
        self.works()?.depths().await
    }

    async fn purge(&self, now: Time, keep: &RetentionPeriods) -> Result<PurgeProgress, StoreError> {
        self.works()?.purge(now, keep).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.works()?.ready().await
    }

    fn signals(&self) -> &Signals {
        self.store.signals()
    }
}
