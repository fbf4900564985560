//! What the memory store holds, and how decisions see and change it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use super::outbox::Outbox;
use crate::{
    relay::{
        buffer::Buffer,
        changes::{DeadLetter, INBOX_PAGE, IdempotencyScope, Idempotent, Of, Scope, View, WriteSet},
        contact::Contact,
        duty::AgentState,
        event::{Event, SortKey},
        handoff::Handoff,
        id::{ConversationKey, HandoffId, MessageId, PlatformId, RowId, TeamName},
        thread::Row,
        time::Time,
    },
    store::{
        CHANGES_KEPT, FeedItem, StatusFilter,
        files::FileOf,
        handoffs_by_id, match_keys,
        platforms::PlatformState,
        replies::CannedReply,
        rows_by_id,
        sessions::{Digest, Session},
        takes_from,
        teams::TeamState,
    },
};

/// Everything, in maps.
#[derive(Clone, Default)]
pub struct State {
    /// In the order they were made.
    pub handoffs: BTreeMap<u64, Handoff>,
    pub last_handoff: u64,
    pub indices: HashMap<HandoffId, u64>,
    pub conversations: HashMap<ConversationKey, Vec<u64>>,
    /// Handoffs by what their timeouts count from.
    pub idle: BTreeSet<(StatusFilter, Time, u64)>,
    pub threads: HashMap<HandoffId, BTreeMap<u64, Row>>,
    pub rows: HashMap<RowId, (HandoffId, u64)>,
    /// Rows by what a message could match them by.
    pub alike: HashMap<(HandoffId, Mark), BTreeSet<RowId>>,
    pub inbox: HashMap<ConversationKey, BTreeMap<(SortKey, String), Event>>,
    pub inbox_keys: HashMap<String, (ConversationKey, SortKey)>,
    pub buffers: HashMap<ConversationKey, (Buffer, Time)>,
    /// The same by when they are due.
    pub due: BTreeSet<(Time, ConversationKey)>,
    pub seen: HashMap<String, Time>,
    pub outbox: Outbox,
    pub changes: VecDeque<(u64, ChangedItem)>,
    pub last_change: u64,
    pub dead_letters: BTreeMap<u64, DeadLetter>,
    pub last_letter: u64,
    pub idempotency: HashMap<IdempotencyScope, (Time, Idempotent)>,
    pub sessions: HashMap<Digest, Session>,
    pub replies: HashMap<String, CannedReply>,
    pub file_checks: HashMap<FileOf, Time>,
    pub platforms: BTreeMap<PlatformId, PlatformState>,
    pub teams: BTreeMap<TeamName, TeamState>,
    pub agents: BTreeMap<String, AgentState>,
    /// Contacts in Amazon Connect, and when somebody must look at them.
    pub contacts: BTreeMap<HandoffId, (Contact, Option<Time>)>,
    /// Until when conversations adopt nothing.
    pub refused_starts: HashMap<ConversationKey, Time>,
    pub contact_ids: HashMap<String, HandoffId>,
    pub due_contacts: BTreeSet<(Time, HandoffId)>,
}

/// What a message could match a row by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Mark {
    Id(MessageId),
    Fingerprint(String),
}

/// Where a change was.
#[derive(Clone)]
pub enum ChangedItem {
    Handoff(HandoffId),
    Row(RowId),
    CannedReplies,
}

