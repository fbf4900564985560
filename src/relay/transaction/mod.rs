//! A decision's working copy of its view, with all changes marked.

mod platforms;

use std::collections::BTreeMap;

use super::{
    buffer::Buffer,
    changes::{DeadLetter, LetterKind, UnreadableEvent, View, WriteSet},
    delivery::{Delivery, Destination, Fetch, Job},
    event::Event,
    handoff::Handoff,
    id::{AiAgentId, ConversationKey, DeliveryId, HandoffId, NewIds, RowId},
    ledger::Ledger,
    platform::Before,
    policy::{Now, Policy},
    thread::{Author, Bytes, Content, EventName, Role, Row, Sending, Source},
    time::Time,
};

/// The working copy of a view.
pub struct Transaction<'a> {
    /// The view, changed in place.
    pub view: View,
    /// The time of the decision.
    pub now: Now,
    /// The settings.
    pub policy: &'a Policy,
    ids: &'a mut dyn NewIds,
    changes: WriteSet,
    touched_handoffs: BTreeMap<HandoffId, Visibility>,
    touched_rows: BTreeMap<RowId, Visibility>,
    touched_deliveries: BTreeMap<DeliveryId, DeliveryWrite>,
    /// The handoffs of platforms, as they were before.
    before: BTreeMap<HandoffId, Before>,
}

/// Whether agents see a change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Visibility {
    No,
    Yes,
}

enum DeliveryWrite {
    Put,
    Done,
}

impl<'a> Transaction<'a> {
    /// Makes a working copy of `view`.
    pub fn new(view: View, now: Now, policy: &'a Policy, ids: &'a mut dyn NewIds) -> Self {
        let of_platforms = view.handoffs.iter().filter(|handoff| !handoff.platforms.is_empty());
        let before = of_platforms.map(|handoff| (handoff.id.clone(), Before::of(handoff))).collect();
        Self {
            before,
            view,
            now,
            policy,
            ids,
            changes: WriteSet { at: now.at, ..WriteSet::default() },
            touched_handoffs: BTreeMap::new(),
            touched_rows: BTreeMap::new(),
            touched_deliveries: BTreeMap::new(),
        }
    }

    /// All changes. The version of each handoff with a change that agents see grows by one.
    pub fn into_write_set(mut self) -> WriteSet {
        self.tell_platforms();
        for mut handoff in self.view.handoffs {
            match self.touched_handoffs.get(&handoff.id) {
                Some(Visibility::Yes) => {
                    handoff.version += 1;
                    self.changes.handoffs.push(handoff);
                }
                Some(Visibility::No) => self.changes.handoffs_unseen.push(handoff),
                None => {}
            }
        }
        for row in self.view.rows {
            match self.touched_rows.get(&row.id) {
                Some(Visibility::Yes) => self.changes.rows.push(row),
                Some(Visibility::No) => self.changes.rows_unseen.push(row),
                None => {}
            }
        }
        for delivery in self.view.outbox {
            match self.touched_deliveries.get(&delivery.id) {
                Some(DeliveryWrite::Put) => self.changes.deliveries.push(delivery),
                Some(DeliveryWrite::Done) | None => {}
            }
        }
        let done =
            self.touched_deliveries.into_iter().filter(|(_, what)| matches!(what, DeliveryWrite::Done));
        self.changes.deliveries_done.extend(done.map(|(id, _)| id));
        self.changes
    }

    /// Whether this destination has room for more deliveries.
    pub fn has_room(&self, destination: &Destination) -> bool {
        let queued = self.view.queued.get(destination).copied().unwrap_or_default();
        !destination.has_budget() || queued < self.policy.outbox_limit
    }

    /// A new id.
    pub fn new_id(&mut self) -> String {
        self.ids.next()
    }

    /// The changes written directly: inbox, memory of ids, dead letters, idempotency.
    pub const fn writes(&mut self) -> &mut WriteSet {
        &mut self.changes
    }

    /// The newest handoff's place.
    pub fn latest(&self) -> Option<usize> {
        self.view.handoffs.len().checked_sub(1)
    }

    /// A handoff by id.
    pub fn find_handoff(&self, id: &HandoffId) -> Option<usize> {
        self.view.handoffs.iter().position(|handoff| handoff.id == *id)
    }

