//! What everyone knows at the end, side by side: the customers' conversations, what agents were promised, and
//! the relay's threads.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use sandbox::{Role, Sandbox, SentFile, StoredMessage};
use serde_json::Value;

use super::crowd::{TO_AGENTS, TO_CUSTOMERS};
use crate::{parcel::sha256, platform::Platform, relay::Relay};

/// A message of an agent's that the relay has taken.
pub struct Written {
    pub handoff: String,
    /// The text, or the file's name.
    pub what: String,
    /// The file's.
    pub sha256: Option<String>,
}

/// A conversation, and what an agent wrote in it, in order.
pub struct Account {
    pub chat: String,
    pub written: Vec<Written>,
}

impl Account {
    pub const fn of(chat: String) -> Self {
        Self { chat, written: Vec::new() }
    }
}

/// What was counted, and what doesn't agree.
#[derive(Default)]
pub struct Books {
    handoffs: usize,
    from_customers: usize,
    written: usize,
    confirmed: usize,
    failed: usize,
    files_from_customers: usize,
    files_written: usize,
    told: usize,
    told_again: usize,
    ledger: HashMap<&'static str, u64>,
    /// Where the bytes of files are: `{handoff}/{row}`.
    pub files: BTreeSet<String>,
    /// What came out, and of which queue.
    pub dequeued: Vec<(&'static str, String)>,
    /// What became of each message of an agent's that was taken on: whether the customer has it.
    pub outcomes: Vec<(String, bool)>,
    pub differences: Vec<String>,
}

impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handoffs, from_customers, written, confirmed, failed, ledger, .. } = self;
        let (theirs, ours) = (self.files_from_customers, self.files_written);
        let of = |name| ledger.get(name).copied().unwrap_or_default();
        write!(
            f,
            "{handoffs} handoffs, {from_customers} messages of customers ({theirs} files; {} recovered, {} late, \
             {} duplicates), {written} of agents ({ours} files; {confirmed} confirmed, {failed} failed with \
             their handoff), {} events for the platform, and {} again",
            of("recovered"),
            of("late"),
            of("duplicates"),
            self.told,
            self.told_again,
        )
    }
}

/// One handoff as the relay has it; rows as readers show them.
struct Thread {
    id: String,
    status: String,
    /// As the list shows it.
    handoff: Value,
    rows: Vec<Value>,
}

impl Thread {
    /// For people: when it was, and how it ended.
    fn life(&self) -> String {
        let [began, ended, by] = ["created_at", "ended_at", "ended_by"].map(|name| &self.handoff[name]);
        format!("{} from {began} to {ended} ({by})", self.id)
    }
}

impl Books {
    pub async fn compare(relay: &Relay, ada: &Sandbox, platform: &Platform, accounts: &[Account]) -> Self {
        let mut books = Self::default();
        for account in accounts {
            let threads = books.threads(relay, &account.chat).await;
            let said = ada.messages(&account.chat);
            let files = ada.files_sent_to(&account.chat);
            books.compare_customer(&said, &threads);
            books.compare_agent(&said, &threads, &account.written);
            for thread in &threads {
                books.compare_order(&said, thread);
                books.compare_platform(platform, thread);
                books.compare_files(relay, &files, &account.written, thread).await;
            }
        }
        books
    }

    async fn threads(&mut self, relay: &Relay, chat: &str) -> Vec<Thread> {
        let list = relay.get(&format!("/api/handoffs?conversation_id={chat}&limit=200")).await;
        self.check(list["next_cursor"].is_null(), || "too many handoffs for one page".to_owned());
        let mut threads = Vec::new();
        for handoff in list["data"].as_array().unwrap() {
            let id = handoff["id"].as_str().unwrap().to_owned();
            let ledger = relay.get(&format!("/api/handoffs/{id}/ledger")).await;
            self.check(ledger["lost"] == 0, || format!("lost in {id}: {ledger}"));
            for name in ["recovered", "late", "duplicates"] {
                *self.ledger.entry(name).or_default() += ledger[name].as_u64().unwrap();
            }
            let rows = relay.thread(&id).await;
            let mut numbers: Vec<u64> = rows.iter().map(|row| row["seq"].as_u64().unwrap()).collect();
            numbers.sort_unstable();
            let counted = numbers.iter().copied().eq(1..=rows.len() as u64);
            self.check(counted, || format!("seq in {id}: {numbers:?}"));
            let status = handoff["status"].as_str().unwrap().to_owned();
            threads.push(Thread { id, status, handoff: handoff.clone(), rows });
        }
        self.handoffs += threads.len();
        threads
    }

