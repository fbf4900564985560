//! The events of a handoff, in the relay's own words.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use handoff_relay::{
    agents::platforms::{FileLinks, webhook::body},
    environment::{Environment, Machine},
    relay::{
        handoff::{AdaEnd, End, EndedBy, Handoff, Status},
        id::{ConversationKey, HandoffId, RowId},
        platform::{Notice, PlatformEvent},
        thread::{AdaIds, Author, Bytes, Content, Role, Row, Sending, Source},
        time::Time,
    },
};
use serde_json::{Value, json};
use url::Url;

/// How long ago a late message was written.
const LATE_BY: Duration = Duration::from_secs(60);
/// The file, as the customer sent it.
pub const FILE: &[u8] = b"the customer's file\n";

/// One event, ready to be signed.
pub struct Event {
    pub id: String,
    pub body: String,
    /// What the customer wrote, if it is a message.
    pub words: Option<String>,
}

/// The events of one handoff, with their numbers.
pub struct Events {
    pub handoff: HandoffId,
    pub links: Arc<FileLinks>,
    file: RowId,
    /// The last sequence, and the last `seq`.
    numbers: Mutex<(u64, u64)>,
}

impl Events {
    /// Of a handoff whose relay is at `relay`.
    pub fn new(relay: &Url, key: &[u8]) -> Self {
        let links = Arc::new(FileLinks::new(relay.clone(), "webhook".into(), vec![key.to_vec()]));
        let (handoff, file) = (HandoffId(Machine.new_id()), RowId(Machine.new_id()));
        Self { handoff, links, file, numbers: Mutex::default() }
    }

    pub fn started(&self) -> Event {
        let context = json!({ "first_name": "Maria", "summary": "A parcel has not come." });
        let context = context.as_object().cloned().unwrap_or_default();
        self.event(PlatformEvent::Started { handoff: Box::new(Handoff { context, ..self.handoff() }) })
    }

    pub fn message(&self, text: &str) -> Event {
        let row = self.row(Content::Text { body: text.to_owned() });
        let event = self.event(PlatformEvent::Message { row: Box::new(row) });
        Event { words: Some(text.to_owned()), ..event }
    }

    /// An event that nobody has sent: it takes no number.
    pub fn forged(&self) -> Event {
        let body =
            json!({ "type": "handoff.message", "data": { "handoff_id": self.handoff, "sequence": 1 } });
        Event { id: Machine.new_id(), body: body.to_string(), words: None }
    }

    pub fn late(&self, text: &str) -> Event {
        let row = self.row(Content::Text { body: text.to_owned() });
        let row = Row { at: row.at - LATE_BY, late: true, ..row };
        self.event(PlatformEvent::Message { row: Box::new(row) })
    }

    /// As if the event before it had become a dead letter.
    pub fn behind_a_gap(&self, text: &str) -> Event {
        self.next_sequence();
        self.message(text)
    }

    pub fn file_is_fetched(&self) -> Event {
        self.event(PlatformEvent::Message { row: Box::new(self.file(Bytes::Awaited)) })
    }

    pub fn file_is_kept(&self) -> Event {
        let row = self.file(Bytes::Kept { size: FILE.len() as u64 });
        self.event(PlatformEvent::MessageUpdated { row: Box::new(row) })
    }

    pub fn unknown_type(&self) -> Event {
        self.changed(|event| event["type"] = json!("handoff.of_a_later_relay"))
    }

    pub fn unknown_fields(&self) -> Event {
        self.changed(|event| {
            event["of_a_later_relay"] = json!({ "deep": [1] });
            event["data"]["mood"] = json!("curious");
        })
    }

    pub fn ping(&self) -> Event {
        Event { id: Machine.new_id(), body: body::ping(Machine.now()), words: None }
    }

    pub fn ended(&self) -> Event {
        let now = Machine.now();
        let (by, ada) = (EndedBy::EndUser, AdaEnd::Unknown);
        let end = End { at: now, by, agent: None, ada, row: RowId(Machine.new_id()) };
        self.event(PlatformEvent::Ended {
            handoff: Box::new(Handoff { status: Status::Ended(end), ..self.handoff() }),
        })
    }

    /// The last message of an agent is confirmed when all is over.
    pub fn updated_after_the_end(&self) -> Event {
        let row = self.row(Content::Text { body: "Goodbye".to_owned() });
        let author = Author { role: Role::HumanAgent, ..row.author };
        let row = Row { author, source: Source::Agent, sending: Some(Sending::Confirmed), ..row };
        self.event(PlatformEvent::MessageUpdated { row: Box::new(row) })
    }

    /// The handoff, as it waits.
    pub fn handoff(&self) -> Handoff {
        let key = ConversationKey { ai_agent: "acme.ada.support".into(), conversation: "conformance".into() };
        let mut handoff = Handoff::blank(self.handoff.clone(), key);
        handoff.integration = "custom-handoff".to_owned();
        handoff.created_at = Machine.now();
        handoff.end_user.name = Some("Maria".to_owned());
        handoff
    }

    fn row(&self, content: Content) -> Row {
        let now = Machine.now().floor_millis();
        Row {
            id: RowId(Machine.new_id()),
            handoff: self.handoff.clone(),
            seq: self.next_seq(),
            at: now,
            ids: AdaIds::default(),
            author: Author { role: Role::EndUser, display_name: Some("Maria".to_owned()), avatar: None },
            content,
            created_at: now,
            created_by_ada: true,
            source: Source::Webhook,
            sending: None,
            tried_at: None,
            late: false,
        }
    }

    fn file(&self, bytes: Bytes) -> Row {
        let (filename, mime_type) = ("parcel.txt".to_owned(), "text/plain".to_owned());
        let row = self.row(Content::File { filename, mime_type, source_url: None, bytes });
        Row { id: self.file.clone(), ..row }
    }

    fn changed(&self, change: impl FnOnce(&mut Value)) -> Event {
        let event = self.message("Something new");
        let mut body: Value = serde_json::from_str(&event.body).unwrap_or_default();
        change(&mut body);
        Event { body: body.to_string(), words: None, ..event }
    }

    fn event(&self, event: PlatformEvent) -> Event {
        let at: Time = Machine.now();
        let id = Machine.new_id();
        let (platform, sequence) = ("webhook".into(), self.next_sequence());
        let notice = Notice { platform, id: id.clone(), sequence, at, event };
        Event { id, body: body::of_notice(&self.handoff, &notice, &self.links, at, None), words: None }
    }

    fn next_sequence(&self) -> u64 {
        let mut numbers = self.numbers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        numbers.0 += 1;
        numbers.0
    }

    fn next_seq(&self) -> u64 {
        let mut numbers = self.numbers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        numbers.1 += 1;
        numbers.1
    }
}
