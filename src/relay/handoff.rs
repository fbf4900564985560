//! One handoff: its agent, its status, and what the rules need to remember about its thread.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    context,
    dispatch::Dispatch,
    event::{Channel, SortKey},
    feedback::Feedback,
    id::{ConversationKey, HandoffId, PlatformId, RowId, TeamName},
    idle::Idle,
    ledger::Ledger,
    policy::{Policy, Timeout},
    routing::{Facts, Priority},
    thread::{AdaIds, Content, Row, Sending},
    time::{Offset, Time},
    waiting_room::{BannerState, Shown, TextsTold},
};

/// The uncertainty of what we know about Ada's clock.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);

/// A handoff. Its `version` counts the changes that agents see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handoff {
    /// Its own id.
    pub id: HandoffId,
    /// The conversation it is in.
    pub key: ConversationKey,
    /// The integration identifier with which it was created.
    pub integration: String,
    /// The domain of the AI Agent, where that is not its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Its status.
    pub status: Status,
    /// How it began.
    pub origin: Origin,
    /// The end user.
    pub end_user: EndUser,
    /// All fields of the start call except the ids. A store may keep them apart.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
    /// When we made it.
    pub created_at: Time,
    /// When an agent first accepted it.
    pub accepted_at: Option<Time>,
    /// How many rows its thread has; the next one gets this plus one.
    pub last_seq: u64,
    /// The newest `at` in its thread.
    pub newest_at: Time,
    /// The newest event that has left the inbox for this thread; older ones that follow are late.
    pub youngest_released: SortKey,
    /// The newest end-user message, in Ada's time.
    pub last_from_end_user: Option<Time>,
    /// Rows up to this `seq` have been read.
    pub read_up_to: u64,
    /// The number of end-user rows after that mark.
    pub unread: u64,
    /// The last message, for lists; its text is cut to [`PREVIEW_CHARS`].
    pub last_message: Option<Row>,
    /// The message before the last one. Needed if the last one turns out to belong earlier in the thread.
    #[serde(default)]
    pub before_last: Option<Row>,
    /// The end user's last words, as [`last_message`](Self::last_message).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_words: Option<Row>,
    /// Their words before those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words_before_last: Option<Row>,
    /// What no human agent has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered: Option<Unanswered>,
    /// Its time ran out while the end user waited for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// What the conversation runs over, once an event has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// What is known from Ada's message list.
    #[serde(default)]
    pub listed: ListProgress,
    /// The newest time by Ada's clock at which Ada showed that the handoff runs: by an event that carries our
    /// identifier, or by taking a message.
    #[serde(default)]
    pub runs_at: Option<Time>,
    /// Since when it has been idle, for its timeout.
    #[serde(default)]
    pub idle: Idle,
    /// The counts of its messages.
    #[serde(default)]
    pub ledger: Ledger,
    /// Before it began, it was known already that Ada has this conversation.
    #[serde(default)]
    pub is_heard_of: bool,
    /// The team whose agents are to answer, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// The name of the route by which it came to its team, until it is handed over to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// It has been of this team since it began, and no agent who had it has lost it, so that nobody has seen it who does
    /// not see it now. Documents of earlier relays do not say so.
    #[serde(default, skip_serializing_if = "is_default")]
    pub has_stayed: bool,
    /// How urgent it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub priority: Priority,
    /// How it gets to an agent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dispatch: Dispatch,
    /// Who had it last, also while it waits again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_agent: Option<String>,
    /// The texts that the customer has been told while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts_told: Option<TextsTold>,
    /// The banner that the customer sees while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub banner: Option<BannerState>,
    /// A human agent has written to the customer, or the relay in their place.
    #[serde(default, skip_serializing_if = "is_default")]
    pub human_spoke: bool,
    /// The first message of a human agent.
    #[serde(default)]
    pub first_answer: FirstAnswer,
    /// What came of it, as its agent said at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// As much of the note at its end as Ada gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing_note: Option<String>,
    /// What the customer said of it afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
    /// One more with each change that agents see.
    pub version: u64,
    /// The agent platforms that got it, each with the number of its last event.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub platforms: BTreeMap<PlatformId, u64>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How far Ada's message list has been read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ListProgress {
    /// The page to read next; the first, if there is none.
    pub page: Option<String>,
    /// Where to begin the next reading, after the list has been read to its end: a webhook may still arrive for later
    /// messages.
    pub again: Option<ReadAgain>,
    /// The newest message that was there when the handoff began, by Ada's clock.
    pub history_until: Option<Time>,
    /// The list has been read to its end once.
    pub history_is_read: bool,
    /// When it was last read to its end, by our clock.
    #[serde(default)]
    pub read_at: Option<Time>,
    /// The thread says already that it can't be read.
    pub unreadable: bool,
    /// How often in a row Ada has answered that it does not have the conversation.
    #[serde(default)]
    pub unknown: u32,
    /// The newest message of the AI Agent that no event of ours explains, by Ada's clock.
    pub ai_agent_wrote_at: Option<Time>,
}

