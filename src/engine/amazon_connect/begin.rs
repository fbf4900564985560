//! A contact is made.

use std::time::Duration;

use super::{Line, TAKEN, Trouble, may_pass};
use crate::{
    agents::platforms::{
        Answer,
        amazon_connect::{
            api::{NewChat, StartedChat},
            attributes::{self, Attributes},
            aws::{CallError, ErrorKind},
            transcript,
        },
    },
    relay::{
        contact::{ChatRequest, Contact, ContactState, ContactToken, MadeContact, Opening},
        context::is_unfilled,
        handoff::Handoff,
        rules::{
            contact::begin::{self, Plan},
            notify::NoticeOutcome,
        },
        thread::Row,
        time::Time,
    },
    store::{HandoffQuery, StoreError},
};

/// How long a contact waits for the conversation's history, and how often it looks.
const HISTORY_WAIT: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// The start call's field that names the contact flow.
const FLOW_FIELD: &str = "contact_flow_id";
/// The most characters of a flow's id (StartChatContact).
const FLOW_CHARS: usize = 500;
const ROWS_AT_ONCE: usize = 500;
/// How many earlier handoffs of a conversation are looked through for their contact.
const EARLIER: usize = 10;

impl Line<'_> {
    /// Makes the contact, or goes on with making it.
    pub(super) async fn begin(&self, since: Time) -> Result<Answer, Trouble> {
        let (Some(handoff), Some(mut contact)) = (self.handoff().await?, self.contact().await?) else {
            return Ok(TAKEN);
        };
        if contact.opening.is_none() && contact.state == ContactState::Starting {
            if handoff.is_open() && !self.history_is_read(&handoff, since) {
                return Ok(Answer::Outcome(NoticeOutcome::NotYet(LOOK_AGAIN)));
            }
            let plan = self.plan(&handoff).await?;
            let Some(planned) = self.engine.decide(begin::plan(self.handoff.clone(), plan)).await? else {
                return Ok(TAKEN);
            };
            contact = planned;
        }
        if contact.state != ContactState::Starting
            || !self.engine.decide(begin::is_wanted(self.handoff.clone())).await?
        {
            return Ok(TAKEN);
        }
        match self.open(&contact).await {
            Ok(()) => Ok(TAKEN),
            Err(Trouble::Call(error)) if !may_pass(&error) => self.fail(&error).await,
            Err(trouble) => Err(trouble),
        }
    }

    fn history_is_read(&self, handoff: &Handoff, since: Time) -> bool {
        handoff.listed.history_is_read || handoff.listed.unreadable || self.now().since(since) >= HISTORY_WAIT
    }

    async fn plan(&self, handoff: &Handoff) -> Result<Plan, StoreError> {
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let after = rows.last().map_or(0, |row| row.seq);
            let page = self.engine.store.rows(self.handoff, after, ROWS_AT_ONCE).await?;
            let is_last = page.len() < ROWS_AT_ONCE;
            rows.extend(page);
            if is_last {
                break;
            }
        }
        let opened_with = rows.last().map_or(0, |row| row.seq);
        rows.sort_by_key(|row| (row.at, row.seq));
        let settings = &self.connect.settings;
        let Attributes { kept, left_out } = attributes::attributes(&handoff.context, &settings.attributes);
        let named = handoff.context.get(FLOW_FIELD).and_then(|id| id.as_str()).map(id_of);
        let named = named.filter(|id| !id.is_empty() && id.len() <= FLOW_CHARS && !is_unfilled(id));
        let chat = ChatRequest {
            contact_flow_id: named.map(str::to_owned).or_else(|| settings.contact_flow_id.clone()),
            display_name: attributes::display_name(handoff),
            attributes: kept,
            related_contact_id: self.earlier_contact(handoff).await?,
        };
        let opening = Opening { chat, ..transcript::opening(&rows, settings.message_limit) };
        Ok(Plan { opening, opened_with, left_out })
    }

    async fn open(&self, contact: &Contact) -> Result<(), Trouble> {
        let made = match &contact.made {
            Some(made) => made.clone(),
            None => self.make(contact).await?,
        };
        if !made.is_streaming {
            let token = format!("{}-streaming", self.handoff);
            self.connect.api.start_streaming(&made.id, &token).await?;
            self.engine.decide(begin::streams(self.handoff.clone())).await?;
        }
        if made.connection.is_none() {
            self.connect_anew(&made).await?;
        }
        // What the chat could not begin with is among the older parts by now.
        let Some(contact) = self.contact().await? else { return Ok(()) };
        if let Some(opening) = &contact.opening {
            for (index, part) in opening.earlier.iter().enumerate().skip(opening.sent) {
                self.earlier(&made, part, format!("{}-earlier-{index}", self.handoff)).await?;
                self.engine.decide(begin::told(self.handoff.clone(), index + 1)).await?;
            }
        }
        self.engine.decide(begin::opened(self.handoff.clone())).await?;
        Ok(())
    }

    /// Starts the chat, under the handoff's client token: however often it is called there is one.
    pub(super) async fn make(&self, contact: &Contact) -> Result<MadeContact, Trouble> {
        let chat = self.new_chat(contact)?;
        self.engine.decide(begin::may_exist(self.handoff.clone(), true)).await?;
        let started = match self.start(chat).await {
            Ok(started) => started,
            Err(Trouble::Call(error)) => {
                if !may_have_effect(&error) && !contact.may_exist {
                    self.engine.decide(begin::may_exist(self.handoff.clone(), false)).await?;
                }
                return Err(error.into());
            }
            Err(trouble) => return Err(trouble),
        };
        let made = MadeContact {
            current_id: started.contact_id.clone(),
            id: started.contact_id,
            participant_token: ContactToken::new(started.participant_token.expose().to_owned()),
            current_since: None,
            is_streaming: false,
            connection: None,
        };
        tracing::info!(handoff.id = %self.handoff, contact.id = %made.id, "a chat was started in Amazon Connect");
        self.engine.decide(begin::made(self.handoff.clone(), made.clone())).await?;
        Ok(made)
    }

    /// A chat that is linked to one that is not there, as after a change of the instance, is started without the link. One
    /// whose initial message may be what is refused is started without that.
    async fn start(&self, mut chat: NewChat) -> Result<StartedChat, Trouble> {
        let mut started = self.connect.api.start_chat(&chat).await;
        let is_refused = |kind| matches!(kind, ErrorKind::Gone | ErrorKind::Invalid);
        if chat.related_contact_id.is_some() && started.as_ref().is_err_and(|error| is_refused(error.kind)) {
            self.engine.decide(begin::unrelated(self.handoff.clone())).await?;
            chat.related_contact_id = None;
            started = self.connect.api.start_chat(&chat).await;
        }
        let is_invalid = started.as_ref().is_err_and(|error| error.kind == ErrorKind::Invalid);
        if chat.initial_message.is_some() && is_invalid {
            self.engine.decide(begin::without_initial(self.handoff.clone())).await?;
            chat.initial_message = None;
            started = self.connect.api.start_chat(&chat).await;
        }
        Ok(started?)
    }

    fn new_chat(&self, contact: &Contact) -> Result<NewChat, CallError> {
        let refused = |why| CallError::without_answer(ErrorKind::Invalid, "StartChatContact", why);
        let opening = contact.opening.clone().ok_or_else(|| refused("nothing is planned"))?;
        let ChatRequest { contact_flow_id, display_name, attributes, related_contact_id } = opening.chat;
        let contact_flow_id = contact_flow_id.ok_or_else(|| {
            refused("the start call names no contact_flow_id, and AMAZON_CONNECT_CONTACT_FLOW_ID is not set")
        })?;
        Ok(NewChat {
            contact_flow_id,
            display_name,
            attributes,
            initial_message: opening.initial,
            client_token: self.handoff.to_string(),
            related_contact_id,
        })
    }

    /// The contact of the conversation's handoff before this one.
    async fn earlier_contact(&self, handoff: &Handoff) -> Result<Option<String>, StoreError> {
        let conversation = Some(handoff.key.conversation.0.clone());
        let query = HandoffQuery { conversation, limit: EARLIER, ..HandoffQuery::default() };
        let page = self.engine.store.handoffs(&query).await?;
        let earlier = page.handoffs.iter().filter(|other| {
            other.key == handoff.key && other.id != handoff.id && other.created_at <= handoff.created_at
        });
        for other in earlier {
            if let Some(made) = self.engine.store.contact(&other.id).await?.and_then(|contact| contact.made) {
                return Ok(Some(made.id));
            }
        }
        Ok(None)
    }

    /// No contact can be made. What was made of it is stopped.
    async fn fail(&self, error: &CallError) -> Result<Answer, Trouble> {
        let contact = self.contact().await?;
        if let Some(made) = contact.as_ref().and_then(|contact| contact.made.as_ref()) {
            self.connect.api.stop_contact(&made.id).await?;
        }
        let reason = error.to_string();
        self.engine.decide(begin::failed(self.handoff.clone(), reason.clone())).await?;
        Ok(Answer::Refused(reason))
    }
}

/// The id that a text is, or that its ARN ends with.
pub(super) fn id_of(text: &str) -> &str {
    let text = text.trim();
    if text.starts_with("arn:") { text.rsplit('/').next().unwrap_or(text) } else { text }
}

/// Whether a call that failed may have had its effect.
const fn may_have_effect(error: &CallError) -> bool {
    matches!(error.kind, ErrorKind::Unclear | ErrorKind::Unavailable)
}
