//! What agents get to see, as JSON. A presigned URL is not among it.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{context::beginnings, found::FoundView};
use crate::{
    relay::{
        changes::{DeadLetter, LetterKind},
        dispatch::Offer,
        event::Channel,
        feedback::{Feedback, Given, Rating},
        handoff::{Handoff, Missed},
        ledger::Ledger,
        policy::Policy,
        rules::arriving::{ArrivingMessage, Withdrawal},
        thread::{Bytes, Content, EventName, Role, Row, Sending, Source},
    },
    store::{StatusFilter, search::Found},
    unseen,
};

/// A handoff of a conversation to human agents.
#[derive(Serialize, ToSchema)]
#[schema(as = Handoff)]
pub struct HandoffView {
    /// Its id.
    #[schema(example = "019aa3f0-6c1e-7d60-9f2b-0d9c5d5b4a11")]
    id: String,
    /// The conversation's id at Ada.
    conversation_id: String,
    /// The domain of the AI Agent to which the conversation belongs.
    #[schema(example = "acme.ada.support")]
    ai_agent_domain: String,
    /// The handoff integration's identifier.
    #[schema(example = "custom-handoff")]
    integration: String,
    /// `waiting`, `active` or `ended`.
    #[schema(example = "waiting")]
    status: &'static str,
    /// The agent who has the handoff, or had it when it ended.
    agent: Option<AgentView>,
    /// The team whose agents are to answer, if there is one.
    team: Option<String>,
    /// `low`, `normal`, `high` or `urgent`.
    #[schema(example = "normal")]
    priority: &'static str,
    /// The name of the route by which it came to its team; null if there is none, or if it was handed over since.
    route: Option<String>,
    /// The customer.
    end_user: EndUserView,
    /// All fields of the start call except the ids: at most 64 KB in 200 fields. In lists and events, each value is cut
    /// to 256 characters.
    #[schema(value_type = Object)]
    context: Map<String, Value>,
    /// Whether a value was cut; `GET /api/handoffs/{id}` returns all of it.
    context_truncated: bool,
    /// When it began. Like all times, in RFC 3339, UTC, with milliseconds.
    created_at: String,
    /// When an agent first accepted it.
    accepted_at: Option<String>,
    /// When it ended.
    ended_at: Option<String>,
    /// `end_user`, `agent`, `system` or `ada`.
    ended_by: Option<&'static str>,
    /// What came of it, if its agent said so at the end.
    outcome: Option<String>,
    /// While it waits: the agent to whom it is offered, who alone may accept it until then, unless another takes it over.
    offer: Option<OfferView>,
    /// The agent who had it and is gone, while it waits for another one.
    left_by: Option<AgentView>,
    /// What the customer said of it afterwards (`POST /handoffs/feedback`).
    feedback: Option<FeedbackView>,
    /// The last message; text is cut to 300 characters.
    last_message: Option<MessageView>,
    /// The customer's last message, cut in the same way.
    last_end_user_message: Option<MessageView>,
    /// Since when the customer has waited for an answer: their first message that no human agent has answered, or the
    /// beginning if nobody has written yet. Null if they have an answer, and after the end.
    waiting_for_answer_since: Option<String>,
    /// When it ends unless an agent accepts it before (`WAITING_TIMEOUT`); null if that is off, or it does not wait.
    deadline: Option<String>,
    /// The customer's channel; null until Ada has said it.
    channel: Option<ChannelView>,
    /// It ran out before the customer had an answer: nobody accepted it, or its agent was silent. Null otherwise.
    missed: Option<MissedView>,
    /// The number of the end user's messages after the read mark.
    unread: u64,
    /// The read mark: rows up to this `seq` have been read.
    read_seq: u64,
    /// The AI Agent has written after the last sign that the handoff is running, so it may have ended in Ada.
    doubtful: bool,
    /// Grows with each change.
    version: u64,
    /// In the answer to a search: where the text was found, if that can still be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<FoundView>,
}

