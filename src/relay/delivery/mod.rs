//! The deliveries in the outbox, and the outcomes of attempts.
//!
//! A new kind of delivery is a kind of [`Job`], a [`Destination`], a courier in `engine/`, and the matches that the
//! compiler then asks for.

#![warn(clippy::wildcard_enum_match_arm, reason = "a job that nobody thought of must not compile")]

mod destination;
mod job;
mod outcome;

use serde::{Deserialize, Serialize};

pub use destination::{Class, Destination, Lane, Queue};
pub use job::{Attachment, Fetch, Job, Notify, Outgoing, Read, ShownAuthor, Update, UploadedFile, Write};
pub use outcome::{Failure, FetchFailure, MessagePage, Receipt};

use super::{
    id::{ConversationKey, DeliveryId, HandoffId, HolderId},
    time::Time,
};

/// One task outside of the relay. Deliveries of an ordered lane are carried out strictly in the order in which they
/// were queued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its own id.
    pub id: DeliveryId,
    /// The handoff it belongs to.
    pub handoff: HandoffId,
    /// The conversation at Ada.
    pub key: ConversationKey,
    /// What to do.
    #[serde(rename = "task")]
    pub job: Job,
    /// How often it has been tried.
    pub attempts: u32,
    /// When it was queued.
    pub queued_at: Time,
    /// Not to be tried before.
    pub due_at: Time,
    /// Since when its outcome is unknown: set just before a request leaves, because Ada may then have done it.
    #[serde(default, rename = "doubt")]
    pub outcome_unknown_since: Option<Time>,
    /// From when on a message is too old to be sent.
    #[serde(default)]
    pub expires_at: Option<Time>,
    /// Until when a message may be looked for, however old it is.
    #[serde(default)]
    pub look_until: Option<Time>,
    /// The current reading of Ada's list has found an unreadable entry that may be this message.
    #[serde(default)]
    pub maybe_listed: bool,
    /// Why it was not sent the last time.
    #[serde(default)]
    pub trouble: Option<String>,
    /// How often it has been claimed, a fencing token: an attempt settles it only if no other has begun since.
    #[serde(default)]
    pub fence: u64,
    /// So far, only an anonymous start call has named its conversation.
    #[serde(default)]
    pub stranger: bool,
    /// The claim of the current attempt, if there is one. Stores keep it outside of the document.
    #[serde(skip)]
    pub claim: Option<Claim>,
}

/// A lease. Until it expires, nobody else begins an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The process that holds it.
    pub holder: HolderId,
    /// It is renewed while the attempt lasts.
    pub until: Time,
}

impl Delivery {
    /// One that is queued, and due, at `now`.
    pub const fn new(id: DeliveryId, handoff: HandoffId, key: ConversationKey, job: Job, now: Time) -> Self {
        Self {
            id,
            handoff,
            key,
            job,
            attempts: 0,
            queued_at: now,
            due_at: now,
            outcome_unknown_since: None,
            expires_at: None,
            look_until: None,
            maybe_listed: false,
            trouble: None,
            fence: 0,
            stranger: false,
            claim: None,
        }
    }

    /// When a message fails if it has not been sent; `None` for what has no age.
    pub fn fails_at(&self) -> Option<Time> {
        self.expires_at.max(self.look_until)
    }

    /// When it can be tried: it is due, and nobody holds it any more.
    pub fn ready_at(&self) -> Time {
        self.claim.as_ref().map_or(self.due_at, |claim| claim.until.max(self.due_at))
    }
}