    /// A handoff, for a change.
    pub fn change_handoff(&mut self, at: usize) -> &mut Handoff {
        self.touch(at, Visibility::Yes)
    }

    /// A handoff, for a change that agents don't see.
    pub fn change_unseen(&mut self, at: usize) -> &mut Handoff {
        self.touch(at, Visibility::No)
    }

    fn touch(&mut self, at: usize, seen: Visibility) -> &mut Handoff {
        let handoff = &mut self.view.handoffs[at];
        let touched = self.touched_handoffs.entry(handoff.id.clone()).or_insert(seen);
        *touched = seen.max(*touched);
        handoff
    }

    /// A row that added `before` to its handoff's ledger has changed.
    fn account(&mut self, handoff: usize, before: &Ledger, row: &Row) {
        let after = Ledger::of(row);
        if after != *before {
            self.change_unseen(handoff).ledger.replace(before, &after);
            self.changes.ledger = self.changes.ledger.and(&after.since(before));
        }
    }

    /// A message event has left the inbox for a thread that has it already.
    pub fn record_duplicate(&mut self, handoff: usize) {
        self.change_unseen(handoff).ledger.record_duplicate();
        self.changes.ledger.record_duplicate();
    }

    /// A message event has left the inbox for a thread that lacks it so far.
    pub fn record_taken(&mut self, handoff: usize) {
        self.change_unseen(handoff).ledger.taken += 1;
        self.changes.ledger.taken += 1;
    }

    /// A row by id.
    pub fn find_row(&self, id: &RowId) -> Option<usize> {
        self.view.rows.iter().position(|row| row.id == *id)
    }

    /// Changes a row, and updates its handoff.
    pub fn change_row(&mut self, at: usize, change: impl FnOnce(&mut Row)) {
        let row = &mut self.view.rows[at];
        let before = row.clone();
        change(row);
        let row = row.clone();
        self.touch_row(&row, if row.shows_like(&before) { Visibility::No } else { Visibility::Yes });
        let Some(handoff) = self.find_handoff(&row.handoff) else { return };
        self.account(handoff, &Ledger::of(&before), &row);
        if !before.counts_as_unread() && row.counts_as_unread() {
            self.count_unread(handoff, row.seq);
        }
        let mut noted = self.view.handoffs[handoff].clone();
        noted.take_in(&row);
        noted.record_answer(Some(&before), &row);
        if noted != self.view.handoffs[handoff] {
            *self.change_handoff(handoff) = noted;
        }
    }

    fn touch_row(&mut self, row: &Row, seen: Visibility) {
        let touched = self.touched_rows.entry(row.id.clone()).or_insert(seen);
        *touched = seen.max(*touched);
    }

    fn count_unread(&mut self, handoff: usize, seq: u64) {
        if seq > self.view.handoffs[handoff].read_up_to {
            self.change_handoff(handoff).unread += 1;
        }
    }

    /// Adds a row with the handoff's next number, and returns its index among the rows.
    pub fn add_row(&mut self, handoff: usize, new: NewRow) -> usize {
        let id = RowId(self.new_id());
        self.add_row_as(id, handoff, new)
    }

    /// The same for a row that has an id already. If Ada's side sent a file, queues its download.
    pub fn add_row_as(&mut self, id: RowId, handoff: usize, new: NewRow) -> usize {
        let now = self.now.at;
        let owner = self.change_handoff(handoff);
        let row = Row {
            id,
            handoff: owner.id.clone(),
            seq: owner.last_seq + 1,
            at: new.at,
            ids: super::thread::AdaIds::default(),
            author: new.author,
            content: new.content,
            created_at: new.created_at,
            created_by_ada: new.created_by_ada,
            source: new.source,
            sending: new.sending,
            tried_at: None,
            late: false,
        };
        owner.take_in(&row);
        owner.record_answer(None, &row);
        if matches!(row.author.role, Role::EndUser | Role::HumanAgent) && !row.is_note() {
            owner.record_writing(now);
        }
        self.touch_row(&row, Visibility::Yes);
        self.account(handoff, &Ledger::default(), &row);
        if row.counts_as_unread() {
            self.count_unread(handoff, row.seq);
        }
        if let Content::File { bytes: Bytes::Awaited, .. } = &row.content {
            self.deliver(handoff, Fetch::File { row: row.id.clone() });
        }
        self.view.rows.push(row);
        self.view.rows.len() - 1
    }