impl State {
    pub fn view(&self, scope: &Scope) -> View {
        let key = match &scope.of {
            Of::Conversation(key) => Some(key.clone()),
            Of::Handoff(id) => self.indices.get(id).map(|index| self.handoffs[index].key.clone()),
        };
        let mut view = View {
            inbox_depth: u64::try_from(self.inbox_keys.len()).unwrap_or(u64::MAX),
            queued: self.outbox.depths().clone(),
            dead_letter: scope.dead_letter.as_ref().and_then(|id| self.dead_letter(id)).cloned(),
            ..View::new(scope)
        };
        if let Some(id) = &scope.svix_id {
            *view.seen = self.seen.contains_key(id);
        }
        if let Some(notices) = &scope.notices {
            *view.notices = self.outbox.notices(notices);
        }
        if let (true, Of::Handoff(id)) = (scope.with_contact, &scope.of) {
            *view.contact = self.contacts.get(id).map(|(contact, _)| contact.clone());
        }
        let Some(key) = key else { return view };
        view.buffer = self.buffers.get(&key).map(|(buffer, _)| *buffer);
        if scope.with_inbox {
            let events = self.inbox.get(&key).into_iter().flat_map(BTreeMap::values);
            *view.inbox = events.take(INBOX_PAGE).cloned().collect();
            view.start_refused_until = self.refused_starts.get(&key).copied();
        }
        if scope.with_outbox {
            *view.outbox = self.outbox.of_conversation(&key);
        }
        view.handoffs = self.handoffs_of(&key, scope, &view);
        if let (Some(seq), Of::Handoff(id)) = (scope.unread_behind, &scope.of) {
            let behind =
                self.threads.get(id).into_iter().flat_map(|rows| rows.range(seq.saturating_add(1)..));
            *view.unread_behind =
                u64::try_from(behind.filter(|(_, row)| row.counts_as_unread()).count()).unwrap_or(0);
        }
        if let Some(asked) = &scope.idempotency {
            view.idempotent = self.idempotency.get(asked).map(|(_, known)| known.clone());
        }
        view.rows = self.rows_of(scope, &view);
        view
    }

    fn handoffs_of(&self, key: &ConversationKey, scope: &Scope, view: &View) -> Vec<Handoff> {
        let all = self.conversations.get(key).map_or(&[][..], Vec::as_slice);
        let from = takes_from(scope, view);
        let is_over = |index: &u64| self.handoffs[index].took_until().is_some_and(|until| until < from);
        let mut indices: BTreeSet<u64> =
            all[all.iter().rposition(is_over).unwrap_or(0)..].iter().copied().collect();
        indices.extend(handoffs_by_id(scope, view).iter().filter_map(|id| self.indices.get(id)));
        if let Of::Handoff(id) = &scope.of {
            let asked = all.iter().position(|index| self.handoffs[index].id == *id);
            indices.extend(asked.and_then(|asked| all.get(asked.checked_sub(1)?)));
            indices.extend(asked.and_then(|asked| all.get(asked + 1)));
        }
        indices.iter().map(|index| self.handoffs[index].clone()).collect()
    }

    fn rows_of(&self, scope: &Scope, view: &View) -> Vec<Row> {
        let mut ids = rows_by_id(scope, view);
        let keys = match_keys(scope, view);
        for (handoff, key) in
            view.handoffs.iter().flat_map(|handoff| keys.iter().map(move |key| (handoff, key)))
        {
            let fingerprints = key.fingerprints.iter().cloned().map(Mark::Fingerprint);
            for mark in fingerprints.chain([Mark::Id(key.id.clone())]) {
                ids.extend(self.alike.get(&(handoff.id.clone(), mark)).into_iter().flatten().cloned());
            }
        }
        ids.iter().filter_map(|id| self.row(id).cloned()).collect()
    }

    pub fn row(&self, id: &RowId) -> Option<&Row> {
        let (handoff, seq) = self.rows.get(id)?;
        self.threads.get(handoff)?.get(seq)
    }

    pub fn now(&self, index: &ChangedItem) -> Option<FeedItem> {
        Some(match index {
            ChangedItem::Handoff(id) => {
                FeedItem::Handoff(Arc::new(self.handoffs.get(self.indices.get(id)?)?.clone()))
            }
            ChangedItem::Row(id) => FeedItem::Row(Arc::new(self.row(id)?.clone())),
            ChangedItem::CannedReplies => FeedItem::CannedReplies,
        })
    }