/// Where a list is read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadAgain {
    /// From this page on; the first, if there is none.
    pub from: Option<String>,
}

/// The modality of Ada's chat, and of others that are like it.
const MESSAGING: &str = "messaging";
/// What start calls name if they come by another channel.
const OTHER_CHANNELS: [&str; 3] = ["email", "voice", "sms"];

/// How much of the last message a list shows, in characters.
pub const PREVIEW_CHARS: usize = 300;

/// The customer, as far as known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EndUser {
    /// Ada's id of them.
    pub id: Option<String>,
    /// The name that agents see: what the start call gave, else `display_name`, else an e-mail address.
    pub name: Option<String>,
    /// What Ada calls the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether `name` is what Ada calls the customer.
    pub named_by_webhook: bool,
    /// Their e-mail address, if Ada was asked for their profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Their language, if Ada was asked for their profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// What Ada knows of an end user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// What Ada calls them.
    pub display_name: Option<String>,
    /// Their first and last name, as far as known.
    pub full_name: Option<String>,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Their language.
    pub language: Option<String>,
}

impl EndUser {
    /// A start call has come, and this is what all of them said.
    pub fn introduce(&mut self, context: &Map<String, Value>) {
        if self.named_by_webhook && self.display_name.is_none() {
            // Documents of earlier relays have it here alone.
            self.display_name = self.name.take();
        }
        let given = context::name(context);
        self.named_by_webhook = given.is_none() && self.display_name.is_some();
        self.name = given.or_else(|| self.display_name.clone()).or_else(|| context::email(context));
    }

    /// Ada has told who they are. A name that the business gave stays.
    pub fn record_profile(&mut self, profile: Profile, context: &Map<String, Value>) {
        let Profile { display_name, full_name, email, language } = profile;
        if let Some(name) = display_name.or(full_name) {
            self.record_display_name(&name, context);
        }
        if self.name.is_none() {
            self.name.clone_from(&email);
        }
        self.email = email.or_else(|| self.email.take());
        self.language = language.or_else(|| self.language.take());
    }

    /// Ada calls the customer so. A name that the business gave stays: it is in `name` already, because what others
    /// have added to the `context` since counts for nothing.
    pub fn record_display_name(&mut self, name: &str, context: &Map<String, Value>) {
        self.display_name = Some(name.to_owned());
        if self.name.is_none() || self.named_by_webhook || self.name == context::email(context) {
            self.name = self.display_name.clone();
            self.named_by_webhook = true;
        }
    }
}

/// What the end user waits for an answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanswered {
    /// The time of the first row that has no answer; at first, when the handoff began.
    pub since: Time,
    /// The number of the last such row. An older row answers it not, whatever its time is: its author had not read it.
    pub last_seq: u64,
}

/// When a human agent first wrote to the end user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FirstAnswer {
    /// Nobody knows: the handoff began when the relay did not record it yet.
    #[default]
    Unrecorded,
    /// There is none yet.
    Awaited,
    /// It is in the thread.
    Given {
        /// Its place in the thread.
        at: Time,
        /// Who had the handoff then.
        by: Option<String>,
    },
}

/// A handoff that ran out before somebody answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Missed {
    /// When, by our clock.
    pub at: Time,
    /// What the end user was told, if anything.
    pub told: Option<Told>,
}

/// A text that the end user got from the relay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Its row.
    pub row: RowId,
    /// The text.
    pub text: String,
    /// It did not reach them.
    pub in_vain: bool,
}

/// How a handoff began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "origin", rename_all = "snake_case")]
pub enum Origin {
    /// By Ada's start call.
    Started {
        /// When the call came, by our clock.
        called_at: Time,
    },
    /// By a message whose start call never arrived.
    Adopted {
        /// The message's time, by Ada's clock.
        message_at: Time,
        /// When the start call came after all, by our clock.
        called_at: Option<Time>,
    },
}