    /// Adds a line from the relay: what happened, and who caused it.
    pub fn add_event(&mut self, handoff: usize, event: EventName, by: Option<String>) -> usize {
        self.add_event_to(handoff, event, by, None)
    }

    /// The same of an event that gives the handoff to somebody.
    pub fn add_event_to(
        &mut self,
        handoff: usize,
        event: EventName,
        by: Option<String>,
        to: Option<String>,
    ) -> usize {
        let at = self.own_at(handoff);
        let content = Content::Event { event, by, to };
        self.add_row(handoff, NewRow::own(at, system(), content, Source::Relay))
    }

    /// Our time, but not before anything already in the thread.
    pub fn own_at(&self, handoff: usize) -> Time {
        self.now.at.floor_millis().max(self.view.handoffs[handoff].newest_at)
    }

    /// Queues a delivery.
    pub fn deliver(&mut self, handoff: usize, job: impl Into<Job>) -> DeliveryId {
        let job = job.into();
        let id = DeliveryId(self.new_id());
        let owner = &self.view.handoffs[handoff];
        let expires_at = job.is_message().then(|| self.now.at + self.policy.send_max_age);
        let delivery = Delivery {
            expires_at,
            ..Delivery::new(id.clone(), owner.id.clone(), owner.key.clone(), job, self.now.at)
        };
        self.touched_deliveries.insert(id.clone(), DeliveryWrite::Put);
        self.view.outbox.push(delivery);
        id
    }

    /// A delivery by id.
    pub fn find_delivery(&self, id: &DeliveryId) -> Option<usize> {
        self.view.outbox.iter().position(|delivery| delivery.id == *id)
    }

    /// The delivery of an attempt; `None` if the delivery was removed meanwhile, or another attempt has begun.
    pub fn find_attempted(&self, delivery: &Delivery) -> Option<usize> {
        self.find_delivery(&delivery.id).filter(|at| self.view.outbox[*at].fence == delivery.fence)
    }

    /// Since when Ada may have a delivery: the outcome of an attempt is unknown, or another process may have made an
    /// attempt that this copy of the store does not have.
    pub fn outcome_unknown_since(&self, delivery: &Delivery) -> Option<Time> {
        delivery.outcome_unknown_since.or_else(|| self.is_unverified(delivery).then_some(delivery.queued_at))
    }

    /// Whether a message was queued before this process began, and Ada's list has not been read since. The store may be
    /// a restored backup, and the message may have been sent after the backup.
    pub fn is_unverified(&self, delivery: &Delivery) -> bool {
        let is_message = delivery.job.is_message() && delivery.outcome_unknown_since.is_none();
        is_message && self.is_of_before(&delivery.handoff, delivery.queued_at)
    }

    /// Since when Ada may have a row without a delivery. An agent may have sent a failed row again after the backup was
    /// made.
    pub fn row_outcome_unknown_since(&self, row: &Row) -> Option<Time> {
        let is_failed = row.is_ours() && matches!(row.sending, Some(Sending::Failed { .. }));
        let is_unverified = is_failed && self.is_of_before(&row.handoff, row.created_at);
        row.tried_at.or_else(|| is_unverified.then_some(row.created_at))
    }

    /// Whether this handoff has data from before this process or this copy of the store began, and Ada's list has not been
    /// read since.
    fn is_of_before(&self, handoff: &HandoffId, at: Time) -> bool {
        let began =
            self.view.certain_since.map_or(self.policy.began_at, |since| since.max(self.policy.began_at));
        let known = self.find_handoff(handoff).map(|index| &self.view.handoffs[index]);
        at < began && known.is_none_or(|handoff| handoff.listed.read_at < Some(began))
    }

