//! A handoff's chat contact in Amazon Connect, and what comes from it.
//!
//! The relay is the customer's side of the contact. What agents and the flow say there arrives as notifications, in any
//! order and more than once: they wait in the contact for a short quiet period, and leave it sorted.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    id::{HandoffId, PlatformId, RowId},
    time::Time,
};

/// The platform's name in settings, deliveries and the API.
pub const AMAZON_CONNECT: &str = "amazon-connect";
/// What a handoff's agent is called who is in Amazon Connect, behind their own name.
const WHERE: &str = " (Amazon Connect)";
/// A name for an agent without one.
const NAMELESS: &str = "Agent";
/// How long notifications wait for earlier ones, after the last and after the first of them.
const QUIET: Duration = Duration::from_millis(250);
const QUIET_MAX: Duration = Duration::from_secs(1);
/// How often an open contact is compared with its transcript, for notifications that never came.
const REPAIR_EVERY: Duration = Duration::from_mins(15);
/// How many items may wait in one contact.
pub const PENDING_LIMIT: usize = 1_000;

/// The rules' settings for contacts.
#[derive(Clone, Debug)]
pub struct ContactPolicy {
    /// `AMAZON_CONNECT_AGENT_LEFT_GRACE`: an agent who has left for so long, and nobody came, has ended the chat.
    pub agent_left_grace: Duration,
    /// `AMAZON_CONNECT_IF_UNAVAILABLE=end`: what the customer is told if no contact can be made; then the handoff ends.
    /// None: it waits for the other places.
    pub end_if_unavailable: Option<String>,
}

/// A bearer token of one contact. It is stored, and shown nowhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContactToken(String);

impl ContactToken {
    /// This one.
    pub const fn new(token: String) -> Self {
        Self(token)
    }

    /// For the header of a call.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ContactToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContactToken")
    }
}

/// The contact of one handoff.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// Whose contact it is.
    pub handoff: HandoffId,
    /// Where it stands.
    pub state: ContactState,
    /// What it begins with, once that is planned, and as far as it has not been sent.
    pub opening: Option<Opening>,
    /// Rows up to this `seq` are part of the opening.
    pub opened_with: u64,
    /// When it is given up, unless it has been made.
    pub gives_up_at: Time,
    /// Amazon Connect may have made it without our knowing its id: the last answer never came.
    #[serde(default)]
    pub may_exist: bool,
    /// What Amazon Connect has given it.
    pub made: Option<MadeContact>,
    /// Of a row that is sent in several parts: how far that has come.
    #[serde(default)]
    pub parts_sent: Option<SentParts>,
    /// How many files were attached: 35 at most.
    #[serde(default)]
    pub attachments: u32,
    /// Who is or was in it, by participant id.
    #[serde(default)]
    pub participants: BTreeMap<String, Participant>,
    /// Since when no agent is in it who was not sent away by a transfer or a timer.
    #[serde(default)]
    pub agent_left_at: Option<LeftAt>,
    /// When transfers, and timers of the flow, have taken agents out, by Amazon Connect's clock: the newest few.
    #[serde(default)]
    pub leaves_explained_at: Vec<Time>,
    /// What has arrived and waits for its quiet period.
    #[serde(default)]
    pub pending: Vec<Item>,
    /// Since when the first of them waits.
    #[serde(default)]
    pub waits_since: Option<Time>,
    /// When the quiet period is over.
    #[serde(default)]
    pub release_at: Option<Time>,
    /// The newest time of an item, by Amazon Connect's clock.
    #[serde(default)]
    pub newest_at: Option<Time>,
    /// When it was last compared with its transcript, or made.
    pub compared_at: Time,
    /// Until when, by Amazon Connect's clock, that has found everything. Notifications don't move it: one may be missing
    /// before the newest.
    #[serde(default)]
    pub compared_until: Option<Time>,
    /// The end user's metavariables name the agent already.
    #[serde(default)]
    pub agent_is_told: bool,
}

