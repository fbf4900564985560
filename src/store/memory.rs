//! The store in memory: for tests, and for demos that may forget.
//!
//! One lock around plain maps. Nothing in here waits, so the lock is never held across an await.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{
    CHANGES_KEPT, Changed, Decision, Due, HandoffQuery, ID_MEMORY, IDEMPOTENCY_MEMORY, Page, Since,
    StatusFilter, Store, StoreError, search_text,
};
use crate::relay::{
    buffer::Buffer,
    changes::{Changes, DeadLetter, INBOX_PAGE, IdempotencyScope, Idempotent, Of, Scope, View},
    delivery::Delivery,
    event::{Event, SortKey},
    handoff::Handoff,
    id::{ConversationKey, HandoffId, MessageId, RowId},
    thread::Row,
    time::Time,
};

/// See the module.
pub struct MemoryStore {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// In the order they were made.
    handoffs: Vec<Handoff>,
    places: HashMap<HandoffId, usize>,
    conversations: HashMap<ConversationKey, Vec<usize>>,
    threads: HashMap<HandoffId, BTreeMap<u64, Row>>,
    rows: HashMap<RowId, (HandoffId, u64)>,
    /// Rows by what a message could match them by.
    alike: HashMap<(HandoffId, Mark), BTreeSet<RowId>>,
    inbox: HashMap<ConversationKey, BTreeMap<(SortKey, String), Event>>,
    inbox_keys: HashMap<String, (ConversationKey, SortKey)>,
    buffers: HashMap<ConversationKey, (Buffer, Time)>,
    seen: HashMap<String, Time>,
    outbox: BTreeMap<u64, Queued>,
    last_position: u64,
    changes: VecDeque<(u64, Place)>,
    last_change: u64,
    dead_letters: Vec<DeadLetter>,
    idempotency: HashMap<IdempotencyScope, (Time, Idempotent)>,
}

struct Queued {
    delivery: Delivery,
    leased_until: Time,
}

#[derive(PartialEq, Eq, Hash)]
enum Mark {
    Id(MessageId),
    Fingerprint(String),
}

#[derive(Clone)]
enum Place {
    Handoff(HandoffId),
    Row(RowId),
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        // Numbers of an earlier life must look old to this one.
        let last_change = u64::try_from(Time::now().as_micros()).unwrap_or(0);
        let state = State { last_change, ..State::default() };
        Self { state: Mutex::new(state), changed: watch::Sender::new(last_change) }
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
        state.apply(decision(view));
        self.changed.send_replace(state.last_change);
        Ok(())
    }

    async fn due_conversations(&self, now: Time, limit: usize) -> Result<Due<ConversationKey>, StoreError> {
        let state = self.lock();
        let mut waiting: Vec<(Time, &ConversationKey)> =
            state.buffers.iter().map(|(key, (_, due))| (*due, key)).collect();
        waiting.sort();
        let due = waiting.iter().take_while(|(due, _)| *due <= now).take(limit);
        let items: Vec<ConversationKey> = due.map(|(_, key)| (*key).clone()).collect();
        let next = waiting.get(items.len()).map(|(due, _)| *due);
        Ok(Due { items, next })
    }

    async fn claim_due(&self, now: Time, lease: Duration, limit: usize) -> Result<Due<Delivery>, StoreError> {
        let mut state = self.lock();
        let mut lanes = BTreeSet::new();
        let (mut items, mut next) = (Vec::new(), None::<Time>);
        for queued in state.outbox.values_mut() {
            let lane = (queued.delivery.handoff.clone(), queued.delivery.task.lane().as_str());
            if !lanes.insert(lane) {
                continue;
            }
            let ready_at = queued.delivery.due_at.max(queued.leased_until);
            if ready_at <= now && items.len() < limit {
                queued.leased_until = now + lease;
                queued.delivery.attempts += 1;
                items.push(queued.delivery.clone());
            } else {
                next = Some(next.map_or(ready_at, |known| known.min(ready_at)));
            }
        }
        Ok(Due { items, next })
    }

    async fn handoff(&self, id: &HandoffId) -> Result<Option<Handoff>, StoreError> {
        let state = self.lock();
        Ok(state.places.get(id).map(|place| state.handoffs[*place].clone()))
    }

    async fn handoffs(&self, query: &HandoffQuery) -> Result<Page, StoreError> {
        let state = self.lock();
        let before = query.after.map_or(usize::MAX, |after| usize::try_from(after).unwrap_or(0));
        let places = (0..state.handoffs.len()).rev();
        let mut found = places
            .filter(|place| place + 1 < before && matches(query, &state.handoffs[*place]))
            .take(query.limit + 1);
        let taken: Vec<usize> = found.by_ref().take(query.limit).collect();
        let next = found.next().and(taken.last()).and_then(|last| u64::try_from(last + 1).ok());
        Ok(Page { handoffs: taken.iter().map(|place| state.handoffs[*place].clone()).collect(), next })
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
        if after + 1 < oldest || after > state.last_change {
            return Ok(Since::Reset(state.last_change));
        }
        let skip = usize::try_from(after + 1 - oldest).unwrap_or(usize::MAX);
        let changes = state.changes.iter().skip(skip).take(limit);
        Ok(Since::Changes(changes.filter_map(|(id, place)| Some((*id, state.now(place)?))).collect()))
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        Ok(self.lock().dead_letters.iter().rev().take(limit).cloned().collect())
    }

    async fn forget(&self, now: Time) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.seen.retain(|_, at| *at + ID_MEMORY >= now);
        state.idempotency.retain(|_, (at, _)| *at + IDEMPOTENCY_MEMORY >= now);
        Ok(())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

