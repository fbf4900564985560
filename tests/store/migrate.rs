//! What a relay has kept in SQLite is moved to PostgreSQL: all of it, or nothing.

use std::{path::Path, sync::Arc};

use handoff_relay::{
    relay::{
        changes::{IdempotencyScope, Idempotent, NoticeScope, Scope, WriteSet},
        contact::ContactState,
        delivery::{Claim, Class, Delivery, Destination, Queue},
        handoff::Handoff,
        id::{ConversationKey, RowId},
        platform::{Notice, PlatformEvent},
        thread::{Bytes, Content, Row},
    },
    settings::{Database, Postgres},
    store::{
        Copies, HandoffQuery, Order, StatusFilter, Store, StoreError,
        files::{FileChecks, FileOf},
        migrate::{Moved, Step, migrate},
        open as open_store,
        platforms::PlatformState,
        replies::{CannedReply, ReplyChange},
        sessions::{Digest, Session, SessionChange},
    },
};

use super::{
    database::open_as,
    file::{File, now},
    make::{
        active, at, contact, due_in, ended, event, fetches, files, handoff, key, letter, match_key, of,
        of_handoff, put_deliveries, put_handoffs, put_rows, reads, retries, row, sends, strangers,
        transcripts, view, write, writes,
    },
    postgres,
};

/// Conversations: two of a usual name, and one that no index takes as it is.
fn chats() -> [String; 3] {
    ["a".to_owned(), "b".to_owned(), format!("c\0{}\u{FDD0}", "long".repeat(900))]
}

const HANDOFFS: [&str; 8] = ["h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8"];

fn queues() -> Vec<Queue> {
    let platform = Queue { destination: Destination::Platform("w".into()), class: Class::Fresh };
    vec![writes(), transcripts(), retries(), strangers(), files(), platform]
}

fn notice(id: &str, sequence: u64) -> Delivery {
    let event = PlatformEvent::Message { row: Box::new(row("h1", sequence, id)) };
    let notice = Notice { platform: "w".into(), id: format!("event-{id}"), sequence, at: at(0), event };
    Delivery { job: notice.into(), expires_at: Some(at(70)), ..sends(id, "h1", "a") }
}

/// Handoffs of all kinds, and threads that hold what PostgreSQL does not take as it is.
async fn talk(store: &dyn Store) {
    let [a, b, long] = chats();
    let context = [("plan\0".to_owned(), "gold\0 plan".into())].into_iter().collect();
    let nul = Handoff { context, ..active("h2", &long, "Ann\0Other") };
    put_handoffs(store, vec![ended("h1", &a, "Sam", "h1-1"), nul, handoff("h3", &b)]).await;
    put_handoffs(store, vec![handoff("h4", &a), active("h5", "d", "Alex"), handoff("h6", "e")]).await;
    put_handoffs(store, vec![handoff("h7", "f")]).await;
    let mut texts = vec![row("h2", 1, "a \0 and a \u{FDD0}"), row("h2", 2, &"word ".repeat(20_000))];
    texts[1].ids.webhook = Some(format!("ada\0{}", "x".repeat(3_000)).as_str().into());
    let content = Content::File {
        filename: "plan.png".to_owned(),
        mime_type: "image/png".to_owned(),
        source_url: None,
        bytes: Bytes::Kept { size: 7 },
    };
    texts.push(Row { content, ..row("h2", 3, "") });
    put_rows(store, texts).await;
    put_rows(store, (1..5).map(|seq| row("h4", seq, &format!("says {}", seq % 3))).collect()).await;
    // Changed once more: a row has one number in its thread, and several among the changes.
    put_rows(store, vec![Row { late: true, ..row("h4", 2, "says 2") }]).await;
    // Numbers of what is gone are not given again.
    put_handoffs(store, vec![handoff("h8", "g")]).await;
}

