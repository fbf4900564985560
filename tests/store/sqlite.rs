//! What only a file can do: survive, share a flush, belong to one process, break.

use std::{path::Path, time::Duration};

use futures_util::future::join_all;
use handoff_relay::{
    relay::{
        buffer::Buffer,
        changes::{DeadLetter, LetterKind, WriteSet},
        contact::Contact,
        delivery::Delivery,
        handoff::{EndUser, FirstAnswer, Handoff, Missed, Status, Told},
        idle::Idle,
        matching::MatchKey,
        thread::{AdaIds, Bytes, Content, EventName, Missing, Row, Sending, Source},
        time::Time,
    },
    settings::Database,
    store::{
        Copies, HandoffQuery, RetentionPeriods, Since, StoreError, Unreadable, decide, open,
        search::IndexProgress,
    },
};
use rusqlite::{Connection, types::Value};
use serde_json::json;

use super::{
    claims::claim_of,
    file::{File, now},
    make::{
        at, due_in, ended, ended_by_the_relay, event, fetches, files, handoff, ids, index, key, letter, of,
        of_handoff, purge, put_deliveries, put_handoffs, put_rows, reads, row, row_ids, sends, view, write,
        writes,
    },
};

fn remembers(svix_id: &str) -> WriteSet {
    WriteSet { remember: vec![svix_id.to_owned()], ..WriteSet::default() }
}

#[tokio::test]
async fn what_a_handoff_is_found_by_changes_with_it() {
    let columns = |file: &File| -> Vec<Value> {
        let sql = "SELECT status, agent, ended_at, idle_since, took_until, team, route, end_user, missed FROM handoffs";
        let read = |row: &rusqlite::Row<'_>| (0..9).map(|column| row.get(column)).collect();
        Connection::open(&file.path).unwrap().query_row(sql, (), read).unwrap()
    };
    let of = |agent: &str| Status::Active { agent: agent.to_owned() };
    let missed = Some(Missed { at: at(9), told: None });
    let over = ended("h1", "a", "Sam", "r").status;
    let user = EndUser { id: Some("user-77".to_owned()), ..EndUser::default() };
    let mut now = handoff("h1", "a");
    let mut all = vec![now.clone()];
    let mut then = |change: &dyn Fn(&mut Handoff)| {
        change(&mut now);
        all.push(now.clone());
    };
    then(&|now| now.idle = Idle::since(at(5)));
    then(&|now| now.status = of("Alex"));
    then(&|now| now.status = of("Sam"));
    then(&|now| now.team = Some("Billing".into()));
    then(&|now| now.route = Some("VIP".to_owned()));
    then(&|now| now.end_user = user.clone());
    then(&|now| now.status = over.clone());
    then(&|now| now.missed = missed.clone());
    then(&|now| now.last_seq = 7);
    then(&|now| (now.team, now.route, now.missed) = (None, None, None));
    then(&|now| now.status = Status::Waiting);

    let file = File::new();
    let store = file.open().await;
    for handoff in all {
        let other = File::new();
        let alone = other.open().await;
        for store in [&store, &alone] {
            put_handoffs(&**store, vec![handoff.clone()]).await;
        }
        assert_eq!(columns(&file), columns(&other), "{:?}", handoff.status);
    }
}

#[tokio::test]
async fn a_failed_decision_is_undone_whole_and_spoils_no_other() {
    let file = File::new();
    let store = file.open().await;
    write(&*store, remembers("had")).await;
    let begin = *store.signals().feed().borrow();
    let jobs = (0..9).map(|number| {
        let id = format!("h{number}");
        let changes = WriteSet {
            handoffs: vec![handoff(&id, "a")],
            rows: vec![row(&id, 1, "")],
            deliveries: vec![sends(&format!("d{number}"), &id, "a")],
            inbox: vec![event("a", &format!("s{number}"), number)],
            dead_letters: vec![letter(&id)],
            // The fifth remembers what is remembered already, as no decision should.
            remember: vec![if number == 4 { "had".to_owned() } else { format!("s{number}") }],
            ..WriteSet::default()
        };
        store.decide(of("a"), Box::new(move |_| changes.into()))
    });
    // Asked for at once, they share a batch.
    let results = join_all(jobs).await;
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result.is_err(), number == 4, "{number}: {result:?}");
    }

    let mut scope = of("a");
    (scope.with_inbox, scope.with_outbox) = (true, true);
    let view = view(&*store, scope).await;
    assert_eq!(super::make::ids(&view.handoffs), ["h0", "h1", "h2", "h3", "h5", "h6", "h7", "h8"]);
    assert!(view.outbox.iter().all(|delivery| delivery.id.as_str() != "d4"));
    assert_eq!((view.inbox.len(), view.outbox.len(), view.inbox_depth), (8, 8, 8));
    assert_eq!(store.row(&"h4-1".into()).await.unwrap(), None);
    assert_eq!(store.dead_letters(None, 99).await.unwrap().letters.len(), 8);
    assert_eq!(
        *store.signals().feed().borrow(),
        begin + 16,
        "a handoff and a row each, numbered without gaps"
    );
}

