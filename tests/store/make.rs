//! Things to store, and short ways to store and see them.

use std::time::Duration;

use handoff_relay::{
    relay::{
        changes::{DeadLetter, LetterKind, Scope, View, WriteSet},
        contact::{Contact, ContactState, ContactToken, MadeContact},
        delivery::{Class, Delivery, Destination, Fetch, Job, Outgoing, Queue, Read, ShownAuthor, Write},
        event::{Event, EventKind, Message},
        handoff::{AdaEnd, End, EndedBy, Handoff, Origin, Status},
        id::{ConversationKey, HandoffId},
        idle::Idle,
        matching::MatchKey,
        thread::{AdaIds, Author, Content, Role, Row, Source},
        time::Time,
    },
    store::{Due, PurgeProgress, RetentionPeriods, Store, decide, search::IndexProgress},
};

pub const HOUR: Duration = Duration::from_hours(1);

pub fn at(seconds: i64) -> Time {
    Time::from_millis(1_790_000_000_000 + seconds * 1_000)
}

pub fn key(conversation: &str) -> ConversationKey {
    ConversationKey { ai_agent: "acme.ada.support".into(), conversation: conversation.into() }
}

pub fn of(conversation: &str) -> Scope {
    Scope::conversation(&key(conversation))
}

pub fn of_handoff(id: &str) -> Scope {
    Scope::handoff(&id.into())
}

/// A waiting handoff.
pub fn handoff(id: &str, conversation: &str) -> Handoff {
    Handoff {
        integration: "custom-handoff".to_owned(),
        origin: Origin::Started { called_at: at(0) },
        created_at: at(0),
        newest_at: at(0),
        idle: Idle::since(at(0)),
        version: 1,
        ..Handoff::blank(id.into(), key(conversation))
    }
}

pub fn active(id: &str, conversation: &str, agent: &str) -> Handoff {
    let status = Status::Active { agent: agent.to_owned() };
    Handoff { status, ..handoff(id, conversation) }
}

/// What puts these with their statuses into a file of an early version, whose documents had no field `lacking`.
pub fn inserts(handoffs: &[(Handoff, &str)], lacking: &str) -> String {
    let insert = |(handoff, status): &(Handoff, &str)| {
        let (id, conversation) = (&handoff.id, &handoff.key.conversation);
        let doc = serde_json::to_string(handoff).unwrap();
        format!(
            "INSERT INTO handoffs (id, ai_agent, conversation, status, search, doc) VALUES \
             ('{id}', 'acme.ada.support', '{conversation}', '{status}', '', json_remove('{doc}', '$.{lacking}'));"
        )
    };
    handoffs.iter().map(insert).collect()
}

/// An ended one, and the row that says so.
pub fn ended(id: &str, conversation: &str, agent: &str, row: &str) -> Handoff {
    let ada = AdaEnd::Told { at: at(9) };
    let end = End { at: at(9), by: EndedBy::Ada, agent: Some(agent.to_owned()), ada, row: row.into() };
    Handoff { status: Status::Ended(end), ..handoff(id, conversation) }
}

/// One that ended before anybody accepted it.
pub fn ended_by_the_relay(id: &str, conversation: &str) -> Handoff {
    let ada = AdaEnd::Told { at: at(9) };
    let end = End { at: at(9), by: EndedBy::System, agent: None, ada, row: "none".into() };
    Handoff { status: Status::Ended(end), ..handoff(id, conversation) }
}

pub fn message(id: &str, body: &str) -> Message {
    let author = Author { role: Role::EndUser, display_name: None, avatar: None };
    Message { id: id.into(), created_at: at(1), author, content: Content::Text { body: body.to_owned() } }
}

/// A customer's row, called `<handoff>-<seq>`, that Ada's webhook calls `ada-<handoff>-<seq>`.
pub fn row(handoff: &str, seq: u64, body: &str) -> Row {
    let message = message("", body);
    let webhook = Some(format!("ada-{handoff}-{seq}").as_str().into());
    Row {
        id: format!("{handoff}-{seq}").as_str().into(),
        handoff: handoff.into(),
        seq,
        at: at(1),
        ids: AdaIds { webhook, ..AdaIds::default() },
        author: message.author,
        content: message.content,
        created_at: at(1),
        created_by_ada: true,
        source: Source::Webhook,
        sending: None,
        tried_at: None,
        late: false,
    }
}

/// A customer's message event, `seconds` old.
pub fn event(conversation: &str, svix_id: &str, seconds: i64) -> Event {
    Event {
        svix_id: svix_id.to_owned(),
        key: key(conversation),
        timestamp: at(seconds),
        received_at: at(seconds),
        end_user_id: None,
        channel: None,
        kind: EventKind::Message(message(&format!("m-{svix_id}"), svix_id)),
    }
}

