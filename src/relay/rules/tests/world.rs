//! A world of one conversation: Ada speaks, agents act, time passes, and deliveries go out.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::{
    books::Books,
    make::{at, key},
};
use crate::relay::{
    buffer::Timings,
    delivery::{
        Attachment, Delivery, Failure, FetchFailure, Job, MessagePage, Outgoing, Read, Receipt, UploadedFile,
        Write,
    },
    event::{Event, Message},
    handoff::{EndedBy, Handoff},
    id::{HandoffId, NewIds, RowId},
    platform::PlatformPolicy,
    policy::Timeout,
    policy::{Now, Policy},
    rule::Rule,
    rules::{
        act::{self, Refusal, TakeOver},
        arrive::{self, Arrival},
        attempt::{self, AttemptStart, Call, Step, Turn},
        expiry,
        file::{self, FetchResult},
        flush::{self, FlushReport},
        look::{self, Look},
        note, recover,
        replay::{self, ReplayRefusal},
        settle::{self, Attempt},
        start::{self, Caller, StartOutcome},
        time_out, write,
    },
    thread::{Content, Role, Row, Sending},
    time::{Offset, Time},
    transaction::Transaction,
    values::HandoffValues,
    waiting_room::WaitingRooms,
};

pub const ALEX: &str = "Alex";
pub const SAM: &str = "Sam";

struct Counting(u64);

impl NewIds for Counting {
    fn next(&mut self) -> String {
        self.0 += 1;
        format!("{:06}", self.0)
    }
}

/// See the module.
pub struct World {
    pub now: Now,
    pub policy: Policy,
    pub books: Books,
    ids: Counting,
}

