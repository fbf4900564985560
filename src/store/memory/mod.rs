//! The store in memory: for tests, and for demos that may forget.
//!
//! One lock around plain maps. Nothing in here waits, so the lock is never held across an await.

mod contacts;
mod files;
mod outbox;
mod purge;
mod replies;
mod sessions;
mod snapshot;
mod state;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use async_trait::async_trait;

use super::{
    Decision, DecisionResult, Due, HandoffQuery, IdleHandoff, IdlePlace, LetterPage, Order, Page,
    PurgeProgress, RetentionPeriods, Signals, Since, StatusFilter, Store, StoreError, Unreadable,
    conversation_of,
    files::{FileChecks, FileOf},
    platforms::PlatformState,
    replies::{CannedReply, ReplyChange, ReplyOutcome, sorted},
    search::{Found, NEWEST, Wanted},
    sessions::{Digest, Session, SessionChange},
    signals::{FeedPosition, TouchedTopics},
    take,
    teams::TeamState,
};
use crate::metrics::Depths;
use crate::relay::{
    changes::{DeadLetter, Scope, View},
    contact::Contact,
    delivery::{Delivery, Queue},
    duty::AgentState,
    handoff::{Handoff, Status},
    id::{ConversationKey, DeliveryId, HandoffId, HolderId, RowId, TeamName},
    report::Entry,
    thread::Row,
    time::Time,
};
pub use snapshot::Snapshot;
use state::State;

/// See the module.
pub struct MemoryStore {
    state: Mutex<State>,
    signals: Signals,
}

impl MemoryStore {
    /// A store that is empty at `now`.
    pub fn new(now: Time) -> Self {
        // Numbers of an earlier life must look old to this one.
        let last_change = u64::try_from(now.as_micros()).unwrap_or(0);
        let state = State { last_change, ..State::default() };
        Self { state: Mutex::new(state), signals: Signals::new(last_change) }
    }

