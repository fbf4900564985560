//! One chat: its contacts, its participants and its transcript. A change leaves what is to be notified in the
//! outbox.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::item::{Attachment, Item, Person, event};

/// How a chat stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatState {
    /// Started; the customer isn't connected.
    Created,
    /// Streaming is on; the customer isn't connected.
    Streaming,
    /// The customer is connected.
    Connected,
    /// Over.
    Ended,
}

/// What there is to see of a chat.
#[derive(Debug, Clone, Serialize)]
pub struct ContactView {
    /// The contact that the chat started with, which names it for good.
    pub initial_contact_id: String,
    /// The present contact: another one after a transfer.
    pub contact_id: String,
    /// How it stands.
    pub state: ChatState,
    /// The customer.
    pub display_name: String,
    /// The flow that it was routed through.
    pub contact_flow_id: String,
    /// The contact's attributes.
    pub attributes: BTreeMap<String, String>,
    /// The first message, as it was given.
    pub initial_message: Option<String>,
    /// The contact that it is a continuation of.
    pub related_contact_id: Option<String>,
    /// Why it ended.
    pub disconnect_reason: Option<String>,
    /// Who is there: their participant ids and names.
    pub agents: Vec<Person>,
    /// Whether its agent has left for good and its disconnect flow still runs.
    pub in_disconnect_flow: bool,
    /// When it started.
    pub started_at: Timestamp,
    /// How it was started, without the client's token.
    pub start_request: Value,
}

/// One contact of a chat.
pub(super) struct Segment {
    pub(super) contact_id: String,
    pub(super) started: Timestamp,
    pub(super) ended: Option<(Timestamp, &'static str)>,
}

pub(super) struct Stream {
    pub(super) id: String,
    pub(super) topic: String,
}

pub(super) struct Chat {
    pub(super) initial_id: String,
    pub(super) segments: Vec<Segment>,
    pub(super) customer: Person,
    pub(super) participant_token: String,
    pub(super) streams: Vec<Stream>,
    pub(super) is_connected: bool,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) request: Value,
    pub(super) agents: Vec<Person>,
    pub(super) in_disconnect_flow: bool,
    pub(super) items: Vec<Item>,
    pub(super) outbox: Vec<Item>,
    /// How many attachments were begun.
    pub(super) attachments: usize,
    /// When the stand-in's clock shows this, the customer has come too late, or the chat is too old.
    pub(super) connect_by: Timestamp,
    pub(super) over_at: Timestamp,
}

impl Chat {
    pub(super) fn contact_id(&self) -> &str {
        self.segments.last().map_or(&self.initial_id, |segment| &segment.contact_id)
    }

    pub(super) fn ended(&self) -> Option<(Timestamp, &'static str)> {
        self.segments.last()?.ended
    }

    pub(super) fn state(&self) -> ChatState {
        match () {
            () if self.ended().is_some() => ChatState::Ended,
            () if self.is_connected => ChatState::Connected,
            () if !self.streams.is_empty() => ChatState::Streaming,
            () => ChatState::Created,
        }
    }

    pub(super) fn view(&self) -> ContactView {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        ContactView {
            initial_contact_id: self.initial_id.clone(),
            contact_id: self.contact_id().to_owned(),
            state: self.state(),
            display_name: self.customer.display_name.clone(),
            contact_flow_id: text(&self.request["ContactFlowId"]).unwrap_or_default(),
            attributes: self.attributes.clone(),
            initial_message: text(&self.request["InitialMessage"]["Content"]),
            related_contact_id: text(&self.request["RelatedContactId"]),
            disconnect_reason: self.ended().map(|(_, reason)| reason.to_owned()),
            agents: self.agents.clone(),
            in_disconnect_flow: self.in_disconnect_flow,
            started_at: self.segments[0].started,
            start_request: self.request.clone(),
        }
    }

    /// Whether the customer may send that, by what the chat was started with.
    pub(super) fn takes(&self, content_type: &str) -> bool {
        content_type == "text/plain"
            || self.request["SupportedMessagingContentTypes"]
                .as_array()
                .is_some_and(|types| types.iter().any(|one| one == content_type))
    }

    /// A time that none of the chat's items has.
    fn time(&self) -> String {
        let mut now = Timestamp::now();
        loop {
            let text = now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
            if self.items.last().is_none_or(|last| last.absolute_time < text) {
                return text;
            }
            now += jiff::SignedDuration::from_millis(1);
        }
    }

    fn placed(&self, item: Item) -> Item {
        Item {
            absolute_time: self.time(),
            initial_contact_id: self.initial_id.clone(),
            contact_id: self.contact_id().to_owned(),
            ..item
        }
    }

    /// Adds an item to the transcript and to what is notified.
    pub(super) fn add(&mut self, item: Item) -> Item {
        let item = self.placed(item);
        self.items.push(item.clone());
        self.outbox.push(item.clone());
        item
    }

    /// Gives an item its time, and keeps it from everyone.
    pub(super) fn unsaid(&self, item: Item) -> Item {
        self.placed(item)
    }

