//! What a process knows without asking the database: when conversations are due, which have an open handoff, and how much
//! waits. Other processes change the database, too, so all of it is a hint. What it misses the sweep finds
//! ([`super::watch`]); what it has too much of a decision finds nothing to do for.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::text;
use crate::{
    relay::{
        buffer::{Buffer, Timings},
        delivery::Destination,
        handoff::Handoff,
        id::{AiAgentId, ConversationKey},
        time::Time,
    },
    store::{Due, StatusFilter},
};

/// A conversation whose quiet period this process times.
#[derive(Clone, Copy, Debug, Default)]
struct Timer {
    buffer: Buffer,
    due: Time,
    /// The last event that arrived, by its number: a decision that has not seen it does not stop the timer.
    last: u64,
    is_apart: bool,
}

/// See the module.
#[derive(Default)]
pub struct Hints(Mutex<State>);

#[derive(Default)]
struct State {
    timers: HashMap<Arc<ConversationKey>, Timer>,
    due: BTreeSet<(Time, Arc<ConversationKey>)>,
    /// How many events have arrived.
    arrivals: u64,
    /// As the database shows them.
    open: HashSet<String>,
    inbox: i64,
    queued: BTreeMap<Destination, i64>,
}

/// How a conversation's timer stood when a decision looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen(u64);

impl Hints {
    /// An event has come to a conversation at `at`. Says whether it is due before anything else.
    pub fn arrived(&self, key: &ConversationKey, at: Time, timings: &Timings) -> bool {
        let mut state = self.lock();
        let mut timer = state.timers.get(key).copied().unwrap_or_default();
        timer.buffer.arrived(at);
        state.arrivals += 1;
        timer.last = state.arrivals;
        timer.is_apart = false;
        let Some(due) = timer.buffer.due(timings) else { return false };
        let is_first = state.due.first().is_none_or(|(first, _)| due < *first);
        state.set(key, Timer { due, ..timer });
        state.inbox += 1;
        is_first
    }

    /// How the timer of a conversation stands.
    pub fn seen(&self, key: &ConversationKey) -> Seen {
        Seen(self.lock().timers.get(key).map_or(0, |timer| timer.last))
    }

    /// A decision that looked at `seen` has set the debounce of a conversation.
    pub fn set(&self, key: &ConversationKey, buffer: Option<(Buffer, Time)>, seen: Seen) {
        let mut state = self.lock();
        let before = state.timers.get(key).copied();
        let has_more = before.is_some_and(|timer| timer.last != seen.0);
        match (buffer, before) {
            // An event has come since that the decision knows nothing of.
            (Some((_, due)), Some(timer)) if has_more => {
                state.set(key, Timer { due: due.min(timer.due), ..timer });
            }
            (None, Some(_)) if has_more => {}
            (Some((buffer, due)), before) => {
                state.set(key, Timer { buffer, due, is_apart: false, ..before.unwrap_or_default() });
            }
            (None, _) => drop(state.remove(key)),
        }
    }

    /// Something waits of a conversation, and it is not known since when.
    pub fn found(&self, key: &ConversationKey, now: Time) {
        let mut state = self.lock();
        if !state.timers.contains_key(key) {
            state.set(key, Timer { due: now, ..Timer::default() });
        }
    }

    /// Nobody can do anything with a conversation before then.
    pub fn set_apart(&self, key: &ConversationKey, until: Time) {
        let mut state = self.lock();
        if let Some(timer) = state.timers.get(key).copied() {
            state.set(key, Timer { due: until, is_apart: true, ..timer });
        }
    }

    /// How many conversations are set apart.
    pub fn apart(&self) -> u64 {
        self.lock().timers.values().filter(|timer| timer.is_apart).count() as u64
    }

    /// See [`Store::due_conversations`](crate::store::Store::due_conversations).
    pub fn due(&self, now: Time, limit: usize) -> Due<ConversationKey> {
        let state = self.lock();
        let due = state.due.iter().take_while(|(due, _)| *due <= now).take(limit);
        let items: Vec<ConversationKey> = due.map(|(_, key)| (**key).clone()).collect();
        let next = state.due.iter().nth(items.len()).map(|(due, _)| *due);
        Due { items, next }
    }

    /// Whether a conversation has an open handoff.
    pub fn has_open(&self, conversation: &str) -> bool {
        self.lock().open.contains(&text::shown(conversation))
    }

    /// A handoff is new or has changed.
    pub fn changed(&self, handoff: &Handoff) {
        let conversation = text::shown(handoff.key.conversation.as_str());
        let mut state = self.lock();
        if StatusFilter::of(handoff) == StatusFilter::Ended {
            state.open.remove(&conversation);
        } else {
            state.open.insert(conversation);
        }
    }

    /// So many events are in the inbox of all conversations.
    pub fn inbox(&self) -> u64 {
        u64::try_from(self.lock().inbox).unwrap_or(0)
    }

    /// How much is queued for each destination.
    pub fn queued(&self) -> BTreeMap<Destination, u64> {
        let state = self.lock();
        let queued =
            state.queued.iter().filter_map(|(to, queued)| Some((to.clone(), u64::try_from(*queued).ok()?)));
        queued.filter(|(_, queued)| *queued > 0).collect()
    }

    /// How many reads are queued for an AI Agent. Few destinations have anything, so none is made to look this one up.
    pub fn reads(&self, ai_agent: &AiAgentId) -> u64 {
        let state = self.lock();
        let reads = state.queued.iter().find(|(destination, _)| destination.is_reads_of(ai_agent));
        reads.map_or(0, |(_, queued)| u64::try_from(*queued).unwrap_or(0))
    }

    /// There is so much more, or less.
    pub fn grow(&self, inbox: i64, queued: &BTreeMap<Destination, i64>) {
        let mut state = self.lock();
        state.inbox += inbox;
        for (destination, by) in queued {
            *state.queued.entry(destination.clone()).or_default() += by;
        }
    }

    /// What was counted.
    pub fn counted(&self, inbox: u64, queued: BTreeMap<Destination, u64>, open: Vec<String>) {
        let mut state = self.lock();
        state.inbox = i64::try_from(inbox).unwrap_or(i64::MAX);
        let signed = |queued: u64| i64::try_from(queued).unwrap_or(i64::MAX);
        state.queued = queued.into_iter().map(|(to, queued)| (to, signed(queued))).collect();
        state.open = open.into_iter().collect();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A key is copied for a new conversation alone.
    fn set(&mut self, key: &ConversationKey, timer: Timer) {
        let key = self.remove(key).unwrap_or_else(|| Arc::new(key.clone()));
        self.due.insert((timer.due, Arc::clone(&key)));
        self.timers.insert(key, timer);
    }

    fn remove(&mut self, key: &ConversationKey) -> Option<Arc<ConversationKey>> {
        let (key, timer) = self.timers.remove_entry(key)?;
        let listed = (timer.due, key);
        self.due.remove(&listed);
        Some(listed.1)
    }
}
