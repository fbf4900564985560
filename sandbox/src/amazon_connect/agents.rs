//! What human agents, supervisors and the flow do.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use super::chat::{Chat, ContactView};
use super::item::{Attachment, Item, Person, event, message};
use super::state::StoredFile;
use super::{ChatState, ConnectStandIn};

/// An attachment of the customer's.
#[derive(Debug, Clone, Serialize)]
pub struct ReceivedAttachment {
    /// Its id, name and status.
    pub about: Attachment,
    /// What was uploaded.
    #[serde(skip)]
    pub bytes: Bytes,
}

impl ConnectStandIn {
    /// Every chat, in the order of their start.
    pub fn contacts(&self) -> Vec<ContactView> {
        let state = self.0.lock();
        state.order.iter().filter_map(|initial| state.chats.get(initial)).map(Chat::view).collect()
    }

    /// Those that aren't over.
    pub fn open_contacts(&self) -> Vec<ContactView> {
        let mut contacts = self.contacts();
        contacts.retain(|contact| contact.state != ChatState::Ended);
        contacts
    }

    /// The chat of any of its contacts.
    pub fn contact(&self, contact: &str) -> Option<ContactView> {
        self.0.lock().peek(contact).map(Chat::view)
    }

    /// A chat's transcript, in order. Empty for an unknown one.
    pub fn transcript(&self, contact: &str) -> Vec<Item> {
        self.0.lock().peek(contact).map(|chat| chat.items.clone()).unwrap_or_default()
    }

    /// What the customer has written since the initial message.
    pub fn customer_texts(&self, contact: &str) -> Vec<String> {
        let has_initial = self.contact(contact).is_some_and(|chat| chat.initial_message.is_some());
        self.transcript(contact)
            .into_iter()
            .filter(|item| item.kind == "MESSAGE" && item.participant_role == Some("CUSTOMER"))
            .filter_map(|item| item.content)
            .skip(has_initial.into())
            .collect()
    }

    /// The customer's attachments of a chat that were completed, in their order.
    pub fn attachments(&self, contact: &str) -> Vec<ReceivedAttachment> {
        let state = self.0.lock();
        let items = state.peek(contact).map(|chat| chat.items.as_slice()).unwrap_or_default();
        let files = items.iter().flat_map(|item| &item.attachments);
        files
            .filter_map(|about| state.files.get(&about.attachment_id))
            .filter(|file| file.by_customer)
            .filter_map(|file| {
                Some(ReceivedAttachment { about: file.about.clone(), bytes: file.bytes.clone()? })
            })
            .collect()
    }

    fn change<T>(&self, contact: &str, change: impl FnOnce(&mut Chat) -> Result<T>) -> Result<T> {
        self.with(|state| change(state.chat(contact).context("there is no such contact")?))
    }

    /// An agent accepts a chat; returns the agent's participant id.
    ///
    /// # Errors
    /// When the chat is unknown or over, as for everything below.
    pub fn join(&self, contact: &str, name: &str) -> Result<String> {
        self.change(contact, |chat| chat.join(name))
    }

    /// An agent types. Agents go by their participant id or name.
    ///
    /// # Errors
    /// Also when no such agent is there, as for everything that an agent does.
    pub fn type_(&self, contact: &str, agent: &str) -> Result<()> {
        self.change(contact, |chat| {
            let agent = chat.agent(agent)?;
            chat.tell(event("typing", Some((&agent, "AGENT"))));
            Ok(())
        })
    }

    /// An agent writes `text/plain` or `text/markdown`; returns the message's id.
    ///
    /// # Errors
    /// See [`type_`](Self::type_).
    pub fn say(&self, contact: &str, agent: &str, text: &str, content_type: &str) -> Result<String> {
        self.change(contact, |chat| {
            let agent = chat.agent(agent)?;
            Ok(chat.add(message((&agent, "AGENT"), content_type, text)).id)
        })
    }

