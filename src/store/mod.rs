//! What must survive: one trait, and its implementations.
//!
//! Every method is one atomic use case. Writing goes through [`Store::decide`]: the store loads what a
//! decision of `relay/` needs to see, lets it decide, and writes its changes, all in one transaction. No
//! table name and no type of its database leaves this folder, and no caller assumes that this process is the only one:
//! deliveries are claimed with leases. All implementations pass `tests/store/`.

pub mod arrival;
mod at_work;
mod begun;
mod document;
pub mod files;
mod fold;
mod inbox_changes;
mod marks;
mod memory;
pub mod migrate;
mod placeholder;
pub mod platforms;
mod postgres;
mod presence;
pub mod quota;
pub mod replies;
pub mod search;
pub mod sessions;
mod signals;
mod sqlite;
pub mod teams;

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::oneshot;

pub use arrival::{Arrived, Arriving};
pub use at_work::ai_agents_at_work;
pub use document::read_event;
pub use inbox_changes::InboxChanges;
pub use memory::{MemoryStore, Snapshot};
pub use postgres::{DatabaseState, PostgresStore};
pub use presence::PresenceExchange;
pub use signals::Signals;
pub use sqlite::{FileState, SqliteStore, Verification, backup, inspect, restore, verify};

use crate::{
    metrics::Depths,
    relay::{
        changes::{DeadLetter, Of, Scope, View, WriteSet},
        contact::Contact,
        delivery::{Delivery, Queue},
        duty::AgentState,
        event::EventKind,
        handoff::Handoff,
        id::{AiAgentId, ConversationKey, DeliveryId, HandoffId, HolderId, PlatformId, RowId, TeamName},
        matching::MatchKey,
        report::Entry,
        sight::Sight,
        thread::Row,
        time::Time,
    },
    settings::Database,
};
use files::{FileChecks, FileOf};
use platforms::PlatformState;
use quota::{Place, Quota};
use replies::{CannedReply, ReplyChange, ReplyOutcome};
use search::{Found, IndexProgress};
use sessions::{Digest, Session, SessionChange, SignInCode};
use teams::TeamState;

/// How long an `Idempotency-Key` is honoured.
pub const IDEMPOTENCY_MEMORY: Duration = Duration::from_hours(24);
/// How long `svix-id`s are kept: a day more than promised.
pub const ID_MEMORY: Duration = Duration::from_hours(15 * 24);
/// How many changes an event stream can catch up on.
pub const CHANGES_KEPT: u64 = 50_000;
/// How much of each kind is forgotten in one step: little enough that nobody waits long behind it.
pub const PURGE_STEP: usize = 500;

/// A decision of the rules, run inside the store's transaction.
pub type Decision = Box<dyn FnOnce(View) -> DecisionResult + Send>;

/// What a decision came to.
pub struct DecisionResult {
    /// What to write.
    pub changes: WriteSet,
    /// What to do once that is durable, if anything; dropped if it can't be written.
    pub committed: Option<Box<dyn FnOnce() + Send>>,
}

impl From<WriteSet> for DecisionResult {
    fn from(changes: WriteSet) -> Self {
        Self { changes, committed: None }
    }
}

/// The store failed. Nothing was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database says no: full, locked, gone. Trying again may help.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// What is stored can't be read.
    #[error("the store contains unreadable data: {0}")]
    Unreadable(String),
    /// The decision panicked, which is a fault of the relay's own. It has spoiled nothing but itself.
    #[error("an internal error occurred; the log has the details")]
    Panicked,
    /// The process is stopping.
    #[error("the store has stopped")]
    Stopped,
}

impl StoreError {
    /// Whether trying again comes to the same, as long as this process runs.
    pub const fn is_lasting(&self) -> bool {
        match self {
            Self::Unreadable(_) | Self::Panicked => true,
            Self::Unavailable(_) | Self::Stopped => false,
        }
    }
}

/// Whether a copy of a database is made before its schema changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Copies {
    /// Beside the file, until the next change.
    #[default]
    Make,
    /// None: there is no room, or another backup.
    Skip,
}