/// Where a handoff stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// No agent has it.
    Waiting,
    /// An agent has it.
    Active {
        /// Who.
        agent: String,
    },
    /// Over.
    Ended(End),
}

/// How a handoff ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// By our clock.
    pub at: Time,
    /// Who ended it.
    pub by: EndedBy,
    /// Who had it.
    pub agent: Option<String>,
    /// The same instant by Ada's clock.
    pub ada: AdaEnd,
    /// The line in the thread that says so.
    pub row: RowId,
}

/// What we know of the end by Ada's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ada_end", rename_all = "snake_case")]
pub enum AdaEnd {
    /// Our own end call has not been answered.
    Unsettled,
    /// From the `Date` of an answer: good to a second.
    Dated {
        /// When.
        at: Time,
    },
    /// From `handoff.ended` or `conversation.ended`: exact.
    Told {
        /// When.
        at: Time,
    },
    /// Proven by a new start call. Only the time of that call is known, by our clock.
    Replaced {
        /// When.
        at: Time,
    },
    /// Ada has no such conversation: it never ran.
    Unknown,
}

/// Who ended a handoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The customer.
    EndUser,
    /// An agent of ours.
    Agent,
    /// A rule of the relay or of Ada.
    System,
    /// Ada, without saying who.
    Ada,
}

impl EndedBy {
    /// The name the agent API uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EndUser => "end_user",
            Self::Agent => "agent",
            Self::System => "system",
            Self::Ada => "ada",
        }
    }
}

impl Handoff {
    /// A waiting handoff of which nothing is known.
    pub fn blank(id: HandoffId, key: ConversationKey) -> Self {
        Self {
            id,
            key,
            integration: String::new(),
            domain: None,
            status: Status::Waiting,
            origin: Origin::Started { called_at: Time::default() },
            end_user: EndUser::default(),
            context: Map::new(),
            created_at: Time::default(),
            accepted_at: None,
            last_seq: 0,
            newest_at: Time::default(),
            youngest_released: SortKey::default(),
            last_from_end_user: None,
            read_up_to: 0,
            unread: 0,
            last_message: None,
            before_last: None,
            last_words: None,
            words_before_last: None,
            unanswered: None,
            missed: None,
            channel: None,
            listed: ListProgress::default(),
            runs_at: None,
            idle: Idle::default(),
            ledger: Ledger::default(),
            is_heard_of: false,
            team: None,
            route: None,
            has_stayed: true,
            priority: Priority::default(),
            dispatch: Dispatch::default(),
            last_agent: None,
            texts_told: None,
            banner: None,
            human_spoke: false,
            first_answer: FirstAnswer::Awaited,
            outcome: None,
            closing_note: None,
            feedback: None,
            version: 0,
            platforms: BTreeMap::new(),
        }
    }

    /// Waiting or active.
    pub const fn is_open(&self) -> bool {
        !matches!(self.status, Status::Ended(_))
    }

    /// How it ended, if it has.
    pub const fn end(&self) -> Option<&End> {
        match &self.status {
            Status::Ended(end) => Some(end),
            _ => None,
        }
    }

    /// Whether it may have ended in Ada without the relay's knowledge: the AI Agent has written after the last sign
    /// that the handoff is running.
    pub fn is_doubtful(&self) -> bool {
        self.is_open() && self.listed.ai_agent_wrote_at.is_some_and(|wrote| Some(wrote) > self.runs_at)
    }

    /// Records that the handoff was running at `at`, by Ada's clock.
    pub fn record_runs(&mut self, at: Time) {
        self.runs_at = self.runs_at.max(Some(at));
    }

    /// Whether our own end call still waits for its answer.
    pub fn end_is_unsettled(&self) -> bool {
        self.end().is_some_and(|end| end.ada == AdaEnd::Unsettled)
    }

    /// Who has it, or had it at its end.
    pub fn agent(&self) -> Option<&str> {
        match &self.status {
            Status::Waiting => None,
            Status::Active { agent } => Some(agent),
            Status::Ended(end) => end.agent.as_deref(),
        }
    }

    /// When its start call came, by our clock.
    pub const fn called_at(&self) -> Option<Time> {
        match self.origin {
            Origin::Started { called_at } => Some(called_at),
            Origin::Adopted { called_at, .. } => called_at,
        }
    }

    /// Its beginning by Ada's clock.
    pub fn began(&self, offset: Offset) -> Time {
        match self.origin {
            Origin::Started { called_at } => called_at.shifted(offset),
            Origin::Adopted { message_at, .. } => message_at,
        }
    }

