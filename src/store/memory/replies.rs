//! Canned replies.

use super::state::{ChangedItem, State};
use crate::store::replies::{CannedReply, ReplyChange, ReplyOutcome};

impl State {
    pub fn change_replies(&mut self, change: ReplyChange) -> ReplyOutcome {
        let outcome = match change {
            ReplyChange::Add(reply) => self.add_reply(reply),
            ReplyChange::Replace(reply) => self.replace_reply(reply),
            ReplyChange::Drop { id, by } => self.drop_reply(&id, &by),
        };
        if matches!(outcome, ReplyOutcome::Done(_)) {
            self.record_change(ChangedItem::CannedReplies);
        }
        outcome
    }

    fn add_reply(&mut self, reply: CannedReply) -> ReplyOutcome {
        if self.has_title(&reply) {
            return ReplyOutcome::TitleTaken;
        }
        if self.replies.values().filter(|other| other.owner == reply.owner).count() >= reply.most() {
            return ReplyOutcome::TooMany;
        }
        self.replies.insert(reply.id.clone(), reply.clone());
        ReplyOutcome::Done(reply)
    }

    fn replace_reply(&mut self, reply: CannedReply) -> ReplyOutcome {
        let known = self.replies.get(&reply.id).cloned();
        let Some(reply) = known.and_then(|known| known.changed_to(reply)) else {
            return ReplyOutcome::Unknown;
        };
        if self.has_title(&reply) {
            return ReplyOutcome::TitleTaken;
        }
        self.replies.insert(reply.id.clone(), reply.clone());
        ReplyOutcome::Done(reply)
    }

    fn drop_reply(&mut self, id: &str, by: &str) -> ReplyOutcome {
        let is_seen = self.replies.get(id).is_some_and(|known| known.is_seen_by(by));
        let dropped = is_seen.then(|| self.replies.remove(id)).flatten();
        dropped.map_or(ReplyOutcome::Unknown, ReplyOutcome::Done)
    }

    /// Whether another one has its title.
    fn has_title(&self, reply: &CannedReply) -> bool {
        let mut others = self.replies.values().filter(|other| other.id != reply.id);
        others.any(|other| other.title_key() == reply.title_key())
    }
}