    pub fn apply(&mut self, changes: WriteSet) {
        for handoff in changes.handoffs {
            self.record_change(ChangedItem::Handoff(handoff.id.clone()));
            self.put_handoff(handoff);
        }
        for handoff in changes.handoffs_unseen {
            self.put_handoff(handoff);
        }
        for row in changes.rows {
            self.record_change(ChangedItem::Row(row.id.clone()));
            self.put_row(row);
        }
        for row in changes.rows_unseen {
            self.put_row(row);
        }
        for delivery in changes.deliveries {
            self.outbox.put(delivery);
        }
        for id in &changes.deliveries_done {
            self.outbox.remove(id, changes.at);
        }
        for event in changes.inbox {
            let key = (event.sort_key(), event.svix_id.clone());
            self.inbox_keys.insert(event.svix_id.clone(), (event.key.clone(), key.0.clone()));
            // What waits is remembered.
            self.seen.insert(event.svix_id.clone(), changes.at);
            self.inbox.entry(event.key.clone()).or_default().insert(key, event);
        }
        for svix_id in changes.inbox_done {
            self.take_from_inbox(svix_id);
        }
        self.seen.extend(changes.remember.into_iter().map(|id| (id, changes.at)));
        if let Some((key, buffer)) = changes.buffer {
            self.put_buffer(key, buffer);
        }
        for letter in changes.dead_letters {
            self.put_dead_letter(letter);
        }
        self.dead_letters.retain(|_, letter| !changes.dead_letters_done.contains(&letter.id));
        if let Some((key, until)) = changes.start_refused {
            self.refused_starts.remove(&key);
            self.refused_starts.extend(until.map(|until| (key, until)));
        }
        if let Some((contact, due_at)) = changes.contact {
            self.put_contact(contact, due_at);
        }
        self.idempotency.extend(changes.idempotent.map(|(key, known)| (key, (changes.at, known))));
    }

    /// There was a sign of an agent.
    pub fn agent_seen(&mut self, name: &str, at: Time) -> &mut AgentState {
        let new = || AgentState { name: name.to_owned(), is_away: false, seen_at: at };
        let known = self.agents.entry(name.to_owned()).or_insert_with(new);
        known.seen_at = known.seen_at.max(at);
        known
    }

    fn put_handoff(&mut self, handoff: Handoff) {
        let clock = |handoff: &Handoff, index: u64| {
            handoff.idle_since().map(|since| (StatusFilter::of(handoff), since, index))
        };
        let known = self.indices.get(&handoff.id).copied();
        let index = known.unwrap_or(self.last_handoff + 1);
        if let Some(before) = self.handoffs.get(&index).and_then(|before| clock(before, index)) {
            self.idle.remove(&before);
        }
        self.idle.extend(clock(&handoff, index));
        if known.is_none() {
            self.last_handoff = index;
            self.indices.insert(handoff.id.clone(), index);
            self.conversations.entry(handoff.key.clone()).or_default().push(index);
        }
        self.handoffs.insert(index, handoff);
    }

    fn put_row(&mut self, row: Row) {
        if let Some(before) = self.row(&row.id) {
            let mark = (row.handoff.clone(), Mark::Fingerprint(before.fingerprint()));
            if let Some(alike) = self.alike.get_mut(&mark) {
                alike.remove(&row.id);
            }
        }
        let ids = row.ids.all().cloned().map(Mark::Id);
        for mark in ids.chain([Mark::Fingerprint(row.fingerprint())]) {
            self.alike.entry((row.handoff.clone(), mark)).or_default().insert(row.id.clone());
        }
        self.rows.insert(row.id.clone(), (row.handoff.clone(), row.seq));
        self.threads.entry(row.handoff.clone()).or_default().insert(row.seq, row);
    }

    pub fn put_buffer(&mut self, key: ConversationKey, buffer: Option<(Buffer, Time)>) {
        if let Some((_, due)) = self.buffers.remove(&key) {
            self.due.remove(&(due, key.clone()));
        }
        if let Some((buffer, due)) = buffer {
            self.due.insert((due, key.clone()));
            self.buffers.insert(key, (buffer, due));
        }
    }

    pub fn dead_letter(&self, id: &str) -> Option<&DeadLetter> {
        self.dead_letters.values().find(|letter| letter.id == id)
    }

    fn put_dead_letter(&mut self, letter: DeadLetter) {
        match self.dead_letters.values_mut().find(|known| known.id == letter.id) {
            Some(known) => *known = letter,
            None => {
                self.last_letter += 1;
                self.dead_letters.insert(self.last_letter, letter);
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

    pub fn record_change(&mut self, index: ChangedItem) {
        self.last_change += 1;
        self.changes.push_back((self.last_change, index));
        if u64::try_from(self.changes.len()).unwrap_or(0) > CHANGES_KEPT {
            self.changes.pop_front();
        }
    }
}