    /// The first instant, by Ada's clock, at which it had certainly begun: a message's time is exact, the time of our
    /// clock is uncertain.
    pub fn surely_began(&self, offset: Offset) -> Time {
        match self.origin {
            Origin::Started { .. } => self.began(offset) + CLOCK_TOLERANCE,
            Origin::Adopted { message_at, .. } => message_at,
        }
    }

    /// Its end by Ada's clock, once known.
    pub fn ended_by_ada_clock(&self, offset: Offset) -> Option<Time> {
        match self.end()?.ada {
            AdaEnd::Unsettled | AdaEnd::Unknown => None,
            AdaEnd::Dated { at } | AdaEnd::Told { at } => Some(at),
            AdaEnd::Replaced { at } => Some(at.shifted(offset)),
        }
    }

    /// The last instant, by Ada's clock, whose messages can belong to this ended handoff. A `Date` names a
    /// second, not an instant.
    pub fn takes_until(&self, offset: Offset) -> Option<Time> {
        let end = self.ended_by_ada_clock(offset)?;
        let doubtful = matches!(self.end()?.ada, AdaEnd::Dated { .. });
        Some(if doubtful { end + CLOCK_TOLERANCE } else { end })
    }

    /// About when it took its last message, by Ada's clock if that is known; `None` while it may take any. Stores find
    /// by it which handoffs can matter to a message, with [room](super::changes::Scope::takes_from) for clocks.
    pub fn took_until(&self) -> Option<Time> {
        let end = self.end()?;
        match end.ada {
            AdaEnd::Unsettled => None,
            AdaEnd::Dated { at } | AdaEnd::Told { at } | AdaEnd::Replaced { at } => Some(at),
            AdaEnd::Unknown => Some(end.at),
        }
    }

    /// The timeout for its current status.
    pub fn timeout<'a>(&self, policy: &'a Policy) -> Option<&'a Timeout> {
        let timeouts = policy.timeouts(self.route.as_deref(), self.team.as_ref());
        match self.status {
            Status::Waiting => timeouts.waiting,
            Status::Active { .. } => timeouts.idle,
            Status::Ended(_) => None,
        }
    }

    /// When it times out unless something happens before.
    pub fn times_out_at(&self, policy: &Policy) -> Option<Time> {
        Some(self.idle.since + self.timeout(policy)?.after)
    }

    /// When it ends unless somebody accepts it before.
    pub fn deadline(&self, policy: &Policy) -> Option<Time> {
        self.times_out_at(policy).filter(|_| self.status == Status::Waiting)
    }

    /// Since when it has been idle; `None` while nothing needs to look at its timeout.
    pub fn idle_since(&self) -> Option<Time> {
        (self.is_open() && !self.idle.asks_ada).then_some(self.idle.since)
    }

    /// The time of the latest text that the customer has been told since it began to wait.
    pub fn texts_told(&self) -> Option<Duration> {
        self.texts_told.filter(|told| told.since == self.idle.since).map(|told| told.up_to)
    }

    /// Whether the banner may show this now, and does not show it already. Ada takes it while nobody human has written, and
    /// in its own chat only.
    pub fn banner_may_show(&self, shown: Shown, now: Time) -> bool {
        let facts = Facts { ai_agent: &self.key.ai_agent, context: &self.context, language: None, now };
        let is_chat = self.channel.as_ref().is_none_or(|channel| channel.modality == MESSAGING)
            && facts.channel().is_none_or(|named| !OTHER_CHANNELS.contains(&named.to_lowercase().as_str()));
        let is_due = self
            .banner
            .is_none_or(|state| !state.is_off && state.shown != Some(shown) && state.next_at <= now);
        self.status == Status::Waiting && !self.human_spoke && is_chat && is_due
    }

    /// A message was written at `at`, or has only now been read. A handoff that waits for an agent keeps its waiting
    /// time.
    pub const fn record_writing(&mut self, at: Time) {
        if matches!(self.status, Status::Active { .. }) {
            self.idle = Idle::since(at);
        }
    }

    /// Updates the row count, the newest time and the last message from a row.
    pub fn take_in(&mut self, row: &Row) {
        self.last_seq = self.last_seq.max(row.seq);
        self.newest_at = self.newest_at.max(row.at);
        if !matches!(row.content, Content::Event { .. } | Content::Note { .. }) {
            keep_last(&mut self.last_message, &mut self.before_last, row);
        }
        self.human_spoke |= row.is_said_by_a_human();
        if row.is_end_users_words() {
            keep_last(&mut self.last_words, &mut self.words_before_last, row);
        }
        if let Some(Missed { told: Some(told), .. }) = &mut self.missed
            && told.row == row.id
        {
            told.in_vain = row.sending.as_ref().is_some_and(Sending::is_in_vain);
        }
    }

    /// A row is new, or was like `before`: the end user begins to wait for an answer, or has one.
    pub fn record_answer(&mut self, before: Option<&Row>, row: &Row) {
        if before.is_none() && row.is_answer() {
            self.record_first_answer(row.at);
        }
        let was_answer = before.is_some_and(Row::is_answer);
        let is_news = row.counts_as_unread() && !before.is_some_and(Row::counts_as_unread);
        if is_news || (was_answer && !row.is_answer()) {
            let known = self.unanswered.unwrap_or(Unanswered { since: row.at, last_seq: row.seq });
            let (since, last_seq) = (known.since.min(row.at), known.last_seq.max(row.seq));
            self.unanswered = Some(Unanswered { since, last_seq });
        }
        let is_queued = |row: &Row| row.sending == Some(Sending::Queued);
        let reaches_them = before.is_some_and(is_queued) && !is_queued(row);
        let written_at = before.map_or(row.at, |before| before.at);
        if row.is_answer()
            && (!was_answer || reaches_them)
            && self.unanswered.is_some_and(|known| known.last_seq <= row.seq && known.since <= written_at)
        {
            self.unanswered = None;
        }
    }

    /// A human agent's message is new in the thread. One that was missed, and comes late, may be older than the first.
    fn record_first_answer(&mut self, at: Time) {
        let is_first = match &self.first_answer {
            FirstAnswer::Unrecorded => false,
            FirstAnswer::Awaited => true,
            FirstAnswer::Given { at: known, .. } => at < *known,
        };
        if is_first {
            self.first_answer = FirstAnswer::Given { at, by: self.agent().map(str::to_owned) };
        }
    }
}

