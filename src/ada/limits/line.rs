//! Who is next. Pure: the time is an argument.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use crate::relay::{id::ConversationId, time::Time};

/// After this time a conversation counts as never served.
const FORGET_AFTER: Duration = Duration::from_secs(600);
/// Looked through only when there are so many.
const TIDY_AT: usize = 1_024;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// What the end user notices: messages and ends.
    Write,
    /// What Ada did not answer, or not as it should, when it was tried before.
    Again,
    /// What only the thread needs.
    Read,
    /// What may have been missed.
    Recover,
}

/// A place in line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    priority: Priority,
    served_at: Option<Time>,
    number: u64,
    conversation: ConversationId,
}

impl Ticket {
    /// What the call is for.
    pub const fn priority(&self) -> Priority {
        self.priority
    }
}

/// Those who wait, and when each conversation was last served.
#[derive(Debug, Default)]
pub struct Line {
    waiting: BTreeMap<Priority, BTreeSet<Ticket>>,
    served: HashMap<ConversationId, Time>,
    last_number: u64,
}

impl Line {
    /// Joins the line. Whoever was served longest ago stands first among equals, then whoever came first.
    pub fn join(&mut self, priority: Priority, conversation: &ConversationId) -> Ticket {
        self.last_number += 1;
        let ticket = Ticket {
            priority,
            served_at: self.served.get(conversation).copied(),
            number: self.last_number,
            conversation: conversation.clone(),
        };
        self.waiting.entry(priority).or_default().insert(ticket.clone());
        ticket
    }

    /// Whether `ticket` is the first of its kind.
    pub fn is_head(&self, ticket: &Ticket) -> bool {
        self.waiting.get(&ticket.priority).and_then(BTreeSet::first) == Some(ticket)
    }

    /// The first of each kind, most urgent first.
    pub fn heads(&self) -> impl Iterator<Item = &Ticket> {
        self.waiting.values().filter_map(BTreeSet::first)
    }

    /// Serves `ticket`.
    pub fn serve(&mut self, ticket: &Ticket, now: Time) {
        self.leave(ticket);
        self.served.insert(ticket.conversation.clone(), now);
        if self.served.len() >= TIDY_AT {
            self.served.retain(|_, served_at| *served_at + FORGET_AFTER > now);
        }
    }

    /// Gives the place up.
    pub fn leave(&mut self, ticket: &Ticket) {
        if let Some(waiting) = self.waiting.get_mut(&ticket.priority) {
            waiting.remove(ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_first_then_whoever_was_served_longest_ago() {
        let mut line = Line::default();
        let (busy, calm) = (ConversationId::from("busy"), ConversationId::from("calm"));
        let first = line.join(Priority::Write, &busy);
        line.serve(&first, Time::from_millis(1));
        let read = line.join(Priority::Read, &calm);
        let again = line.join(Priority::Again, &calm);
        assert!(line.heads().eq([&again, &read]), "the first of each kind");
        line.leave(&again);
        let again = line.join(Priority::Write, &busy);
        let new = line.join(Priority::Write, &calm);
        for (next, now) in [(new, 2), (again, 3), (read, 4)] {
            assert!(line.heads().next() == Some(&next) && line.is_head(&next));
            line.serve(&next, Time::from_millis(now));
        }
        let (busy, calm) = (line.join(Priority::Write, &busy), line.join(Priority::Write, &calm));
        assert!(line.heads().next() == Some(&busy) && line.is_head(&busy));
        line.leave(&busy);
        assert!(line.heads().next() == Some(&calm) && line.is_head(&calm));
    }
}