/// The counts of a handoff's messages.
#[derive(Serialize, ToSchema)]
#[schema(as = Ledger)]
pub struct LedgerView {
    /// Messages that arrived by webhook, without those that agents sent from here.
    received: u64,
    /// Messages that were read from Ada's message list because no webhook delivered them.
    recovered: u64,
    /// Events that arrived more than once.
    duplicates: u64,
    /// Messages that arrived after newer ones.
    late: u64,
    /// Agents' messages that Ada has accepted.
    sent: u64,
    /// Agents' messages that an Ada webhook has returned.
    confirmed: u64,
    /// Agents' messages that failed.
    failed: u64,
    /// Accepted events that are neither in a thread nor anywhere else. Always 0, unless the relay has a defect.
    lost: u64,
}

impl From<&Ledger> for LedgerView {
    fn from(ledger: &Ledger) -> Self {
        Self {
            received: ledger.received,
            recovered: ledger.recovered,
            duplicates: ledger.duplicates,
            late: ledger.late,
            sent: ledger.sent,
            confirmed: ledger.confirmed,
            failed: ledger.failed,
            lost: ledger.lost(),
        }
    }
}

/// What a customer said of a handoff afterwards.
#[derive(Serialize, ToSchema)]
#[schema(as = Feedback)]
pub struct FeedbackView {
    /// A number or a text, on the scale of your flow; null if only a comment was given.
    #[schema(value_type = Option<Value>)]
    rating: Option<Rating>,
    /// In the customer's words.
    comment: Option<String>,
    /// When it came.
    at: String,
}

impl FeedbackView {
    fn of(Feedback { given: Given { rating, comment }, at }: &Feedback) -> Self {
        Self { rating: rating.clone(), comment: comment.clone(), at: at.to_string() }
    }
}

/// A human agent.
#[derive(Serialize, ToSchema)]
#[schema(as = Agent)]
pub struct AgentView {
    /// The name from the settings. Customers see it.
    name: String,
}

impl AgentView {
    /// An agent of this name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }
}

/// The customer.
#[derive(Serialize, ToSchema)]
#[schema(as = EndUser)]
pub struct EndUserView {
    /// The customer's id at Ada.
    id: Option<String>,
    /// The customer's name: what the start call gave (`first_name` and `last_name`, `name`), else `display_name`, else
    /// an e-mail address.
    name: Option<String>,
    /// What Ada calls the customer.
    display_name: Option<String>,
    /// Their e-mail address, as Ada knows it; read only where no start call has said who it is.
    email: Option<String>,
    /// Their language, in the same way.
    language: Option<String>,
}

/// What a conversation runs over.
#[derive(Serialize, ToSchema)]
#[schema(as = Channel)]
pub struct ChannelView {
    /// `messaging`, `email`, `voice`, `sms`, or something new.
    #[schema(example = "messaging")]
    modality: String,
    /// Whether Ada keeps Markdown; otherwise the customer gets plain text.
    markdown: bool,
}

/// An offer of a waiting handoff.
#[derive(Serialize, ToSchema)]
#[schema(as = Offer)]
pub struct OfferView {
    /// To whom.
    agent: AgentView,
    /// Until when.
    until: String,
}

impl From<&Offer> for OfferView {
    fn from(offer: &Offer) -> Self {
        Self { agent: AgentView::new(&offer.agent), until: offer.until.to_string() }
    }
}

/// How a handoff ran out.
#[derive(Serialize, ToSchema)]
#[schema(as = Missed)]
pub struct MissedView {
    /// When.
    at: String,
    /// What the customer was told; null for nothing, also if it could not be sent.
    told: Option<String>,
}

/// A row of a thread. Show rows by `at`, then `seq`.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageView {
    /// The row's id.
    id: String,
    /// Its number in the thread, in the order in which rows were added, without gaps.
    seq: u64,
    /// The time by which rows are sorted.
    at: String,
    /// Its handoff.
    handoff_id: String,
    /// The message's id at Ada, once it is known.
    message_id: Option<String>,
    /// Who wrote it.
    author: AuthorView,
    /// Its content.
    content: ContentView,
    /// When it was written.
    created_at: String,
    /// `transcript`, `webhook`, `recovered`, `agent` or `relay`.
    source: &'static str,
    /// The delivery to Ada, for messages that agents send.
    delivery: Option<DeliveryView>,
    /// Whether it arrived after newer messages.
    late: bool,
}

