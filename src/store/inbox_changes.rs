//! In which conversations something has come into the inbox or left it, for who shows what waits. While nobody does,
//! nothing is noted.

use std::{
    collections::HashSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::watch;

use crate::relay::id::ConversationKey;

/// See the module.
pub struct InboxChanges {
    watching: AtomicUsize,
    noted: Mutex<Noted>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Noted {
    conversations: HashSet<ConversationKey>,
    /// Somebody watches since nobody did.
    is_watched_anew: bool,
}

impl Default for InboxChanges {
    fn default() -> Self {
        Self { watching: AtomicUsize::new(0), noted: Mutex::default(), changed: watch::Sender::new(()) }
    }
}

impl InboxChanges {
    /// One more watches.
    pub fn watch(&self) {
        let mut noted = self.lock();
        if self.watching.fetch_add(1, Ordering::SeqCst) == 0 {
            noted.is_watched_anew = true;
            drop(noted);
            self.changed.send_replace(());
        }
    }

    /// One who watched does so no longer.
    pub fn unwatch(&self) {
        let mut noted = self.lock();
        if self.watching.fetch_sub(1, Ordering::SeqCst) == 1 {
            *noted = Noted::default();
        }
    }

    /// Whether anybody watches. What was committed before a no is found by whoever begins to watch.
    pub fn is_watched(&self) -> bool {
        self.watching.load(Ordering::SeqCst) > 0
    }

    /// Whether somebody watches since nobody did, so that what was noted before is not all.
    pub fn is_watched_anew(&self) -> bool {
        std::mem::take(&mut self.lock().is_watched_anew)
    }

    /// Whoever was told so could not look.
    pub fn is_to_be_watched_anew(&self) {
        self.lock().is_watched_anew = true;
    }

    /// The inbox has changed in these conversations, which is durable.
    pub fn note(&self, conversations: impl IntoIterator<Item = ConversationKey>) {
        if !self.is_watched() {
            return;
        }
        let mut noted = self.lock();
        let before = noted.conversations.len();
        noted.conversations.extend(conversations);
        if noted.conversations.len() > before {
            drop(noted);
            self.changed.send_replace(());
        }
    }

    /// Takes some of the conversations, at most `limit`.
    pub fn take(&self, limit: usize) -> Vec<ConversationKey> {
        let mut noted = self.lock();
        let taken: Vec<ConversationKey> = noted.conversations.iter().take(limit).cloned().collect();
        noted.conversations.retain(|key| !taken.contains(key));
        taken
    }

    /// Something was noted.
    pub fn changed(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
