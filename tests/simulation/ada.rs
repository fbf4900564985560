//! Ada, as far as the relay can tell: conversations, calls that go wrong, and what the end user sees.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use handoff_relay::{
    ada::{
        answer::Answer,
        api::{Ada, Says, Upload},
        limits::{LimitHeaders, Limits, Permit, Priority, Rates},
    },
    environment::Environment,
    relay::{
        delivery::{Failure, MessagePage, Receipt, ShownAuthor, UploadedFile},
        event::Message,
        handoff::Profile,
        id::{ConversationId, ConversationKey, MessageId},
        thread::{Author, Content, Role},
        time::{Offset, Time},
        waiting_room::Shown,
    },
};
use reqwest::StatusCode;
use tokio::time::sleep;

use crate::dice::Dice;

/// What a call to Ada waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Why a call is refused for good.
pub const REFUSED: &str = "refused";
/// Why a call is refused outside of handoffs.
pub const NO_HANDOFF: &str = "not in a handoff";
/// Messages on a page of the list.
const PAGE: usize = 5;

/// One message as Ada keeps it.
#[derive(Clone, Debug)]
pub struct Stored {
    pub number: usize,
    pub at: Time,
    pub role: Role,
    pub body: String,
    /// The handoff it was stored in, counted from 1; 0 in none.
    pub handoff: u32,
}

#[derive(Default)]
pub struct Conversation {
    pub messages: Vec<Stored>,
    /// The running handoff, or the last one.
    pub handoff: u32,
    pub in_handoff: bool,
    /// Ada acts on the answer to its start call only then.
    pub begins_at: Time,
    pub over: bool,
}

/// Something that Ada tells by webhook.
#[derive(Clone, Debug)]
pub enum News {
    Message(Stored),
    /// With its number.
    HandoffEnded(u32),
    ConversationEnded,
}

struct Truth {
    conversations: BTreeMap<String, Conversation>,
    newest: Time,
    numbers: usize,
    /// Told, and not yet on its way.
    news: Vec<(String, Time, News)>,
}

pub struct SimAda {
    environment: Arc<dyn Environment>,
    limits: Arc<Limits>,
    dice: Dice,
    /// Ada's clock minus ours, and what the relay believes it is.
    skew: Offset,
    offset: Offset,
    /// Whether answer, list and webhook call a message the same.
    same_ids: bool,
    /// How many calls of a hundred go wrong.
    faults: Mutex<u64>,
    broken: Mutex<Broken>,
    /// When calls reached Ada.
    calls: Mutex<Vec<Time>>,
    /// Until then nobody reaches it.
    away_until: Mutex<Time>,
    truth: Mutex<Truth>,
}

/// What goes wrong without chance.
#[derive(Default)]
struct Broken {
    all: Option<Fault>,
    hung: BTreeSet<String>,
}

/// How a call goes.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Refused,
    Throttled(Option<u64>),
    Denied,
    Unreached,
    /// No answer, a broken one, or a 5xx, and whether it was done all the same.
    Unclear {
        done: bool,
        hangs: bool,
    },
}

impl SimAda {
    pub fn new(environment: Arc<dyn Environment>, dice: Dice) -> Arc<Self> {
        let offset = dice.one_of(&[0_i64, 0, 90_000, -45_000, 400]) * 1_000;
        let error = dice.one_of(&[0_i64, 0, 300, -300]) * 1_000;
        let rates = Rates { per_second: 10, per_minute: 100 };
        Arc::new(Self {
            limits: Limits::new(rates, Arc::clone(&environment)),
            environment,
            skew: Offset::from_micros(offset),
            offset: Offset::from_micros(offset + error),
            same_ids: dice.percent(50),
            faults: Mutex::new(dice.one_of(&[0, 10, 40])),
            broken: Mutex::default(),
            calls: Mutex::default(),
            away_until: Mutex::new(Time::default()),
            dice,
            truth: Mutex::new(Truth {
                conversations: BTreeMap::new(),
                newest: Time::default(),
                numbers: 0,
                news: Vec::new(),
            }),
        })
    }

    /// From now on nothing goes wrong.
    pub fn calm(&self) {
        *self.faults.lock().unwrap() = 0;
        *self.away_until.lock().unwrap() = Time::default();
    }

    /// For so long nobody reaches it.
    pub fn goes_away(&self, time: Duration) {
        *self.away_until.lock().unwrap() = self.environment.now() + time;
    }

    /// Every call goes wrong in this way, until `None` does.
    pub fn breaks(&self, fault: Option<Fault>) {
        self.broken.lock().unwrap().all = fault;
    }

    /// Calls about this conversation get no answer.
    pub fn hangs(&self, id: &str) {
        self.broken.lock().unwrap().hung.insert(id.to_owned());
    }

    /// When calls reached Ada.
    pub fn calls(&self) -> Vec<Time> {
        self.calls.lock().unwrap().clone()
    }

    fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap()
    }

    /// Looks at a conversation.
    pub fn look<T>(&self, id: &str, look: impl FnOnce(&mut Conversation) -> T) -> T {
        look(self.truth().conversations.entry(id.to_owned()).or_default())
    }

    pub fn news(&self) -> Vec<(String, Time, News)> {
        std::mem::take(&mut self.truth().news)
    }

    /// The present instant by Ada's clock, never the same twice.
    fn tick(&self, truth: &mut Truth) -> Time {
        let now = self.environment.now().shifted(self.skew).floor_millis();
        truth.newest = now.max(truth.newest + Duration::from_millis(1));
        truth.newest
    }

    /// A handoff begins at Ada, after a while. Gives its number.
    pub fn begins(&self, id: &str, after: Duration) -> u32 {
        let begins_at = self.environment.now() + after;
        self.look(id, |conversation| {
            conversation.handoff += 1;
            conversation.in_handoff = true;
            conversation.begins_at = begins_at;
            conversation.handoff
        })
    }

    /// Somebody writes. It is told by webhook if it is in a handoff.
    pub fn writes(&self, id: &str, role: Role, body: &str) -> Stored {
        let mut truth = self.truth();
        let at = self.tick(&mut truth);
        truth.numbers += 1;
        let number = truth.numbers;
        let conversation = truth.conversations.entry(id.to_owned()).or_default();
        let handoff = if conversation.in_handoff { conversation.handoff } else { 0 };
        let stored = Stored { number, at, role, body: body.to_owned(), handoff };
        conversation.messages.push(stored.clone());
        if handoff > 0 {
            truth.news.push((id.to_owned(), at, News::Message(stored.clone())));
        }
        stored
    }

    /// The handoff ends, if one runs.
    pub fn ends(&self, id: &str, whole: bool) -> bool {
        let mut truth = self.truth();
        let at = self.tick(&mut truth);
        let conversation = truth.conversations.entry(id.to_owned()).or_default();
        let ran = std::mem::take(&mut conversation.in_handoff);
        conversation.over |= whole;
        if ran {
            let number = conversation.handoff;
            truth.news.push((id.to_owned(), at, News::HandoffEnded(number)));
        }
        if whole {
            let at = self.tick(&mut truth);
            truth.news.push((id.to_owned(), at, News::ConversationEnded));
        }
        ran
    }

    /// What Ada calls a message in answers, lists and webhooks.
    pub fn id(&self, number: usize, place: &str) -> String {
        if self.same_ids { format!("m-{number}") } else { format!("{place}-{number}") }
    }

    fn fault(&self, id: &str) -> Option<Fault> {
        let Broken { all, hung } = &*self.broken.lock().unwrap();
        if hung.contains(id) {
            return Some(Fault::Unclear { done: false, hangs: true });
        }
        if all.is_some() {
            return *all;
        }
        if self.environment.now() < *self.away_until.lock().unwrap() {
            return Some(Fault::Unreached);
        }
        if !self.dice.percent(*self.faults.lock().unwrap()) {
            return None;
        }
        let done = self.dice.percent(50);
        Some(match self.dice.below(11) {
            0 => Fault::Throttled(None),
            1 => Fault::Throttled(Some(self.dice.below(5))),
            2 => Fault::Denied,
            3 | 4 => Fault::Unreached,
            5 | 6 => Fault::Unclear { done, hangs: true },
            7 => Fault::Refused,
            _ => Fault::Unclear { done, hangs: false },
        })
    }

    /// Makes a call: some time there, `act`, some time back, or whatever goes wrong with it.
    async fn call<T>(
        &self,
        permit: Permit,
        id: &ConversationId,
        act: impl FnOnce() -> Result<T, Failure> + Send,
    ) -> Answer<T> {
        let reason = || "simulated".to_owned();
        let fault = self.fault(id.as_str());
        if matches!(fault, Some(Fault::Unreached)) {
            sleep(self.dice.millis(1, 2_000)).await;
            permit.answered(LimitHeaders::default(), None);
            return Answer { outcome: Err(Failure::Unreached(reason())), answered_at: None };
        }
        sleep(self.dice.millis(1, 150)).await;
        self.calls.lock().unwrap().push(self.environment.now());
        let (status, retry_after, outcome) = match fault {
            None => {
                let outcome = act();
                (if outcome.is_ok() { 201 } else { 422 }, None, outcome)
            }
            Some(Fault::Throttled(seconds)) => {
                let retry_after = seconds.map(Duration::from_secs);
                (429, retry_after, Err(Failure::Throttled { reason: reason(), retry_after }))
            }
            Some(Fault::Denied) => (401, None, Err(Failure::Denied(reason()))),
            Some(Fault::Refused) => (400, None, Err(Failure::Refused(REFUSED.to_owned()))),
            Some(Fault::Unclear { done, hangs }) => {
                if done {
                    drop(act());
                }
                if hangs {
                    sleep(TIMEOUT).await;
                    permit.answered(LimitHeaders::default(), None);
                    return Answer { outcome: Err(Failure::Unclear(reason())), answered_at: None };
                }
                (500, None, Err(Failure::Unclear(reason())))
            }
            Some(Fault::Unreached) => unreachable!("answered above"),
        };
        sleep(self.dice.millis(1, 150)).await;
        let limit_headers = LimitHeaders {
            status: StatusCode::from_u16(status).ok(),
            retry_after,
            ..LimitHeaders::default()
        };
        permit.answered(limit_headers, outcome.as_ref().err().map(Failure::reason));
        // A `Date` is cut to the second.
        let date = self.environment.now().shifted(self.skew).second();
        Answer { outcome, answered_at: Some(Time::from_millis(date * 1_000)) }
    }

    fn takes(&self, id: &str) -> Result<(), Failure> {
        let now = self.environment.now();
        let takes = self.look(id, |conversation| conversation.in_handoff && now >= conversation.begins_at);
        if takes { Ok(()) } else { Err(Failure::NoHandoff(NO_HANDOFF.to_owned())) }
    }
}