fn matches(query: &HandoffQuery, handoff: &Handoff) -> bool {
    query.status.is_none_or(|status| status == StatusFilter::of(handoff))
        && query.conversation.as_ref().is_none_or(|id| handoff.key.conversation.0 == *id)
        && query.agent.as_deref().is_none_or(|agent| handoff.agent() == Some(agent))
        && query.text.as_ref().is_none_or(|text| search_text(handoff).contains(&text.to_lowercase()))
}

impl State {
    fn view(&self, scope: &Scope) -> View {
        let key = match &scope.of {
            Of::Conversation(key) => Some(key.clone()),
            Of::Handoff(id) => self.places.get(id).map(|place| self.handoffs[*place].key.clone()),
        };
        let mut view = View {
            inbox_depth: u64::try_from(self.inbox_keys.len()).unwrap_or(u64::MAX),
            seen: scope.svix_id.as_ref().is_some_and(|id| self.seen.contains_key(id)),
            ..View::default()
        };
        let Some(key) = key else { return view };
        let places = self.conversations.get(&key).into_iter().flatten();
        view.handoffs = places.map(|place| self.handoffs[*place].clone()).collect();
        view.buffer = self.buffers.get(&key).map(|(buffer, _)| *buffer);
        if scope.with_inbox {
            let events = self.inbox.get(&key).into_iter().flat_map(BTreeMap::values);
            view.inbox = events.take(INBOX_PAGE).cloned().collect();
        }
        if scope.with_outbox {
            let of_key = self.outbox.values().filter(|queued| queued.delivery.key == key);
            view.outbox = of_key.map(|queued| queued.delivery.clone()).collect();
        }
        if let (Some(seq), Of::Handoff(id)) = (scope.unread_behind, &scope.of) {
            let behind = self.threads.get(id).into_iter().flat_map(|rows| rows.range(seq + 1..));
            view.unread_behind =
                u64::try_from(behind.filter(|(_, row)| row.counts_as_unread()).count()).unwrap_or(0);
        }
        if let Some(asked) = &scope.idempotency {
            view.idempotent = self.idempotency.get(asked).map(|(_, known)| known.clone());
        }
        view.rows = self.rows_of(scope, &view);
        view
    }