    /// What a customer said to people stands in one thread, once; what they said to the machine came by no
    /// webhook.
    fn compare_customer(&mut self, said: &[StoredMessage], threads: &[Thread]) {
        let rows = threads.iter().flat_map(|thread| &thread.rows);
        let live = rows.filter(|row| {
            row["author"]["role"] == "end_user"
                && (row["source"] == "webhook" || row["source"] == "recovered")
        });
        self.dequeued.extend(live.filter_map(|row| Some((TO_AGENTS, body(row)?.to_owned()))));
        for message in said.iter().filter(|message| message.role == Role::EndUser) {
            let text = what(message).unwrap();
            let places = |sources: &[&str]| {
                let rows = threads.iter().flat_map(|thread| {
                    let rows = thread.rows.iter().filter(|row| body(row) == Some(text));
                    rows.map(|row| (thread.id.clone(), row["source"].as_str().unwrap().to_owned()))
                });
                rows.filter(|(_, source)| sources.contains(&source.as_str())).collect::<Vec<_>>()
            };
            if message.in_handoff {
                self.from_customers += 1;
                self.files_from_customers += usize::from(message.file.is_some());
                let live = places(&["webhook", "recovered"]);
                self.check(live.len() == 1, || {
                    let lives: Vec<String> = threads.iter().map(Thread::life).collect();
                    let other = places(&["transcript"]);
                    format!("{text} of {}: {live:?}, and {other:?} of {lives:#?}", message.created_at)
                });
            } else {
                let heard = places(&["webhook"]);
                self.check(heard.is_empty(), || format!("{text}, said to the AI Agent: {heard:?}"));
            }
        }
    }

    /// What an agent was promised is at the customer's, once and in order, or failed with a handoff that ended.
    fn compare_agent(&mut self, said: &[StoredMessage], threads: &[Thread], written: &[Written]) {
        let mut confirmed = Vec::new();
        for Written { handoff, what: text, sha256 } in written {
            self.files_written += usize::from(sha256.is_some());
            let rows: Vec<_> = ours(threads).filter(|(_, row)| body(row) == Some(text)).collect();
            let [(thread, row)] = rows[..] else {
                self.differences.push(format!("{text} stands {} times", rows.len()));
                continue;
            };
            self.check(thread.id == *handoff, || {
                format!("{text} was written in {handoff}, stands in {}", thread.id)
            });
            let delivery = &row["delivery"];
            match delivery["state"].as_str() {
                Some("confirmed") => {
                    confirmed.push(text.as_str());
                    self.outcomes.push((text.clone(), true));
                }
                Some("failed") => {
                    self.outcomes.push((text.clone(), false));
                    self.failed += 1;
                    let why = delivery["error"].as_str().unwrap_or_default();
                    let stored = said.iter().find(|message| what(message) == Some(text));
                    self.check(stored.is_none(), || {
                        let ends = thread.rows.iter().filter(|row| row["content"]["type"] == "event");
                        format!(
                            "{row} failed, but the customer has {stored:?}: {:#?}",
                            ends.collect::<Vec<_>>()
                        )
                    });
                    let is_told = thread.status == "ended" && !why.is_empty();
                    self.check(is_told, || {
                        format!("{text} failed in a handoff that is {}: {why}", thread.status)
                    });
                }
                _ => self.differences.push(format!("{text} is {delivery}")),
            }
        }
        self.written += written.len();
        self.confirmed += confirmed.len();
        self.check(ours(threads).count() == written.len(), || "rows that nobody wrote".to_owned());
        let seen = texts(said, Role::HumanAgent);
        self.dequeued.extend(seen.iter().map(|text| (TO_CUSTOMERS, (*text).to_owned())));
        self.check(seen == confirmed, || format!("the customer has {seen:?}\nthe agent sees {confirmed:?}"));
    }