/// What waits: to be flushed, to be sent, to be looked at.
async fn queue(store: &dyn Store) {
    let [_, b, long] = chats();
    let inbox = vec![event("a", "s1", 5), event("a", "s2", 3), event(&b, "s3", 4), event(&long, "s4\0", 9)];
    let remember = vec!["s5".to_owned(), format!("s6{}", "y".repeat(4_000))];
    write(store, WriteSet { at: at(11), inbox, remember, ..WriteSet::default() }).await;
    write(store, WriteSet { at: at(12), inbox_done: vec!["s2".to_owned()], ..WriteSet::default() }).await;
    let doubtful = Delivery { outcome_unknown_since: Some(at(4)), attempts: 2, ..sends("d1", "h4", "a") };
    let held = Claim { holder: "somebody".into(), until: at(500) };
    let claimed = Delivery { claim: Some(held), due_at: at(7), ..reads("r1", "h2", &long) };
    let late = Delivery { due_at: at(40), ..sends("d4", "h3", &b) };
    put_deliveries(store, vec![doubtful, sends("d2", "h4", "a"), sends("d3", "h4", "a"), claimed, late])
        .await;
    let fetched =
        (1..8).map(|number| Delivery { due_at: at(number), ..fetches(&format!("f{number}"), "h2", &long) });
    put_deliveries(store, fetched.collect()).await;
    put_deliveries(store, vec![notice("n1", 1), notice("n2", 2), sends("d5", "h5", "d")]).await;
    // The first of its lane is done, so the second has moved up, later than it was due.
    write(store, WriteSet { at: at(20), deliveries_done: vec!["n1".into()], ..WriteSet::default() }).await;
    let file = FileOf { handoff: "h2".into(), row: "h2-3".into() };
    store.change_file_checks(FileChecks::Later(file, at(30))).await.unwrap();
    let letters = ["l1", "l2", "l3"].map(letter).into();
    write(store, WriteSet { dead_letters: letters, ..WriteSet::default() }).await;
    write(store, WriteSet { dead_letters_done: vec!["l3".to_owned()], ..WriteSet::default() }).await;
}

/// What agents and platforms have.
async fn surround(store: &dyn Store) {
    let idempotent = Some((asked(), Idempotent { digest: "d".to_owned(), row: "h4-1".into() }));
    write(store, WriteSet { at: at(3), idempotent, ..WriteSet::default() }).await;
    let session =
        |id| Session { id: Digest::of(id), token: Digest::of("alex"), created_at: at(1), used_at: at(2) };
    for id in ["one", "other"] {
        store.change_sessions(SessionChange::Begin(session(id))).await.unwrap();
    }
    for (id, title) in [("r1", "Grüße\0"), ("r2", "Bye")] {
        store.change_replies(ReplyChange::Add(reply(id, title))).await.unwrap();
    }
    let state = PlatformState { id: "w".into(), disabled: Some((at(1), "gone".to_owned())) };
    store.put_platform(state).await.unwrap();
    for (handoff, made, state, due) in [
        ("h4", Some("c4"), ContactState::Open, Some(30)),
        ("h1", Some("c1"), ContactState::Closed, None),
        ("h5", None, ContactState::Starting, Some(5)),
    ] {
        let contact = Some((contact(handoff, made, state), due.map(at)));
        write(store, WriteSet { contact, ..WriteSet::default() }).await;
    }
    write(store, WriteSet { start_refused: Some((key("z"), Some(at(99)))), ..WriteSet::default() }).await;
}

fn asked() -> IdempotencyScope {
    IdempotencyScope { agent: "Alex\0".to_owned(), handoff: "h4".into(), key: "k".repeat(2_000) }
}

fn reply(id: &str, title: &str) -> CannedReply {
    let (created_at, updated_at) = (at(0), at(1));
    let (id, title, updated_by) = (id.to_owned(), title.to_owned(), "Alex".to_owned());
    CannedReply { id, text: format!("{title}!"), title, created_at, updated_at, updated_by, owner: None }
}

