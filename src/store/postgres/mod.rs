//! The store in PostgreSQL, which several relays share.
//!
//! A decision is one transaction, and locks its conversation ([`decide`]). Events that need no decision are kept without a
//! lock, many in one statement ([`arrivals`]). What a process knows in memory are hints ([`hints`]). After a commit, what
//! agents see is numbered, and the other instances are told ([`announce`], [`watch`]). No statement needs the session of
//! the one before it, so a pooler may stand between.

mod agents;
mod announce;
mod apply;
mod arrivals;
mod backend;
mod calls;
mod commit;
mod connect;
mod connection;
mod contacts;
mod decide;
mod deliveries;
mod files;
mod handoffs;
mod hints;
mod history;
mod import;
mod inbox_news;
mod journal;
mod limits;
mod lines;
mod migrations;
mod platforms;
mod presence;
mod privileges;
mod purge;
mod query;
mod quotas;
mod read;
mod ready;
mod refused_starts;
mod replies;
mod reports;
mod sample;
mod search;
mod sessions;
mod teams;
mod text;
mod tls;
mod turns;
mod view;
mod watch;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use self::{
    announce::Announcement,
    arrivals::Arrival,
    connect::{Connections, Pooled},
    hints::Hints,
    history::History,
    lines::Lines,
    query::run_together,
    ready::Writes,
    sample::Samples,
    turns::Turns,
};
use super::{
    Arrived, Arriving, Decision, Due, HandoffQuery, IdleHandoff, IdlePlace, LetterPage, Page, PurgeProgress,
    RetentionPeriods, SharedCalls, Signals, Since, StatusFilter, Store, StoreError, Unreadable,
    files::{FileChecks, FileOf},
    platforms::PlatformState,
    quota::{Place, Quota},
    replies::{CannedReply, ReplyChange, ReplyOutcome},
    search::IndexProgress,
    sessions::{Digest, Session, SessionChange, SignInCode},
    signals::TouchedTopics,
    teams::TeamState,
};
use crate::{
    metrics::Depths,
    relay::{
        changes::{DeadLetter, Scope, View},
        contact::Contact,
        delivery::{Delivery, Destination, Queue},
        duty::AgentState,
        handoff::Handoff,
        id::{AiAgentId, ConversationKey, DeliveryId, HandoffId, HolderId, RowId, TeamName},
        report::Entry,
        thread::Row,
        time::Time,
    },
    settings::Postgres,
};

pub use self::{import::Import, migrations::DatabaseState};

/// See the module.
pub struct PostgresStore {
    shared: Arc<Shared>,
    arrivals: mpsc::Sender<Arrival>,
}

/// What a store, its decisions and its tasks share.
struct Shared {
    connections: Connections,
    hints: Hints,
    history: History,
    lines: Lines,
    signals: Signals,
    announcer: mpsc::UnboundedSender<Announcement>,
    /// Tells the other instances in which conversations the inbox has changed.
    inbox_news: mpsc::UnboundedSender<ConversationKey>,
    watched_elsewhere: inbox_news::WatchedElsewhere,
    turns: Turns,
    samples: Samples,
    writes: Writes,
    /// Decisions under way.
    decisions: TaskTracker,
    /// This process, among those that share the database.
    instance: String,
    sweep_every: Duration,
    overdue_after: Duration,
}