/// A message of the end user that is kept and waits for its quiet period. Its `message` follows with the same
/// `message_id`, or its withdrawal. Show it among the rows by `at`; it does not count as unread yet.
#[derive(Serialize, ToSchema)]
#[schema(as = ArrivingMessage)]
pub struct ArrivingView {
    /// Null: it is not a row yet.
    id: Option<String>,
    /// Null: it has no number yet.
    seq: Option<u64>,
    /// The time by which rows are sorted.
    at: String,
    /// The handoff in whose thread it is shown.
    handoff_id: String,
    /// The message's id at Ada.
    message_id: String,
    /// Who wrote it.
    author: AuthorView,
    /// Its content.
    content: ContentView,
    /// When it was written.
    created_at: String,
    /// `webhook`.
    source: &'static str,
    /// Null.
    delivery: Option<DeliveryView>,
    /// False: whether it is late is known once it has its row.
    late: bool,
}

/// A message that was shown as arriving is not shown in this thread any more.
#[derive(Serialize, ToSchema)]
#[schema(as = Withdrawal)]
pub struct WithdrawalView {
    /// The message's id at Ada.
    message_id: String,
    /// The handoff in whose thread it was shown.
    handoff_id: String,
    /// `moved` to another handoff's thread, or `dropped`.
    withdrawn: &'static str,
    /// The handoff that has it now. If that is the same one, its thread has had the message already, under another id.
    moved_to: Option<String>,
}

/// Who wrote a row.
#[derive(Serialize, ToSchema)]
#[schema(as = Author)]
pub struct AuthorView {
    /// `end_user`, `ai_agent`, `human_agent`, `system`, or `unknown`.
    role: &'static str,
    /// The name to show.
    display_name: Option<String>,
    /// The address of the author's picture, as given by Ada.
    avatar: Option<String>,
}

/// The delivery of a row to Ada.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryView {
    /// `queued`, `sent`, `confirmed`, `failed` or `dropped`.
    state: &'static str,
    /// Why it failed.
    error: Option<String>,
}

/// The content of a row, by its type.
#[derive(Serialize, ToSchema)]
#[schema(as = Content)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentView {
    /// A text.
    Text {
        /// The text.
        body: String,
    },
    /// A file.
    File {
        /// Its name.
        filename: String,
        /// Its type.
        mime_type: String,
        /// Its size in bytes, once known.
        size: Option<u64>,
        /// The path at which the relay serves it; null while it is not available.
        url: Option<String>,
        /// `fetching`, `kept` or `failed`.
        state: &'static str,
        /// Why the file could not be downloaded. It is not tried again automatically.
        error: Option<String>,
    },
    /// A link.
    Link {
        /// Its URL.
        url: String,
        /// Its text.
        link_text: Option<String>,
    },
    /// A person joined or left.
    Presence {
        /// A description.
        body: String,
    },
    /// A note for other agents. The end user never sees it.
    Note {
        /// The text.
        body: String,
    },
    /// Something happened to the handoff.
    Event {
        /// `started`, `adopted`, `accepted`, `taken_over`, `released`, `handed_over`, `agent_gone`, `timed_out` or
        /// `ended`.
        event: &'static str,
        /// Who caused it.
        by: Option<String>,
        /// Of `handed_over`: the agent or the team that got the handoff.
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// A type this relay doesn't know yet, or a message that it can't read.
    Unknown {
        /// The name of the type; `unreadable` for a message that can't be read.
        original_type: String,
        /// Why it can't be read.
        error: Option<String>,
    },
}

/// A dead letter: a webhook that was needed and could not be used.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub struct DeadLetterView {
    /// Its id.
    id: String,
    /// The `svix-id` it came with; of a platform's event, its `webhook-id`.
    svix_id: String,
    /// When it was stored.
    at: String,
    /// Why it could not be used.
    reason: String,
    /// `webhook`: a signed body that could not be read. `event`: an event that could be read but not used. `platform`:
    /// an event that a platform did not take.
    kind: &'static str,
    /// The length of its body.
    bytes: usize,
}

impl HandoffView {
    /// For lists and events: long values of the context are cut.
    pub fn listed(handoff: &Handoff, policy: Option<&Policy>) -> Self {
        let (context, is_cut) = beginnings(&handoff.context);
        Self { context_truncated: is_cut, ..Self::with(context, handoff, policy) }
    }