#[tokio::test]
async fn a_decision_sees_what_an_earlier_one_of_its_batch_wrote() {
    let file = File::new();
    let store = file.open().await;
    put_handoffs(&*store, vec![handoff("h", "a")]).await;
    let add = || {
        decide(
            &*store,
            of_handoff("h"),
            |view| {
                let mut handoff = view.handoffs[0].clone();
                handoff.last_seq += 1;
                let seq = handoff.last_seq;
                let rows: Vec<Row> = vec![row("h", seq, "")];
                (WriteSet { handoffs: vec![handoff], rows, ..WriteSet::default() }, seq)
            },
            |_| {},
        )
    };
    let mut numbers: Vec<u64> =
        join_all((0..700).map(|_| add())).await.into_iter().map(Result::unwrap).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=700).collect::<Vec<u64>>(), "no number twice, none left out");
    let rows = store.rows(&"h".into(), 0, 999).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<u64>>(), numbers);
    assert_eq!(store.handoff(&"h".into()).await.unwrap().unwrap().last_seq, 700);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn decisions_of_many_tasks_all_land() {
    let file = File::new();
    let open = file.try_open().await.unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|task| {
            let store = std::sync::Arc::clone(&open.store);
            tokio::spawn(async move {
                for number in 0..20 {
                    let event = event(&format!("c{task}"), &format!("{task}-{number}"), number);
                    write(&*store, WriteSet { inbox: vec![event], ..remembers(&format!("{task}-{number}")) })
                        .await;
                }
            })
        })
        .collect();
    for task in join_all(tasks).await {
        task.unwrap();
    }
    open.close().await;

    let store = file.open().await;
    assert_eq!(store.depths().await.unwrap().inbox, 400);
    let mut scope = of("c7");
    scope.with_inbox = true;
    let view = view(&*store, scope).await;
    assert_eq!((view.inbox.len(), view.inbox_depth), (20, 400));
}

#[tokio::test]
async fn opening_again_brings_back_everything() {
    let file = File::new();
    let open = file.try_open().await.unwrap();
    let store = &*open.store;
    put_handoffs(store, vec![handoff("h", "a")]).await;
    put_rows(store, vec![row("h", 1, "hello")]).await;
    put_deliveries(store, vec![sends("d", "h", "a")]).await;
    let waits = handoff_relay::relay::buffer::Buffer { arrivals: Some((at(1), at(1))), held_until: None };
    let kept = WriteSet {
        inbox: vec![event("a", "s1", 1)],
        buffer: Some((key("a"), Some((waits, at(3))))),
        dead_letters: vec![letter("l")],
        ..remembers("s1")
    };
    write(store, kept).await;
    let mut scope = of("a");
    scope.svix_id = Some("s1".to_owned());
    (scope.with_inbox, scope.with_outbox) = (true, true);
    let before = format!("{:?}", view(store, scope.clone()).await);
    let newest = *store.signals().feed().borrow();
    let shown = store.changes_since(newest - 2, 9).await.unwrap();
    open.close().await;

    let store = file.open().await;
    assert_eq!(format!("{:?}", view(&*store, scope.clone()).await), before);
    assert_eq!(row_ids(&view(&*store, scope).await), ["h-1"]);
    assert_eq!(*store.signals().feed().borrow(), newest, "the numbers go on");
    assert_eq!(store.changes_since(newest - 2, 9).await.unwrap(), shown);
    assert_eq!(store.dead_letters(None, 9).await.unwrap().letters, [letter("l")]);
    assert_eq!(store.due_conversations(at(3), 9).await.unwrap().items, [key("a")]);
}

/// Those that are older than their kind.
#[tokio::test]
async fn a_dead_letter_without_a_kind_is_a_webhook() {
    let file = File::new();
    let open = file.try_open().await.unwrap();
    let event = DeadLetter { kind: LetterKind::Event, ..letter("l") };
    write(&*open.store, WriteSet { dead_letters: vec![event], ..WriteSet::default() }).await;
    open.close().await;
    file.change("UPDATE dead_letters SET doc = json_remove(doc, '$.kind')");

    let store = file.open().await;
    assert_eq!(store.dead_letter("l").await.unwrap(), Some(letter("l")));
}

#[tokio::test]
async fn a_file_from_before_files_were_fetched_says_so() {
    let (filename, mime_type) = ("a.png".to_owned(), "image/png".to_owned());
    let content = Content::File { filename, mime_type, source_url: None, bytes: Bytes::Awaited };
    let doc = serde_json::to_string(&Row { content, ..row("h", 1, "") }).unwrap();
    let file = File::of_version(
        8,
        &format!(
            "INSERT INTO thread_rows (id, handoff, seq, fingerprint, unread, doc) \
             VALUES ('h-1', 'h', 1, '', 1, json_remove('{doc}', '$.content.bytes'))"
        ),
    );
    let store = file.open().await;
    let row = store.row(&"h-1".into()).await.unwrap().unwrap();
    let Content::File { bytes: Bytes::Missing { why: Missing::Gone, .. }, .. } = row.content else {
        panic!("{row:?}");
    };
}

