//! What waits in the journal and when it is due: known to the process, and read from the journal at its start and after a
//! commit that failed.
//!
//! The writer changes it as it goes, before its commit. Whoever else looks may see what is not durable yet, and can do
//! nothing with it but ask the writer, who is behind that commit then.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    relay::{
        buffer::{Buffer, Timings},
        event::SortKey,
        id::ConversationKey,
        time::Time,
    },
    store::Due,
};

/// An event that waits.
#[derive(Clone, Debug)]
pub struct WaitingEvent {
    /// Its number in the journal.
    pub seq: i64,
    pub svix_id: String,
    pub sort_key: SortKey,
}

/// What waits of one conversation.
#[derive(Default)]
struct Conversation {
    /// In their order.
    events: Vec<WaitingEvent>,
    /// Those that the open transaction takes out. Beside the writer they wait until it is durable.
    leaving: Vec<WaitingEvent>,
    buffer: Option<Buffer>,
    due: Option<Time>,
    /// Where it stands in the list of what is due: at that time or, as that spares a change for each event, before it.
    listed: Option<Time>,
    is_apart: bool,
}

impl Conversation {
    fn add(&mut self, event: WaitingEvent) {
        // Two ends of one instant sort alike: their ids decide, so that their order is the same after a restart.
        let own = (&event.sort_key, &event.svix_id);
        let is_behind = |other: &WaitingEvent| (&other.sort_key, &other.svix_id) <= own;
        // Most come in order.
        let place = match self.events.last() {
            Some(last) if !is_behind(last) => self.events.partition_point(is_behind),
            Some(_) | None => self.events.len(),
        };
        self.events.insert(place, event);
    }

    /// It is due then. Says which place in the list of what is due it leaves and which it takes, if it moves.
    fn set_due(&mut self, due: Option<Time>) -> Option<Move> {
        self.due = due;
        let stands = self.listed.is_some_and(|listed| due.is_some_and(|due| listed <= due));
        (!stands).then(|| Move { from: std::mem::replace(&mut self.listed, due), to: due })
    }

    fn set_buffer(&mut self, buffer: Option<(Buffer, Time)>) -> Option<Move> {
        self.buffer = buffer.map(|(buffer, _)| buffer);
        self.is_apart = false;
        self.set_due(buffer.map(|(_, due)| due))
    }
}

/// From one place in the list of what is due to another.
struct Move {
    from: Option<Time>,
    to: Option<Time>,
}

/// See the module.
#[derive(Default)]
pub struct Waiting {
    conversations: HashMap<ConversationKey, Conversation>,
    due: BTreeSet<(Time, ConversationKey)>,
    events: u64,
    /// The conversations that events are leaving.
    left: Vec<ConversationKey>,
    /// When whoever asked for what is due looks again.
    next_look: Option<Time>,
}

/// What the writer and its readers share.
#[derive(Default)]
pub struct SharedWaiting(Mutex<Waiting>);

impl SharedWaiting {
    /// Nobody holds it for longer than it takes to look something up.
    pub fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// How many events wait in all conversations.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The time of the earliest event, by Ada's clock.
    pub fn oldest(&self) -> Option<Time> {
        let first = |conversation: &Conversation| conversation.events.first().map(|event| event.sort_key.0);
        self.conversations.values().filter_map(first).min()
    }

    /// How many conversations are set apart.
    pub fn apart(&self) -> u64 {
        self.conversations.values().filter(|conversation| conversation.is_apart).count() as u64
    }

    /// Whether anything waits of a conversation.
    pub fn has(&self, key: &ConversationKey) -> bool {
        self.conversations.get(key).is_some_and(|conversation| !conversation.events.is_empty())
    }

    /// Whether anything waits of a conversation, or may wait again: its leaving is not durable.
    pub fn may_have(&self, key: &ConversationKey) -> bool {
        let has =
            |conversation: &Conversation| !conversation.events.is_empty() || !conversation.leaving.is_empty();
        self.conversations.get(key).is_some_and(has)
    }

