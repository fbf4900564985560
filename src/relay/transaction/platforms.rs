//! What platforms learn of a decision, in the same commit.

use super::{Transaction, Visibility};
use crate::relay::{
    changes::LetterKind,
    contact::{self, Contact},
    delivery::Delivery,
    handoff::Handoff,
    id::{DeliveryId, PlatformId},
    platform::{self, Notice, PlatformEvent},
    thread::Row,
};

impl Transaction<'_> {
    /// Queues what the platforms of each handoff learn of this decision.
    pub(super) fn tell_platforms(&mut self) {
        for index in 0..self.view.handoffs.len() {
            let handoff = &self.view.handoffs[index];
            if handoff.platforms.is_empty() {
                continue;
            }
            let is_seen = |row: &&Row| {
                row.handoff == handoff.id && self.touched_rows.get(&row.id) == Some(&Visibility::Yes)
            };
            let mut rows: Vec<Row> = self.view.rows.iter().filter(is_seen).cloned().collect();
            rows.sort_by_key(|row| row.seq);
            let is_seen_changed = self.touched_handoffs.get(&handoff.id) == Some(&Visibility::Yes);
            let version = handoff.version + u64::from(is_seen_changed);
            let now = Handoff { version, ..handoff.clone() };
            let events = platform::events(self.before.get(&handoff.id), &now, &rows);
            for event in events {
                if matches!(event, PlatformEvent::Started { .. }) {
                    self.begin_contact(index);
                }
                self.tell(index, &event);
            }
        }
    }

    /// A handoff that Amazon Connect gets has a contact from its start on, so that one that is never made is noticed.
    fn begin_contact(&mut self, index: usize) {
        let handoff = &self.view.handoffs[index];
        if handoff.platforms.contains_key(&contact::platform()) && self.policy.platforms.contacts.is_some() {
            let now = self.now.at;
            let contact = Contact::new(handoff.id.clone(), now, now + self.policy.platforms.max_age);
            let due_at = contact.due_at(self.policy.platforms.contacts.as_ref());
            self.changes.contact = Some((contact, due_at));
        }
    }

    /// Queues an event for each platform that got the handoff. An event that finds no room becomes a dead letter: what
    /// happens must not wait for a platform.
    fn tell(&mut self, index: usize, event: &PlatformEvent) {
        let (now, max_age) = (self.now.at, event.max_age(&self.policy.platforms));
        let (handoff, key) = (self.view.handoffs[index].id.clone(), self.view.handoffs[index].key.clone());
        // One that has left the settings is told nothing, and misses no number if it comes back.
        let known = &self.policy.platforms.ids;
        let platforms = self.view.handoffs[index].platforms.keys().filter(|id| known.contains(id));
        let platforms: Vec<PlatformId> = platforms.cloned().collect();
        for platform in platforms {
            let (event_id, delivery_id) = (self.new_id(), DeliveryId(self.new_id()));
            let sequences = &mut self.change_unseen(index).platforms;
            let sequence = sequences.entry(platform.clone()).or_default();
            *sequence += 1;
            let notice =
                Notice { platform, id: event_id, sequence: *sequence, at: now, event: event.clone() };
            let delivery = Delivery::new(delivery_id, handoff.clone(), key.clone(), notice.into(), now);
            let delivery = Delivery { expires_at: Some(now + max_age), ..delivery };
            if self.has_room(&delivery.destination()) {
                self.changes.deliveries.push(delivery);
            } else {
                self.set_notice_aside(&delivery, "the platform's queue is full");
            }
        }
    }

    /// Makes a dead letter of an event that a platform did not take.
    pub fn set_notice_aside(&mut self, delivery: &Delivery, reason: &str) {
        let Some(notice) = delivery.job.notice() else { return };
        let id = notice.id.clone();
        let body = serde_json::to_string(delivery).unwrap_or_default();
        self.add_dead_letter(delivery.key.ai_agent.clone(), &id, reason, body, LetterKind::Platform);
    }
}