/// Of before it was counted how often Ada doesn't know the conversation.
#[tokio::test]
async fn a_handoff_of_before_is_known_to_ada() {
    let file = File::new();
    let open = file.try_open().await.unwrap();
    let mut unknown = handoff("h", "a");
    unknown.listed.unknown = 1;
    put_handoffs(&*open.store, vec![unknown]).await;
    open.close().await;
    file.change("UPDATE handoffs SET doc = json_remove(doc, '$.listed.unknown')");
    let store = file.open().await;
    assert_eq!(store.handoff(&"h".into()).await.unwrap(), Some(handoff("h", "a")));
}

#[tokio::test]
async fn claims_of_a_dead_process_are_void() {
    let file = File::new();
    let open = file.try_open().await.unwrap();
    put_deliveries(&*open.store, vec![sends("d", "h", "a")]).await;
    assert_eq!(claim_of(&*open.store, &writes(), at(0), 9).await.items.len(), 1);
    assert!(due_in(&*open.store, at(1), &writes(), 9).await.items.is_empty());
    open.close().await;

    let store = file.open().await;
    let due = due_in(&*store, at(1), &writes(), 9).await;
    assert_eq!(due.items, [Delivery { fence: 1, ..sends("d", "h", "a") }], "free");
}

/// Of before lanes had their next ones marked: a file had a lane of its own, and claims lasted for an hour.
#[tokio::test]
async fn what_waited_in_a_file_of_before_goes_on_in_its_order() {
    let file = File::of_version(9, include_str!("before/0009.sql"));
    let store = file.open().await;
    let due = async |queue| {
        let due = due_in(&*store, at(0), &queue, 9).await.items;
        due.into_iter().map(|delivery| delivery.id.0).collect::<Vec<_>>()
    };
    assert_eq!(due(writes()).await, ["d1"]);
    assert_eq!(due(files()).await, ["f0", "f1", "f2", "f3"]);
    assert_eq!(store.expired(at(0), 9).await.unwrap().items, ["h2".into()], "their ages are learned at once");
    for (done, next) in [("d1", writes()), ("f1", files())] {
        write(&*store, WriteSet { deliveries_done: vec![done.into()], ..WriteSet::default() }).await;
        assert!(!due(next).await.contains(&done.to_owned()));
    }
    assert_eq!(due(writes()).await, ["d2"]);
    assert_eq!(due(files()).await, ["f0", "f2", "f3", "f4"]);
}

#[tokio::test]
async fn a_file_of_the_version_before_goes_on() {
    let file = File::of_version(11, include_str!("before/0011.sql"));
    let store = file.open().await;
    let shows = async |scope| ids(&view(&*store, scope).await.handoffs).join(" ");
    assert_eq!(shows(of("a")).await, "h1 h2");
    let first_answer = FirstAnswer::Unrecorded;
    // What the version before did not say.
    let h2 = Handoff { is_heard_of: true, first_answer, has_stayed: false, ..handoff("h2", "a") };
    assert_eq!(store.handoff(&"h2".into()).await.unwrap(), Some(h2), "Ada told of the end of h1");
    let mut shown = view(&*store, of_handoff("h2").with_inbox().with_outbox()).await;
    assert_eq!(*shown.inbox, [event("a", "s1", 1)]);
    assert_eq!(*shown.outbox.split_off(3), [0, 1, 2, 3, 4, 5].map(|n| fetches(&format!("f{n}"), "h2", "a")));
    assert_eq!(*shown.outbox, [sends("d1", "h2", "a"), sends("d2", "h2", "a"), reads("r1", "h2", "a")]);
    assert_eq!(claim_of(&*store, &writes(), at(0), 9).await.items.len(), 1);
    assert_eq!(store.rows(&"h1".into(), 0, 9).await.unwrap(), [row("h1", 1, "one")]);
    let of_nobody = DeadLetter { ai_agent: "".into(), ..letter("l1") };
    assert_eq!(store.dead_letter("l1").await.unwrap(), Some(of_nobody));
}

/// Inbox and memory of ids become the journal.
#[tokio::test]
async fn what_waits_and_what_is_remembered_goes_into_the_journal() {
    let file = File::of_version(14, &before_the_journal());
    let store = file.open().await;
    assert_eq!(store.depths().await.unwrap().inbox, 2);
    for (svix_id, is_known) in [("s1", true), ("s2", true), ("s3", true), ("s4", false)] {
        let mut scope = of("a");
        scope.svix_id = Some(svix_id.to_owned());
        assert_eq!(*view(&*store, scope).await.seen, is_known, "{svix_id}");
    }
    assert_eq!(*view(&*store, of("a").with_inbox()).await.inbox, [event("a", "s2", 2)]);
    let due = store.due_conversations(at(0), 9).await.unwrap().items;
    assert_eq!(due, [key("a"), key("b")], "when they are due is found out at once");
    let due = due_in(&*store, at(0), &writes(), 9).await.items;
    assert_eq!(due, [Delivery { outcome_unknown_since: Some(at(1)), ..sends("d", "h", "a") }], "in doubt");
    assert_eq!(store.dead_letters(None, 9).await.unwrap().letters, [letter("l")]);
    let tables =
        "SELECT count(*) FROM sqlite_schema WHERE name IN ('inbox', 'seen', 'buffers', '_sqlx_migrations')";
    assert_eq!(ask(&file.path, tables), 0);
    assert_eq!(ask(&file.path, "SELECT seq FROM journal_floor"), 2, "behind what has left");
}