    /// The debounce of a conversation.
    pub fn buffer(&self, key: &ConversationKey) -> Option<Buffer> {
        self.conversations.get(key)?.buffer
    }

    /// The first events of a conversation, at most `limit`.
    pub fn page(&self, key: &ConversationKey, limit: usize) -> Vec<WaitingEvent> {
        let events = self.conversations.get(key).map_or(&[][..], |conversation| &conversation.events);
        events[..limit.min(events.len())].to_vec()
    }

    /// The first events of a conversation that may wait beside the writer, at most `limit`: the journal says which do.
    pub fn page_beside(&self, key: &ConversationKey, limit: usize) -> Vec<WaitingEvent> {
        let Some(conversation) = self.conversations.get(key) else { return Vec::new() };
        conversation.leaving.iter().chain(&conversation.events).take(limit).cloned().collect()
    }

    /// Conversations of which events wait, at most `limit`.
    pub fn conversations(&self, limit: usize) -> Vec<ConversationKey> {
        let waiting = self.conversations.iter().filter(|(_, conversation)| !conversation.events.is_empty());
        waiting.take(limit).map(|(key, _)| key.clone()).collect()
    }

    /// What the open transaction has taken out has left.
    pub fn committed(&mut self) {
        for key in std::mem::take(&mut self.left) {
            if let Some(conversation) = self.conversations.get_mut(&key) {
                conversation.leaving.clear();
            }
            self.forget_if_empty(&key);
        }
    }

    /// Where those of these events that are of a conversation are in the journal.
    pub fn seqs(&self, key: &ConversationKey, svix_ids: &[String]) -> HashMap<String, i64> {
        let Some(conversation) = self.conversations.get(key) else { return HashMap::new() };
        let svix_ids: HashSet<&str> = svix_ids.iter().map(String::as_str).collect();
        let asked = conversation.events.iter().filter(|event| svix_ids.contains(&*event.svix_id));
        asked.map(|event| (event.svix_id.clone(), event.seq)).collect()
    }

    /// The number of the first event that waits.
    pub fn first_seq(&self) -> Option<i64> {
        let seqs = self.conversations.values().flat_map(|conversation| &conversation.events);
        seqs.map(|event| event.seq).min()
    }

    /// An event waits from now on.
    pub fn add(&mut self, key: &ConversationKey, event: WaitingEvent) {
        self.with(key, |conversation| conversation.add(event));
        self.events += 1;
    }

    /// An event has come to a conversation at `at`, and waits from now on. Says whether it is due before anybody looks.
    pub fn arrived(
        &mut self,
        key: &ConversationKey,
        event: WaitingEvent,
        at: Time,
        timings: &Timings,
    ) -> bool {
        self.events += 1;
        let (due, moved) = self.with(key, |conversation| {
            conversation.add(event);
            let mut buffer = conversation.buffer.unwrap_or_default();
            buffer.arrived(at);
            let due = buffer.due(timings);
            (due, conversation.set_buffer(Some(buffer).zip(due)))
        });
        self.list(key, moved);
        let Some(due) = due.filter(|due| self.next_look.is_none_or(|next| *due < next)) else { return false };
        self.next_look = Some(due);
        true
    }

    /// What is stored of an event when a process begins: it is looked at at once, which says when it is due.
    pub fn found(&mut self, key: &ConversationKey, event: WaitingEvent, received_at: Time) {
        self.add(key, event);
        let buffer = self.with(key, |conversation| conversation.buffer.unwrap_or_default());
        let (first, last) = buffer.arrivals.unwrap_or((received_at, received_at));
        let buffer = Buffer { arrivals: Some((first.min(received_at), last.max(received_at))), ..buffer };
        self.set_buffer(key, Some((buffer, Time::default())));
    }

    /// Events of a conversation wait no longer.
    pub fn remove(&mut self, key: &ConversationKey, seqs: &HashSet<i64>) {
        let Some(conversation) = self.conversations.get_mut(key) else { return };
        let leaving = conversation.events.extract_if(.., |event| seqs.contains(&event.seq));
        let before = conversation.leaving.len();
        conversation.leaving.extend(leaving);
        self.events -= (conversation.leaving.len() - before) as u64;
        self.left.push(key.clone());
    }