/// What an agent looks for.
#[derive(Clone, Debug, Default)]
pub struct HandoffQuery {
    /// Only these.
    pub status: Option<StatusFilter>,
    /// Only those that ran out before the end user had an answer.
    pub missed: bool,
    /// Only this conversation's.
    pub conversation: Option<String>,
    /// Only this end user's, by Ada's id.
    pub end_user: Option<String>,
    /// Only this agent's.
    pub agent: Option<String>,
    /// Only those of this team.
    pub team: Option<TeamName>,
    /// Only those that an agent with this sight may see.
    pub sight: Sight,
    /// Only those that this platform got.
    pub platform: Option<PlatformId>,
    /// Only those in which this is found: see [`search`].
    pub text: Option<String>,
    /// In which order.
    pub order: Order,
    /// Only those behind this place in the list.
    pub after: Option<u64>,
    /// At most so many.
    pub limit: usize,
}

/// The order of a list, by when its handoffs began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

/// The states an agent can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatusFilter {
    /// No agent has it.
    Waiting,
    /// An agent has it.
    Active,
    /// Over.
    Ended,
}

impl StatusFilter {
    /// The state of a handoff.
    pub const fn of(handoff: &Handoff) -> Self {
        use crate::relay::handoff::Status;
        match handoff.status {
            Status::Waiting => Self::Waiting,
            Status::Active { .. } => Self::Active,
            Status::Ended(_) => Self::Ended,
        }
    }

    /// The name it is stored and asked for under.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Ended => "ended",
        }
    }
}

/// A part of a list in its order, and where the rest begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The handoffs.
    pub handoffs: Vec<Handoff>,
    /// Where each of them has the text that was asked for, as far as that is known; nothing if none was.
    pub found: Vec<Option<Found>>,
    /// What to ask for `after` next.
    pub next: Option<u64>,
}

/// A part of the list of dead letters, newest first, and where the rest begins.
#[derive(Clone, Debug, PartialEq)]
pub struct LetterPage {
    /// The letters.
    pub letters: Vec<DeadLetter>,
    /// What to ask for `after` next.
    pub next: Option<u64>,
}

/// Something agents see that is new or has changed, as it is now.
#[derive(Clone, Debug, PartialEq)]
pub enum FeedItem {
    /// A handoff.
    Handoff(Arc<Handoff>),
    /// A row of a thread.
    Row(Arc<Row>),
    /// The canned replies.
    CannedReplies,
}

/// The changes since some point.
#[derive(Clone, Debug, PartialEq)]
pub enum Since {
    /// Each with its number.
    Changes(Vec<(u64, FeedItem)>),
    /// Too long ago: load anew. The number is the newest.
    Reset(u64),
}

/// How long what is over is kept; `None` is for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPeriods {
    /// Ended handoffs, with their threads.
    pub ended: Option<Duration>,
    /// Dead letters.
    pub dead_letters: Option<Duration>,
}

/// How far a purge has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeProgress {
    /// All that is old is gone.
    All,
    /// There may be more.
    Part,
}

/// How much of what is stored can't be read, as a newer relay may have written it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unreadable {
    /// Deliveries, or what they are about: their lanes stand still.
    pub deliveries: u64,
    /// Conversations whose events wait for it.
    pub conversations: u64,
}

/// What is due, and when to look again if nothing comes between.
#[derive(Clone, Debug, PartialEq)]
pub struct Due<T> {
    /// Due now.
    pub items: Vec<T>,
    /// When the next will be.
    pub next: Option<Time>,
}

/// A handoff whose timeout counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleHandoff {
    /// Which one.
    pub id: HandoffId,
    /// Where it stands among them.
    pub place: IdlePlace,
    /// Its AI Agent.
    pub ai_agent: AiAgentId,
    /// The route by which it came.
    pub route: Option<String>,
    /// Its team.
    pub team: Option<TeamName>,
}

/// A place among handoffs whose timeouts count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdlePlace {
    /// Since when the timeout counts.
    pub since: Time,
    /// The order of those of the same instant.
    pub number: u64,
}