    /// For a single handoff: with the whole context.
    pub fn whole(handoff: &Handoff, policy: Option<&Policy>) -> Self {
        Self::with(handoff.context.clone(), handoff, policy)
    }

    /// The same, with where the text of a search was found.
    #[must_use]
    pub fn found(self, found: Option<Found>) -> Self {
        Self { found: found.map(FoundView::from), ..self }
    }

    /// Files are served at these links, made of their handoff's and row's ids, in place of the agent API's paths.
    pub fn link_files(&mut self, link: &dyn Fn(&str, &str) -> String) {
        for message in [&mut self.last_message, &mut self.last_end_user_message].into_iter().flatten() {
            message.link_files(link);
        }
    }

    fn with(context: Map<String, Value>, handoff: &Handoff, policy: Option<&Policy>) -> Self {
        let unanswered = handoff.unanswered.filter(|_| handoff.is_open());
        Self {
            id: handoff.id.0.clone(),
            conversation_id: handoff.key.conversation.0.clone(),
            ai_agent_domain: handoff.domain.as_ref().unwrap_or(&handoff.key.ai_agent.0).clone(),
            integration: handoff.integration.clone(),
            status: StatusFilter::of(handoff).as_str(),
            agent: handoff.agent().map(AgentView::new),
            team: handoff.team.as_ref().map(|team| team.0.clone()),
            priority: handoff.priority.as_str(),
            route: handoff.route.clone(),
            outcome: handoff.outcome.clone(),
            offer: handoff.dispatch.offer.as_ref().map(OfferView::from),
            left_by: handoff.dispatch.left_by.as_deref().map(AgentView::new),
            feedback: handoff.feedback.as_ref().map(FeedbackView::of),
            end_user: EndUserView {
                id: handoff.end_user.id.clone(),
                name: handoff.end_user.name.as_deref().and_then(unseen::name),
                display_name: handoff.end_user.display_name.as_deref().and_then(unseen::name),
                email: handoff.end_user.email.as_deref().and_then(unseen::name),
                language: handoff.end_user.language.as_deref().and_then(unseen::name),
            },
            context,
            context_truncated: false,
            created_at: handoff.created_at.to_string(),
            accepted_at: handoff.accepted_at.map(|at| at.to_string()),
            ended_at: handoff.end().map(|end| end.at.to_string()),
            ended_by: handoff.end().map(|end| end.by.as_str()),
            last_message: handoff.last_message.as_ref().map(MessageView::from),
            last_end_user_message: handoff.last_words.as_ref().map(MessageView::from),
            waiting_for_answer_since: unanswered.map(|known| known.since.to_string()),
            deadline: policy.and_then(|policy| handoff.deadline(policy)).map(|at| at.to_string()),
            channel: handoff.channel.as_ref().map(ChannelView::from),
            missed: handoff.missed.as_ref().map(MissedView::from),
            unread: handoff.unread,
            read_seq: handoff.read_up_to,
            doubtful: handoff.is_doubtful(),
            version: handoff.version,
            found: None,
        }
    }
}

impl From<&Channel> for ChannelView {
    fn from(channel: &Channel) -> Self {
        Self { modality: channel.modality.clone(), markdown: channel.markdown }
    }
}

impl From<&Missed> for MissedView {
    fn from(missed: &Missed) -> Self {
        let told = missed.told.as_ref().filter(|told| !told.in_vain);
        Self { at: missed.at.to_string(), told: told.map(|told| told.text.clone()) }
    }
}

impl MessageView {
    /// The message's id at Ada, once it is known.
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// See [`HandoffView::link_files`].
    pub fn link_files(&mut self, link: &dyn Fn(&str, &str) -> String) {
        if let ContentView::File { url: Some(url), .. } = &mut self.content {
            *url = link(&self.handoff_id, &self.id);
        }
    }
}

impl From<&Row> for MessageView {
    fn from(row: &Row) -> Self {
        Self {
            id: row.id.0.clone(),
            seq: row.seq,
            at: row.at.to_string(),
            handoff_id: row.handoff.0.clone(),
            message_id: row.ids.shown().map(|id| id.0.clone()),
            author: AuthorView {
                role: role(row.author.role),
                display_name: row.author.display_name.as_deref().and_then(unseen::name),
                avatar: row.author.avatar.clone(),
            },
            content: ContentView::of(row),
            created_at: row.created_at.to_string(),
            source: source(row.source),
            delivery: row.sending.as_ref().map(DeliveryView::from),
            late: row.late,
        }
    }
}