    /// Readers see what was said in the order in which the customer did, and nothing twice.
    fn compare_order(&mut self, said: &[StoredMessage], thread: &Thread) {
        let is_failed = |row: &Value| row["delivery"]["state"] == "failed";
        let people = thread.rows.iter().filter(|row| {
            let role = &row["author"]["role"];
            (role == "end_user" || role == "human_agent") && !is_failed(row)
        });
        let read: Vec<&str> = people.filter_map(body).collect();
        let order: HashMap<&str, usize> =
            said.iter().enumerate().filter_map(|(place, message)| Some((what(message)?, place))).collect();
        let places: Vec<_> = read.iter().map(|text| order.get(text)).collect();
        let increases = places.windows(2).all(|pair| pair[0] < pair[1]);
        self.check(increases && !places.contains(&None), || format!("order in {}: {read:?}", thread.id));
        let foreign = thread.rows.iter().filter(|row| row["author"]["role"] == "human_agent");
        let foreign: Vec<_> = foreign.filter(|row| row["source"] == "webhook").filter_map(body).collect();
        self.check(foreign.is_empty(), || {
            format!("taken for another system's in {}: {foreign:?}", thread.id)
        });
    }

    /// A platform is told everything at least once, in order and with no gap in the numbers.
    fn compare_platform(&mut self, platform: &Platform, thread: &Thread) {
        let (told, again) = platform.told(&thread.id);
        self.told += told.len();
        self.told_again += again;
        let numbers: Vec<u64> =
            told.iter().map(|event| event["data"]["sequence"].as_u64().unwrap()).collect();
        let counts = numbers.iter().copied().eq(1..=told.len() as u64);
        self.check(counts, || format!("the platform's events of {}: {numbers:?}", thread.id));
        let has = |row: &&Value| told.iter().any(|event| event["data"]["id"] == row["id"]);
        let untold: Vec<&Value> = thread
            .rows
            .iter()
            .filter(|row| row["content"]["type"] != "event")
            .filter(|row| !has(row))
            .collect();
        self.check(untold.is_empty(), || format!("the platform was never told of {untold:?}"));
        let last =
            told.iter().rev().find(|event| event["type"].as_str().unwrap().starts_with("handoff.ended"));
        let is_ended = thread.status == "ended";
        self.check(last.is_some() == is_ended, || {
            format!("{} is {}, and the platform has {last:?}", thread.id, thread.status)
        });
    }

    /// What the relay keeps for each file, and what the customer has of an agent's, is what was sent.
    async fn compare_files(
        &mut self,
        relay: &Relay,
        files: &[SentFile],
        written: &[Written],
        thread: &Thread,
    ) {
        for row in thread.rows.iter().filter(|row| row["content"]["type"] == "file") {
            let name = body(row).unwrap();
            if row["content"]["state"] != "kept" {
                self.differences.push(format!("{name} is not kept: {row}"));
                continue;
            }
            let at_ada = files.iter().find(|file| file.filename == name).map(|file| file.sha256.as_str());
            let sent = written.iter().find(|written| written.what == name);
            let sent = sent.and_then(|written| written.sha256.as_deref());
            let here = sha256(&relay.download(row).await);
            let agree = [at_ada, sent].into_iter().flatten().all(|sha256| sha256 == here);
            self.check(agree, || format!("{name}: here {here}, at Ada {at_ada:?}, sent {sent:?}"));
            self.files.insert(format!("{}/{}", thread.id, row["id"].as_str().unwrap()));
        }
    }

    fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.differences.push(what());
        }
    }
}

/// The words of a row, or the name of its file.
fn body(row: &Value) -> Option<&str> {
    said_in(&row["content"])
}

/// The same of a message.
fn what(message: &StoredMessage) -> Option<&str> {
    said_in(&message.content)
}

fn said_in(content: &Value) -> Option<&str> {
    content["body"].as_str().or(content["filename"].as_str())
}

/// The rows that agents of ours have written.
fn ours(threads: &[Thread]) -> impl Iterator<Item = (&Thread, &Value)> {
    let rows = threads.iter().flat_map(|thread| thread.rows.iter().map(move |row| (thread, row)));
    rows.filter(|(_, row)| row["source"] == "agent")
}

fn texts(said: &[StoredMessage], role: Role) -> Vec<&str> {
    said.iter().filter(|message| message.role == role).filter_map(what).collect()
}
