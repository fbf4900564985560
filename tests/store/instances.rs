//! Several instances on one database.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use handoff_relay::{
    environment::{Environment as _, Machine},
    relay::{
        buffer::{Buffer, Timings},
        changes::{Scope, View, WriteSet},
        delivery::Queue,
        event::Event,
        handoff::Handoff,
    },
    store::{
        Arrived, Arriving, HandoffQuery, RetentionPeriods, Since, Store, StoreError, decide,
        quota::{Place, Quota},
        sessions::{Digest, SignInCode},
    },
};

use super::{
    database::{name_of, open_as},
    make::{
        at, due_in, event, fetches, files, handoff, ids, index, key, of, put_deliveries, put_handoffs,
        put_rows, row, sends, view, writes,
    },
    postgres,
};

/// More than anything here takes.
const LONG: Duration = Duration::from_secs(30);
const TIMINGS: Timings = Timings {
    quiet: Duration::from_millis(1_500),
    cap: Duration::from_secs(5),
    unknown_hold: Duration::from_secs(30),
};

/// Two instances, and the URL of their database.
async fn two() -> (Arc<dyn Store>, Arc<dyn Store>, String) {
    let url = postgres::shared().database().await;
    (open_as(postgres::settings(&url)).await, open_as(postgres::settings(&url)).await, url)
}

/// Waits for a condition.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.unwrap();
}

/// An event that no rule must look at.
async fn arrives(store: &dyn Store, event: Event) -> Arrived {
    tries_to_arrive(store, event).await.unwrap()
}

/// The same where it may fail.
pub async fn tries_to_arrive(store: &dyn Store, event: Event) -> Result<Arrived, StoreError> {
    let arriving = Arriving {
        event: Box::new(event),
        timings: TIMINGS,
        inbox_limit: 1_000,
        outbox_limit: 1_000,
        kept: Box::new(|| ()),
        rule: Box::new(|event| {
            (of(event.key.conversation.as_str()), Box::new(|_| WriteSet::default().into()))
        }),
    };
    store.arrive(arriving).await
}

#[tokio::test]
async fn what_one_commits_the_other_shows_in_the_order_of_commits() {
    let (one, other, _) = two().await;
    let mut feed = other.signals().feed();
    let begin = *feed.borrow_and_update();
    put_handoffs(&*one, vec![handoff("h", "a")]).await;
    let writing = join_all((1..=40_u64).map(|seq| {
        let store = if seq % 2 == 0 { &one } else { &other };
        put_rows(&**store, vec![row("h", seq, "")])
    }));
    // Who reads as it goes sees each number once, and nothing comes in below what was read.
    let reading = async {
        let (mut seen, mut numbers) = (begin, Vec::new());
        while numbers.len() < 41 {
            tokio::time::timeout(LONG, feed.changed()).await.unwrap().unwrap();
            let Since::Changes(changes) = other.changes_since(seen, 100).await.unwrap() else { panic!() };
            numbers.extend(changes.iter().map(|(number, _)| *number));
            seen = numbers.last().copied().unwrap_or(seen);
        }
        numbers
    };
    let (_, numbers) = tokio::join!(writing, reading);
    assert_eq!(numbers, (begin + 1..=begin + 41).collect::<Vec<u64>>());
    let Since::Changes(shown) = one.changes_since(begin, 100).await.unwrap() else { panic!() };
    assert_eq!(Since::Changes(shown), other.changes_since(begin, 100).await.unwrap());
}

#[tokio::test]
async fn an_event_that_comes_to_both_is_kept_once() {
    let (one, other, _) = two().await;
    let ids = (0..50).flat_map(|number| [(&one, number), (&other, number)]);
    let arrived =
        join_all(ids.map(|(store, number)| arrives(&**store, event("a", &format!("s{number:02}"), number))))
            .await;
    assert_eq!(arrived.iter().filter(|arrived| **arrived == Arrived::Kept).count(), 50);
    assert_eq!(view(&*one, of("a").with_inbox()).await.inbox.len(), 50);
}