    /// A verified source knows the handoff, so its deliveries no longer count as a stranger's.
    pub fn welcome(&mut self, handoff: usize) {
        let owner = self.view.handoffs[handoff].id.clone();
        for at in 0..self.view.outbox.len() {
            if self.view.outbox[at].handoff == owner && self.view.outbox[at].stranger {
                self.change_delivery(at).stranger = false;
            }
        }
    }

    /// A delivery, for a change. Its claim continues.
    pub fn change_delivery(&mut self, at: usize) -> &mut Delivery {
        let delivery = &mut self.view.outbox[at];
        self.touched_deliveries.insert(delivery.id.clone(), DeliveryWrite::Put);
        delivery
    }

    /// A delivery after an attempt, for a change before the next try. Its claim ends.
    pub fn put_back(&mut self, at: usize) -> &mut Delivery {
        let delivery = self.change_delivery(at);
        delivery.claim = None;
        delivery
    }

    /// Removes a delivery from the outbox. The time for an answer to its message begins now.
    pub fn finish_delivery(&mut self, at: usize) -> Delivery {
        let delivery = self.view.outbox.remove(at);
        self.touched_deliveries.insert(delivery.id.clone(), DeliveryWrite::Done);
        if let (true, Some(handoff)) = (delivery.job.is_message(), self.find_handoff(&delivery.handoff)) {
            let now = self.now.at;
            self.change_unseen(handoff).record_writing(now);
        }
        delivery
    }

    /// Sets the state of a row's delivery, where the row was loaded.
    pub fn mark(&mut self, row: &RowId, sending: Sending) {
        if let Some(at) = self.find_row(row) {
            self.change_row(at, |row| row.sending = Some(sending));
        }
    }

    /// Changes the debounce of the conversation `key`.
    pub fn set_buffer(&mut self, key: &ConversationKey, buffer: Buffer) {
        let due = buffer.due(&self.policy.timings);
        self.view.buffer = due.map(|_| buffer);
        self.changes.buffer = Some((key.clone(), due.map(|due| (buffer, due))));
    }

    /// Makes a dead letter of a webhook whose body can't be read.
    pub fn set_aside(&mut self, ai_agent: AiAgentId, svix_id: &str, reason: &str, body: String) {
        self.add_dead_letter(ai_agent, svix_id, reason, body, LetterKind::Webhook);
    }

    /// Makes a dead letter of an event that can't be used.
    pub fn set_aside_event(&mut self, event: &Event, reason: &str) {
        let body = serde_json::to_string(event).unwrap_or_default();
        self.add_dead_letter(event.key.ai_agent.clone(), &event.svix_id, reason, body, LetterKind::Event);
    }

    /// Makes a dead letter of a stored event that can't be read. A relay that can read it can replay it.
    pub fn set_aside_unreadable(&mut self, ai_agent: AiAgentId, event: UnreadableEvent) {
        let reason = format!("its stored data can't be read: {}", event.reason);
        self.add_dead_letter(ai_agent, &event.svix_id, &reason, event.stored, LetterKind::Event);
    }

    fn add_dead_letter(
        &mut self,
        ai_agent: AiAgentId,
        svix_id: &str,
        reason: &str,
        body: String,
        kind: LetterKind,
    ) {
        let letter = DeadLetter {
            id: self.new_id(),
            ai_agent,
            svix_id: svix_id.to_owned(),
            at: self.now.at,
            reason: reason.to_owned(),
            body,
            kind,
        };
        self.changes.dead_letters.push(letter);
    }
}

/// A row to be added.
pub struct NewRow {
    /// Its place in the thread.
    pub at: Time,
    /// Who wrote it.
    pub author: Author,
    /// What it says.
    pub content: Content,
    /// When it was written.
    pub created_at: Time,
    /// Whether that is Ada's time.
    pub created_by_ada: bool,
    /// How it came here.
    pub source: Source,
    /// Its delivery state.
    pub sending: Option<Sending>,
}

impl NewRow {
    /// A row that the relay creates, with the time of our clock.
    pub const fn own(at: Time, author: Author, content: Content, source: Source) -> Self {
        Self { at, author, content, created_at: at, created_by_ada: false, source, sending: None }
    }
}

/// The relay itself as an author.
pub const fn system() -> Author {
    Author { role: Role::System, display_name: None, avatar: None }
}