    /// An agent attaches a file; returns the attachment's id. It is notified as `IN_PROGRESS`, and as `APPROVED`
    /// or `REJECTED` after the scan.
    ///
    /// # Errors
    /// See [`type_`](Self::type_).
    pub fn attach(
        &self,
        contact: &str,
        agent: &str,
        filename: &str,
        mime_type: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<String> {
        self.attach_scanned(contact, agent, (filename, mime_type), bytes.into(), false)
    }

    /// The same, with a file that the scanner rejects.
    ///
    /// # Errors
    /// See [`type_`](Self::type_).
    pub fn attach_rejected(
        &self,
        contact: &str,
        agent: &str,
        filename: &str,
        mime_type: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<String> {
        self.attach_scanned(contact, agent, (filename, mime_type), bytes.into(), true)
    }

    fn attach_scanned(
        &self,
        contact: &str,
        agent: &str,
        (name, mime_type): (&str, &str),
        bytes: Bytes,
        rejects: bool,
    ) -> Result<String> {
        let about = Attachment {
            attachment_id: Uuid::new_v4().to_string(),
            attachment_name: name.to_owned(),
            content_type: mime_type.to_owned(),
            status: "IN_PROGRESS",
        };
        let id = about.attachment_id.clone();
        self.with(|state| {
            let chat = state.chat(contact).context("there is no such contact")?;
            let agent = chat.agent(agent)?;
            let item = chat.attach(Some((&agent, "AGENT")), about.clone()).id;
            let (chat, size) = (chat.initial_id.clone(), bytes.len() as u64);
            let file =
                StoredFile { chat, about, size, bytes: Some(bytes), item: Some(item), by_customer: false };
            state.files.insert(id.clone(), file);
            self.scan_later(state, id.clone(), rejects);
            Ok(id)
        })
    }

    /// An agent hands the chat to another one, which makes it a new contact; returns the other one's id.
    ///
    /// # Errors
    /// See [`type_`](Self::type_).
    pub fn transfer(&self, contact: &str, from: &str, to: &str) -> Result<String> {
        self.change(contact, |chat| chat.transfer(from, to))
    }

    /// A transfer of an agent's that nobody accepts.
    ///
    /// # Errors
    /// See [`type_`](Self::type_).
    pub fn transfer_fails(&self, contact: &str, agent: &str) -> Result<()> {
        self.change(contact, |chat| {
            chat.agent(agent)?;
            chat.add(event("transfer.failed", None));
            Ok(())
        })
    }

    /// An agent leaves, and the chat goes on.
    ///
    /// # Errors
    /// See [`type_`](Self::type_).
    pub fn leave(&self, contact: &str, agent: &str) -> Result<()> {
        self.change(contact, |chat| chat.leave(agent))
    }

    /// The agents end the chat: they leave, and it is over.
    ///
    /// # Errors
    /// See [`join`](Self::join).
    pub fn end_as_agent(&self, contact: &str) -> Result<()> {
        self.end_by_agent(contact, false)
    }

    /// The agents end the chat, and its disconnect flow waits for the customer until
    /// [`finish_flow`](Self::finish_flow).
    ///
    /// # Errors
    /// See [`join`](Self::join).
    pub fn end_as_agent_with_flow(&self, contact: &str) -> Result<()> {
        self.end_by_agent(contact, true)
    }

    fn end_by_agent(&self, contact: &str, waits: bool) -> Result<()> {
        self.change(contact, |chat| {
            chat.must_be_open()?;
            for agent in chat.agents.clone() {
                chat.leave(&agent.participant_id)?;
            }
            match waits {
                true => chat.in_disconnect_flow = true,
                false => chat.end("AGENT_DISCONNECT"),
            }
            Ok(())
        })
    }

    /// The disconnect flow has waited long enough: the chat is over.
    ///
    /// # Errors
    /// Also when no disconnect flow runs.
    pub fn finish_flow(&self, contact: &str) -> Result<()> {
        self.change(contact, |chat| {
            if !chat.in_disconnect_flow {
                bail!("no disconnect flow runs");
            }
            chat.end("AGENT_DISCONNECT");
            Ok(())
        })
    }

    fn end(&self, contact: &str, reason: &'static str) -> Result<()> {
        self.change(contact, |chat| {
            chat.must_be_open()?;
            chat.end(reason);
            Ok(())
        })
    }

    /// The flow disconnects the chat, as when no agent is there.
    ///
    /// # Errors
    /// See [`join`](Self::join).
    pub fn flow_disconnects(&self, contact: &str) -> Result<()> {
        self.end(contact, "CONTACT_FLOW_DISCONNECT")
    }

    /// The chat's duration is over.
    ///
    /// # Errors
    /// See [`join`](Self::join).
    pub fn chat_duration_over(&self, contact: &str) -> Result<()> {
        self.end(contact, "EXPIRED")
    }

    /// A prompt of the flow; returns the message's id.
    ///
    /// # Errors
    /// See [`join`](Self::join).
    pub fn system_says(&self, contact: &str, text: &str) -> Result<String> {
        self.say_as(contact, "SYSTEM_MESSAGE", "SYSTEM", text)
    }

    /// A supervisor who has barged in; returns the message's id.
    ///
    /// # Errors
    /// See [`join`](Self::join).
    pub fn supervisor_says(&self, contact: &str, name: &str, text: &str) -> Result<String> {
        self.say_as(contact, name, "SUPERVISOR", text)
    }

    fn say_as(&self, contact: &str, name: &str, role: &'static str, text: &str) -> Result<String> {
        self.change(contact, |chat| {
            chat.must_be_open()?;
            let person = Person { participant_id: Uuid::new_v4().to_string(), display_name: name.to_owned() };
            Ok(chat.add(message((&person, role), "text/plain", text)).id)
        })
    }

    /// The customer's timer has run out: the agents are taken out of the chat, which goes on.
    ///
    /// # Errors
    /// See [`join`](Self::join).
    pub fn auto_disconnect_customer_timer(&self, contact: &str) -> Result<()> {
        self.change(contact, Chat::auto_disconnect)
    }
}