/// An id of which nothing waits, two events that do, a delivery whose outcome is unknown, and a dead letter.
fn before_the_journal() -> String {
    let delivery = Delivery { outcome_unknown_since: Some(at(1)), ..sends("d", "h", "a") };
    let json = |text: Result<String, _>| text.unwrap();
    let (delivery, letter) =
        (json(serde_json::to_string(&delivery)), json(serde_json::to_string(&letter("l"))));
    let mut kept = format!(
        "INSERT INTO seen VALUES ('s1', 1), ('s2', 2), ('s3', 3); \
         INSERT INTO buffers (ai_agent, conversation, due_at, doc) VALUES ('acme.ada.support', 'a', 5, '{{}}'); \
         INSERT INTO dead_letters (id, doc, at) VALUES ('l', '{letter}', 1); \
         INSERT INTO outbox (id, handoff, lane, ai_agent, conversation, due_at, leased_until, doc, destination, queue, \
             is_next) VALUES ('d', 'h', 'ada h', 'acme.ada.support', 'a', 1, 0, '{delivery}', \
             'writes acme.ada.support', 'fresh', 1);"
    );
    for event in [event("a", "s2", 2), event("b", "s3", 3)] {
        let (id, chat) = (&event.svix_id, &event.key.conversation);
        let doc = json(serde_json::to_string(&event));
        kept +=
            &format!("INSERT INTO inbox VALUES ('{id}', 'acme.ada.support', '{chat}', 1, 1, '', '{doc}');");
    }
    kept
}

/// What a start call said stands apart from the handoff, and a row's marks stand together.
#[tokio::test]
async fn a_file_of_before_the_marks_is_found_through_as_before() {
    let context = json!({ "plan": "gold", "v": 9 });
    let said = Handoff { context: context.as_object().unwrap().clone(), ..handoff("h", "a") };
    let known = Row { ids: AdaIds { webhook: Some("m1".into()), ..AdaIds::default() }, ..row("h", 1, "one") };
    let (handoff, first) = (serde_json::to_string(&said).unwrap(), serde_json::to_string(&known).unwrap());
    let (fingerprint, second) =
        (row("h", 2, "two").fingerprint(), serde_json::to_string(&row("h", 2, "two")).unwrap());
    let file = File::of_version(
        15,
        &format!(
            "INSERT INTO handoffs (id, ai_agent, conversation, status, search, doc) \
             VALUES ('h', 'acme.ada.support', 'a', 'waiting', 'gold plan', '{handoff}'), \
                 ('broken', 'acme.ada.support', 'b', 'waiting', '', 'not JSON'); \
         INSERT INTO thread_rows (id, handoff, seq, fingerprint, unread, doc) \
             VALUES ('h-1', 'h', 1, '', 1, '{first}'), ('h-2', 'h', 2, '{fingerprint}', 1, '{second}'); \
         INSERT INTO row_ids (handoff, ada_id, row_id) VALUES ('h', 'm1', 'h-1');"
        ),
    );
    let store = file.open().await;
    index(&*store).await;
    assert_eq!(store.handoff(&"h".into()).await.unwrap(), Some(said.clone()));
    assert_eq!(view(&*store, of("a")).await.handoffs, [said]);
    let asked = HandoffQuery { text: Some("Gold".to_owned()), limit: 9, ..HandoffQuery::default() };
    assert_eq!(ids(&store.handoffs(&asked).await.unwrap().handoffs), ["h"]);
    for (id, fingerprint, found) in [("m1", "none", "h-1"), ("other", &fingerprint, "h-2")] {
        let mut scope = of("a");
        scope.matching = vec![MatchKey { id: id.into(), fingerprints: vec![fingerprint.to_owned(); 3] }];
        assert_eq!(row_ids(&view(&*store, scope).await), [found]);
    }
    assert_eq!(store.depths().await.unwrap().handoffs, [2, 0, 0]);
    let broken = store.handoff(&"broken".into()).await.unwrap().unwrap();
    assert!(matches!(broken.last_message, Some(Row { content: Content::Unreadable { .. }, .. })));
}

/// A file of before there were contacts in Amazon Connect gets places for them, and keeps what it has.
#[tokio::test]
async fn a_file_of_before_contacts_takes_them() {
    let said = serde_json::to_string(&handoff("h", "a")).unwrap();
    let file = File::of_version(
        17,
        &format!(
            "INSERT INTO handoffs (id, ai_agent, conversation, status, doc) \
             VALUES ('h', 'acme.ada.support', 'a', 'waiting', '{said}');"
        ),
    );
    let store = file.open().await;
    assert_eq!(store.handoff(&"h".into()).await.unwrap(), Some(handoff("h", "a")));
    assert_eq!(store.contact(&"h".into()).await.unwrap(), None);
    let contact = Contact::new("h".into(), at(0), at(900));
    write(&*store, WriteSet { contact: Some((contact.clone(), Some(at(900)))), ..WriteSet::default() }).await;
    assert_eq!(store.contact(&"h".into()).await.unwrap(), Some(contact));
    assert_eq!(view(&*store, of("a").with_inbox()).await.start_refused_until, None);
}

