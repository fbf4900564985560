//! Who is next. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Whether Ada takes the key: others wait for that.
    Check,
    /// What the end user notices: messages and ends.
    Write,
    /// What Ada did not answer, or not as it should, when it was tried before.
    Retry,
    /// What only the thread needs.
    Read,
    /// What may have been missed.
    Recover,
    /// Whether there is such a conversation at all, which only an anonymous call has named.
    Stranger,
    /// How long those have to wait who see it: soon out of date, and missed by nobody.
    Banner,
}

/// A place in line. Among equals whoever came first goes first: who joins anew after each call, as a busy conversation
/// does, starves nobody, and neither do ever new conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    priority: Priority,
    number: u64,
}

impl Ticket {
    /// What the call is for.
    pub const fn priority(&self) -> Priority {
        self.priority
    }
}

/// Those who wait.
#[derive(Debug, Default)]
pub struct Line {
    waiting: BTreeMap<Priority, BTreeSet<Ticket>>,
    last_number: u64,
}

impl Line {
    /// Joins the line.
    pub fn join(&mut self, priority: Priority) -> Ticket {
        self.last_number += 1;
        let ticket = Ticket { priority, number: self.last_number };
        self.waiting.entry(priority).or_default().insert(ticket);
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

    /// Leaves it: served, or not.
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
    fn writes_first_then_whoever_came_first() {
        let mut line = Line::default();
        let banner = line.join(Priority::Banner);
        let read = line.join(Priority::Read);
        let again = line.join(Priority::Retry);
        assert!(line.heads().eq([&again, &read, &banner]), "the first of each kind");
        line.leave(&again);
        let (first, second) = (line.join(Priority::Write), line.join(Priority::Write));
        assert!(line.is_head(&first) && !line.is_head(&second));
        line.leave(&first);
        let back = line.join(Priority::Write);
        for next in [second, back, read, banner] {
            assert!(line.heads().next() == Some(&next) && line.is_head(&next));
            line.leave(&next);
        }
    }
}