    /// Adds an item that had its time before others.
    pub(super) fn restore(&mut self, item: Item) {
        let at = self.items.partition_point(|known| known.absolute_time <= item.absolute_time);
        self.items.insert(at, item.clone());
        self.outbox.push(item);
    }

    /// Adds an item to the transcript alone.
    pub(super) fn note(&mut self, item: Item) {
        let item = self.placed(item);
        self.items.push(item);
    }

    /// Notifies of something that the transcript doesn't keep.
    pub(super) fn tell(&mut self, item: Item) -> Item {
        let item = self.placed(item);
        self.outbox.push(item.clone());
        item
    }

    /// An attachment's new status, which is notified under the item's old id.
    pub(super) fn scanned(&mut self, item: &str, status: &'static str) {
        let Some(item) = self.items.iter_mut().find(|known| known.id == item) else { return };
        for attachment in &mut item.attachments {
            attachment.status = status;
        }
        self.outbox.push(item.clone());
    }

    pub(super) fn attach(&mut self, by: Option<(&Person, &'static str)>, attachment: Attachment) -> Item {
        let item = Item { kind: "ATTACHMENT", attachments: vec![attachment], ..Item::new(by) };
        self.add(item)
    }

    pub(super) fn agent(&self, agent: &str) -> Result<Person> {
        self.must_be_open()?;
        match self.agents.iter().find(|known| known.participant_id == agent || known.display_name == agent) {
            Some(found) => Ok(found.clone()),
            None => bail!("no agent {agent} is in the chat"),
        }
    }

    pub(super) fn must_be_open(&self) -> Result<()> {
        if self.ended().is_some() {
            bail!("the chat is over");
        }
        Ok(())
    }

    pub(super) fn join(&mut self, name: &str) -> Result<String> {
        self.must_be_open()?;
        let agent = Person { participant_id: Uuid::new_v4().to_string(), display_name: name.to_owned() };
        self.add(event("participant.joined", Some((&agent, "AGENT"))));
        self.agents.push(agent.clone());
        self.in_disconnect_flow = false;
        Ok(agent.participant_id)
    }

    pub(super) fn leave(&mut self, agent: &str) -> Result<()> {
        let agent = self.agent(agent)?;
        self.agents.retain(|known| known.participant_id != agent.participant_id);
        self.add(event("participant.left", Some((&agent, "AGENT"))));
        Ok(())
    }

    /// The chat goes on as a new contact, with another agent.
    pub(super) fn transfer(&mut self, from: &str, to: &str) -> Result<String> {
        let from = self.agent(from)?;
        let now = Timestamp::now();
        if let Some(last) = self.segments.last_mut() {
            last.ended = Some((now, "TRANSFERRED"));
        }
        self.segments.push(Segment { contact_id: Uuid::new_v4().to_string(), started: now, ended: None });
        self.add(event("transfer.succeeded", None));
        self.leave(&from.participant_id)?;
        self.join(to)
    }

    /// Why the chat is over by now, unless it has ended.
    pub(super) fn due(&self, now: Timestamp) -> Option<&'static str> {
        match () {
            () if self.ended().is_some() => None,
            () if now >= self.over_at => Some("EXPIRED"),
            () if !self.is_connected && now >= self.connect_by => Some("CUSTOMER_CONNECTION_NOT_ESTABLISHED"),
            () => None,
        }
    }

    /// Ends the chat: nothing is added afterwards.
    pub(super) fn end(&mut self, reason: &'static str) {
        if self.ended().is_some() {
            return;
        }
        self.add(event("chat.ended", None));
        self.agents.clear();
        self.in_disconnect_flow = false;
        if let Some(last) = self.segments.last_mut() {
            last.ended = Some((Timestamp::now(), reason));
        }
    }

    pub(super) fn customer_leaves(&mut self, reason: &'static str) {
        let customer = self.customer.clone();
        self.add(event("participant.left", Some((&customer, "CUSTOMER"))));
        self.end(reason);
    }

    /// The customer was silent for too long: the agent is taken out of the chat, which goes on.
    pub(super) fn auto_disconnect(&mut self) -> Result<()> {
        self.must_be_open()?;
        let customer = self.customer.clone();
        self.add(event("participant.autodisconnection", Some((&customer, "CUSTOMER"))));
        for agent in std::mem::take(&mut self.agents) {
            self.add(event("participant.left", Some((&agent, "AGENT"))));
        }
        Ok(())
    }

    /// The receipts that `SendEvent` leads to for the other side.
    pub(super) fn receipt(&mut self, message: &str, of: &str) {
        let key = if of.ends_with("read") { "ReadTimestamp" } else { "DeliveredTimestamp" };
        let receipt = json!({ key: self.time(), "RecipientParticipantId": self.customer.participant_id });
        let metadata = json!({ "MessageId": message, "Receipts": [receipt] });
        let mut item = event("message.metadata", None);
        item.kind = "MESSAGEMETADATA";
        item.message_metadata = Some(metadata);
        self.tell(item);
    }
}