    fn rows_of(&self, scope: &Scope, view: &View) -> Vec<Row> {
        let mut ids = super::rows_by_id(scope, view);
        let keys = super::match_keys(scope, view);
        for (handoff, key) in
            view.handoffs.iter().flat_map(|handoff| keys.iter().map(move |key| (handoff, key)))
        {
            for mark in [Mark::Id(key.id.clone()), Mark::Fingerprint(key.fingerprint.clone())] {
                ids.extend(self.alike.get(&(handoff.id.clone(), mark)).into_iter().flatten().cloned());
            }
        }
        ids.iter().filter_map(|id| self.row(id).cloned()).collect()
    }

    fn row(&self, id: &RowId) -> Option<&Row> {
        let (handoff, seq) = self.rows.get(id)?;
        self.threads.get(handoff)?.get(seq)
    }

    fn now(&self, place: &Place) -> Option<Changed> {
        Some(match place {
            Place::Handoff(id) => Changed::Handoff(Box::new(self.handoffs[*self.places.get(id)?].clone())),
            Place::Row(id) => Changed::Row(Box::new(self.row(id)?.clone())),
        })
    }

    fn apply(&mut self, changes: Changes) {
        for handoff in changes.handoffs {
            self.note_change(Place::Handoff(handoff.id.clone()));
            self.put_handoff(handoff);
        }
        for row in changes.rows {
            self.note_change(Place::Row(row.id.clone()));
            self.put_row(row);
        }
        for delivery in changes.deliveries {
            self.put_delivery(delivery);
        }
        self.outbox.retain(|_, queued| !changes.deliveries_done.contains(&queued.delivery.id));
        for event in changes.inbox {
            let key = (event.sort_key(), event.svix_id.clone());
            self.inbox_keys.insert(event.svix_id.clone(), (event.key.clone(), key.0.clone()));
            self.inbox.entry(event.key.clone()).or_default().insert(key, event);
        }
        for svix_id in changes.inbox_done {
            self.take_from_inbox(svix_id);
        }
        self.seen.extend(changes.remember.into_iter().map(|id| (id, changes.at)));
        match changes.buffer {
            Some((key, Some(buffer))) => drop(self.buffers.insert(key, buffer)),
            Some((key, None)) => drop(self.buffers.remove(&key)),
            None => {}
        }
        self.dead_letters.extend(changes.dead_letters);
        self.idempotency.extend(changes.idempotent.map(|(key, known)| (key, (changes.at, known))));
    }

    fn put_handoff(&mut self, handoff: Handoff) {
        if let Some(place) = self.places.get(&handoff.id) {
            self.handoffs[*place] = handoff;
            return;
        }
        let place = self.handoffs.len();
        self.places.insert(handoff.id.clone(), place);
        self.conversations.entry(handoff.key.clone()).or_default().push(place);
        self.handoffs.push(handoff);
    }

    fn put_row(&mut self, row: Row) {
        let ids = row.ids.all().cloned().map(Mark::Id);
        for mark in ids.chain([Mark::Fingerprint(row.fingerprint())]) {
            self.alike.entry((row.handoff.clone(), mark)).or_default().insert(row.id.clone());
        }
        self.rows.insert(row.id.clone(), (row.handoff.clone(), row.seq));
        self.threads.entry(row.handoff.clone()).or_default().insert(row.seq, row);
    }

    fn put_delivery(&mut self, delivery: Delivery) {
        let free = Queued { delivery, leased_until: Time::default() };
        match self.outbox.values_mut().find(|queued| queued.delivery.id == free.delivery.id) {
            Some(queued) => *queued = free,
            None => {
                self.last_position += 1;
                self.outbox.insert(self.last_position, free);
            }
        }
    }

    fn take_from_inbox(&mut self, svix_id: String) {
        let Some((key, sort)) = self.inbox_keys.remove(&svix_id) else { return };
        if let Some(events) = self.inbox.get_mut(&key) {
            events.remove(&(sort, svix_id));
            if events.is_empty() {
                self.inbox.remove(&key);
            }
        }
    }

    fn note_change(&mut self, place: Place) {
        self.last_change += 1;
        self.changes.push_back((self.last_change, place));
        if u64::try_from(self.changes.len()).unwrap_or(0) > CHANGES_KEPT {
            self.changes.pop_front();
        }
    }
}