/// As when PostgreSQL is restarted while nothing arrives.
#[tokio::test]
async fn what_arrives_is_kept_though_postgresql_has_ended_the_connection_meanwhile() {
    let (one, _, url) = two().await;
    let client = postgres::connect(&url).await;
    for number in 0..5 {
        assert_eq!(arrives(&*one, event("a", &format!("s{number}"), number)).await, Arrived::Kept);
        let ended = client.batch_execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        ended.await.unwrap();
    }
}

#[tokio::test]
async fn two_decisions_about_one_conversation_see_each_other() {
    let (one, other, _) = two().await;
    they_see_each_other(one, other).await;
}

/// As an administrator may set it.
#[tokio::test]
async fn so_they_do_whatever_the_database_isolates_by_default() {
    for isolation in ["repeatable read", "serializable"] {
        let url = postgres::shared().database().await;
        let name = name_of(&url);
        let set = format!("ALTER DATABASE {name} SET default_transaction_isolation = '{isolation}'");
        postgres::execute(&url, &set).await;
        let one = open_as(postgres::settings(&url)).await;
        they_see_each_other(one, open_as(postgres::settings(&url)).await).await;
    }
}

async fn they_see_each_other(one: Arc<dyn Store>, other: Arc<dyn Store>) {
    let count = |store: Arc<dyn Store>| async move {
        for _ in 0..20 {
            let decision = |view: View| {
                let last = view.handoffs.first().map_or(0, |handoff| handoff.version);
                let counted = Handoff { version: last + 1, ..handoff("h", "a") };
                (WriteSet { handoffs: vec![counted], ..WriteSet::default() }, ())
            };
            decide(&*store, of("a"), decision, |()| {}).await.unwrap();
        }
    };
    // Of a conversation that has no row yet, too.
    tokio::join!(count(Arc::clone(&one)), count(Arc::clone(&other)), count(Arc::clone(&one)));
    assert_eq!(one.handoff(&"h".into()).await.unwrap().unwrap().version, 60);
}

#[tokio::test]
async fn the_quiet_period_is_that_of_both() {
    let (one, other, _) = two().await;
    arrives(&*one, event("a", "s1", 1)).await;
    arrives(&*other, event("a", "s2", 2)).await;
    for store in [&one, &other] {
        let shown = view(&**store, of("a").with_inbox()).await;
        assert_eq!(shown.buffer, Some(Buffer { arrivals: Some((at(1), at(2))), held_until: None }));
        assert_eq!(shown.inbox.len(), 2, "what waits can be seen on any instance");
    }
    // Each times what has come to it; who looks first finds that it is not due.
    let due = one.due_conversations(at(3), 9).await.unwrap();
    assert_eq!((due.items, due.next), (vec![key("a")], None));
    assert!(other.due_conversations(at(3), 9).await.unwrap().items.is_empty());
    // One sets the debounce by what it has seen, while another event comes to the other.
    let seen = view(&*one, of("a").with_inbox()).await.buffer.unwrap();
    write_buffer(&*one, Some(seen)).await;
    arrives(&*other, event("a", "s3", 4)).await;
    let shown = view(&*one, of("a").with_inbox()).await.buffer.unwrap();
    assert_eq!(shown.arrivals, Some((at(1), at(4))));
    // What has left restarts it: the event that the decision has not seen counts by itself.
    write_buffer(&*one, None).await;
    arrives(&*other, event("a", "s4", 5)).await;
    assert_eq!(view(&*one, of("a")).await.buffer.unwrap().arrivals, Some((at(5), at(5))));
}

async fn write_buffer(store: &dyn Store, buffer: Option<Buffer>) {
    let decision = move |_| {
        let buffer = buffer.map(|buffer| (buffer, buffer.due(&TIMINGS).unwrap()));
        (WriteSet { buffer: Some((key("a"), buffer)), ..WriteSet::default() }, ())
    };
    decide(store, of("a").with_inbox(), decision, |()| {}).await.unwrap();
}