/// As a newer relay may have written it, and as no relay has.
const NEWER: &str = "UPDATE outbox SET doc = json_set(doc, '$.task.task', 'dance') WHERE id = 'd5'; \
    UPDATE outbox SET doc = replace(doc, '{\"v\":1', '{\"v\":2') WHERE id = 'f3'; \
    UPDATE handoffs SET doc = replace(doc, '{\"v\":1', '{\"v\":2') WHERE id = 'h6'; \
    UPDATE handoffs SET doc = 'nonsense' WHERE id = 'h7'; \
    UPDATE thread_rows SET doc = json_set(doc, '$.content.type', 'smell') WHERE id = 'h4-3'; \
    UPDATE journal SET doc = replace(doc, '{\"v\":1', '{\"v\":2') WHERE svix_id = 's3'; \
    UPDATE dead_letters SET doc = replace(doc, '{\"v\":1', '{\"v\":2') WHERE id = 'l1'; \
    DELETE FROM handoffs WHERE id = 'h8'; DELETE FROM contexts WHERE handoff = 'h8'; \
    DELETE FROM changes WHERE handoff = 'h8'";

/// A file with everything, which no relay has open.
async fn filled() -> (File, u64) {
    let file = File::new();
    let open = file.try_open().await.unwrap();
    let begin = *open.store.signals().feed().borrow();
    talk(&*open.store).await;
    queue(&*open.store).await;
    surround(&*open.store).await;
    open.close().await;
    file.change(NEWER);
    (file, begin)
}

async fn new_database() -> (String, Postgres) {
    let url = postgres::shared().database().await;
    (url.clone(), postgres::settings(&url))
}

async fn moves(from: &Path, to: &Postgres) -> Result<Moved, StoreError> {
    migrate(from, to, &mut |_| {}).await
}

/// All that a store says, but for what it was never asked to keep.
async fn answers(store: &dyn Store, begin: u64) -> Vec<String> {
    let mut seen = lists(store).await;
    seen.extend(threads(store).await);
    seen.extend(waiting(store).await);
    // Whoever borrows it over an await keeps the store from going on.
    let newest = *store.signals().feed().borrow();
    for after in [0, begin, begin + 7, newest, u64::MAX / 4] {
        seen.push(format!("changes behind {after}: {:?}", store.changes_since(after, 999).await));
    }
    for id in ["one", "other", "none"] {
        seen.push(format!("{:?}", store.session(&Digest::of(id)).await));
    }
    seen.push(format!("{:?} {:?}", store.canned_replies().await, store.platforms().await));
    seen.push(format!("{:?}", store.due_file_checks(at(99), 9).await));
    for handoff in HANDOFFS {
        seen.push(format!("contact of {handoff}: {:?}", store.contact(&handoff.into()).await));
    }
    for contact in ["c1", "c4", "c5"] {
        seen.push(format!("{:?}", store.handoff_of_contact(contact).await));
    }
    seen.push(format!("{:?} {:?}", store.due_contacts(at(9), 9).await, store.open_contacts(None, 9).await));
    seen
}