/// What Amazon Connect has given a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeContact {
    /// The id it began with. Notifications carry it as `InitialContactId`.
    pub id: String,
    /// The id it has now: a transfer changes it.
    pub current_id: String,
    /// Since when that is known, by Amazon Connect's clock.
    #[serde(default)]
    pub current_since: Option<Time>,
    /// Renews the connection.
    pub participant_token: ContactToken,
    /// Its events come to our topic.
    pub is_streaming: bool,
    /// For the calls of the customer's side; none before the customer is connected.
    pub connection: Option<Connection>,
}

/// See [`MadeContact::connection`]. Good for a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// For the header `X-Amz-Bearer`.
    pub token: ContactToken,
    /// When it must be renewed.
    pub expires_at: Time,
}

/// Where a contact stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactState {
    /// It is being made.
    Starting,
    /// The customer is connected, and the opening has been sent.
    Open,
    /// The relay ends it. What still comes from it takes nothing over, and ends nothing.
    Closing,
    /// It is over.
    Closed,
    /// It can't be made.
    Failed,
}

/// Since when no agent is in a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftAt {
    /// By our clock.
    pub ours: Time,
    /// By Amazon Connect's.
    pub theirs: Time,
}

/// How far a row that takes several messages has been sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentParts {
    /// Which row.
    pub row: RowId,
    /// The bytes of a part at most.
    pub limit: usize,
    /// How many have been sent.
    pub parts: usize,
    /// What stands before its text: found out at the first try, and the same at each.
    #[serde(default)]
    pub mark: Option<String>,
}

/// The chat that is asked for. Each call to make it must be the same, or its client token is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The contact flow; none is known if it is `None`.
    pub contact_flow_id: Option<String>,
    /// The customer's name.
    pub display_name: String,
    /// By name.
    pub attributes: BTreeMap<String, String>,
    /// The contact of the conversation's handoff before.
    pub related_contact_id: Option<String>,
}

/// What a contact begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// How the chat is asked for.
    #[serde(default)]
    pub chat: ChatRequest,
    /// The newest part of the transcript; none if there is nothing to tell.
    pub initial: Option<String>,
    /// The older parts, in order. They follow before anything new.
    pub earlier: Vec<String>,
    /// How many of these have been sent.
    pub sent: usize,
}

/// Somebody in a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Their name.
    pub name: String,
    /// Whether they are in it.
    pub is_here: bool,
    /// When they last came or went, by Amazon Connect's clock.
    pub at: Time,
}

/// Something that happened in a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The item's `Id`. Of a file, that of the attachment is behind it.
    pub id: String,
    /// Its `AbsoluteTime`, by Amazon Connect's clock.
    pub at: Time,
    /// The contact's present id.
    pub contact: Option<String>,
    /// What happened.
    pub what: Happening,
}

/// See [`Item::what`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "happening", rename_all = "snake_case")]
pub enum Happening {
    /// Somebody wrote.
    Text {
        /// Who.
        by: Speaker,
        /// What.
        body: String,
    },
    /// Somebody attached a file, and its check has passed.
    File {
        /// Who.
        by: Speaker,
        /// The id by which it is fetched.
        attachment: String,
        /// Its name.
        filename: String,
        /// Its type.
        mime_type: String,
    },
    /// Somebody attached a file that Amazon Connect's check has refused.
    FileRejected {
        /// Who.
        by: Speaker,
        /// Its name.
        filename: String,
    },
    /// An agent came.
    Joined {
        /// Who.
        by: Speaker,
    },
    /// An agent went.
    Left {
        /// Who.
        by: Speaker,
    },
    /// An agent handed it to another, or to a queue.
    Transferred,
    /// A timer of the flow took somebody out.
    AutoDisconnected,
    /// The chat is over.
    Ended,
}

/// Who speaks in a contact, except the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speaker {
    /// Their id in the contact.
    pub participant: String,
    /// Their name; may be empty.
    pub name: String,
    /// What they are.
    pub role: SpeakerRole,
}

/// See [`Speaker::role`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpeakerRole {
    /// The agent whose contact it is.
    Agent,
    /// Somebody else who speaks there: a supervisor, the flow, a bot.
    Other,
}

impl Speaker {
    /// The name that the customer sees.
    pub fn shown(&self) -> String {
        let name = self.name.trim();
        match (name.is_empty(), self.role) {
            (false, _) => name.to_owned(),
            (true, SpeakerRole::Agent) => NAMELESS.to_owned(),
            (true, SpeakerRole::Other) => "Support".to_owned(),
        }
    }