#[tokio::test]
async fn what_an_instance_that_died_had_taken_in_another_finds() {
    let url = postgres::shared().database().await;
    let one = open_as(postgres::settings(&url)).await;
    let mut settings = postgres::settings(&url);
    settings.sweep_every = Duration::from_millis(50);
    let other = open_as(settings).await;
    let mut inbox = other.signals().inbox();
    arrives(&*one, event("a", "s1", 1)).await;
    drop(one);
    tokio::time::timeout(LONG, inbox.changed()).await.unwrap().unwrap();
    let found = other.due_conversations(Machine.now(), 9).await;
    assert_eq!(found.unwrap().items, [key("a")]);
}

#[tokio::test]
async fn one_instance_at_a_time_calls_an_ai_agent() {
    let (one, other, url) = two().await;
    put_handoffs(&*one, vec![handoff("h", "a")]).await;
    put_deliveries(&*one, vec![sends("d", "h", "a"), fetches("f", "h", "a")]).await;
    let offered = async |store: &dyn Store, queue: Queue| due_in(store, at(9), &queue, 9).await.items.len();
    assert_eq!(offered(&*one, writes()).await, 1);
    for _ in 0..3 {
        assert_eq!(offered(&*other, writes()).await, 0, "it is not this one's turn");
        assert_eq!(offered(&*other, files()).await, 1, "a download may be anybody's");
        assert_eq!(offered(&*one, writes()).await, 1);
    }
    // Who stops lets go.
    drop(one);
    until(async || offered(&*other, writes()).await == 1).await;
    // Who dies is replaced when its lease is over.
    let third = open_as(postgres::settings(&url)).await;
    let next = due_in(&*third, at(9), &writes(), 9).await;
    assert!(next.items.is_empty() && next.next.is_some(), "it is asked for again");
    let dies = "UPDATE lines SET holder = 'gone', until = clock_timestamp() - interval '1 second'";
    postgres::execute(&url, dies).await;
    until(async || offered(&*third, writes()).await == 1).await;
}

/// Its name is stored shortened.
#[tokio::test]
async fn an_instance_that_starts_knows_open_handoffs_of_conversations_with_long_names() {
    let url = postgres::shared().database().await;
    let (chat, other) = ("c".repeat(3_000), format!("{}d", "c".repeat(2_999)));
    let before = open_as(postgres::settings(&url)).await;
    put_handoffs(&*before, vec![handoff("h", &chat)]).await;
    let store = open_as(postgres::settings(&url)).await;
    for store in [&before, &store] {
        assert!(store.has_open_handoff(&chat) && !store.has_open_handoff(&other));
    }
}

#[tokio::test]
async fn calls_to_an_ai_agent_are_counted_for_all() {
    let (one, other, _) = two().await;
    let (agent, another) = (key("a").ai_agent, "other.ada.support".into());
    let first = one.count_call(&agent, 0).await.unwrap();
    assert!(first.others.is_empty(), "its own calls it knows");
    let second = one.count_call(&agent, 0).await.unwrap();
    one.take_back_call(second.number).await.unwrap();
    assert!(one.count_call(&another, 0).await.unwrap().others.is_empty());
    let heard = other.count_call(&agent, 0).await.unwrap();
    assert_eq!((heard.others.len(), heard.known), (1, first.number), "one of two was not made");
    assert!(heard.others[0] < LONG);
    assert!(other.count_call(&agent, heard.known).await.unwrap().others.is_empty(), "each is heard of once");
    assert_eq!(one.count_call(&agent, 0).await.unwrap().others.len(), 2);
}

#[tokio::test]
async fn one_instance_leads_until_it_stops() {
    let (one, other, _) = two().await;
    assert!(one.leads().await.unwrap());
    assert!(!other.leads().await.unwrap() && one.leads().await.unwrap());
    drop(one);
    until(async || other.leads().await.unwrap()).await;
}

