//! What commits have touched. A store signals it in the place where it commits, once it is durable, so that what
//! waits for it starts whoever made the change and whether or not they are still there.

use std::sync::Arc;

use tokio::sync::watch;

use super::{inbox_changes::InboxChanges, presence::PresenceExchange, sessions::SessionChange};
use crate::relay::changes::WriteSet;

/// The signals of one store.
pub struct Signals {
    inbox: watch::Sender<()>,
    outbox: watch::Sender<()>,
    sessions: watch::Sender<()>,
    contacts: watch::Sender<()>,
    feed: watch::Sender<u64>,
    history: watch::Sender<()>,
    inbox_changes: Arc<InboxChanges>,
    presence: PresenceExchange,
}

/// What a commit has touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TouchedTopics {
    inbox: bool,
    outbox: bool,
    sessions: bool,
    contacts: bool,
    feed: bool,
}

/// What is known after a commit of the newest change that agents see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FeedPosition {
    /// It is the one before.
    Same,
    /// It has this number.
    At(u64),
    /// Nothing.
    Unknown,
}

impl TouchedTopics {
    /// By these changes. A claim alone makes nothing due.
    pub fn by(changes: &WriteSet) -> Self {
        let may_be_due = changes.deliveries.iter().any(|delivery| delivery.claim.is_none());
        Self {
            inbox: changes.buffer.is_some(),
            outbox: may_be_due || !changes.deliveries_done.is_empty(),
            sessions: false,
            contacts: changes.contact.is_some(),
            feed: !changes.handoffs.is_empty() || !changes.rows.is_empty(),
        }
    }

    /// The inbox alone.
    pub const fn inbox() -> Self {
        Self { inbox: true, outbox: false, sessions: false, contacts: false, feed: false }
    }

    /// Everything: what was touched is not known.
    pub const fn all() -> Self {
        Self { inbox: true, ..Self::all_but_inbox() }
    }

    /// All that one instance can touch for another.
    pub const fn all_but_inbox() -> Self {
        Self { inbox: false, outbox: true, sessions: true, contacts: true, feed: true }
    }

    /// Whether another instance has something to do or to show. Who has taken an event in times it.
    pub const fn concerns_others(self) -> bool {
        self.outbox || self.sessions || self.contacts || self.feed
    }

    /// The same in letters, for other instances.
    pub fn code(self) -> String {
        let letters = [(self.outbox, 'o'), (self.sessions, 's'), (self.contacts, 'c'), (self.feed, 'f')];
        let code: String = letters.into_iter().filter(|(is, _)| *is).map(|(_, letter)| letter).collect();
        if code.is_empty() { "-".to_owned() } else { code }
    }

    /// What such letters say.
    pub fn of_code(code: &str) -> Self {
        let has = |letter| code.contains(letter);
        Self { inbox: false, outbox: has('o'), sessions: has('s'), contacts: has('c'), feed: has('f') }
    }

    /// What agents see alone.
    pub const fn of_feed() -> Self {
        Self { inbox: false, outbox: false, sessions: false, contacts: false, feed: true }
    }

    /// Whether agents see something new.
    pub const fn feed(self) -> bool {
        self.feed
    }

    /// By this change of sessions. That one was used ends none.
    pub const fn by_session(change: &SessionChange) -> Self {
        let sessions = !matches!(change, SessionChange::Used(..));
        Self { inbox: false, outbox: false, sessions, contacts: false, feed: false }
    }

    /// By both.
    pub const fn and(self, other: Self) -> Self {
        Self {
            inbox: self.inbox || other.inbox,
            outbox: self.outbox || other.outbox,
            sessions: self.sessions || other.sessions,
            contacts: self.contacts || other.contacts,
            feed: self.feed || other.feed,
        }
    }
}

impl Signals {
    /// Of a store whose newest change has this number.
    pub(super) fn new(newest: u64) -> Self {
        Self {
            inbox: watch::Sender::new(()),
            outbox: watch::Sender::new(()),
            sessions: watch::Sender::new(()),
            contacts: watch::Sender::new(()),
            feed: watch::Sender::new(newest),
            history: watch::Sender::new(()),
            inbox_changes: Arc::default(),
            presence: PresenceExchange::default(),
        }
    }

    /// A commit is durable. What agents see is told only if something has changed there, or if that is not known.
    pub(super) fn committed(&self, touched: TouchedTopics, newest: FeedPosition) {
        let topics = [
            (touched.inbox, &self.inbox),
            (touched.outbox, &self.outbox),
            (touched.sessions, &self.sessions),
            (touched.contacts, &self.contacts),
        ];
        topics
            .into_iter()
            .filter(|(is_touched, _)| *is_touched)
            .for_each(|(_, topic)| topic.send_replace(()));
        match newest {
            FeedPosition::Same => {}
            FeedPosition::At(newest) => {
                // Two may be told in another order than they were made.
                self.feed.send_if_modified(|known| newest > std::mem::replace(known, newest.max(*known)));
            }
            FeedPosition::Unknown => self.feed.send_modify(|_| {}),
        }
    }

    /// A conversation waits in the inbox, or does so no longer, or for another time.
    pub fn inbox(&self) -> watch::Receiver<()> {
        self.inbox.subscribe()
    }

    /// In which conversations the inbox has changed.
    pub const fn inbox_changes(&self) -> &Arc<InboxChanges> {
        &self.inbox_changes
    }

    /// Where agents are.
    pub const fn presence(&self) -> &PresenceExchange {
        &self.presence
    }

    /// A delivery was queued, put back or is over.
    pub fn outbox(&self) -> watch::Receiver<()> {
        self.outbox.subscribe()
    }

    /// Sessions may have begun or ended.
    pub fn sessions(&self) -> watch::Receiver<()> {
        self.sessions.subscribe()
    }

    /// A contact in Amazon Connect has changed, or waits for another time.
    pub fn contacts(&self) -> watch::Receiver<()> {
        self.contacts.subscribe()
    }

    /// Another copy of what is stored has taken over: it may lack what was committed last.
    pub(super) fn begins_another_history(&self) {
        self.history.send_replace(());
    }

    /// Another copy of what is stored has taken over.
    pub fn history(&self) -> watch::Receiver<()> {
        self.history.subscribe()
    }

    /// The number of the newest change that agents see.
    pub fn feed(&self) -> watch::Receiver<u64> {
        self.feed.subscribe()
    }
}