pub fn sends(id: &str, handoff: &str, conversation: &str) -> Delivery {
    let job = Job::Write(Write::Send {
        row: format!("{handoff}-1").as_str().into(),
        what: Outgoing::Text { text: id.to_owned() },
        by: ShownAuthor::named("Alex".to_owned()),
    });
    Delivery::new(id.into(), handoff.into(), key(conversation), job, at(0))
}

pub fn writes() -> Queue {
    Queue { destination: Destination::Writes(key("").ai_agent), class: Class::Fresh }
}

/// Of messages and end calls.
pub fn retries() -> Queue {
    Queue { class: Class::Retries, ..writes() }
}

pub fn transcripts() -> Queue {
    Queue { destination: Destination::Reads(key("").ai_agent), class: Class::Fresh }
}

pub fn strangers() -> Queue {
    Queue { class: Class::Strangers, ..transcripts() }
}

pub const fn files() -> Queue {
    Queue { destination: Destination::Files, class: Class::Fresh }
}

pub fn reads(id: &str, handoff: &str, conversation: &str) -> Delivery {
    Delivery { job: Read::Transcript.into(), ..sends(id, handoff, conversation) }
}

/// The file of row `id`.
pub fn fetches(id: &str, handoff: &str, conversation: &str) -> Delivery {
    Delivery { job: Fetch::File { row: id.into() }.into(), ..sends(id, handoff, conversation) }
}

pub fn letter(id: &str) -> DeadLetter {
    DeadLetter {
        ai_agent: key("").ai_agent,
        id: id.to_owned(),
        svix_id: format!("svix-{id}"),
        at: at(0),
        reason: "unreadable".to_owned(),
        body: "{".to_owned(),
        kind: LetterKind::Webhook,
    }
}

pub fn match_key(id: &str, body: &str) -> MatchKey {
    MatchKey::from(&message(id, body))
}

/// Writes these changes, whatever is there.
pub async fn write(store: &dyn Store, changes: WriteSet) {
    store.decide(of("anything"), Box::new(|_| changes.into())).await.unwrap();
}

/// What a decision with this scope sees.
pub async fn view(store: &dyn Store, scope: Scope) -> View {
    decide(store, scope, |view| (WriteSet::default(), view), |_| {}).await.unwrap()
}

pub async fn put_handoffs(store: &dyn Store, handoffs: Vec<Handoff>) {
    write(store, WriteSet { handoffs, ..WriteSet::default() }).await;
}

pub async fn put_rows(store: &dyn Store, rows: Vec<Row>) {
    write(store, WriteSet { rows, ..WriteSet::default() }).await;
}

pub async fn put_deliveries(store: &dyn Store, deliveries: Vec<Delivery>) {
    write(store, WriteSet { deliveries, ..WriteSet::default() }).await;
}

/// What is due in one queue.
pub async fn due_in(store: &dyn Store, now: Time, queue: &Queue, limit: usize) -> Due<Delivery> {
    store.due_deliveries(now, &[(queue.clone(), limit)]).await.unwrap().remove(0)
}

/// Forgets all that is old, step by step.
pub async fn purge(store: &dyn Store, now: Time, keep: &RetentionPeriods) {
    while store.purge(now, keep).await.unwrap() == PurgeProgress::Part {}
}

/// Puts all that is new into the index of a search.
pub async fn index(store: &dyn Store) {
    while store.index(2).await.unwrap() != IndexProgress::All {}
}

/// The ids of handoffs.
pub fn ids<'a>(handoffs: impl IntoIterator<Item = &'a Handoff>) -> Vec<&'a str> {
    handoffs.into_iter().map(|handoff| HandoffId::as_str(&handoff.id)).collect()
}

/// The ids of rows, sorted: views show rows in no certain order.
pub fn row_ids(view: &View) -> Vec<&str> {
    let mut ids: Vec<&str> = view.rows.iter().map(|row| row.id.as_str()).collect();
    ids.sort_unstable();
    ids
}

/// The contact of a handoff, with this id if it has been made.
pub fn contact(handoff: &str, id: Option<&str>, state: ContactState) -> Contact {
    let made = id.map(|id| MadeContact {
        id: id.to_owned(),
        current_id: id.to_owned(),
        current_since: None,
        participant_token: ContactToken::new("secret".to_owned()),
        is_streaming: true,
        connection: None,
    });
    Contact { made, state, ..Contact::new(handoff.into(), at(0), at(900)) }
}
