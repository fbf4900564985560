//! The outbox of the memory store, with indexes for its queries.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    relay::{
        changes::{NOTICE_PAGE, NoticeScope},
        delivery::{Class, Delivery, Destination, Lane, Queue},
        id::{ConversationKey, DeliveryId, HandoffId, HolderId},
        time::Time,
    },
    store::Due,
};

/// Deliveries in the order in which they were queued.
#[derive(Clone, Default)]
pub struct Outbox {
    queued: BTreeMap<u64, Queued>,
    last_position: u64,
    indices: HashMap<DeliveryId, u64>,
    conversations: HashMap<ConversationKey, BTreeSet<u64>>,
    handoffs: HashMap<HandoffId, BTreeSet<u64>>,
    lanes: HashMap<Lane, BTreeSet<u64>>,
    /// The next of each lane, by where they wait and when they can be tried.
    next: BTreeSet<(Queue, Time, u64)>,
    /// Messages by the time at which they become too old.
    expiry: BTreeSet<(Time, u64)>,
    /// How many wait for each destination.
    depths: BTreeMap<Destination, u64>,
}

#[derive(Clone)]
struct Queued {
    delivery: Delivery,
    /// When it can be tried, and not before it was the next of its lane.
    ready_at: Time,
}

impl Queued {
    fn new(delivery: Delivery) -> Self {
        Self { ready_at: delivery.ready_at(), delivery }
    }

    fn entry(&self, index: u64) -> (Queue, Time, u64) {
        (self.delivery.queue(), self.ready_at, index)
    }
}

impl Outbox {
    /// How many wait for each destination.
    pub const fn depths(&self) -> &BTreeMap<Destination, u64> {
        &self.depths
    }

    /// See [`Store::waits_untroubled`](crate::store::Store::waits_untroubled).
    pub fn waits_untroubled(&self, id: &DeliveryId) -> bool {
        let is_well = |index: &u64| {
            let class = self.queued.get(index).map(|queued| queued.delivery.class());
            class == Some(Class::Fresh)
        };
        let Some((index, queued)) =
            self.indices.get(id).and_then(|index| Some((index, self.queued.get(index)?)))
        else {
            return false;
        };
        let in_lane = self.lanes.get(&queued.delivery.lane());
        in_lane.is_some_and(|indices| indices.range(..=*index).all(is_well))
    }

    pub fn has_any_of(&self, handoff: &HandoffId) -> bool {
        self.handoffs.contains_key(handoff)
    }

    /// When the oldest one for Ada was queued.
    pub fn oldest(&self) -> Option<Time> {
        let counted =
            self.queued.values().filter(|queued| queued.delivery.destination().ai_agent().is_some());
        counted.map(|queued| queued.delivery.queued_at).min()
    }

    /// All deliveries. Callers must not change the indexed fields.
    pub fn deliveries_mut(&mut self) -> impl Iterator<Item = &mut Delivery> {
        self.queued.values_mut().map(|queued| &mut queued.delivery)
    }

    /// Those of a conversation, in their order.
    pub fn of_conversation(&self, key: &ConversationKey) -> Vec<Delivery> {
        let indices = self.conversations.get(key).into_iter().flatten();
        let deliveries = indices.filter_map(|index| self.queued.get(index)).map(|queued| &queued.delivery);
        deliveries.filter(|delivery| delivery.job.notice().is_none()).cloned().collect()
    }

    /// The deliveries to platforms that a decision needs.
    pub fn notices(&self, scope: &NoticeScope) -> Vec<Delivery> {
        let of = |index: &u64| self.queued.get(index).map(|queued| queued.delivery.clone());
        match scope {
            NoticeScope::NextOf(lane) => {
                self.lanes.get(lane).and_then(|lane| lane.first()).and_then(of).into_iter().collect()
            }
            NoticeScope::FirstOf(lane) => {
                self.lanes.get(lane).into_iter().flatten().filter_map(of).take(NOTICE_PAGE).collect()
            }
            NoticeScope::One(id) => self.indices.get(id).and_then(of).into_iter().collect(),
            NoticeScope::Expired { handoff, at } => {
                let expired = self.expiry.iter().take_while(|(expires_at, _)| expires_at <= at);
                let deliveries = expired.filter_map(|(_, index)| of(index));
                let of_handoff = deliveries
                    .filter(|delivery| delivery.handoff == *handoff && delivery.job.notice().is_some());
                of_handoff.take(NOTICE_PAGE).collect()
            }
        }
    }

    /// A new delivery joins the end of its lane; a known one keeps its place.
    pub fn put(&mut self, delivery: Delivery) {
        let lane = delivery.lane();
        if let Some(index) = self.indices.get(&delivery.id) {
            self.change(*index, |queued| *queued = Queued::new(delivery));
            return self.choose_files(&lane);
        }
        self.last_position += 1;
        let index = self.last_position;
        self.indices.insert(delivery.id.clone(), index);
        self.conversations.entry(delivery.key.clone()).or_default().insert(index);
        self.handoffs.entry(delivery.handoff.clone()).or_default().insert(index);
        let in_lane = self.lanes.entry(lane.clone()).or_default();
        in_lane.insert(index);
        self.expiry.extend(delivery.fails_at().map(|at| (at, index)));
        let queued = Queued::new(delivery);
        *self.depths.entry(lane.destination.clone()).or_default() += 1;
        if lane.destination.is_ordered() && in_lane.len() == 1 {
            self.next.insert(queued.entry(index));
        }
        self.queued.insert(index, queued);
        self.choose_files(&lane);
    }