    /// The debounce of a conversation, and when it is due.
    pub fn set_buffer(&mut self, key: &ConversationKey, buffer: Option<(Buffer, Time)>) {
        let moved = self.with(key, |conversation| conversation.set_buffer(buffer));
        self.list(key, moved);
        self.forget_if_empty(key);
    }

    /// Nobody can do anything with a conversation before then.
    pub fn set_apart(&mut self, key: &ConversationKey, until: Time) {
        if let Some(conversation) = self.conversations.get_mut(key) {
            conversation.is_apart = true;
            let moved = conversation.set_due(Some(until));
            self.list(key, moved);
        }
    }

    /// See [`Store::due_conversations`](crate::store::Store::due_conversations).
    pub fn due(&mut self, now: Time, limit: usize) -> Due<ConversationKey> {
        let mut due = Due { items: Vec::new(), next: None };
        let mut behind = Bound::Unbounded;
        while let Some(listed) = self.due.range((behind.clone(), Bound::Unbounded)).next().cloned() {
            let (at, key) = &listed;
            let true_due = self.conversations.get(key).and_then(|conversation| conversation.due);
            if true_due != Some(*at) {
                self.due.remove(&listed);
                if let Some(conversation) = self.conversations.get_mut(key) {
                    conversation.listed = true_due;
                    self.due.extend(true_due.map(|due| (due, key.clone())));
                }
                continue;
            }
            if *at > now || due.items.len() == limit {
                due.next = Some(*at);
                break;
            }
            due.items.push(key.clone());
            behind = Bound::Excluded(listed);
        }
        self.next_look = due.next;
        due
    }

    /// A key is copied for a new conversation alone.
    fn with<T>(&mut self, key: &ConversationKey, with: impl FnOnce(&mut Conversation) -> T) -> T {
        match self.conversations.get_mut(key) {
            Some(conversation) => with(conversation),
            None => with(self.conversations.entry(key.clone()).or_default()),
        }
    }

    fn list(&mut self, key: &ConversationKey, moved: Option<Move>) {
        let Some(Move { from, to }) = moved else { return };
        if let Some(listed) = from {
            self.due.remove(&(listed, key.clone()));
        }
        self.due.extend(to.map(|due| (due, key.clone())));
    }

    fn forget_if_empty(&mut self, key: &ConversationKey) {
        if !self.may_have(key)
            && self.conversations.get(key).is_some_and(|conversation| conversation.buffer.is_none())
            && let Some(Conversation { listed: Some(listed), .. }) = self.conversations.remove(key)
        {
            self.due.remove(&(listed, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_the_writer_an_event_waits_until_its_leaving_is_durable() {
        let key = ConversationKey { ai_agent: "a".into(), conversation: "c".into() };
        let event = |seq: i64| WaitingEvent { seq, svix_id: seq.to_string(), sort_key: SortKey::default() };
        let seqs = |events: Vec<WaitingEvent>| events.into_iter().map(|event| event.seq).collect::<Vec<_>>();
        let mut waiting = Waiting::default();
        waiting.add(&key, event(1));
        waiting.add(&key, event(2));
        waiting.remove(&key, &HashSet::from([1]));
        assert_eq!(seqs(waiting.page(&key, 9)), [2]);
        assert_eq!(seqs(waiting.page_beside(&key, 9)), [1, 2]);
        assert_eq!(waiting.events(), 1);
        waiting.committed();
        assert_eq!(seqs(waiting.page_beside(&key, 9)), [2]);
        waiting.remove(&key, &HashSet::from([2]));
        assert_eq!((seqs(waiting.page_beside(&key, 9)), waiting.has(&key)), (vec![2], false));
        assert!(waiting.may_have(&key));
        waiting.committed();
        assert!(!waiting.may_have(&key));
        assert!(waiting.conversations.is_empty());
    }
}