    /// Voids the claims of workers that are gone, as a new process finds it in a file.
    pub fn void_claims(&self) {
        self.lock().outbox.void_claims();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock takes the process down; until then the maps are still readable.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn decide(&self, scope: Scope, decision: Decision) -> Result<(), StoreError> {
        let mut state = self.lock();
        let view = state.view(&scope);
        let DecisionResult { changes, committed } = take(decision, &scope.of, view)?;
        let touched = TouchedTopics::by(&changes);
        let conversation = conversation_of(&changes, &scope.of);
        state.apply(changes);
        self.signals.committed(touched, FeedPosition::At(state.last_change));
        drop(state);
        self.signals.inbox_changes().note(conversation);
        committed.into_iter().for_each(|committed| committed());
        Ok(())
    }

    async fn view(&self, scope: Scope) -> Result<View, StoreError> {
        Ok(self.lock().view(&scope))
    }

    async fn due_conversations(&self, now: Time, limit: usize) -> Result<Due<ConversationKey>, StoreError> {
        let state = self.lock();
        let due = state.due.iter().take_while(|(due, _)| *due <= now).take(limit);
        let items: Vec<ConversationKey> = due.map(|(_, key)| key.clone()).collect();
        let next = state.due.iter().nth(items.len()).map(|(due, _)| *due);
        Ok(Due { items, next })
    }

    async fn waiting_conversations(&self, limit: usize) -> Result<Vec<ConversationKey>, StoreError> {
        Ok(self.lock().inbox.keys().take(limit).cloned().collect())
    }

    fn may_wait(&self, key: &ConversationKey) -> bool {
        self.lock().inbox.contains_key(key)
    }

    async fn idle_handoffs(
        &self,
        status: StatusFilter,
        until: Time,
        after: Option<IdlePlace>,
        limit: usize,
    ) -> Result<Due<IdleHandoff>, StoreError> {
        let state = self.lock();
        let from = after.map_or((Time::from_micros(i64::MIN), 0), |after| (after.since, after.number + 1));
        let of_status = state.idle.range((status, from.0, from.1)..).take_while(|(of, _, _)| *of == status);
        let first: Vec<_> = of_status.take(limit.saturating_add(1)).collect();
        let due = first.iter().take_while(|(_, since, _)| *since <= until).take(limit);
        let items: Vec<IdleHandoff> = due
            .map(|(_, since, index)| {
                let Handoff { id, key, route, team, .. } = &state.handoffs[index];
                let place = IdlePlace { since: *since, number: *index };
                let (id, ai_agent) = (id.clone(), key.ai_agent.clone());
                IdleHandoff { id, place, ai_agent, route: route.clone(), team: team.clone() }
            })
            .collect();
        let next = first.get(items.len()).map(|(_, since, _)| *since);
        Ok(Due { items, next })
    }

    async fn due_deliveries(
        &self,
        now: Time,
        queues: &[(Queue, usize)],
    ) -> Result<Vec<Due<Delivery>>, StoreError> {
        let state = self.lock();
        Ok(queues.iter().map(|(queue, limit)| state.outbox.due(now, queue, *limit)).collect())
    }

    async fn expired(&self, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError> {
        Ok(self.lock().outbox.expired(now, limit))
    }

    async fn renew_claims(
        &self,
        holder: &HolderId,
        deliveries: Vec<DeliveryId>,
        until: Time,
    ) -> Result<(), StoreError> {
        self.lock().outbox.renew(holder, &deliveries, until);
        Ok(())
    }

    async fn waits_untroubled(&self, delivery: &DeliveryId) -> Result<bool, StoreError> {
        Ok(self.lock().outbox.waits_untroubled(delivery))
    }

    fn has_open_handoff(&self, conversation: &str) -> bool {
        let state = self.lock();
        let is_open = |handoff: &Handoff| StatusFilter::of(handoff) != StatusFilter::Ended;
        let of_it = |handoff: &Handoff| handoff.key.conversation.as_str() == conversation;
        state.handoffs.values().rev().any(|handoff| is_open(handoff) && of_it(handoff))
    }

    async fn handoff(&self, id: &HandoffId) -> Result<Option<Handoff>, StoreError> {
        let state = self.lock();
        Ok(state.indices.get(id).map(|index| state.handoffs[index].clone()))
    }

    async fn handoffs(&self, query: &HandoffQuery) -> Result<Page, StoreError> {
        let state = self.lock();
        let indices: Box<dyn Iterator<Item = (&u64, &Handoff)> + Send> = match query.order {
            Order::Newest => Box::new(state.handoffs.range(..query.after.unwrap_or(u64::MAX)).rev()),
            Order::Oldest => {
                Box::new(state.handoffs.range(query.after.map_or(0, |after| after.saturating_add(1))..))
            }
        };
        let wanted = query.text.as_deref().and_then(Wanted::new);
        let mut matching =
            indices.filter(|(_, handoff)| matches(query, handoff)).filter_map(|(index, handoff)| {
                let Some(wanted) = &wanted else { return Some((*index, handoff, None)) };
                state.found(*index, handoff, wanted).map(|found| (*index, handoff, Some(found)))
            });
        let shown: Vec<(u64, &Handoff, Option<Found>)> = matching.by_ref().take(query.limit).collect();
        let next = matching.next().and(shown.last()).map(|(index, ..)| *index);
        let (handoffs, found) = shown.into_iter().map(|(_, handoff, found)| (handoff.clone(), found)).unzip();
        Ok(Page { handoffs, found: if wanted.is_some() { found } else { Vec::new() }, next })
    }

    async fn rows(&self, id: &HandoffId, after: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        let state = self.lock();
        let thread = state.threads.get(id);
        let rows = thread.into_iter().flat_map(|thread| thread.range(after.saturating_add(1)..));
        Ok(rows.take(limit).map(|(_, row)| row.clone()).collect())
    }

    async fn row(&self, id: &RowId) -> Result<Option<Row>, StoreError> {
        Ok(self.lock().row(id).cloned())
    }

    async fn changes_since(&self, after: u64, limit: usize) -> Result<Since, StoreError> {
        let state = self.lock();
        let oldest = state.changes.front().map_or(state.last_change + 1, |(id, _)| *id);
        if after.saturating_add(1) < oldest || after > state.last_change {
            return Ok(Since::Reset(state.last_change));
        }
        let skip = state.changes.partition_point(|(id, _)| *id <= after);
        let changes = state.changes.iter().skip(skip).take(limit);
        Ok(Since::Changes(changes.filter_map(|(id, index)| Some((*id, state.now(index)?))).collect()))
    }

    async fn dead_letters(&self, after: Option<u64>, limit: usize) -> Result<LetterPage, StoreError> {
        let state = self.lock();
        let mut found = state.dead_letters.range(..after.unwrap_or(u64::MAX)).rev();
        let shown: Vec<(&u64, &DeadLetter)> = found.by_ref().take(limit).collect();
        let next = found.next().and(shown.last()).map(|(position, _)| **position);
        Ok(LetterPage { letters: shown.into_iter().map(|(_, letter)| letter.clone()).collect(), next })
    }

    async fn dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StoreError> {
        Ok(self.lock().dead_letter(id).cloned())
    }

    async fn canned_replies(&self) -> Result<Vec<CannedReply>, StoreError> {
        Ok(sorted(self.lock().replies.values().cloned().collect()))
    }

    async fn change_replies(&self, change: ReplyChange) -> Result<ReplyOutcome, StoreError> {
        let mut state = self.lock();
        let outcome = state.change_replies(change);
        self.signals.committed(TouchedTopics::default(), FeedPosition::At(state.last_change));
        Ok(outcome)
    }

    async fn contact(&self, handoff: &HandoffId) -> Result<Option<Contact>, StoreError> {
        Ok(self.lock().contacts.get(handoff).map(|(contact, _)| contact.clone()))
    }

    async fn handoff_of_contact(&self, contact: &str) -> Result<Option<HandoffId>, StoreError> {
        Ok(self.lock().contact_ids.get(contact).cloned())
    }

    async fn due_contacts(&self, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError> {
        Ok(self.lock().due_contacts(now, limit))
    }

    async fn open_contacts(
        &self,
        after: Option<&HandoffId>,
        limit: usize,
    ) -> Result<Vec<HandoffId>, StoreError> {
        Ok(self.lock().open_contacts(after, limit))
    }

    async fn platforms(&self) -> Result<Vec<PlatformState>, StoreError> {
        Ok(self.lock().platforms.values().cloned().collect())
    }

    async fn put_platform(&self, platform: PlatformState) -> Result<(), StoreError> {
        self.lock().platforms.insert(platform.id.clone(), platform);
        Ok(())
    }

    async fn teams(&self) -> Result<Vec<TeamState>, StoreError> {
        Ok(self.lock().teams.values().cloned().collect())
    }

    async fn put_team(&self, state: TeamState) -> Result<(), StoreError> {
        self.lock().teams.insert(state.name.clone(), state);
        Ok(())
    }

    async fn waiting(&self, team: Option<TeamName>, up_to: Option<HandoffId>) -> Result<u64, StoreError> {
        let state = self.lock();
        let last = up_to.and_then(|id| state.indices.get(&id).copied()).unwrap_or(u64::MAX);
        let waiting = state.handoffs.range(..=last).map(|(_, handoff)| handoff);
        let counts =
            |handoff: &&Handoff| StatusFilter::of(handoff) == StatusFilter::Waiting && handoff.team == team;
        Ok(waiting.filter(counts).count() as u64)
    }

    async fn loads(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut loads = BTreeMap::new();
        for handoff in self.lock().handoffs.values() {
            if let Status::Active { agent } = &handoff.status {
                *loads.entry(agent.clone()).or_default() += 1;
            }
        }
        Ok(loads)
    }

    async fn open_entries(&self, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let state = self.lock();
        let of = |status| state.handoffs.values().filter(move |handoff| StatusFilter::of(handoff) == status);
        let open = of(StatusFilter::Waiting).chain(of(StatusFilter::Active));
        Ok(open.take(limit).cloned().map(Entry::from).collect())
    }

    async fn entries_begun(&self, from: Time, until: Time, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let state = self.lock();
        let begun = state.handoffs.values().filter(|handoff| (from..until).contains(&handoff.created_at));
        Ok(begun.take(limit).cloned().map(Entry::from).collect())
    }

    async fn agents(&self) -> Result<Vec<AgentState>, StoreError> {
        Ok(self.lock().agents.values().cloned().collect())
    }

    async fn agent_seen(&self, name: String, at: Time) -> Result<(), StoreError> {
        self.lock().agent_seen(&name, at);
        Ok(())
    }

    async fn set_away(&self, name: String, is_away: bool, at: Time) -> Result<(), StoreError> {
        self.lock().agent_seen(&name, at).is_away = is_away;
        Ok(())
    }

    async fn session(&self, id: &Digest) -> Result<Option<Session>, StoreError> {
        Ok(self.lock().sessions.get(id).cloned())
    }

    async fn change_sessions(&self, change: SessionChange) -> Result<(), StoreError> {
        let touched = TouchedTopics::by_session(&change);
        let mut state = self.lock();
        state.change_sessions(change);
        self.signals.committed(touched, FeedPosition::At(state.last_change));
        Ok(())
    }

    async fn due_file_checks(&self, now: Time, limit: usize) -> Result<Vec<FileOf>, StoreError> {
        Ok(self.lock().due_file_checks(now, limit))
    }

    async fn change_file_checks(&self, change: FileChecks) -> Result<(), StoreError> {
        self.lock().change_file_checks(change);
        Ok(())
    }

    async fn set_apart(&self, key: &ConversationKey, until: Time) -> Result<(), StoreError> {
        let mut state = self.lock();
        let buffer = state.buffers.get(key).map(|(buffer, _)| (*buffer, until));
        state.put_buffer(key.clone(), buffer);
        Ok(())
    }

    async fn set_delivery_apart(&self, _: &DeliveryId) -> Result<(), StoreError> {
        Ok(())
    }

    /// Nothing here is written down, so all of it can be read.
    async fn unreadable(&self) -> Result<Unreadable, StoreError> {
        Ok(Unreadable::default())
    }

    async fn depths(&self) -> Result<Depths, StoreError> {
        let state = self.lock();
        let mut handoffs = [0; 3];
        for handoff in state.handoffs.values() {
            handoffs[StatusFilter::of(handoff) as usize] += 1;
        }
        Ok(Depths {
            inbox: state.inbox_keys.len() as u64,
            inbox_oldest: state.inbox_keys.values().map(|(_, key)| key.0).min(),
            queued: state.outbox.depths().clone(),
            outbox_oldest: state.outbox.oldest(),
            unreadable: 0,
            handoffs,
        })
    }

    async fn purge(&self, now: Time, keep: &RetentionPeriods) -> Result<PurgeProgress, StoreError> {
        Ok(self.lock().purge(now, keep))
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }
}

impl State {
    /// Where a handoff has a text.
    fn found(&self, index: u64, handoff: &Handoff, wanted: &Wanted) -> Option<Found> {
        if !wanted.is_in_index() && index + NEWEST <= self.last_handoff {
            return None;
        }
        let rows = self.threads.get(&handoff.id).filter(|_| wanted.is_in_index());
        let in_rows = || rows?.values().rev().find_map(|row| wanted.in_row(row));
        wanted.in_handoff(handoff).or_else(in_rows)
    }
}

fn matches(query: &HandoffQuery, handoff: &Handoff) -> bool {
    query.status.is_none_or(|status| status == StatusFilter::of(handoff))
        && (!query.missed || handoff.missed.is_some())
        && query.conversation.as_ref().is_none_or(|id| handoff.key.conversation.0 == *id)
        && query.end_user.as_ref().is_none_or(|id| handoff.end_user.id.as_ref() == Some(id))
        && query.agent.as_deref().is_none_or(|agent| handoff.agent() == Some(agent))
        && query.team.as_ref().is_none_or(|team| handoff.team.as_ref() == Some(team))
        && query.sight.has(handoff)
        && query.platform.as_ref().is_none_or(|platform| handoff.platforms.contains_key(platform))
}
