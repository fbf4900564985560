//! Canned replies.

use super::state::{ChangedItem, State};
use crate::store::replies::{CannedReply, MOST_REPLIES, ReplyChange, ReplyOutcome};

impl State {
    pub fn change_replies(&mut self, change: ReplyChange) -> ReplyOutcome {
        let outcome = match change {
            ReplyChange::Add(reply) => self.add_reply(reply),
            ReplyChange::Replace(reply) => self.replace_reply(reply),
            ReplyChange::Drop(id) => {
                self.replies.remove(&id).map_or(ReplyOutcome::Unknown, ReplyOutcome::Done)
            }
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
        if self.replies.len() >= MOST_REPLIES {
            return ReplyOutcome::TooMany;
        }
        self.replies.insert(reply.id.clone(), reply.clone());
        ReplyOutcome::Done(reply)
    }

    fn replace_reply(&mut self, reply: CannedReply) -> ReplyOutcome {
        let Some(known) = self.replies.get(&reply.id) else { return ReplyOutcome::Unknown };
        let reply = CannedReply { created_at: known.created_at, ..reply };
        if self.has_title(&reply) {
            return ReplyOutcome::TitleTaken;
        }
        self.replies.insert(reply.id.clone(), reply.clone());
        ReplyOutcome::Done(reply)
    }

    /// Whether another one has its title.
    fn has_title(&self, reply: &CannedReply) -> bool {
        let mut others = self.replies.values().filter(|other| other.id != reply.id);
        others.any(|other| other.title_key() == reply.title_key())
    }
}
