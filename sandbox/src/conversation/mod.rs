//! One conversation and its rules: who may write when, how a handoff begins and ends. No I/O; what Ada would
//! tell the world (`announce`) collects in `outbox`.

mod announce;
mod content;
mod metadata;
mod phase;
mod view;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(crate) use self::content::Content;
pub(crate) use self::phase::{Phase, Queue, Status};
use crate::IdScheme;
use crate::files::{FileId, KeptFile};
use crate::message::{Role, StoredMessage};
use crate::refusal::Refusal;
use crate::replies::{self, Reaction};
use crate::webhook;

/// The customer of every conversation.
pub(crate) const CUSTOMER: &str = "Maria Silva";
/// The modality of Ada's chat.
pub(crate) const CHAT: &str = "messaging";
const AI_AGENT: &str = "Acme assistant";

/// What all conversations of one AI Agent have in common.
pub(crate) struct Origin {
    pub(crate) integration: String,
    pub(crate) ai_agent_domain: String,
}

/// A line of the chat page between the messages.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Notice {
    pub(crate) at: String,
    pub(crate) kind: &'static str,
}

/// What became of a customer's message.
pub(crate) struct Said {
    pub(crate) message_id: String,
    /// The AI Agent has begun its handoff flow: the start call is due.
    pub(crate) hand_off: bool,
}

/// The author of a message that comes over the API.
pub(crate) struct Author {
    pub(crate) role: Role,
    pub(crate) id: Option<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) display_name: Option<String>,
}

/// What Ada tells the world of a change.
pub(crate) struct Event {
    pub(crate) payload: Value,
    /// The file that the message is about; its URL is minted when the event leaves.
    pub(crate) file: Option<FileId>,
}

impl From<Value> for Event {
    fn from(payload: Value) -> Self {
        Self { payload, file: None }
    }
}

pub(crate) struct Conversation {
    pub(crate) id: String,
    pub(crate) end_user_id: String,
    pub(crate) status: Status,
    pub(crate) phase: Phase,
    pub(crate) messages: Vec<StoredMessage>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) outbox: Vec<Event>,
    /// How the next messages are named outside.
    pub(crate) ids: IdScheme,
    /// What it runs over: [`CHAT`], or another channel.
    pub(crate) modality: &'static str,
    created_at: Timestamp,
    /// The time of the latest change; the next one is later.
    clock: Timestamp,
    origin: Arc<Origin>,
}

impl Conversation {
    /// A new conversation: the AI Agent has greeted.
    pub(crate) fn open(origin: Arc<Origin>, ids: IdScheme) -> Self {
        Self::open_as(object_id(), origin, ids)
    }

    pub(crate) fn open_as(id: String, origin: Arc<Origin>, ids: IdScheme) -> Self {
        let now = now();
        let mut conversation = Self {
            id,
            end_user_id: object_id(),
            status: Status::Active,
            phase: Phase::AiAgent,
            messages: Vec::new(),
            notices: Vec::new(),
            metadata: Map::new(),
            outbox: Vec::new(),
            ids,
            modality: CHAT,
            created_at: now,
            clock: now,
            origin,
        };
        conversation.announce_created();
        conversation.ai_says(replies::GREETING);
        conversation
    }

    pub(crate) fn in_handoff(&self) -> bool {
        matches!(self.phase, Phase::Waiting { .. } | Phase::Person { .. })
    }

    /// The customer writes or sends a file; the AI Agent reacts unless it is paused.
    pub(crate) fn customer_says(&mut self, content: Content) -> Result<Said, Refusal> {
        self.require_active()?;
        let author = Author {
            role: Role::EndUser,
            id: Some(self.end_user_id.clone()),
            avatar: None,
            display_name: Some(CUSTOMER.to_owned()),
        };
        let reaction = content.text().map_or(Reaction::Say(replies::GOT_A_FILE), replies::react);
        let message_id = self.add(author, content).message_id;
        let mut hand_off = false;
        if self.phase == Phase::AiAgent {
            match reaction {
                Reaction::Say(answer) => self.ai_says(answer),
                Reaction::HandOff => {
                    self.ai_says(replies::CONNECTING);
                    self.phase = Phase::Starting;
                    hand_off = true;
                }
            }
        }
        Ok(Said { message_id, hand_off })
    }

    /// Someone writes over the API: people only in a handoff, the end user's own client at any time.
    pub(crate) fn api_says(&mut self, author: Author, content: Content) -> Result<StoredMessage, Refusal> {
        if author.role == Role::HumanAgent {
            self.require_handoff()?;
            self.phase = Phase::Person { name: author.display_name.clone().unwrap_or_default() };
        }
        self.require_active()?;
        Ok(self.add(author, content))
    }