async fn lists(store: &dyn Store) -> Vec<String> {
    let mut seen = Vec::new();
    for order in [Order::Newest, Order::Oldest] {
        let mut after = None;
        loop {
            let query = HandoffQuery { limit: 2, order, after, ..HandoffQuery::default() };
            let page = store.handoffs(&query).await.unwrap();
            seen.push(format!("{order:?} behind {after:?}: {page:?}"));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    let all = HandoffQuery { limit: 99, ..HandoffQuery::default() };
    let [_, _, long] = chats();
    for query in [
        HandoffQuery { status: Some(StatusFilter::Waiting), ..all.clone() },
        HandoffQuery { agent: Some("Ann\0Other".to_owned()), ..all.clone() },
        HandoffQuery { conversation: Some(long), ..all.clone() },
        HandoffQuery { text: Some("gold\0 pl".to_owned()), ..all.clone() },
    ] {
        seen.push(format!("{:?}", store.handoffs(&query).await));
    }
    let mut after = None;
    loop {
        let page = store.dead_letters(after, 1).await.unwrap();
        seen.push(format!("letters behind {after:?}: {page:?}"));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    for status in [StatusFilter::Waiting, StatusFilter::Active] {
        seen.push(format!("{:?}", store.idle_handoffs(status, at(9), None, 99).await));
    }
    seen
}

async fn threads(store: &dyn Store) -> Vec<String> {
    let mut seen = Vec::new();
    for handoff in HANDOFFS {
        seen.push(format!("{handoff}: {:?}", store.handoff(&handoff.into()).await));
        seen.push(format!("{:?}", store.rows(&handoff.into(), 0, 99).await));
        let scope = Scope { unread_behind: Some(1), with_contact: true, ..of_handoff(handoff) };
        seen.push(sorted(store, scope).await);
    }
    let long = format!("ada\0{}", "x".repeat(3_000));
    for (chat, id, says) in [(chats()[2].clone(), &*long, "none"), ("a".to_owned(), "none", "says 1")] {
        let matching = vec![match_key(id, says)];
        seen.push(sorted(store, Scope { matching, ..of(&chat) }).await);
    }
    let row: RowId = "h2-1".into();
    seen.push(format!("{:?}", store.row(&row).await));
    seen
}

async fn sorted(store: &dyn Store, scope: Scope) -> String {
    let decided =
        handoff_relay::store::decide(store, scope, |view| (WriteSet::default(), view), |_| {}).await;
    match decided {
        Ok(mut view) => {
            view.rows.sort_by(|a, b| a.id.cmp(&b.id));
            format!("{view:?}")
        }
        Err(error) => error.to_string(),
    }
}

async fn waiting(store: &dyn Store) -> Vec<String> {
    let mut seen = Vec::new();
    // Those that can't be read are set apart when they are found.
    for now in [0, 8, 100] {
        for queue in queues() {
            seen.push(format!("{queue:?} at {now}: {:?}", due_in(store, at(now), &queue, 3).await));
        }
    }
    seen.push(format!("{:?} {:?}", store.unreadable().await, store.depths().await));
    seen.push(format!("{:?} {:?}", store.expired(at(0), 9).await, store.expired(at(10_000_000), 9).await));
    seen.push(format!("{}", store.due_conversations(now(), 99).await.unwrap().items.len()));
    let chats = chats();
    for chat in chats.iter().map(String::as_str).chain(["d", "e", "f", "z"]) {
        let scope = Scope { svix_id: Some("s5".to_owned()), ..of(chat) };
        seen.push(format!(
            "{chat}: {} {}",
            store.has_open_handoff(chat),
            sorted(store, scope.with_outbox()).await
        ));
        seen.push(sorted(store, of(chat).with_inbox()).await);
    }
    for svix_id in ["s1", "s2", "s4\0", "s7", &format!("s6{}", "y".repeat(4_000))] {
        let scope =
            Scope { svix_id: Some(svix_id.to_owned()), idempotency: Some(asked()), ..of_handoff("h4") };
        seen.push(sorted(store, scope).await);
    }
    let lane = NoticeScope::NextOf(notice("n2", 2).lane());
    seen.push(sorted(store, Scope { notices: Some(lane), ..Scope::nobody() }).await);
    for (id, waits) in [("d1", "d1"), ("d2", "d2"), ("d4", "d4")] {
        seen.push(format!("{id}: {:?}", store.waits_untroubled(&waits.into()).await));
    }
    seen
}

fn assert_alike(sqlite: &[String], moved: &[String]) {
    for (one, other) in sqlite.iter().zip(moved) {
        if one == other {
            continue;
        }
        let differs = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count().saturating_sub(200);
        let near =
            |text: &str| String::from_utf8_lossy(&text.as_bytes()[differs..]).chars().take(500).collect();
        let [one, other]: [String; 2] = [near(one), near(other)];
        panic!("{one}\n\n{other}");
    }
    assert_eq!(sqlite.len(), moved.len());
}

/// What comes next gets the same numbers as it would have.
async fn goes_on(store: &dyn Store) {
    let key: ConversationKey = key("new");
    put_handoffs(store, vec![handoff("new", key.conversation.as_str()), handoff("newer", "newer")]).await;
    put_rows(store, vec![row("new", 1, "Hello"), row("h4", 5, "says more")]).await;
    put_deliveries(store, vec![sends("d6", "h4", "a"), sends("d7", "new", "new")]).await;
    let done =
        WriteSet { at: at(50), deliveries_done: vec!["d1".into(), "f1".into()], ..WriteSet::default() };
    write(store, done).await;
    write(store, WriteSet { at: at(51), inbox: vec![event("a", "s9", 1)], ..WriteSet::default() }).await;
    write(store, WriteSet { dead_letters: vec![letter("l4")], ..WriteSet::default() }).await;
}

#[tokio::test]
async fn everything_is_there_and_goes_on() {
    let (file, begin) = filled().await;
    let (_, to) = new_database().await;
    let mut steps = Vec::new();
    let moved = migrate(&file.path, &to, &mut |step| steps.push(step)).await.unwrap();
    assert_eq!((moved.of("handoffs"), moved.of("thread_rows"), moved.of("dead_letters")), (7, 7, 2));
    let all = moved.rows();
    assert!(steps.contains(&Step::Written { rows: all, of: all }), "{steps:?}");

    let sqlite = file.open().await;
    let store = open_as(to).await;
    assert_eq!(*store.signals().feed().borrow(), *sqlite.signals().feed().borrow());
    assert_alike(&answers(&*sqlite, begin).await, &answers(&*store, begin).await);
    goes_on(&*sqlite).await;
    goes_on(&*store).await;
    assert_alike(&answers(&*sqlite, begin).await, &answers(&*store, begin).await);
}

/// More than one batch of them, and one that is longer than a batch.
#[tokio::test]
async fn long_tables_keep_their_order() {
    let file = File::new();
    let open = file.try_open().await.unwrap();
    put_handoffs(&*open.store, (0..1_050).map(|number| handoff(&format!("h{number}"), "a")).collect()).await;
    put_rows(&*open.store, vec![row("h0", 1, &"long ".repeat(600_000)), row("h0", 2, "short")]).await;
    open.close().await;
    let (_, to) = new_database().await;
    moves(&file.path, &to).await.unwrap();
    let (sqlite, store) = (file.open().await, open_as(to).await);
    let all = HandoffQuery { limit: 2_000, ..HandoffQuery::default() };
    let (here, there) = (sqlite.handoffs(&all).await.unwrap(), store.handoffs(&all).await.unwrap());
    assert_eq!(here.handoffs.len(), 1_050);
    assert!(here == there);
    assert!(sqlite.rows(&"h0".into(), 0, 9).await.unwrap() == store.rows(&"h0".into(), 0, 9).await.unwrap());
}

/// A store of a relay that has just begun.
#[tokio::test]
async fn an_empty_file_is_moved_too() {
    let file = File::new();
    file.try_open().await.unwrap().close().await;
    let (_, to) = new_database().await;
    assert_eq!(moves(&file.path, &to).await.unwrap().rows(), 0);
    let (sqlite, store) = (file.open().await, open_as(to).await);
    assert_eq!(*store.signals().feed().borrow(), *sqlite.signals().feed().borrow());
    for store in [&*sqlite, &*store] {
        put_handoffs(store, vec![handoff("h4", "a")]).await;
        goes_on(store).await;
    }
    let begin = *sqlite.signals().feed().borrow() - 1;
    assert_alike(&lists(&*sqlite).await, &lists(&*store).await);
    assert_eq!(
        format!("{:?}", sqlite.changes_since(begin, 9).await),
        format!("{:?}", store.changes_since(begin, 9).await)
    );
}

/// Asks to move what can't be, and finds that nothing was.
async fn refuses(from: &Path, to: &Postgres, words: &str) {
    let refused = moves(from, to).await.unwrap_err().to_string();
    assert!(refused.contains(words), "{refused}");
    assert!(!refused.contains("secret"), "{refused}");
}

#[tokio::test]
async fn what_cannot_be_moved_is_refused() {
    let (file, _) = filled().await;
    let (url, to) = new_database().await;
    let folder = file.path.parent().unwrap();
    let missing = folder.join("missing.db");
    refuses(&missing, &to, "there is no database at").await;
    assert!(!folder.join("missing.db.lock").exists());
    for (content, words) in [(&b"hello"[..], "file is not a database"), (b"", "is empty")] {
        std::fs::write(folder.join("wrong.db"), content).unwrap();
        refuses(&folder.join("wrong.db"), &to, words).await;
    }
    let other = folder.join("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE notes (id)").unwrap();
    refuses(&other, &to, "is a database, but not of handoff-relay").await;
    refuses(&File::of_version(15, "").path, &to, "has the schema 15, and this handoff-relay has 21: start")
        .await;
    let newer = File::new();
    newer.try_open().await.unwrap().close().await;
    newer.change("PRAGMA user_version = 99");
    refuses(&newer.path, &to, "has the schema 99 of a newer handoff-relay").await;
    let open = file.try_open().await.unwrap();
    refuses(&file.path, &to, "is in use by another handoff-relay").await;
    open.close().await;
    let nowhere = Postgres::parse("postgres://relay:secret@127.0.0.1:9/relay?sslmode=disable").unwrap();
    refuses(&file.path, &nowhere, "error connecting to server").await;
    let none = Postgres::parse(&url.replace("test_", "none_").replace("relay@", "relay:secret@")).unwrap();
    refuses(&file.path, &none, "does not exist").await;
    moves(&file.path, &to).await.unwrap();
    refuses(&file.path, &to, "is not empty: its table handoffs has rows").await;
}

/// A relay that runs on an empty database would not hear of what came.
#[tokio::test]
async fn a_database_in_use_is_refused() {
    let (file, _) = filled().await;
    let (url, to) = new_database().await;
    let opened = open_store(&Database::Postgres(Box::new(to.clone())), Copies::Make, now()).await.unwrap();
    let running = tokio::spawn(opened.writer.unwrap());
    due_in(&*opened.store, at(0), &writes(), 1).await;
    refuses(&file.path, &to, "is in use by a handoff-relay").await;
    drop(opened.store);
    running.await.unwrap();
    moves(&file.path, &to).await.unwrap();
    assert!(!url.is_empty());
}

/// Both sides are compared before anything counts.
#[tokio::test]
async fn what_comes_out_otherwise_is_undone() {
    let (file, _) = filled().await;
    for (action, words) in [
        (
            "NEW.doc := replace(NEW.doc, 'says 1', 'said 1'); RETURN NEW",
            "another content in the table thread_rows",
        ),
        ("NEW.unread := NOT NEW.unread; RETURN NEW", "another content in the table thread_rows"),
        ("RETURN NULL", "would have 0 rows in the table thread_rows, where 7"),
    ] {
        let (url, to) = new_database().await;
        let store = open_as(to.clone()).await;
        postgres::execute(
            &url,
            &format!(
                "CREATE FUNCTION differ() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {action}; END $$; \
                 CREATE TRIGGER differs BEFORE INSERT ON thread_rows FOR EACH ROW EXECUTE FUNCTION differ()"
            ),
        )
        .await;
        refuses(&file.path, &to, words).await;
        let all = HandoffQuery { limit: 9, ..HandoffQuery::default() };
        assert!(store.handoffs(&all).await.unwrap().handoffs.is_empty());
    }
}

/// Damage that PostgreSQL has no place for is named.
#[tokio::test]
async fn a_document_with_a_nul_character_is_named() {
    let (file, _) = filled().await;
    file.change("UPDATE dead_letters SET doc = '{' || char(0) || '}' WHERE id = 'l2'");
    let (_, to) = new_database().await;
    refuses(&file.path, &to, "table dead_letters: the doc of \"l2\" has a NUL character").await;
    file.change("UPDATE dead_letters SET doc = x'ff00' WHERE id = 'l2'");
    refuses(&file.path, &to, "table dead_letters: column 3 holds no text").await;
    file.change("DELETE FROM dead_letters WHERE id = 'l2'");
    moves(&file.path, &to).await.unwrap();
    let store: Arc<dyn Store> = open_as(to).await;
    assert!(store.dead_letter("l2").await.unwrap().is_none());
    assert_eq!(view(&*store, of("a").with_outbox()).await.outbox.len(), 3);
}