impl World {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        let timings = Timings {
            quiet: Duration::from_millis(1_500),
            cap: Duration::from_millis(5_000),
            unknown_hold: Duration::from_secs(30),
        };
        let policy = Policy {
            timings,
            integration: "custom-handoff".to_owned(),
            domain: None,
            inbox_limit: 1_000,
            outbox_limit: 1_000,
            send_max_age: Duration::from_mins(15),
            began_at: Time::default(),
            recover_after: Duration::from_mins(2),
            waiting_timeout: timeout(15, "Nobody is free."),
            idle_timeout: timeout(10, "It is quiet."),
            language: None,
            gone_after: Duration::from_mins(3),
            waiting_rooms: WaitingRooms::default(),
            values: HandoffValues::default(),
            routing: Arc::default(),
            platforms: PlatformPolicy::default(),
        };
        let now = Now { at: at(0), offset: Offset::default() };
        Self { now, policy, books: Books::default(), ids: Counting(0) }
    }

    /// A handoff that Ada started at 0.
    pub fn started() -> Self {
        let mut world = Self::new();
        world.start();
        world
    }

    /// A handoff that Ada started at 0 and Alex has accepted; it is 20 s later now.
    pub fn accepted() -> Self {
        let mut world = Self::started();
        world.accept(ALEX, TakeOver::No).unwrap();
        world.clock(20_000);
        world
    }

    /// It is so many milliseconds after the beginning.
    pub fn clock(&mut self, millis: i64) -> &mut Self {
        self.now.at = at(millis);
        self
    }

    pub fn decide<T>(&mut self, rule: Rule<T>) -> T {
        let (scope, decide) = rule.into_parts();
        let view = self.books.view(&scope);
        let mut tx = Transaction::new(view, self.now, &self.policy, &mut self.ids);
        let answer = decide(&mut tx);
        let changes = tx.into_write_set();
        self.books.apply(changes);
        answer
    }

    // Ada speaks.

    pub fn start(&mut self) -> StartOutcome {
        self.start_with(Value::Null)
    }

    pub fn start_with(&mut self, context: Value) -> StartOutcome {
        let context = context.as_object().cloned().unwrap_or_else(Map::new);
        self.decide(start::call(key(), context, Caller::WithKey))
    }

    /// Anyone makes a start call, with a place left for a new handoff or not.
    pub fn anyone_starts(&mut self, context: Value, index: bool) -> StartOutcome {
        let context = context.as_object().cloned().unwrap_or_else(Map::new);
        self.decide(start::call(key(), context, Caller::Anyone(Box::new(move || index))))
    }

    pub fn receive(&mut self, event: Event) -> Arrival {
        let event = Event { received_at: self.now.at, ..event };
        self.decide(arrive::event(event))
    }

    /// A person tries the newest dead letter again, which holds an event.
    pub fn replays(&mut self) -> Result<Arrival, ReplayRefusal> {
        let letter = self.books.dead_letters.last().unwrap().clone();
        let event: Event = serde_json::from_str(&letter.body).unwrap();
        let event = Event { received_at: self.now.at, ..event };
        self.decide(replay::event(letter.id, event))
    }

    /// What is due leaves the inbox.
    pub fn release(&mut self) -> FlushReport {
        self.decide(flush::due(key()))
    }

    /// The events come, and it is quiet for long enough.
    pub fn hears(&mut self, events: impl IntoIterator<Item = Event>) -> FlushReport {
        for event in events {
            self.receive(event);
        }
        self.now.at = self.now.at + self.policy.timings.quiet;
        self.release()
    }

    /// The first delivery of this kind, and what to do about it now.
    fn begin(&mut self, kind: fn(&Job) -> bool) -> Option<(Delivery, Step)> {
        self.begin_the(|delivery| kind(&delivery.job))
    }

    /// The first such delivery, which is due, and whose holder is gone.
    fn begin_the(&mut self, which: impl Fn(&Delivery) -> bool) -> Option<(Delivery, Step)> {
        let head = self.books.outbox.iter_mut().find(|delivery| which(delivery))?;
        (head.due_at, head.claim) = (Time::default(), None);
        let head = head.clone();
        let begun = self.turn_comes(&head, "this process")?;
        Some((begun.delivery, begun.step))
    }

    /// It is somebody's turn who has waited for this delivery.
    pub fn turn_comes(&mut self, waited_for: &Delivery, holder: &str) -> Option<AttemptStart> {
        let turn = Turn { lane: waited_for.lane(), queue: waited_for.queue(), holder: holder.into() };
        self.decide(attempt::begin(turn))
    }

    /// The next message or end call, on its way now; `None` if there is none, or it isn't to be sent now.
    pub fn claim(&mut self) -> Option<Delivery> {
        let (delivery, step) = self.begin(is_write)?;
        matches!(step, Step::Write { call: Call::Send { .. } | Call::End, .. }).then_some(delivery)
    }

    pub fn settle(&mut self, delivery: Delivery, outcome: Result<Receipt, Failure>) {
        self.answered(delivery, outcome, None);
    }

    pub fn answered(&mut self, delivery: Delivery, outcome: Result<Receipt, Failure>, date: Option<Time>) {
        let began = self.now.at;
        let attempt = Attempt { delivery, began, outcome, answered_at: date, jitter: 1.0 };
        self.decide(settle::attempt(Arc::new(attempt)));
    }

    /// The file of the next message is brought to Ada, and this comes of it.
    pub fn uploads(&mut self, outcome: Result<UploadedFile, Failure>) {
        let delivery = self.begins_upload();
        self.uploaded(delivery, outcome);
    }

    pub fn begins_upload(&mut self) -> Delivery {
        let (delivery, step) = self.begin(is_write).unwrap();
        assert!(matches!(step, Step::Write { call: Call::Upload { .. }, .. }), "{step:?}");
        delivery
    }

    pub fn uploaded(&mut self, delivery: Delivery, outcome: Result<UploadedFile, Failure>) {
        let began = self.now.at;
        let attempt = Attempt { delivery, began, outcome, answered_at: None, jitter: 1.0 };
        self.decide(settle::upload(Arc::new(attempt)));
    }

    /// The file of the row that `says` it is fetched; and this comes of it. Gives where from.
    pub fn fetches(
        &mut self,
        filename: &str,
        outcome: Result<u64, FetchFailure>,
        renewed: Option<&str>,
    ) -> Option<String> {
        let row = Some(self.file(filename).id.clone());
        let (delivery, step) = self.begin_the(|delivery| delivery.job.row() == row.as_ref()).unwrap();
        let Step::Fetch { row } = step else { unreachable!("{step:?}") };
        let renewed = renewed.map(str::to_owned);
        let fetched = FetchResult { delivery, outcome, renewed, jitter: 1.0 };
        self.decide(file::settle(Arc::new(fetched)));
        match row.content {
            Content::File { source_url, .. } => source_url,
            _ => None,
        }
    }

    /// The ages of the newest handoff's messages are looked at.
    pub fn ages(&mut self) {
        let id = self.id();
        self.decide(expiry::due(id, std::collections::BTreeMap::new()));
    }

    /// The process ends, and another begins on what it left.
    pub fn restarts(&mut self) {
        self.policy.began_at = self.now.at;
    }

    /// The next delivery is tried, and this comes of it.
    pub fn tries(&mut self, outcome: Result<Receipt, Failure>) {
        let delivery = self.claim().unwrap();
        self.settle(delivery, outcome);
    }

    /// The grace is over, the message in doubt is looked for, and this is Ada's list.
    pub fn looks(&mut self, outcome: Result<&[Message], Failure>) {
        self.now.at = self.now.at + attempt::ECHO_GRACE;
        let (delivery, step) = self.begin(is_write).unwrap();
        assert!(matches!(step, Step::Look { .. }), "{step:?}");
        self.looked(delivery, outcome.map(whole), false);
    }

    pub fn looked(&mut self, delivery: Delivery, outcome: Result<MessagePage, Failure>, is_over: bool) {
        let of_it = |handoff: &&Handoff| handoff.id == delivery.handoff;
        let from = self.books.handoffs.iter().find(of_it).and_then(|handoff| handoff.listed.page.clone());
        self.looked_from(from, delivery, outcome, is_over);
    }

    /// The same of a reading that began at this page.
    pub fn looked_from(
        &mut self,
        from: Option<String>,
        delivery: Delivery,
        outcome: Result<MessagePage, Failure>,
        is_over: bool,
    ) {
        let look = Look { delivery, from, outcome, is_over, answered_at: None, jitter: 1.0 };
        self.decide(look::settle(Arc::new(look)));
    }

    /// Ada's message list is read for the newest handoff, whether that is queued or not.
    pub fn lists(&mut self, messages: &[Message]) {
        let delivery = match self.begin(is_read) {
            Some((delivery, _)) => delivery,
            None => self.unasked(),
        };
        self.looked(delivery, Ok(whole(messages)), false);
    }

    /// A reading of the newest handoff's list that nobody has asked for.
    pub fn unasked(&self) -> Delivery {
        Delivery::new("none".into(), self.id(), key(), Read::Transcript.into(), self.now.at)
    }

    /// The next reading of a list, on its way now.
    pub fn begins_to_read(&mut self) -> Delivery {
        self.begin(is_read).unwrap().0
    }

    /// The message list can't be read.
    pub fn cannot_list(&mut self, failure: &Failure) {
        let delivery = self.begins_to_read();
        self.looked(delivery, Err(failure.clone()), false);
    }

    /// The newest handoff is looked after: this is Ada's list, and whether the conversation is over.
    pub fn recovers(&mut self, missed_before: Option<Time>, messages: &[Message], is_over: bool) {
        self.asks_for(missed_before);
        loop {
            let delivery = self.begins_to_read();
            let last = matches!(delivery.job, Job::Read(Read::Recover { .. }));
            self.looked(delivery, Ok(whole(messages)), last && is_over);
            if last {
                return;
            }
        }
    }

    /// An agent opens the newest handoff.
    pub fn asks_to_recover(&mut self) {
        self.asks_for(None);
    }

    /// An agent opens the newest handoff, which is over.
    pub fn asks_to_recover_in_vain(&mut self) {
        let id = self.id();
        let asked = self.decide(recover::open_handoff(id, None));
        assert_eq!(asked, None);
    }

    /// The newest handoff is to be read; what is from before this time is missed.
    pub fn asks_for(&mut self, missed_before: Option<Time>) {
        let id = self.id();
        self.decide(recover::open_handoff(id, missed_before)).unwrap();
    }

    /// The clock of the newest handoff's timeout is looked at.
    pub fn ticks(&mut self) {
        let id = self.id();
        self.decide(time_out::due(id));
    }

    // Agents act on the newest handoff.

    pub fn accept(&mut self, agent: &str, take_over: TakeOver) -> Result<Handoff, Refusal> {
        let id = self.id();
        self.decide(act::accept(id, agent.to_owned(), take_over))
    }

    pub fn give_back(&mut self, agent: &str) -> Result<Handoff, Refusal> {
        let id = self.id();
        self.decide(act::release(id, agent.to_owned(), None))
    }

    pub fn end(&mut self, agent: &str) -> Result<Handoff, Refusal> {
        let id = self.id();
        self.decide(act::end(id, agent.to_owned(), act::Ending::default()))
    }

    pub fn read(&mut self, seq: u64) -> Result<(), Refusal> {
        let id = self.id();
        self.decide(act::read(id, seq))
    }

    pub fn writes(&mut self, agent: &str, body: &str) -> Result<Row, Refusal> {
        self.asks(agent, body, None)
    }

    pub fn asks(&mut self, agent: &str, body: &str, key: Option<&str>) -> Result<Row, Refusal> {
        let id = self.id();
        let idempotency = key.map(|key| (key.to_owned(), body.to_owned()));
        let by = write::Request { agent: agent.to_owned(), idempotency, author: None };
        let message = write::AgentMessage { by, text: body.to_owned() };
        self.decide(write::message(id, message))
    }

    /// An agent sends a PNG of 9 bytes, with words or without.
    pub fn sends_file(&mut self, agent: &str, filename: &str, text: Option<&str>) -> Result<Row, Refusal> {
        let id = self.id();
        let by = write::Request { agent: agent.to_owned(), idempotency: None, author: None };
        let (filename, mime_type) = (filename.to_owned(), "image/png".to_owned());
        let file = Attachment { filename, mime_type, size: 9, uploaded: None };
        let row = RowId(self.ids.next());
        let message = write::AgentFile { by, row, file, text: text.map(str::to_owned) };
        self.decide(write::file(id, message))
    }

    pub fn notes(&mut self, agent: &str, body: &str, key: Option<&str>) -> Result<Row, Refusal> {
        let id = self.id();
        let idempotency = key.map(|key| (key.to_owned(), body.to_owned()));
        let by = write::Request { agent: agent.to_owned(), idempotency, author: None };
        let message = write::AgentMessage { by, text: body.to_owned() };
        self.decide(note::note(id, message))
    }

    pub fn retry(&mut self, row: &RowId, agent: &str) -> Result<Row, Refusal> {
        let id = self.id();
        self.decide(write::retry(id, row.clone(), agent.to_owned()))
    }

    pub fn drop_row(&mut self, row: &RowId, agent: &str) -> Result<(), Refusal> {
        let id = self.id();
        self.decide(write::drop(id, row.clone(), agent.to_owned()))
    }

    // What is to be seen.

    fn id(&self) -> HandoffId {
        self.books.handoffs.last().map_or("none".into(), |handoff| handoff.id.clone())
    }

    /// The newest handoff.
    pub fn handoff(&self) -> &Handoff {
        self.books.handoffs.last().unwrap()
    }

    pub fn ended_by(&self, index: usize) -> Option<EndedBy> {
        self.books.handoffs[index].end().map(|end| end.by)
    }

    /// The thread of the handoff in this place, as readers see it.
    pub fn thread(&self, index: usize) -> Vec<&Row> {
        let owner = &self.books.handoffs[index].id;
        let mut rows: Vec<&Row> = self.books.rows.iter().filter(|row| row.handoff == *owner).collect();
        rows.sort_by_key(|row| (row.at, row.seq));
        rows
    }

    /// What was said in it, without the relay's own lines.
    pub fn said(&self, index: usize) -> Vec<&str> {
        let rows = self.thread(index).into_iter().filter(|row| row.author.role != Role::System);
        rows.filter_map(|row| body(&row.content)).collect()
    }

    /// The row that says this, wherever it is; the first if there are several.
    pub fn row(&self, said: &str) -> &Row {
        self.books.rows.iter().find(|row| body(&row.content) == Some(said)).unwrap()
    }

    /// The row with a file of this name.
    pub fn file(&self, name: &str) -> &Row {
        let named = |row: &&Row| matches!(&row.content, Content::File { filename, .. } if filename == name);
        self.books.rows.iter().find(named).unwrap()
    }

    pub fn sending(&self, said: &str) -> Sending {
        self.row(said).sending.clone().unwrap()
    }

    /// What waits to go to the end user: words, or `(end)`.
    pub fn queue(&self) -> Vec<&str> {
        let waits = self.books.outbox.iter().filter_map(|delivery| match &delivery.job {
            Job::Write(Write::Send { what: Outgoing::Text { text }, .. }) => Some(text.as_str()),
            Job::Write(Write::Send { what: Outgoing::File { file }, .. }) => Some(file.filename.as_str()),
            Job::Write(Write::End { .. }) => Some("(end)"),
            Job::Read(_) | Job::Fetch(_) | Job::Notify(_) | Job::Update(_) => None,
        });
        waits.collect()
    }
}

const fn is_write(job: &Job) -> bool {
    matches!(job, Job::Write(_))
}

const fn is_read(job: &Job) -> bool {
    matches!(job, Job::Read(_))
}

/// So many minutes, and these words.
fn timeout(minutes: u64, text: &str) -> Option<Timeout> {
    Some(Timeout { after: Duration::from_mins(minutes), text: Some(text.to_owned()) })
}

/// All there is to read.
pub fn whole(messages: &[Message]) -> MessagePage {
    MessagePage { messages: messages.to_vec(), page: Some("last".to_owned()), more: false }
}

fn body(content: &Content) -> Option<&str> {
    match content {
        Content::Text { body } => Some(body),
        _ => None,
    }
}