    /// The handoff block begins.
    pub(crate) fn begin_start(&mut self) -> Result<(), Refusal> {
        self.require_active()?;
        if self.phase == Phase::AiAgent {
            self.phase = Phase::Starting;
        }
        Ok(())
    }

    /// The handoff block has its answer.
    pub(crate) fn settle_start(&mut self, accepted: bool) {
        match (accepted, self.status) {
            // The second answer to a start that was repeated.
            _ if self.in_handoff() => {}
            (true, Status::Active) => {
                self.phase = Phase::Waiting { queue: None };
                self.notice("waiting");
            }
            // The customer left meanwhile: the handoff is over as it begins.
            (true, Status::Ended) => self.close_handoff(),
            (false, Status::Active) => {
                self.phase = Phase::AiAgent;
                self.ai_says(replies::NOBODY_THERE);
            }
            (false, Status::Ended) => {}
        }
    }

    /// The handoff ends and the AI Agent takes over.
    pub(crate) fn end_handoff(&mut self) -> Result<(), Refusal> {
        self.require_handoff()?;
        self.close_handoff();
        self.notice("handoff_ended");
        self.ai_says(replies::BACK);
        Ok(())
    }

    /// The customer closes the chat, and with it a handoff.
    pub(crate) fn end(&mut self) -> Result<(), Refusal> {
        self.require_active()?;
        if self.in_handoff() {
            self.close_handoff();
        }
        self.status = Status::Ended;
        self.phase = Phase::AiAgent;
        self.notice("conversation_ended");
        self.announce_ended();
        Ok(())
    }

    /// The human side tells how long the customer waits.
    pub(crate) fn set_queue(&mut self, place: Queue) -> Result<(), Refusal> {
        if self.modality != CHAT {
            return Err(Refusal::NotChat);
        }
        match &mut self.phase {
            Phase::Waiting { queue } => *queue = Some(place),
            Phase::Person { .. } => return Err(Refusal::HumanJoined),
            Phase::AiAgent | Phase::Starting => return Err(Refusal::NotInHandoff),
        }
        self.tick();
        Ok(())
    }

    /// Adds to the metadata: all of it or nothing.
    pub(crate) fn merge_metadata(&mut self, changes: &Map<String, Value>) -> Result<(), Refusal> {
        self.metadata = metadata::merged(&self.metadata, changes)?;
        self.tick();
        Ok(())
    }

    /// The conversation as the API shows it.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "channel_id": webhook::CHANNEL_ID,
            "end_user_id": self.end_user_id,
            "status": self.status,
            "created_at": webhook::time(self.created_at),
            "updated_at": webhook::time(self.clock),
            "metadata": self.metadata,
        })
    }

    /// The file of one of its messages.
    pub(crate) fn file_of(&self, message_id: &str) -> Option<KeptFile> {
        self.messages.iter().find(|message| message.message_id == message_id)?.file.clone()
    }

    pub(crate) fn require_handoff(&self) -> Result<(), Refusal> {
        if self.in_handoff() { Ok(()) } else { Err(Refusal::NotInHandoff) }
    }

    fn require_active(&self) -> Result<(), Refusal> {
        if self.status == Status::Active { Ok(()) } else { Err(Refusal::ConversationEnded) }
    }

    fn close_handoff(&mut self) {
        self.phase = Phase::AiAgent;
        let at = self.tick();
        self.announce_handoff_ended(at);
    }

    fn ai_says(&mut self, text: &str) {
        let author =
            Author { role: Role::AiAgent, id: None, avatar: None, display_name: Some(AI_AGENT.to_owned()) };
        self.add(author, Content::of_text(text));
    }

    fn add(&mut self, author: Author, content: Content) -> StoredMessage {
        let at = self.tick();
        let message = StoredMessage {
            message_id: Uuid::new_v4().to_string(),
            created_at: webhook::time(at),
            role: author.role,
            display_name: author.display_name,
            author_id: author.id,
            avatar: author.avatar,
            content: content.json,
            file: content.file,
            in_handoff: self.in_handoff(),
            ids: self.ids,
        };
        self.announce_message(&message, at);
        self.messages.push(message.clone());
        message
    }

    fn notice(&mut self, kind: &'static str) {
        let at = webhook::time(self.tick());
        self.notices.push(Notice { at, kind });
    }

    /// The time of a change: now, but at least a millisecond after the one before.
    fn tick(&mut self) -> Timestamp {
        let next = self.clock.as_millisecond() + 1;
        self.clock = now().max(Timestamp::from_millisecond(next).unwrap_or(Timestamp::MAX));
        self.clock
    }
}

/// Now, in whole milliseconds.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// 24 hex digits, like most of Ada's ids.
fn object_id() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(24);
    id
}