    /// Whom the handoff belongs to that they have.
    pub fn as_owner(&self) -> String {
        format!("{}{WHERE}", self.shown())
    }
}

/// Whether this agent of a handoff is in Amazon Connect.
pub fn is_in_connect(agent: &str) -> bool {
    agent.ends_with(WHERE)
}

/// The name of a handoff's agent as the customer sees it.
pub fn customers_name(agent: &str) -> &str {
    agent.strip_suffix(WHERE).unwrap_or(agent)
}

/// The platform's id.
pub fn platform() -> PlatformId {
    PlatformId::from(AMAZON_CONNECT)
}

impl Contact {
    /// One that is to be made, until `gives_up_at`.
    pub const fn new(handoff: HandoffId, now: Time, gives_up_at: Time) -> Self {
        Self {
            handoff,
            state: ContactState::Starting,
            opening: None,
            opened_with: 0,
            gives_up_at,
            may_exist: false,
            made: None,
            parts_sent: None,
            attachments: 0,
            participants: BTreeMap::new(),
            agent_left_at: None,
            leaves_explained_at: Vec::new(),
            pending: Vec::new(),
            waits_since: None,
            release_at: None,
            newest_at: None,
            compared_at: now,
            compared_until: None,
            agent_is_told: false,
        }
    }

    /// Whether words from it count: the relay has not ended it.
    pub const fn is_live(&self) -> bool {
        matches!(self.state, ContactState::Starting | ContactState::Open)
    }

    /// When somebody must look at it.
    pub fn due_at(&self, policy: Option<&ContactPolicy>) -> Option<Time> {
        let grace = policy.map(|policy| policy.agent_left_grace).unwrap_or_default();
        let left = self.agent_left_at.filter(|_| self.is_live()).map(|left| left.ours + grace);
        let state = match self.state {
            ContactState::Starting => Some(self.gives_up_at),
            ContactState::Open | ContactState::Closing => Some(self.compared_at + REPAIR_EVERY),
            ContactState::Closed | ContactState::Failed => None,
        };
        [self.release_at, left, state].into_iter().flatten().min()
    }

    /// Whether it is time to compare it with its transcript. A process that has just begun has missed notifications.
    pub fn is_to_be_compared(&self, now: Time, began_at: Time) -> bool {
        let is_connected = self.made.as_ref().is_some_and(|made| made.connection.is_some());
        let is_old = self.compared_at < began_at || now.since(self.compared_at) >= REPAIR_EVERY;
        self.state == ContactState::Open && is_connected && is_old
    }

    /// Takes an item in, to wait for its quiet period. False if it waits already.
    pub fn take_in(&mut self, item: Item, now: Time) -> bool {
        if self.pending.iter().any(|known| known.id == item.id) {
            return false;
        }
        self.newest_at = self.newest_at.max(Some(item.at));
        let since = *self.waits_since.get_or_insert(now);
        self.release_at = Some((now + QUIET).min(since + QUIET_MAX));
        self.pending.push(item);
        true
    }

    /// What waits, in its order.
    pub fn in_order(&self) -> Vec<Item> {
        let mut items = self.pending.clone();
        items.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
        items
    }

    /// The row of an item: the same whenever and however often the item comes.
    pub fn row_of(&self, item: &Item) -> RowId {
        let contact = self.made.as_ref().map_or("", |made| made.id.as_str());
        row_of(&self.handoff, contact, &item.id)
    }

    /// The connection's token, if it is good for a while at `now`.
    pub fn connection_at(&self, now: Time) -> Option<&ContactToken> {
        let connection = self.made.as_ref()?.connection.as_ref()?;
        (connection.expires_at > now + Duration::from_mins(5)).then_some(&connection.token)
    }

    /// Whether an agent is in it.
    pub fn has_agent(&self) -> bool {
        self.participants.values().any(|participant| participant.is_here)
    }
}

/// A digest in the form of an id: what Amazon Connect calls an item is no path of ours.
fn row_of(handoff: &HandoffId, contact: &str, item: &str) -> RowId {
    let digest = Sha256::digest(format!("{handoff}\0{contact}\0{item}"));
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    RowId(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}