impl PostgresStore {
    /// Connects to the database, and brings its schema up to date. Gives the store and what must run for it to work, which
    /// ends when the last handle to the store is dropped.
    ///
    /// # Errors
    /// The database can't be reached, or can't be used. The text says which, without the password.
    pub async fn open(
        settings: &Postgres,
    ) -> Result<(Self, impl Future<Output = ()> + Send + use<>), StoreError> {
        let preparing = Connections::without_limits(settings)?;
        migrations::run(&preparing).await?;
        search::make_index(&preparing).await?;
        preparing.close();
        let connections = Connections::new(settings)?;
        let client = connections.get().await?;
        deliveries::look_anew(&client).await?;
        let newest = read::newest_change(&client).await?;
        drop(client);
        let (announcer, announcements) = mpsc::unbounded_channel();
        let (inbox_news, changed_inboxes) = mpsc::unbounded_channel();
        let (writes, trials) = Writes::new();
        let shared = Arc::new(Shared {
            connections,
            hints: Hints::default(),
            history: History::default(),
            lines: Lines::default(),
            signals: Signals::new(newest),
            announcer,
            inbox_news,
            watched_elsewhere: inbox_news::WatchedElsewhere::default(),
            turns: Turns::new(settings.lock_timeout),
            samples: Samples::default(),
            writes,
            decisions: TaskTracker::new(),
            instance: uuid::Uuid::new_v4().to_string(),
            sweep_every: settings.sweep_every,
            overdue_after: settings.overdue_after,
        });
        shared.note_history().await?;
        watch::sweep(&shared).await?;
        let (arrivals, queue) = mpsc::channel(arrivals::QUEUE);
        let store = Self { shared: Arc::clone(&shared), arrivals };
        let running = async move {
            let keeping = arrivals::run(Arc::clone(&shared), queue, trials);
            let serving = async {
                tokio::join!(
                    announce::run(&shared, announcements),
                    inbox_news::run(&shared, changed_inboxes),
                    inbox_news::say_so(&shared),
                    presence::run(&shared),
                    watch::run(&shared)
                );
            };
            let ending = async {
                keeping.await;
                shared.decisions.close();
                shared.decisions.wait().await;
            };
            tokio::select! {
                () = ending => {}
                () = serving => {}
            }
            if let Err(error) = shared.leave_lines().await {
                tracing::warn!(error = %error, "the lines of AI Agents stay taken for 10 s");
            }
            shared.connections.close();
        };
        Ok((store, running))
    }

    /// Looks at a database, and changes nothing.
    ///
    /// # Errors
    /// It can't be reached, written or used. The text says which, without the password.
    pub async fn inspect(settings: &Postgres) -> Result<DatabaseState, StoreError> {
        migrations::inspect(&Connections::new(settings)?).await
    }

    /// Which AI Agents have something open in a database.
    ///
    /// # Errors
    /// As [`PostgresStore::inspect`].
    pub async fn ai_agents_at_work(settings: &Postgres) -> Result<Vec<AiAgentId>, StoreError> {
        migrations::ai_agents_at_work(&Connections::new(settings)?).await
    }

