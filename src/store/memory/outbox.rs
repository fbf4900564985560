//! The outbox of the memory store, with what makes its questions quick.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use crate::{
    relay::{
        delivery::{Delivery, Lane, Queue},
        id::{ConversationKey, DeliveryId, HandoffId},
        time::Time,
    },
    store::{Due, FILES_OF_A_CONVERSATION},
};

/// Deliveries in the order in which they were queued.
#[derive(Default)]
pub struct Outbox {
    queued: BTreeMap<u64, Queued>,
    last_position: u64,
    places: HashMap<DeliveryId, u64>,
    conversations: HashMap<ConversationKey, BTreeSet<u64>>,
    lanes: BTreeMap<(HandoffId, Lane), BTreeSet<u64>>,
    /// The first of each lane, by where it waits and when it can be tried.
    heads: BTreeSet<(Queue, Time, u64)>,
    /// How many of them are files to fetch.
    files: usize,
}

/// A delivery and its claim.
struct Queued {
    delivery: Delivery,
    leased_until: Time,
}

impl Queued {
    fn lane(&self) -> (HandoffId, Lane) {
        (self.delivery.handoff.clone(), self.delivery.task.lane())
    }

    fn head(&self, place: u64) -> (Queue, Time, u64) {
        (self.delivery.queue(), self.delivery.due_at.max(self.leased_until), place)
    }
}

impl Outbox {
    /// How many wait, files to fetch aside.
    pub fn len(&self) -> usize {
        self.queued.len() - self.files
    }

    /// How many files wait to be fetched.
    pub fn files(&self) -> usize {
        self.files
    }

    /// See [`Store::waits_untroubled`](crate::store::Store::waits_untroubled).
    pub fn waits_untroubled(&self, id: &DeliveryId) -> bool {
        let queued = self.places.get(id).and_then(|place| self.queued.get(place));
        queued.is_some_and(|queued| queued.delivery.queue() != Queue::Again)
    }

    pub fn has_any_of(&self, handoff: &HandoffId) -> bool {
        let lanes = self.lanes.range((handoff.clone(), Lane::Ada)..);
        lanes.take(1).any(|((owner, _), _)| owner == handoff)
    }

    /// When the oldest one was queued that isn't a file to fetch.
    pub fn oldest(&self) -> Option<Time> {
        let others = self.queued.values().filter(|queued| queued.delivery.queue() != Queue::Files);
        others.map(|queued| queued.delivery.queued_at).min()
    }

    /// Those of a conversation, in their order.
    pub fn of_conversation(&self, key: &ConversationKey) -> Vec<Delivery> {
        let places = self.conversations.get(key).into_iter().flatten();
        places.filter_map(|place| self.queued.get(place)).map(|queued| queued.delivery.clone()).collect()
    }

    /// A new delivery joins the end of its lane; a known one keeps its place, and its claim ends.
    pub fn put(&mut self, delivery: Delivery) {
        if let Some(place) = self.places.get(&delivery.id) {
            return self.change(*place, |queued| {
                *queued = Queued { delivery, leased_until: Time::default() };
            });
        }
        self.files += usize::from(delivery.queue() == Queue::Files);
        self.last_position += 1;
        let place = self.last_position;
        self.places.insert(delivery.id.clone(), place);
        self.conversations.entry(delivery.key.clone()).or_default().insert(place);
        let queued = Queued { delivery, leased_until: Time::default() };
        let lane = self.lanes.entry(queued.lane()).or_default();
        lane.insert(place);
        if lane.len() == 1 {
            self.heads.insert(queued.head(place));
        }
        self.queued.insert(place, queued);
    }

    /// What is under way has changed; its claim goes on.
    pub fn begin(&mut self, delivery: Delivery) {
        if let Some(place) = self.places.get(&delivery.id) {
            self.change(*place, |queued| queued.delivery = delivery);
        }
    }

    pub fn remove(&mut self, id: &DeliveryId) {
        let Some(place) = self.places.remove(id) else { return };
        let Some(queued) = self.queued.remove(&place) else { return };
        self.files -= usize::from(queued.delivery.queue() == Queue::Files);
        if let Some(others) = self.conversations.get_mut(&queued.delivery.key) {
            others.remove(&place);
            if others.is_empty() {
                self.conversations.remove(&queued.delivery.key);
            }
        }
        self.heads.remove(&queued.head(place));
        let lane = queued.lane();
        let Some(others) = self.lanes.get_mut(&lane) else { return };
        others.remove(&place);
        match others.first().and_then(|first| Some((*first, self.queued.get(first)?))) {
            Some((first, head)) => drop(self.heads.insert(head.head(first))),
            None => drop(self.lanes.remove(&lane)),
        }
    }

    /// See [`Store::claim_due`](crate::store::Store::claim_due).
    pub fn claim_due(&mut self, now: Time, lease: Duration, queue: Queue, limit: usize) -> Due<Delivery> {
        let mut due = Due { items: Vec::new(), next: None };
        let mut shares = Shares::default();
        let mut claimed = Vec::new();
        let from = (queue, Time::from_micros(i64::MIN), 0);
        for (_, ready_at, place) in self.heads.range(from..).take_while(|(of, _, _)| *of == queue) {
            let Some(queued) = self.queued.get(place) else { continue };
            let is_due = *ready_at <= now;
            if is_due && queue == Queue::Files && !shares.takes(self, &queued.delivery.key, now) {
                continue;
            }
            if !is_due || claimed.len() == limit {
                due.next = Some(*ready_at);
                break;
            }
            claimed.push(*place);
        }
        for place in claimed {
            self.change(place, |queued| queued.leased_until = now + lease);
            due.items.extend(self.queued.get(&place).map(|queued| queued.delivery.clone()));
        }
        due
    }

    /// Nobody holds anything any more.
    pub fn void_claims(&mut self) {
        let claimed = self.queued.iter().filter(|(_, queued)| queued.leased_until > Time::default());
        let claimed: Vec<u64> = claimed.map(|(place, _)| *place).collect();
        for place in claimed {
            self.change(place, |queued| queued.leased_until = Time::default());
        }
    }

    fn change(&mut self, place: u64, change: impl FnOnce(&mut Queued)) {
        let Some(queued) = self.queued.get_mut(&place) else { return };
        let was_head = self.heads.remove(&queued.head(place));
        change(queued);
        if was_head {
            self.heads.insert(queued.head(place));
        }
    }
}

/// How many files of each conversation are claimed.
#[derive(Default)]
struct Shares(HashMap<ConversationKey, usize>);

impl Shares {
    /// Takes one more for a conversation, if its share leaves it.
    fn takes(&mut self, outbox: &Outbox, key: &ConversationKey, now: Time) -> bool {
        let count = || {
            let places = outbox.conversations.get(key).into_iter().flatten();
            let files = places.filter_map(|place| outbox.queued.get(place));
            files.filter(|one| one.delivery.queue() == Queue::Files && one.leased_until > now).count()
        };
        let claimed = self.0.entry(key.clone()).or_insert_with(count);
        let takes = *claimed < FILES_OF_A_CONVERSATION;
        *claimed += usize::from(takes);
        takes
    }
}