/// A call that was counted, and those of other relays that the asker had not heard of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedCalls {
    /// Its number.
    pub number: u64,
    /// The newest that the asker has heard of now.
    pub known: u64,
    /// How long ago the others were counted, all within the last minute or a little more.
    pub others: Vec<Duration>,
}

/// What the relay must not forget.
#[async_trait]
pub trait Store: Send + Sync {
    /// Loads what `scope` names, runs `decision` on it and writes its changes: all of it or nothing, and
    /// durable when this returns.
    async fn decide(&self, scope: Scope, decision: Decision) -> Result<(), StoreError>;

    /// Loads what `scope` names, as it was at one moment, and changes nothing. It waits for no decision.
    async fn view(&self, scope: Scope) -> Result<View, StoreError>;

    /// Keeps an event that arrives: without a decision if a store can, and there is nothing to decide.
    async fn arrive(&self, arriving: Arriving) -> Result<Arrived, StoreError> {
        let (scope, decision) = (arriving.rule)(arriving.event);
        self.decide(scope, decision).await?;
        Ok(Arrived::Decided)
    }

    /// Conversations whose buffered events are due at `now`, at most `limit`.
    async fn due_conversations(&self, now: Time, limit: usize) -> Result<Due<ConversationKey>, StoreError>;

    /// Conversations of which events wait, at most `limit`.
    async fn waiting_conversations(&self, limit: usize) -> Result<Vec<ConversationKey>, StoreError>;

    /// Whether an event of a conversation may wait. Asks no disk: a store that doesn't know says that it may.
    fn may_wait(&self, key: &ConversationKey) -> bool {
        let _ = key;
        true
    }

    /// Handoffs in `status` whose timeout counts since `until` or before, longest first, those behind the place `after`,
    /// at most `limit`; and since when that of the next one does.
    async fn idle_handoffs(
        &self,
        status: StatusFilter,
        until: Time,
        after: Option<IdlePlace>,
        limit: usize,
    ) -> Result<Due<IdleHandoff>, StoreError>;

    /// Of each of these queues the deliveries that may be tried at `now` ([`Delivery::ready_at`]) and are among the next
    /// of their lanes: of an ordered lane the first, of others as many as may be under way. At most as many as the
    /// queue's number, those first that have waited longest since they became the next. It takes as long with 10 as with
    /// 100,000 deliveries.
    async fn due_deliveries(
        &self,
        now: Time,
        queues: &[(Queue, usize)],
    ) -> Result<Vec<Due<Delivery>>, StoreError>;