impl From<&ArrivingMessage> for ArrivingView {
    fn from(arriving: &ArrivingMessage) -> Self {
        let row = MessageView::from(&arriving.row());
        Self {
            id: None,
            seq: None,
            at: row.at,
            handoff_id: row.handoff_id,
            message_id: arriving.id().0.clone(),
            author: row.author,
            content: row.content,
            created_at: row.created_at,
            source: row.source,
            delivery: row.delivery,
            late: row.late,
        }
    }
}

impl ArrivingView {
    /// The message's id at Ada.
    pub fn message_id(&self) -> &str {
        &self.message_id
    }
}

impl WithdrawalView {
    /// Of a message that was shown.
    pub fn new(arriving: &ArrivingMessage, how: &Withdrawal) -> Self {
        let (withdrawn, moved_to) = match how {
            Withdrawal::Moved(to) => ("moved", Some(to.0.clone())),
            Withdrawal::Dropped => ("dropped", None),
        };
        let (message_id, handoff_id) = (arriving.id().0.clone(), arriving.handoff.0.clone());
        Self { message_id, handoff_id, withdrawn, moved_to }
    }
}

impl ContentView {
    fn of(row: &Row) -> Self {
        match row.content.clone() {
            Content::Text { body } => Self::Text { body },
            Content::File { filename, mime_type, bytes, .. } => {
                let (state, size, error) = match bytes {
                    Bytes::Awaited => ("fetching", None, None),
                    Bytes::Kept { size } => ("kept", Some(size), None),
                    Bytes::Missing { error, .. } => ("failed", None, Some(error)),
                };
                let url = size.map(|_| format!("/api/handoffs/{}/messages/{}/file", row.handoff, row.id));
                Self::File { filename, mime_type, size, url, state, error }
            }
            Content::Link { url, link_text } => Self::Link { url, link_text },
            Content::Presence { body } => Self::Presence { body },
            Content::Note { body } => Self::Note { body },
            Content::Event { event, by, to } => Self::Event { event: event_name(event), by, to },
            Content::Unknown { name } => Self::Unknown { original_type: name, error: None },
            Content::Unreadable { reason } => {
                Self::Unknown { original_type: "unreadable".to_owned(), error: Some(reason) }
            }
        }
    }
}

impl From<&Sending> for DeliveryView {
    fn from(sending: &Sending) -> Self {
        let (state, error) = match sending {
            Sending::Queued => ("queued", None),
            Sending::Sent => ("sent", None),
            Sending::Confirmed => ("confirmed", None),
            Sending::Failed { error } => ("failed", Some(error.clone())),
            Sending::Dropped => ("dropped", None),
        };
        Self { state, error }
    }
}

impl From<&DeadLetter> for DeadLetterView {
    fn from(letter: &DeadLetter) -> Self {
        Self {
            id: letter.id.clone(),
            svix_id: letter.svix_id.clone(),
            at: letter.at.to_string(),
            reason: letter.reason.clone(),
            kind: match letter.kind {
                LetterKind::Webhook => "webhook",
                LetterKind::Event => "event",
                LetterKind::Platform => "platform",
            },
            bytes: letter.body.len(),
        }
    }
}

/// The name of a role.
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::EndUser => "end_user",
        Role::AiAgent => "ai_agent",
        Role::HumanAgent => "human_agent",
        Role::System => "system",
        Role::Unknown => "unknown",
    }
}

/// The name of an event.
pub const fn event_name(event: EventName) -> &'static str {
    match event {
        EventName::Started => "started",
        EventName::Adopted => "adopted",
        EventName::Accepted => "accepted",
        EventName::TakenOver => "taken_over",
        EventName::Released => "released",
        EventName::HandedOver => "handed_over",
        EventName::AgentGone => "agent_gone",
        EventName::TimedOut => "timed_out",
        EventName::Ended => "ended",
    }
}

const fn source(source: Source) -> &'static str {
    match source {
        Source::Transcript => "transcript",
        Source::Webhook => "webhook",
        Source::Recovered => "recovered",
        Source::Agent => "agent",
        Source::Relay => "relay",
    }
}