#[tokio::test]
async fn a_quota_is_that_of_both_also_at_once() {
    let (one, other, url) = two().await;
    let quota = |name: &str, times| Quota { name: name.to_owned(), times, within: Duration::from_secs(60) };
    let (few, many) = (quota("few", 5), quota("many", 50));
    let quotas = [many.clone(), few.clone()];
    let asked = join_all(
        (0..20)
            .map(|number| if number % 2 == 0 { &one } else { &other })
            .map(|store| store.take_place(&quotas)),
    );
    let places: Vec<Place> = asked.await.into_iter().map(Result::unwrap).collect();
    let taken: Vec<&Vec<u64>> = places
        .iter()
        .filter_map(|place| if let Place::Taken(numbers) = place { Some(numbers) } else { None })
        .collect();
    assert_eq!(taken.len(), 5);
    let waits =
        places.iter().filter_map(|place| if let Place::NoneFor(wait) = place { Some(*wait) } else { None });
    assert!(
        waits.clone().all(|wait| wait > Duration::from_secs(20) && wait <= Duration::from_secs(60)),
        "{places:?}"
    );

    // Who was refused has used up nothing, and what is given back is there again, for one.
    assert!(matches!(one.take_place(&[quota("many", 6)]).await.unwrap(), Place::Taken(_)));
    assert!(matches!(one.take_place(&[quota("many", 6)]).await.unwrap(), Place::NoneFor(_)));
    other.give_back_place(taken[0]).await.unwrap();
    assert!(matches!(one.take_place(&quotas).await.unwrap(), Place::Taken(_)));
    assert!(matches!(other.take_place(&quotas).await.unwrap(), Place::NoneFor(_)));

    // Time passes.
    let client = postgres::connect(&url).await;
    client.batch_execute("UPDATE places SET at = at - interval '61 seconds'").await.unwrap();
    assert!(matches!(other.take_place(&quotas).await.unwrap(), Place::Taken(_)));
    client.batch_execute("UPDATE places SET at = at - interval '601 seconds'").await.unwrap();
    one.purge(Machine.now(), &RetentionPeriods { ended: None, dead_letters: None }).await.unwrap();
    let left: i64 = client.query_one("SELECT count(*) FROM places", &[]).await.unwrap().get(0);
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_code_of_one_is_good_at_the_other_once() {
    let (one, other, _) = two().await;
    let code = SignInCode { id: Digest::of("code"), token: Digest::of("token"), made_at: Machine.now() };
    one.put_code(code.clone()).await.unwrap();
    assert_eq!(other.take_code(&Digest::of("another")).await.unwrap(), None);
    assert_eq!(other.take_code(&code.id).await.unwrap(), Some(code.clone()));
    assert_eq!(one.take_code(&code.id).await.unwrap(), None);
    let old = SignInCode { made_at: code.made_at - Duration::from_secs(601), ..code };
    one.put_code(old.clone()).await.unwrap();
    one.purge(Machine.now(), &RetentionPeriods { ended: None, dead_letters: None }).await.unwrap();
    assert_eq!(other.take_code(&old.id).await.unwrap(), None, "it was too old, and is forgotten");
}

#[tokio::test]
async fn a_database_of_an_earlier_relay_goes_on_as_it_is() {
    let (one, _, url) = two().await;
    let mut of_maria = handoff("h", "a");
    of_maria.end_user.id = Some("maria".to_owned());
    put_handoffs(&*one, vec![of_maria]).await;
    let client = postgres::connect(&url).await;
    let earlier = "DROP TABLE places, sign_in_codes, history, search_texts, search_state, teams, agents; \
        DROP INDEX handoffs_of_agent, handoffs_of_agent_by_status; \
        ALTER TABLE handoffs DROP COLUMN team, DROP COLUMN route, DROP COLUMN end_user, DROP COLUMN missed; \
        ALTER TABLE contexts ALTER COLUMN search DROP DEFAULT; DELETE FROM relay_schema WHERE step > 1";
    client.batch_execute(earlier).await.unwrap();
    // Relays of both versions run beside each other while they are replaced.
    let newer = open_as(postgres::settings(&url)).await;
    assert_eq!(newer.handoff(&"h".into()).await.unwrap(), one.handoff(&"h".into()).await.unwrap());
    let asked = HandoffQuery { end_user: Some("maria".to_owned()), limit: 9, ..HandoffQuery::default() };
    assert_eq!(ids(&newer.handoffs(&asked).await.unwrap().handoffs), ["h"]);
    let quota = Quota { name: "new".to_owned(), times: 1, within: Duration::from_secs(60) };
    assert!(matches!(newer.take_place(&[quota]).await.unwrap(), Place::Taken(_)));
    put_handoffs(&*newer, vec![handoff("h2", "b")]).await;
    assert!(one.handoff(&"h2".into()).await.unwrap().is_some());
    // What was there before its index is found, and what is new.
    index(&*newer).await;
    let asked = HandoffQuery { text: Some("acme".to_owned()), limit: 9, ..HandoffQuery::default() };
    assert_eq!(newer.handoffs(&asked).await.unwrap().handoffs.len(), 0, "the domain is not looked through");
    let asked = HandoffQuery { text: Some("h".to_owned()), ..asked };
    assert_eq!(ids(&newer.handoffs(&asked).await.unwrap().handoffs), ["h2", "h"]);
}

#[tokio::test]
async fn lists_are_found_by_an_index() {
    let (_, _, url) = two().await;
    let client = postgres::connect(&url).await;
    // Of few rows it would rather read them all.
    client.batch_execute("SET enable_seqscan = off; SET enable_sort = off").await.unwrap();
    for (condition, index) in
        [("missed = 1", "handoffs_missed"), ("end_user = 'maria'", "handoffs_by_end_user")]
    {
        let sql =
            format!("EXPLAIN SELECT doc FROM handoffs WHERE {condition} ORDER BY position DESC LIMIT 9");
        let plan = client.query(&sql, &[]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|line| line.get(0)).collect();
        assert!(plan.join("\n").contains(&format!("using {index}")), "{plan:#?}");
    }
}

#[tokio::test]
async fn the_rows_that_a_decision_needs_are_found_by_an_index() {
    const LOOKS: i64 = 80;
    let url = postgres::shared().database().await;
    let client = postgres::connect(&url).await;
    // Of few rows it would rather read them all.
    // What it must read all the same counts as so expensive that each statement would be compiled.
    let hint = "DO $$ BEGIN \
                EXECUTE format('ALTER DATABASE %I SET enable_seqscan = off', current_database()); \
                EXECUTE format('ALTER DATABASE %I SET jit = off', current_database()); END $$";
    client.batch_execute(hint).await.unwrap();
    // A server counts at the latest when the connection ends.
    let counts = async |store: Arc<dyn Store>| {
        drop(store);
        let others = "SELECT count(*) FROM pg_stat_activity \
                      WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
        until(async || client.query_one(others, &[]).await.unwrap().get::<_, i64>(0) == 0).await;
        let sql = "SELECT seq_scan + idx_scan, seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'thread_rows'";
        let counts = client.query_one(sql, &[]).await.unwrap();
        [0, 1].map(|place| counts.get::<_, i64>(place))
    };
    let store = open_as(postgres::settings(&url)).await;
    put_handoffs(&*store, vec![handoff("h", "a")]).await;
    put_rows(&*store, (1..=60).map(|seq| row("h", seq, "")).collect()).await;
    let before = counts(store).await;
    let store = open_as(postgres::settings(&url)).await;
    for _ in 0..LOOKS {
        let scope = Scope { rows: vec![row("h", 1, "").id], ..of("a") };
        assert_eq!(view(&*store, scope).await.rows.len(), 1);
    }
    let after = counts(store).await;
    let [scans, read] = [0, 1].map(|place| after[place] - before[place]);
    assert!(scans >= LOOKS && read < scans * 10, "{scans} looks have read {read} rows");
}

#[tokio::test]
async fn whoever_shows_what_waits_is_told_where_another_instance_has_changed_it() {
    let (one, other, _) = two().await;
    let changes = other.signals().inbox_changes();
    changes.watch();
    let noted = async || until(async || changes.take(9) == [key("a")]).await;
    arrives(&*one, event("a", "s1", 0)).await;
    noted().await;
    let leaves = WriteSet { inbox_done: vec!["s1".to_owned()], ..WriteSet::default() };
    decide(&*one, of("a"), move |_| (leaves, ()), |()| {}).await.unwrap();
    noted().await;
}