    /// Handoffs with messages whose time is over at `now`, at most `limit`; and when the next message's will be.
    async fn expired(&self, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError>;

    /// `holder` goes on with these deliveries: its claims on them last until then.
    async fn renew_claims(
        &self,
        holder: &HolderId,
        deliveries: Vec<DeliveryId>,
        until: Time,
    ) -> Result<(), StoreError>;

    /// Whether a delivery still waits and is in no trouble: it may have been taken back or settled, or be of another
    /// class than [`Fresh`](crate::relay::delivery::Class::Fresh), or wait behind one that is.
    async fn waits_untroubled(&self, delivery: &DeliveryId) -> Result<bool, StoreError>;

    /// Whether other relays use the same store at the same time.
    fn is_shared(&self) -> bool {
        false
    }

    /// Whether this relay does what one relay does for all that share the store: reading handoffs again and again, and
    /// purging.
    async fn leads(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// Counts a call to an AI Agent's API that is about to be made, for all relays that share the store. `known` is the
    /// newest call of theirs that this one has heard of.
    async fn count_call(&self, ai_agent: &AiAgentId, known: u64) -> Result<SharedCalls, StoreError> {
        let _ = (ai_agent, known);
        Ok(SharedCalls::default())
    }

    /// A call that was counted is not made.
    async fn take_back_call(&self, number: u64) -> Result<(), StoreError> {
        let _ = number;
        Ok(())
    }

    /// Takes a place within each of these quotas, for all relays that share the store, if each has one left.
    async fn take_place(&self, quotas: &[Quota]) -> Result<Place, StoreError> {
        let _ = quotas;
        Ok(Place::Taken(Vec::new()))
    }

    /// Nothing came of what these places were taken for.
    async fn give_back_place(&self, numbers: &[u64]) -> Result<(), StoreError> {
        let _ = numbers;
        Ok(())
    }

    /// Any relay that shares the store may be shown this code.
    async fn put_code(&self, code: SignInCode) -> Result<(), StoreError> {
        let _ = code;
        Ok(())
    }

    /// A code that somebody shows, once, also if it is too old.
    async fn take_code(&self, id: &Digest) -> Result<Option<SignInCode>, StoreError> {
        let _ = id;
        Ok(None)
    }

    /// Whether a conversation has a handoff that is open. Asks no disk.
    fn has_open_handoff(&self, conversation: &str) -> bool;

    /// One handoff.
    async fn handoff(&self, id: &HandoffId) -> Result<Option<Handoff>, StoreError>;

    /// Handoffs, in the order that is asked for.
    async fn handoffs(&self, query: &HandoffQuery) -> Result<Page, StoreError>;

    /// Puts what is new, and what was there before, into the index of a search: a step of it, with at most `limit` entries.
    async fn index(&self, limit: usize) -> Result<IndexProgress, StoreError> {
        let _ = limit;
        Ok(IndexProgress::All)
    }

    /// Rows of a thread behind `after`, by `seq`. Empty for an unknown handoff.
    async fn rows(&self, id: &HandoffId, after: u64, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// One row.
    async fn row(&self, id: &RowId) -> Result<Option<Row>, StoreError>;

    /// What has changed behind the number `after`, at most `limit` changes.
    async fn changes_since(&self, after: u64, limit: usize) -> Result<Since, StoreError>;

    /// What was set aside, newest first: at most `limit` behind the place `after` in the list.
    async fn dead_letters(&self, after: Option<u64>, limit: usize) -> Result<LetterPage, StoreError>;

    /// One dead letter.
    async fn dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StoreError>;

    /// All canned replies, by title.
    async fn canned_replies(&self) -> Result<Vec<CannedReply>, StoreError>;

    /// An agent makes, changes or drops a canned reply, which is a change that agents see.
    async fn change_replies(&self, change: ReplyChange) -> Result<ReplyOutcome, StoreError>;

    /// The contact in Amazon Connect of a handoff, if it has one.
    async fn contact(&self, handoff: &HandoffId) -> Result<Option<Contact>, StoreError>;

    /// The handoff whose contact began with this id.
    async fn handoff_of_contact(&self, contact: &str) -> Result<Option<HandoffId>, StoreError>;

    /// Handoffs whose contacts somebody must look at at `now`, at most `limit`; and when the next one's turn is.
    async fn due_contacts(&self, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError>;

    /// Handoffs whose contacts are not over, behind the handoff `after`, at most `limit`.
    async fn open_contacts(
        &self,
        after: Option<&HandoffId>,
        limit: usize,
    ) -> Result<Vec<HandoffId>, StoreError>;

    /// What is known of platforms.
    async fn platforms(&self) -> Result<Vec<PlatformState>, StoreError>;

    /// A platform was disabled or enabled.
    async fn put_platform(&self, state: PlatformState) -> Result<(), StoreError>;

    /// What is known of teams.
    async fn teams(&self) -> Result<Vec<TeamState>, StoreError>;

    /// Something was decided about a team.
    async fn put_team(&self, state: TeamState) -> Result<(), StoreError>;

    /// How many handoffs of a team wait, or of no team; `up_to` counts only those that came no later than this one.
    async fn waiting(&self, team: Option<TeamName>, up_to: Option<HandoffId>) -> Result<u64, StoreError>;

    /// How many handoffs each agent has who has any.
    async fn loads(&self) -> Result<BTreeMap<String, u64>, StoreError>;

    /// What reports need of the handoffs that are open, at most `limit`: of those that wait, then of the others.
    async fn open_entries(&self, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// What reports need of the handoffs that began from `from` on and before `until`, in their order, at most `limit`.
    /// How many others there are hardly matters.
    async fn entries_begun(&self, from: Time, until: Time, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// What is known of agents.
    async fn agents(&self) -> Result<Vec<AgentState>, StoreError>;

    /// There was a sign of an agent.
    async fn agent_seen(&self, name: String, at: Time) -> Result<(), StoreError>;

    /// An agent says whether they take handoffs.
    async fn set_away(&self, name: String, is_away: bool, at: Time) -> Result<(), StoreError>;

    /// A session, also one whose time is over.
    async fn session(&self, id: &Digest) -> Result<Option<Session>, StoreError>;

    /// Somebody signs in, comes back, or goes.
    async fn change_sessions(&self, change: SessionChange) -> Result<(), StoreError>;

    /// Files that it is time to look at, at most `limit`: whether they have a row.
    async fn due_file_checks(&self, now: Time, limit: usize) -> Result<Vec<FileOf>, StoreError>;

    /// A file is to be looked at, or has been. Those of a forgotten handoff are to be at once.
    async fn change_file_checks(&self, change: FileChecks) -> Result<(), StoreError>;

    /// Nobody can flush what is buffered of a conversation before then: its stored data can't be read.
    async fn set_apart(&self, key: &ConversationKey, until: Time) -> Result<(), StoreError>;

    /// A delivery can't be begun, as something about its conversation can't be read: it is offered to nobody before the
    /// next start.
    async fn set_delivery_apart(&self, id: &DeliveryId) -> Result<(), StoreError>;

    /// What can't be read.
    async fn unreadable(&self) -> Result<Unreadable, StoreError>;

    /// How much waits, and since when.
    async fn depths(&self) -> Result<Depths, StoreError>;

    /// Purges what has been kept long enough at `now`, a step of it: at most [`PURGE_STEP`] of each kind. An
    /// ended handoff goes whole, with everything about it, but not while a delivery of its own or an event of
    /// its conversation waits.
    async fn purge(&self, now: Time, keep: &RetentionPeriods) -> Result<PurgeProgress, StoreError>;

    /// Whether the store can be read and written.
    async fn ready(&self) -> Result<(), StoreError>;

    /// What commits touch.
    fn signals(&self) -> &Signals;
}

/// Takes a decision on what it sees.
///
/// # Errors
/// It panicked.
fn take(decision: Decision, of: &Of, view: View) -> Result<DecisionResult, StoreError> {
    unless_it_panics(of, || decision(view))
}

fn unless_it_panics<T>(of: &Of, decide: impl FnOnce() -> T) -> Result<T, StoreError> {
    // A decision owns what it changes, and none of it is looked at again.
    catch_unwind(AssertUnwindSafe(decide)).map_err(|_| {
        match of {
            Of::Conversation(key) => tracing::error!(conversation.id = %key.conversation, "a rule panicked"),
            Of::Handoff(id) => tracing::error!(handoff.id = %id, "a rule panicked"),
        }
        StoreError::Panicked
    })
}

/// Runs what changes nothing on what `scope` names.
///
/// # Errors
/// As [`Store::view`], or it panicked.
pub async fn look<T>(store: &dyn Store, scope: Scope, look: impl FnOnce(View) -> T) -> Result<T, StoreError> {
    let of = scope.of.clone();
    let view = store.view(scope).await?;
    unless_it_panics(&of, || look(view))
}

/// The conversation in whose inbox a decision has changed something.
fn conversation_of(changes: &WriteSet, of: &Of) -> Option<ConversationKey> {
    match of {
        Of::Conversation(key) if !changes.inbox.is_empty() || !changes.inbox_done.is_empty() => {
            Some(key.clone())
        }
        _ => None,
    }
}

/// Runs a decision that has an answer, and `committed` with it once it is durable, whether or not the asker is still
/// there.
///
/// # Errors
/// As [`Store::decide`].
pub async fn decide<T: Send + 'static>(
    store: &dyn Store,
    scope: Scope,
    decision: impl FnOnce(View) -> (WriteSet, T) + Send + 'static,
    committed: impl FnOnce(&T) + Send + 'static,
) -> Result<T, StoreError> {
    let (tell, told) = oneshot::channel();
    store.decide(scope, telling(decision, committed, tell)).await?;
    told.await.map_err(|_| StoreError::Stopped)
}

/// The same decision. Once it is durable its answer is told, after `committed` was called with it.
pub fn telling<T: Send + 'static>(
    decision: impl FnOnce(View) -> (WriteSet, T) + Send + 'static,
    committed: impl FnOnce(&T) + Send + 'static,
    tell: oneshot::Sender<T>,
) -> Decision {
    Box::new(move |view| {
        let (changes, answer) = decision(view);
        let committed = move || {
            committed(&answer);
            // The asker may have gone.
            let _ = tell.send(answer);
        };
        DecisionResult { changes, committed: Some(Box::new(committed)) }
    })
}

/// An open store, and the task that must run for it to work.
pub struct OpenStore {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its writer, where it has one. It ends when the last handle to the store is dropped.
    pub writer: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// Opens the store that the settings name, and brings its schema up to date. It is `now`.
///
/// # Errors
/// It can't be opened, or belongs to another process. The text says which, and names the file.
pub async fn open(database: &Database, copies: Copies, now: Time) -> Result<OpenStore, StoreError> {
    match database {
        Database::Memory => Ok(OpenStore { store: Arc::new(MemoryStore::new(now)), writer: None }),
        Database::Postgres(settings) => {
            let (store, running) = PostgresStore::open(settings).await?;
            Ok(OpenStore { store: Arc::new(store), writer: Some(Box::pin(running)) })
        }
        Database::Sqlite(path) => {
            let (store, writer) = SqliteStore::open_with(path, copies)?;
            Ok(OpenStore { store: Arc::new(store), writer: Some(Box::pin(writer)) })
        }
    }
}

/// Handoffs a view shows however long ago they ended: the one asked for, and those with deliveries.
fn handoffs_by_id(scope: &Scope, view: &View) -> BTreeSet<HandoffId> {
    let mut ids = BTreeSet::new();
    if scope.with_outbox {
        ids.extend(view.outbox.iter().map(|delivery| delivery.handoff.clone()));
    }
    if let Of::Handoff(id) = &scope.of {
        ids.insert(id.clone());
    }
    ids
}

/// Handoffs that took no message from then on are not shown, but for the last of them.
fn takes_from(scope: &Scope, view: &View) -> Time {
    scope.takes_from(if scope.with_inbox { &view.inbox } else { &[] })
}

/// The rows a view shows whatever they say: those asked for, those of its deliveries and of its ends, and
/// the one an idempotency key stands for.
fn rows_by_id(scope: &Scope, view: &View) -> BTreeSet<RowId> {
    let mut ids: BTreeSet<RowId> = scope.rows.iter().cloned().collect();
    if scope.with_outbox {
        ids.extend(view.outbox.iter().filter_map(|delivery| delivery.job.row()).cloned());
    }
    if scope.with_outbox || scope.with_inbox {
        ids.extend(view.handoffs.iter().filter_map(|handoff| handoff.end()).map(|end| end.row.clone()));
    }
    ids.extend(view.idempotent.iter().map(|known| known.row.clone()));
    ids
}

/// What a view's messages could match.
fn match_keys(scope: &Scope, view: &View) -> Vec<MatchKey> {
    let inbox = if scope.with_inbox { &view.inbox[..] } else { &[] };
    let buffered = inbox.iter().filter_map(|event| match &event.kind {
        EventKind::Message(message) => Some(MatchKey::from(message)),
        _ => None,
    });
    scope.matching.iter().cloned().chain(buffered).collect()
}

/// What to show, and where the rest begins: of one more than `limit`, each with its position.
fn page<T>(mut found: Vec<(T, u64)>, limit: usize) -> (Vec<T>, Option<u64>) {
    let has_rest = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_rest).map(|(_, position)| *position);
    (found.into_iter().map(|(item, _)| item).collect(), next)
}

/// What was read, or a line in the log that it can't be: what a newer relay may have written costs nothing beside it.
/// `what` it is is for the log.
///
/// # Errors
/// The store itself fails.
fn or_note<T>(read: Result<T, StoreError>, what: &str) -> Result<Option<T>, StoreError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error @ StoreError::Unreadable(_)) => {
            tracing::error!(error = %error, "a {what} can't be read, and is left out");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Numbers of databases are signed; ours that get there are small.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