    async fn client(&self) -> Result<Pooled, StoreError> {
        self.shared.connections.get().await
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn decide(&self, scope: Scope, decision: Decision) -> Result<(), StoreError> {
        decide::decide(&self.shared, scope, decision).await
    }

    async fn view(&self, scope: Scope) -> Result<View, StoreError> {
        view::at_one_moment(&self.shared.connections, &scope).await
    }

    async fn arrive(&self, arriving: Arriving) -> Result<Arrived, StoreError> {
        let (arrival, told) = Arrival::new(arriving)?;
        self.arrivals.send(arrival).await.map_err(|_| StoreError::Stopped)?;
        told.await.map_err(|_| StoreError::Stopped)?
    }

    async fn due_conversations(&self, now: Time, limit: usize) -> Result<Due<ConversationKey>, StoreError> {
        Ok(self.shared.hints.due(now, limit))
    }

    async fn waiting_conversations(&self, limit: usize) -> Result<Vec<ConversationKey>, StoreError> {
        journal::conversations(&*self.client().await?, limit).await
    }

    async fn idle_handoffs(
        &self,
        status: StatusFilter,
        until: Time,
        after: Option<IdlePlace>,
        limit: usize,
    ) -> Result<Due<IdleHandoff>, StoreError> {
        read::idle_handoffs(&*self.client().await?, status, until, after, limit).await
    }

    async fn due_deliveries(
        &self,
        now: Time,
        queues: &[(Queue, usize)],
    ) -> Result<Vec<Due<Delivery>>, StoreError> {
        let ai_agents = queues.iter().filter_map(|(queue, _)| queue.destination.ai_agent());
        let ours = self.shared.take_lines(ai_agents.collect()).await?;
        let may_go = |destination: &Destination| destination.ai_agent().is_none_or(|id| ours.contains(id));
        let client = self.client().await?;
        let (mut due, unreadable) = deliveries::due(&client, now, queues).await?;
        if !unreadable.is_empty() {
            deliveries::set_apart(&client, &unreadable).await?;
        }
        for (due, (queue, _)) in due.iter_mut().zip(queues) {
            if !may_go(&queue.destination) && !due.items.is_empty() {
                // Another instance carries them. If it dies, its line is taken over.
                *due = Due { items: Vec::new(), next: Some(now + lines::ASK_AGAIN) };
            }
        }
        Ok(due)
    }

    async fn expired(&self, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError> {
        deliveries::expired(&*self.client().await?, now, limit).await
    }

    async fn renew_claims(
        &self,
        holder: &HolderId,
        deliveries: Vec<DeliveryId>,
        until: Time,
    ) -> Result<(), StoreError> {
        deliveries::renew(&*self.client().await?, holder, &deliveries, until).await
    }

    async fn waits_untroubled(&self, delivery: &DeliveryId) -> Result<bool, StoreError> {
        deliveries::waits_untroubled(&*self.client().await?, delivery).await
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn leads(&self) -> Result<bool, StoreError> {
        let nobody = AiAgentId::default();
        Ok(!self.shared.take_lines([&nobody].into()).await?.is_empty())
    }

    async fn count_call(&self, ai_agent: &AiAgentId, known: u64) -> Result<SharedCalls, StoreError> {
        calls::count(&self.shared.connections, &self.shared.instance, ai_agent, known).await
    }

    async fn take_back_call(&self, number: u64) -> Result<(), StoreError> {
        calls::take_back(&self.shared.connections, number).await
    }

    async fn take_place(&self, quotas: &[Quota]) -> Result<Place, StoreError> {
        quotas::take(&self.shared.connections, quotas).await
    }

    async fn give_back_place(&self, numbers: &[u64]) -> Result<(), StoreError> {
        quotas::give_back(&self.shared.connections, numbers).await
    }

    async fn put_code(&self, code: SignInCode) -> Result<(), StoreError> {
        sessions::put_code(&*self.client().await?, &code).await
    }

    async fn take_code(&self, id: &Digest) -> Result<Option<SignInCode>, StoreError> {
        sessions::take_code(&*self.client().await?, id).await
    }

    fn has_open_handoff(&self, conversation: &str) -> bool {
        self.shared.hints.has_open(conversation)
    }

    async fn handoff(&self, id: &HandoffId) -> Result<Option<Handoff>, StoreError> {
        read::handoff(&*self.client().await?, id).await
    }

    async fn handoffs(&self, query: &HandoffQuery) -> Result<Page, StoreError> {
        read::handoffs(&*self.client().await?, &self.shared.samples, query).await
    }

    async fn index(&self, limit: usize) -> Result<IndexProgress, StoreError> {
        search::step(&self.shared.connections, limit).await
    }

    async fn rows(&self, id: &HandoffId, after: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        read::rows(&*self.client().await?, id, after, limit).await
    }

    async fn row(&self, id: &RowId) -> Result<Option<Row>, StoreError> {
        read::row(&*self.client().await?, id).await
    }

    async fn changes_since(&self, after: u64, limit: usize) -> Result<Since, StoreError> {
        read::changes_since(&*self.client().await?, after, limit).await
    }

    async fn dead_letters(&self, after: Option<u64>, limit: usize) -> Result<LetterPage, StoreError> {
        read::dead_letters(&*self.client().await?, after, limit).await
    }

    async fn dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StoreError> {
        read::dead_letter(&*self.client().await?, id).await
    }

    async fn canned_replies(&self) -> Result<Vec<CannedReply>, StoreError> {
        replies::all_replies(&*self.client().await?).await
    }

    async fn change_replies(&self, change: ReplyChange) -> Result<ReplyOutcome, StoreError> {
        let transaction = self.shared.connections.begin().await?;
        let changed = replies::change(transaction.client(), change).await;
        if !matches!(changed, Ok(ReplyOutcome::Done(_))) {
            transaction.roll_back().await;
            return changed;
        }
        // No handoff: all of them.
        let noted = run_together(transaction.client(), vec![apply::change("", None)]).await;
        if let Err(error) = noted {
            transaction.roll_back().await;
            return Err(error);
        }
        transaction.commit().await?;
        self.shared.announce(TouchedTopics::of_feed()).await;
        changed
    }

    async fn contact(&self, handoff: &HandoffId) -> Result<Option<Contact>, StoreError> {
        contacts::one(&*self.client().await?, handoff).await
    }

    async fn handoff_of_contact(&self, contact: &str) -> Result<Option<HandoffId>, StoreError> {
        contacts::handoff_of(&*self.client().await?, contact).await
    }

    async fn due_contacts(&self, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError> {
        contacts::due(&*self.client().await?, now, limit).await
    }

    async fn open_contacts(
        &self,
        after: Option<&HandoffId>,
        limit: usize,
    ) -> Result<Vec<HandoffId>, StoreError> {
        contacts::open(&*self.client().await?, after, limit).await
    }

    async fn platforms(&self) -> Result<Vec<PlatformState>, StoreError> {
        platforms::all_states(&*self.client().await?).await
    }

    async fn put_platform(&self, state: PlatformState) -> Result<(), StoreError> {
        platforms::put(&*self.client().await?, &state).await
    }

    async fn teams(&self) -> Result<Vec<TeamState>, StoreError> {
        teams::all_states(&*self.client().await?).await
    }

    async fn put_team(&self, state: TeamState) -> Result<(), StoreError> {
        teams::put(&*self.client().await?, &state).await
    }

    async fn waiting(&self, team: Option<TeamName>, up_to: Option<HandoffId>) -> Result<u64, StoreError> {
        teams::waiting(&*self.client().await?, team.as_ref(), up_to.as_ref()).await
    }

    async fn loads(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        agents::loads(&*self.client().await?).await
    }

    async fn open_entries(&self, limit: usize) -> Result<Vec<Entry>, StoreError> {
        reports::open(&*self.client().await?, limit).await
    }

    async fn entries_begun(&self, from: Time, until: Time, limit: usize) -> Result<Vec<Entry>, StoreError> {
        reports::begun(&*self.client().await?, from, until, limit).await
    }

    async fn agents(&self) -> Result<Vec<AgentState>, StoreError> {
        agents::all_states(&*self.client().await?).await
    }

    async fn agent_seen(&self, name: String, at: Time) -> Result<(), StoreError> {
        agents::seen(&*self.client().await?, &name, at).await
    }

    async fn set_away(&self, name: String, is_away: bool, at: Time) -> Result<(), StoreError> {
        agents::set_away(&*self.client().await?, &name, is_away, at).await
    }

    async fn session(&self, id: &Digest) -> Result<Option<Session>, StoreError> {
        sessions::one(&*self.client().await?, id).await
    }

    async fn change_sessions(&self, change: SessionChange) -> Result<(), StoreError> {
        let touched = TouchedTopics::by_session(&change);
        let transaction = self.shared.connections.begin().await?;
        if let Err(error) = run_together(transaction.client(), sessions::change(change)).await {
            transaction.roll_back().await;
            return Err(error);
        }
        transaction.commit().await?;
        self.shared.announce(touched).await;
        Ok(())
    }

    async fn due_file_checks(&self, now: Time, limit: usize) -> Result<Vec<FileOf>, StoreError> {
        files::due(&*self.client().await?, now, limit).await
    }

    async fn change_file_checks(&self, change: FileChecks) -> Result<(), StoreError> {
        run_together(&*self.client().await?, vec![files::change(change)]).await.map(drop)
    }

    async fn set_apart(&self, key: &ConversationKey, until: Time) -> Result<(), StoreError> {
        self.shared.hints.set_apart(key, until);
        Ok(())
    }

    async fn set_delivery_apart(&self, id: &DeliveryId) -> Result<(), StoreError> {
        deliveries::set_apart(&*self.client().await?, std::slice::from_ref(id)).await
    }

    async fn unreadable(&self) -> Result<Unreadable, StoreError> {
        let deliveries = deliveries::unreadable(&*self.client().await?).await?;
        Ok(Unreadable { deliveries, conversations: self.shared.hints.apart() })
    }

    async fn depths(&self) -> Result<Depths, StoreError> {
        read::depths(&*self.client().await?).await
    }

    async fn purge(&self, now: Time, keep: &RetentionPeriods) -> Result<PurgeProgress, StoreError> {
        purge::step(&self.shared.connections, now, *keep).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        ready::ready(&self.shared).await
    }

    fn signals(&self) -> &Signals {
        &self.shared.signals
    }
}