    /// Removes a delivery. The one behind it is the next of its lane from `now` on.
    pub fn remove(&mut self, id: &DeliveryId, now: Time) {
        let Some(index) = self.indices.remove(id) else { return };
        let Some(gone) = self.queued.remove(&index) else { return };
        if let Some(at) = gone.delivery.fails_at() {
            self.expiry.remove(&(at, index));
        }
        leave(&mut self.conversations, &gone.delivery.key, index);
        leave(&mut self.handoffs, &gone.delivery.handoff, index);
        let lane = gone.delivery.lane();
        if let Some(depth) = self.depths.get_mut(&lane.destination) {
            *depth -= 1;
        }
        self.depths.retain(|_, depth| *depth > 0);
        let first = leave(&mut self.lanes, &lane, index);
        let was_next = self.next.remove(&gone.entry(index));
        if let (true, true, Some(first)) = (was_next, lane.destination.is_ordered(), first)
            && let Some(queued) = self.queued.get_mut(&first)
        {
            queued.ready_at = queued.ready_at.max(now);
            self.next.insert(queued.entry(first));
        }
        self.choose_files(&lane);
    }

    /// Of a conversation's files those that are held are the next, and those that can be tried soonest.
    fn choose_files(&mut self, lane: &Lane) {
        if lane.destination.is_ordered() {
            return;
        }
        let indices = self.lanes.get(lane).into_iter().flatten();
        let mut files: Vec<(bool, (Queue, Time, u64))> = indices
            .filter_map(|index| Some((*index, self.queued.get(index)?)))
            .map(|(index, queued)| (queued.delivery.claim.is_none(), queued.entry(index)))
            .collect();
        files.sort_unstable();
        for (index, (_, entry)) in files.into_iter().enumerate() {
            if index < lane.destination.at_once_in_lane() {
                self.next.insert(entry);
            } else {
                self.next.remove(&entry);
            }
        }
    }

    /// See [`Store::due_deliveries`](crate::store::Store::due_deliveries).
    pub fn due(&self, now: Time, queue: &Queue, limit: usize) -> Due<Delivery> {
        let mut due = Due { items: Vec::new(), next: None };
        let from = (queue.clone(), Time::from_micros(i64::MIN), 0);
        for (_, ready_at, index) in self.next.range(from..).take_while(|(of, _, _)| of == queue) {
            if *ready_at > now || due.items.len() == limit {
                due.next = Some(*ready_at);
                break;
            }
            due.items.extend(self.queued.get(index).map(|queued| queued.delivery.clone()));
        }
        due
    }

    /// See [`Store::expired`](crate::store::Store::expired).
    pub fn expired(&self, now: Time, limit: usize) -> Due<HandoffId> {
        let mut due = Due { items: Vec::new(), next: None };
        for (at, index) in &self.expiry {
            if *at > now || due.items.len() == limit {
                due.next = Some(*at);
                break;
            }
            let handoff = self.queued.get(index).map(|queued| queued.delivery.handoff.clone());
            due.items.extend(handoff.filter(|handoff| !due.items.contains(handoff)));
        }
        due
    }

    /// See [`Store::renew_claims`](crate::store::Store::renew_claims).
    pub fn renew(&mut self, holder: &HolderId, deliveries: &[DeliveryId], until: Time) {
        for id in deliveries {
            let Some(index) = self.indices.get(id) else { continue };
            self.change(*index, |queued| {
                if let Some(claim) = queued.delivery.claim.as_mut().filter(|claim| claim.holder == *holder) {
                    claim.until = until;
                    queued.ready_at = queued.delivery.ready_at();
                }
            });
        }
    }

    /// Voids all claims.
    pub fn void_claims(&mut self) {
        let held = self.queued.iter().filter(|(_, queued)| queued.delivery.claim.is_some());
        let held: Vec<u64> = held.map(|(index, _)| *index).collect();
        for index in held {
            self.change(index, |queued| {
                queued.delivery.claim = None;
                queued.ready_at = queued.delivery.due_at;
            });
        }
    }

    fn change(&mut self, index: u64, change: impl FnOnce(&mut Queued)) {
        let Some(queued) = self.queued.get_mut(&index) else { return };
        let was_next = self.next.remove(&queued.entry(index));
        if let Some(at) = queued.delivery.fails_at() {
            self.expiry.remove(&(at, index));
        }
        change(queued);
        self.expiry.extend(queued.delivery.fails_at().map(|at| (at, index)));
        if was_next {
            self.next.insert(queued.entry(index));
        }
    }
}

/// Takes a place out of one of the groups, and gives the group's first.
fn leave<K: std::hash::Hash + Eq>(
    groups: &mut HashMap<K, BTreeSet<u64>>,
    group: &K,
    index: u64,
) -> Option<u64> {
    let indices = groups.get_mut(group)?;
    indices.remove(&index);
    let first = indices.first().copied();
    if first.is_none() {
        groups.remove(group);
    }
    first
}