/// Keeps the last two of some rows, of which `row` is one that is new or has changed.
fn keep_last(last: &mut Option<Row>, before_last: &mut Option<Row>, row: &Row) {
    let known = [last.take(), before_last.take()].into_iter().flatten();
    let mut rows: Vec<Row> = known.filter(|known| known.id != row.id).collect();
    rows.push(preview(row));
    rows.sort_by_key(|row| std::cmp::Reverse((row.at, row.seq)));
    let mut rows = rows.into_iter();
    (*last, *before_last) = (rows.next(), rows.next());
}

fn preview(row: &Row) -> Row {
    let mut row = row.clone();
    row.ids = AdaIds { webhook: row.ids.shown().cloned(), ..AdaIds::default() };
    row.tried_at = None;
    row.content = row.content.without_address();
    if let Content::Text { body } = &mut row.content
        && let Some((cut, _)) = body.char_indices().nth(PREVIEW_CHARS)
    {
        body.truncate(cut);
        body.push('…');
    }
    row
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_profile_names_whom_nobody_has_named() {
        let text = |text: &str| Some(text.to_owned());
        let profile = Profile {
            display_name: text("maria"),
            full_name: text("Maria Silva"),
            email: text("m@example.com"),
            language: text("pt"),
        };
        let nameless = Profile { display_name: None, full_name: None, ..profile.clone() };
        let unnamed = Profile { display_name: None, ..profile.clone() };
        for (before, context, profile, name) in [
            (None, json!({}), profile.clone(), "maria"),
            (None, json!({}), unnamed, "Maria Silva"),
            (None, json!({}), nameless.clone(), "m@example.com"),
            (Some("Ms Silva"), json!({ "name": "Ms Silva" }), profile, "Ms Silva"),
            (Some("Ms Silva"), json!({ "name": "Ms Silva" }), nameless, "Ms Silva"),
        ] {
            let mut end_user = EndUser { name: before.map(str::to_owned), ..EndUser::default() };
            end_user.record_profile(profile, context.as_object().unwrap_or(&Map::new()));
            assert_eq!(end_user.name.as_deref(), Some(name));
            assert_eq!((end_user.email, end_user.language), (text("m@example.com"), text("pt")));
        }
        let mut known = EndUser { email: text("a@example.com"), ..EndUser::default() };
        known.record_profile(Profile::default(), &Map::new());
        assert_eq!(known.email, text("a@example.com"), "what Ada does not know is kept");
    }
}