/// What ran out before that was recorded is known by its thread.
#[tokio::test]
async fn a_file_of_before_there_were_missed_ones_has_them() {
    let said = |handoff: &Handoff| serde_json::to_string(handoff).unwrap();
    let mut named = handoff("named", "b");
    named.end_user.id = Some("maria".to_owned());
    let end = |id| Handoff { last_seq: 2, ..ended_by_the_relay(id, "a") };
    let (missed, solved) = (end("missed"), end("solved"));
    let timed_out = Content::Event { event: EventName::TimedOut, by: None, to: None };
    let text = Content::Text { body: "Sorry.".to_owned() };
    let rows = [(1, timed_out, None), (2, text, Some(Sending::Confirmed))].map(|(seq, content, sending)| {
        let row = Row { content, sending, source: Source::Relay, ..row("missed", seq, "") };
        format!("('missed-{seq}', 'missed', {seq}, '', 0, '{}')", serde_json::to_string(&row).unwrap())
    });
    let file = File::of_version(
        18,
        &format!(
            "INSERT INTO handoffs (id, ai_agent, conversation, status, ended_at, doc) VALUES \
                 ('named', 'acme.ada.support', 'b', 'waiting', NULL, '{}'), \
                 ('broken', 'acme.ada.support', 'b', 'ended', 1, 'not JSON'), \
                 ('missed', 'acme.ada.support', 'a', 'ended', 9, '{}'), \
                 ('solved', 'acme.ada.support', 'a', 'ended', 9, '{}'); \
             INSERT INTO thread_rows (id, handoff, seq, fingerprint, unread, doc) VALUES {};",
            said(&named),
            said(&missed),
            said(&solved),
            rows.join(", "),
        ),
    );
    let open = file.try_open().await.unwrap();
    let store = &open.store;
    let asked = HandoffQuery { limit: 9, ..HandoffQuery::default() };
    let found = store.handoffs(&HandoffQuery { missed: true, ..asked.clone() }).await.unwrap().handoffs;
    let told = Told { row: "missed-2".into(), text: "Sorry.".to_owned(), in_vain: false };
    let known = Missed { at: Time::from_micros(9), told: Some(told) };
    assert_eq!(found, [Handoff { missed: Some(known), ..missed }]);
    let of_maria = HandoffQuery { end_user: Some("maria".to_owned()), ..asked };
    assert_eq!(store.handoffs(&of_maria).await.unwrap().handoffs, [named]);
    open.close().await;
    for (condition, index) in [("missed = ?1", "handoffs_missed"), ("end_user = ?1", "handoffs_by_end_user")]
    {
        let plan =
            file.plan(&format!("SELECT doc FROM handoffs WHERE {condition} ORDER BY position DESC LIMIT 9"));
        assert!(plan.contains(&format!("USING INDEX {index}")) && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}

/// A message writes nothing of what the start call said.
#[tokio::test]
async fn a_context_is_written_when_it_changes() {
    let file = File::new();
    let store = file.open().await;
    let said = |word: &str, seq| Handoff {
        context: json!({ "word": word }).as_object().unwrap().clone(),
        last_seq: seq,
        ..handoff("h", "a")
    };
    put_handoffs(&*store, vec![said("one", 1)]).await;
    file.change("CREATE TRIGGER refuse BEFORE UPDATE ON contexts BEGIN SELECT RAISE(ABORT, 'written'); END");
    put_handoffs(&*store, vec![said("one", 2)]).await;
    assert_eq!(store.handoff(&"h".into()).await.unwrap(), Some(said("one", 2)));
    file.change("DROP TRIGGER refuse");
    put_handoffs(&*store, vec![said("two", 3)]).await;
    assert_eq!(store.handoff(&"h".into()).await.unwrap(), Some(said("two", 3)));
}

/// What was there before the index comes into it in steps, also over restarts, and beside what is new.
#[tokio::test]
async fn a_file_of_before_the_index_is_searched_as_a_new_one() {
    let insert = |number: u64| {
        let id = format!("h{number}");
        let said = Handoff { last_seq: 5, ..handoff(&id, "a") };
        let doc = serde_json::to_string(&said).unwrap();
        let rows = (1..=5).map(|seq| {
            let doc = serde_json::to_string(&row(&id, seq, &format!("words {number}-{seq}."))).unwrap();
            format!("INSERT INTO thread_rows (id, handoff, seq, fingerprint, unread, doc) VALUES ('{id}-{seq}', '{id}', {seq}, '', 1, '{doc}');")
        });
        let handoff = format!(
            "INSERT INTO handoffs (id, ai_agent, conversation, status, platforms, doc) VALUES ('{id}', 'acme.ada.support', 'a', 'waiting', '', '{doc}');
             INSERT INTO contexts (handoff, search, doc) VALUES ('{id}', 'a', '{{\"v\":1,\"context\":{{\"plan\":\"Gold {number}\"}}}}');"
        );
        handoff + &rows.collect::<String>()
    };
    let file = File::of_version(18, &(0..7).map(insert).collect::<String>());
    let finds =
        |text: &str| HandoffQuery { text: Some(text.to_owned()), limit: 9, ..HandoffQuery::default() };
    for step in 0.. {
        let open = file.try_open().await.unwrap();
        if step == 2 {
            put_rows(&*open.store, vec![row("h0", 6, "words that are new")]).await;
        }
        let progress = open.store.index(3).await.unwrap();
        open.close().await;
        if progress == IndexProgress::All {
            break;
        }
        assert!(step < 99);
    }
    let store = file.open().await;
    for (text, found) in [
        ("WORDS", vec!["h6", "h5", "h4", "h3", "h2", "h1", "h0"]),
        ("words 4-", vec!["h4"]),
        ("words 0-1.", vec!["h0"]),
        ("words that", vec!["h0"]),
        ("gold 3", vec!["h3"]),
        ("6", vec!["h6"]),
    ] {
        assert_eq!(ids(&store.handoffs(&finds(text)).await.unwrap().handoffs), found, "{text}");
    }
    assert_eq!(ask(&file.path, "SELECT count(*) FROM search_texts"), 7 * 6 + 1);
}

#[tokio::test]
async fn what_is_purged_leaves_the_index() {
    let file = File::new();
    let store = file.open().await;
    put_handoffs(&*store, vec![ended("h1", "a", "Alex", "h1-1"), handoff("h2", "b")]).await;
    put_rows(&*store, (1..9).map(|seq| row("h1", seq, "needle")).collect()).await;
    index(&*store).await;
    assert_eq!(ask(&file.path, "SELECT count(*) FROM search_texts"), 10);
    purge(&*store, at(999), &RetentionPeriods { ended: Some(Duration::ZERO), dead_letters: None }).await;
    assert_eq!(ask(&file.path, "SELECT count(*) FROM search_texts"), 1, "the other handoff");
    file.change("INSERT INTO search (search, rank) VALUES ('integrity-check', 1)");
}

#[tokio::test]
async fn no_text_of_what_is_purged_stays_in_the_file() {
    let file = File::new();
    let open = file.try_open().await.unwrap();
    let store = &*open.store;
    put_handoffs(store, vec![ended("h", "a", "Alex", "r"), handoff("open", "b")]).await;
    let rows = |of: &str, words: &str| (1..40).map(|seq| row(of, seq, &format!("{words} {seq}"))).collect();
    put_rows(store, rows("h", "of somebody who is forgotten")).await;
    put_rows(store, rows("open", "of somebody who is not")).await;
    index(store).await;
    let keep = RetentionPeriods { ended: Some(Duration::from_hours(1)), dead_letters: None };
    purge(store, at(86_400 * 365), &keep).await;
    open.close().await;
    let bytes = std::fs::read(&file.path).unwrap();
    let has = |words: &[u8]| bytes.windows(words.len()).any(|window| window == words);
    assert!(has(b"of somebody who is not"));
    assert!(!has(b"of somebody who is forgotten"));
}

/// A relay that was stopped for long, or one of before the index: what has changed is forgotten.
#[tokio::test]
async fn where_changes_are_forgotten_the_index_is_filled_anew() {
    let file = File::new();
    let open = file.try_open().await.unwrap();
    put_handoffs(&*open.store, vec![handoff("h", "a")]).await;
    index(&*open.store).await;
    put_rows(&*open.store, vec![row("h", 1, "needle")]).await;
    open.close().await;
    file.change("DELETE FROM changes");
    let store = file.open().await;
    index(&*store).await;
    let finds = HandoffQuery { text: Some("needle".to_owned()), limit: 9, ..HandoffQuery::default() };
    assert_eq!(ids(&store.handoffs(&finds).await.unwrap().handoffs), ["h"]);
    file.change("INSERT INTO search (search, rank) VALUES ('integrity-check', 1)");
    assert_eq!(ask(&file.path, "SELECT count(*) FROM search_texts"), 2);
}

/// Of the file as it was, beside it, until the next change.
#[tokio::test]
async fn before_its_schema_changes_a_file_is_copied() {
    let file = File::of_version(9, include_str!("before/0009.sql"));
    let beside = |name: &str| file.path.with_file_name(name);
    for name in ["handoffs.db.before-9", "handoffs.db.before-it", "handoffs.db.before-21.part"] {
        std::fs::write(beside(name), b"of before").unwrap();
    }
    file.try_open().await.unwrap().close().await;
    let copy = beside("handoffs.db.before-21");
    assert_eq!(old_schema(&copy), 9, "as it was");
    assert!(!beside("handoffs.db.before-9").exists(), "the one of the change before");
    assert!(beside("handoffs.db.before-it").exists(), "no copy of ours");
    assert!(!beside("handoffs.db.before-21.part").exists());
    // As a start leaves it that was broken off: the copy is the only one of before.
    std::fs::copy(&copy, &file.path).unwrap();
    file.change("DELETE FROM outbox WHERE id = 'd1'");
    file.try_open().await.unwrap().close().await;
    assert_eq!(ask(&copy, "SELECT count(*) FROM outbox"), 8, "the first one stays");
    std::fs::remove_file(&copy).unwrap();
    file.try_open().await.unwrap().close().await;
    assert!(!copy.exists(), "nothing changed");
}

fn ask(path: &Path, sql: &str) -> i64 {
    Connection::open(path).unwrap().query_one(sql, (), |row| row.get(0)).unwrap()
}

/// The schema of a file that no relay since version 14 has changed.
fn old_schema(path: &Path) -> i64 {
    assert_eq!(ask(path, "PRAGMA user_version"), 0);
    ask(path, "SELECT max(version) FROM _sqlx_migrations")
}

/// As where there is no room for it: the file stays as it is.
#[tokio::test]
async fn a_schema_does_not_change_without_its_copy_unless_told_so() {
    let file = File::of_version(9, include_str!("before/0009.sql"));
    let part = file.path.with_file_name("handoffs.db.before-21.part");
    std::fs::create_dir(&part).unwrap();
    let refused = file.try_open().await.err().unwrap().to_string();
    assert!(refused.contains("its schema goes from 9 to 21") && refused.contains("--no-copy"), "{refused}");
    assert_eq!(old_schema(&file.path), 9);
    let opened = open(&Database::Sqlite(file.path.clone()), Copies::Skip, now()).await;
    assert!(opened.is_ok());
}

/// As a newer relay may have written it.
#[tokio::test]
async fn what_cannot_be_read_stops_its_own_lane_or_row_only() {
    let file = File::new();
    let open = file.try_open().await.unwrap();
    let begin = *open.store.signals().feed().borrow();
    put_handoffs(&*open.store, vec![handoff("h", "a"), handoff("i", "b")]).await;
    put_rows(&*open.store, vec![row("h", 1, "one"), row("h", 2, "two"), row("h", 3, "three")]).await;
    let queued = [sends("d1", "h", "a"), sends("d2", "h", "a"), sends("e", "i", "b"), fetches("f", "h", "a")];
    put_deliveries(&*open.store, queued.to_vec()).await;
    open.close().await;
    file.change(
        "UPDATE outbox SET doc = json_set(doc, '$.task.task', 'dance') WHERE id = 'd1'; \
         UPDATE handoffs SET doc = json_set(doc, '$.status', 'dreaming') WHERE id = 'i'; \
         UPDATE thread_rows SET doc = json_set(doc, '$.content.type', 'smell') WHERE id = 'h-2'",
    );
    let open = file.try_open().await.unwrap();
    let store = &*open.store;
    let due = async |queue| due_in(store, at(0), &queue, 9).await.items;
    assert_eq!(store.unreadable().await.unwrap(), Unreadable::default());
    for _ in 0..2 {
        assert_eq!(due(writes()).await, [sends("e", "i", "b")], "and not what is behind it");
        assert_eq!(store.unreadable().await.unwrap(), Unreadable { deliveries: 1, conversations: 0 });
        assert_eq!(store.depths().await.unwrap().unreadable, 1);
    }
    assert_eq!(due(files()).await.len(), 1);
    let all = HandoffQuery { limit: 9, ..HandoffQuery::default() };
    let listed = store.handoffs(&all).await.unwrap().handoffs;
    assert_eq!(ids(&listed), ["i", "h"]);
    assert!(matches!(&listed[0].last_message, Some(Row { content: Content::Unreadable { .. }, .. })));
    assert_eq!((&listed[0].status, listed[0].version), (&Status::Waiting, 0), "anything known is newer");
    assert_eq!(store.handoff(&"i".into()).await.unwrap(), Some(listed[0].clone()));
    let rows = store.rows(&"h".into(), 0, 9).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(matches!(&rows[1].content, Content::Unreadable { reason } if reason.contains("stored")));
    let Since::Changes(changes) = store.changes_since(begin, 9).await.unwrap() else { panic!("a reset") };
    assert_eq!(changes.len(), 3, "the stream goes on behind what it can't show");
    let mut scope = of("a");
    scope.with_outbox = true;
    assert_eq!(view(store, scope).await.outbox.len(), 2);
    open.close().await;

    // A relay that can read it goes on.
    file.change("UPDATE outbox SET doc = json_set(doc, '$.task.task', 'send') WHERE id = 'd1'");
    let store = file.open().await;
    let due = due_in(&*store, at(0), &writes(), 9).await.items;
    assert_eq!(due, [sends("d1", "h", "a"), sends("e", "i", "b")]);
}

/// Of a version that this relay doesn't know.
#[tokio::test]
async fn events_that_cannot_be_read_leave_the_others_and_a_handoff_sets_its_conversation_apart() {
    let file = File::new();
    let open = file.try_open().await.unwrap();
    put_handoffs(&*open.store, vec![handoff("h", "a"), handoff("i", "b")]).await;
    let inbox = vec![event("a", "s1", 1), event("a", "s2", 2), event("b", "s3", 3)];
    let buffer = |chat| WriteSet {
        buffer: Some((key(chat), Some((Buffer { arrivals: Some((at(1), at(2))), held_until: None }, at(3))))),
        ..WriteSet::default()
    };
    write(&*open.store, WriteSet { inbox, ..buffer("a") }).await;
    write(&*open.store, buffer("b")).await;
    open.close().await;
    file.change(
        "UPDATE journal SET doc = replace(doc, '{\"v\":1', '{\"v\":2') WHERE svix_id = 's1'; \
         UPDATE handoffs SET doc = replace(doc, '{\"v\":1', '{\"v\":2') WHERE id = 'i'",
    );
    let store = &*file.open().await;
    let shown = view(store, of("a").with_inbox()).await;
    assert_eq!(*shown.inbox, [event("a", "s2", 2)]);
    assert_eq!(shown.unreadable.len(), 1);
    let unreadable = &shown.unreadable[0];
    assert_eq!(
        (&*unreadable.svix_id, &*unreadable.reason),
        ("s1", "it has version 2, and this relay reads versions up to 1")
    );

    let of_b = store.decide(of("b").with_inbox(), Box::new(|_| WriteSet::default().into())).await;
    assert!(matches!(of_b, Err(StoreError::Unreadable(_))), "{of_b:?}");
    assert_eq!(store.due_conversations(at(3), 9).await.unwrap().items.len(), 2);
    store.set_apart(&key("b"), at(60)).await.unwrap();
    let due = store.due_conversations(at(3), 9).await.unwrap();
    assert_eq!((due.items, due.next), (vec![key("a")], Some(at(60))));
    assert_eq!(store.unreadable().await.unwrap(), Unreadable { deliveries: 0, conversations: 1 });
    write(store, buffer("b")).await;
    assert_eq!(store.unreadable().await.unwrap(), Unreadable::default(), "it is looked at anew");
}

#[tokio::test]
async fn an_older_relay_uses_a_newer_file_where_it_can_live_with_it() {
    let file = File::new();
    file.try_open().await.unwrap().close().await;
    file.change(
        "ALTER TABLE handoffs ADD COLUMN mood TEXT NOT NULL DEFAULT ''; \
         PRAGMA user_version = 900",
    );
    let open = file.try_open().await.unwrap();
    put_handoffs(&*open.store, vec![handoff("h", "a")]).await;
    open.close().await;
    file.change("UPDATE compatibility SET minimum = 900, relay = '9.9.9'");
    let refusal = refusal(file.try_open().await);
    assert!(refusal.contains("handoff-relay 9.9.9 has changed this database"), "{refusal}");
    assert!(refusal.contains(&*file.path.to_string_lossy()), "{refusal}");
}

fn refusal(result: Result<super::file::Open, StoreError>) -> String {
    match result {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    }
}

/// A start that was killed leaves no empty file under that name, and what it left is in nobody's way.
#[tokio::test]
async fn a_file_has_its_name_once_it_has_its_tables() {
    let file = File::new();
    let begun = file.path.with_file_name("handoffs.db.new");
    std::fs::write(&begun, b"half of a file").unwrap();
    file.try_open().await.unwrap().close().await;
    assert!(file.path.exists() && !begun.exists());
}

#[tokio::test]
async fn a_store_whose_file_has_lost_its_name_is_not_ready() {
    let file = File::new();
    let away = file.path.with_file_name("away.db");
    let open = file.try_open().await.unwrap();
    open.store.ready().await.unwrap();
    std::fs::rename(&file.path, &away).unwrap();
    let says = || async { open.store.ready().await.unwrap_err().to_string() };
    assert!(says().await.contains("handoffs.db: it was deleted, moved or replaced"), "{}", says().await);
    std::fs::write(&file.path, b"another").unwrap();
    assert!(says().await.contains("replaced"));
    std::fs::rename(&away, &file.path).unwrap();
    open.store.ready().await.unwrap();
    open.close().await;
}

#[tokio::test]
async fn a_file_belongs_to_one_process() {
    let file = File::new();
    let open = file.try_open().await.unwrap();
    let text = refusal(file.try_open().await);
    assert!(text.contains(&format!("{} is in use by another handoff-relay", file.path.display())), "{text}");
    assert!(!text.contains('\n'));
    open.store.ready().await.unwrap();
    open.close().await;
    file.try_open().await.unwrap().close().await;
}

#[tokio::test]
async fn a_file_is_its_owners_until_the_last_is_written() {
    let file = File::new();
    let opened = file.open_idle().await;
    drop(opened.store);
    refusal(file.try_open().await);
    opened.writer.unwrap().await;
    file.try_open().await.unwrap().close().await;
}

#[tokio::test]
async fn a_broken_file_is_refused_by_name() {
    let file = File::new();
    std::fs::write(&file.path, "not a database, but long enough to look like one ".repeat(100)).unwrap();
    let text = refusal(file.try_open().await);
    assert!(text.contains(&file.path.display().to_string()) && text.contains("not a database"), "{text}");

    let folder = File::new();
    std::fs::create_dir(&folder.path).unwrap();
    let text = refusal(folder.try_open().await);
    assert!(text.contains(&folder.path.display().to_string()), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt;
    let file = File::new();
    let open = file.try_open().await.unwrap();
    put_handoffs(&*open.store, vec![handoff("h", "a")]).await;
    for entry in std::fs::read_dir(file.path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        let empty = entry.metadata().unwrap().len() == 0;
        assert!(empty || mode.trailing_zeros() >= 6, "{:?} has mode {mode:o}", entry.path());
    }
    open.close().await;
}

#[tokio::test]
async fn a_stopped_writer_is_an_error_not_a_wait() {
    let file = File::new();
    let opened = file.open_idle().await;
    drop(opened.writer);
    let result = opened.store.decide(of("a"), Box::new(|_| WriteSet::default().into())).await;
    assert!(matches!(result, Err(StoreError::Stopped)), "{result:?}");
}