#[async_trait]
impl Ada for SimAda {
    async fn turn(&self, priority: Priority) -> Permit {
        self.limits.turn(priority).await
    }

    async fn send_message(
        &self,
        permit: Permit,
        key: &ConversationKey,
        _by: &ShownAuthor,
        says: Says<'_>,
    ) -> Answer<Receipt> {
        let stores = || {
            self.takes(key.conversation.as_str())?;
            let text = match says {
                Says::Text(text) => text,
                Says::File(file) => &file.url,
            };
            let stored = self.writes(key.conversation.as_str(), Role::HumanAgent, text);
            let id = self.id(stored.number, "answer");
            Ok(Receipt { message_id: Some(MessageId(id)), created_at: Some(stored.at) })
        };
        self.call(permit, &key.conversation, stores).await
    }

    async fn upload(&self, permit: Permit, key: &ConversationKey, file: Upload) -> Answer<UploadedFile> {
        let takes = || {
            self.takes(key.conversation.as_str())?;
            let Upload { filename, mime_type, .. } = file;
            Ok(UploadedFile { url: filename.clone(), filename, mime_type })
        };
        self.call(permit, &key.conversation, takes).await
    }

    async fn end_handoff(&self, permit: Permit, key: &ConversationKey) -> Answer<Receipt> {
        let ends = || {
            self.takes(key.conversation.as_str())?;
            self.ends(key.conversation.as_str(), false);
            Ok(Receipt::default())
        };
        self.call(permit, &key.conversation, ends).await
    }

    async fn list_messages(
        &self,
        permit: Permit,
        _priority: Priority,
        key: &ConversationKey,
        from: Option<&str>,
    ) -> Answer<MessagePage> {
        let from: usize = from.and_then(|page| page.parse().ok()).unwrap_or(0);
        let lists = || {
            Ok(self.look(key.conversation.as_str(), |known| {
                let rest = known.messages.get(from..).unwrap_or_default();
                let page = &rest[..rest.len().min(2 * PAGE)];
                let more = rest.len() > page.len();
                let next = if more { from + page.len() } else { from + page.len() / PAGE * PAGE };
                let messages = page.iter().map(|stored| self.listed(stored)).collect();
                MessagePage { messages, page: Some(next.to_string()), more }
            }))
        };
        self.call(permit, &key.conversation, lists).await
    }

    async fn is_over(&self, permit: Permit, key: &ConversationKey) -> Answer<bool> {
        let asks = || Ok(self.look(key.conversation.as_str(), |conversation| conversation.over));
        self.call(permit, &key.conversation, asks).await
    }

    async fn read_end_user(&self, permit: Permit, _: &str) -> Answer<Profile> {
        drop(permit);
        Answer { outcome: Ok(Profile::default()), answered_at: None }
    }

    async fn update_end_user(
        &self,
        permit: Permit,
        _: &str,
        _: &serde_json::Map<String, serde_json::Value>,
    ) -> Answer<()> {
        drop(permit);
        Answer { outcome: Ok(()), answered_at: None }
    }

    async fn update_conversation(
        &self,
        permit: Permit,
        _: &ConversationKey,
        _: &serde_json::Map<String, serde_json::Value>,
    ) -> Answer<()> {
        drop(permit);
        Answer { outcome: Ok(()), answered_at: None }
    }

    async fn show_banner(&self, permit: Permit, _: &ConversationKey, _: Shown) -> Answer<()> {
        drop(permit);
        Answer { outcome: Ok(()), answered_at: None }
    }

    fn offset(&self) -> Offset {
        self.offset
    }

    fn denied(&self) -> Option<String> {
        self.limits.denied()
    }
}

impl SimAda {
    /// Some can't be read: of the AI Agent's always the same ones, of human agents' one or another at times.
    fn listed(&self, stored: &Stored) -> Message {
        let message = self.message(stored, "list");
        let unreadable = match stored.role {
            Role::AiAgent => stored.number.is_multiple_of(3),
            Role::HumanAgent => self.dice.percent(10),
            _ => false,
        };
        if !unreadable {
            return message;
        }
        Message { content: Content::Unreadable { reason: "`content.body` is missing".to_owned() }, ..message }
    }

    fn message(&self, stored: &Stored, place: &str) -> Message {
        Message {
            id: MessageId(self.id(stored.number, place)),
            created_at: stored.at,
            author: Author { role: stored.role, display_name: None, avatar: None },
            content: Content::Text { body: stored.body.clone() },
        }
    }
}
