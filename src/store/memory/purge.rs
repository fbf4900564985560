//! Purges old data step by step, like the stores on disk.

use std::{collections::BTreeSet, time::Duration};

use super::state::{ChangedItem, State};
use crate::{
    relay::{handoff::Handoff, id::HandoffId, time::Time},
    store::{ID_MEMORY, IDEMPOTENCY_MEMORY, PURGE_STEP, PurgeProgress, RetentionPeriods, sessions::Session},
};

/// One step of old entries of one kind, oldest first.
fn oldest<K: Ord>(all: impl Iterator<Item = (Time, K)>, before: Time) -> Vec<K> {
    let mut old: Vec<(Time, K)> = all.filter(|(at, _)| *at < before).collect();
    old.sort();
    old.into_iter().take(PURGE_STEP).map(|(_, key)| key).collect()
}

impl State {
    /// Purges one step of each kind.
    pub fn purge(&mut self, now: Time, keep: &RetentionPeriods) -> PurgeProgress {
        let is_free = |(id, _): &(&String, &Time)| !self.inbox_keys.contains_key(*id);
        let seen = self.seen.iter().filter(is_free).map(|(id, at)| (*at, id.clone()));
        let seen = oldest(seen, now - ID_MEMORY);
        let asked = self.idempotency.iter().map(|(asked, (at, _))| (*at, asked.clone()));
        let asked = oldest(asked, now - IDEMPOTENCY_MEMORY);
        let letters = self.dead_letters.iter().map(|(index, letter)| (letter.at, *index));
        let letters = keep.dead_letters.map_or(Vec::new(), |kept| oldest(letters, now - kept));
        let sessions = self.sessions.iter().map(|(id, session)| (Session::ends_at(session), id.clone()));
        let sessions = oldest(sessions, now);
        let mut more = [seen.len(), asked.len(), letters.len(), sessions.len()].contains(&PURGE_STEP);

        self.refused_starts.retain(|_, until| *until > now);
        for id in seen {
            self.seen.remove(&id);
        }
        for asked in asked {
            self.idempotency.remove(&asked);
        }
        for index in letters {
            self.dead_letters.remove(&index);
        }
        for id in sessions {
            self.sessions.remove(&id);
        }
        if let Some(kept) = keep.ended {
            more |= self.forget_handoffs(now, kept);
        }
        if more { PurgeProgress::Part } else { PurgeProgress::All }
    }

    /// Removes ended handoffs whole, until their threads make up a step; says whether there may be more.
    fn forget_handoffs(&mut self, now: Time, kept: Duration) -> bool {
        let nothing_waits = |handoff: &Handoff| {
            !self.outbox.has_any_of(&handoff.id) && !self.inbox.contains_key(&handoff.key)
        };
        let ended = self.handoffs.iter().filter(|(_, handoff)| nothing_waits(handoff));
        let ended = ended.filter_map(|(index, handoff)| Some((handoff.end()?.at, *index)));
        let old = oldest(ended, now - kept);
        let (mut gone, mut rows) = (BTreeSet::new(), 0);
        for index in &old {
            if rows >= PURGE_STEP as u64 {
                break;
            }
            gone.insert(*index);
            rows += self.handoffs[index].last_seq;
        }
        self.remove_handoffs(&gone);
        gone.len() < old.len() || old.len() == PURGE_STEP
    }

    fn remove_handoffs(&mut self, indices: &BTreeSet<u64>) {
        let gone = indices.iter().filter_map(|index| self.handoffs.remove(index));
        let gone: BTreeSet<HandoffId> = gone.map(|handoff| handoff.id).collect();
        self.check_files_of(&gone);
        self.indices.retain(|id, _| !gone.contains(id));
        self.conversations.retain(|_, known| {
            known.retain(|index| !indices.contains(index));
            !known.is_empty()
        });
        self.threads.retain(|id, _| !gone.contains(id));
        self.alike.retain(|(id, _), _| !gone.contains(id));
        self.idempotency.retain(|asked, _| !gone.contains(&asked.handoff));
        self.forget_contacts(|handoff| gone.contains(handoff));
        let rows = &self.rows;
        self.changes.retain(|(_, changed)| match changed {
            ChangedItem::Handoff(id) => !gone.contains(id),
            ChangedItem::CannedReplies => true,
            ChangedItem::Row(id) => rows.get(id).is_none_or(|(owner, _)| !gone.contains(owner)),
        });
        self.rows.retain(|_, (owner, _)| !gone.contains(owner));
    }
}
