//! What is over goes after its time, whole and in small steps; what waits keeps it.

use std::{sync::Arc, time::Duration};

use handoff_relay::{
    relay::{
        changes::{DeadLetter, IdempotencyScope, Idempotent, WriteSet},
        handoff::{Handoff, Status},
        thread::{AdaIds, Row},
        time::Time,
    },
    store::{FeedItem, HandoffQuery, PURGE_STEP, PurgeProgress, RetentionPeriods, Since, Store},
};

use super::make::{
    at, ended, event, handoff, ids, letter, match_key, of, of_handoff, purge, put_deliveries, put_handoffs,
    put_rows, reads, row, view, write,
};

const DAY: Duration = Duration::from_hours(24);
const KEEP: RetentionPeriods =
    RetentionPeriods { ended: Some(Duration::from_hours(72)), dead_letters: Some(DAY) };
const FOR_EVER: RetentionPeriods = RetentionPeriods { ended: None, dead_letters: None };

fn ended_at(id: &str, conversation: &str, at: Time) -> Handoff {
    let mut handoff = ended(id, conversation, "Alex", &format!("{id}-1"));
    let Status::Ended(end) = &mut handoff.status else { unreachable!("it has ended") };
    end.at = at;
    handoff
}

async fn is_there(store: &dyn Store, id: &str) -> bool {
    store.handoff(&id.into()).await.unwrap().is_some()
}

async fn an_ended_handoff_goes_whole_after_its_time(store: &dyn Store) {
    let begin = *store.signals().feed().borrow();
    put_handoffs(store, vec![handoff("open", "b"), ended_at("h", "a", at(0))]).await;
    put_rows(store, vec![row("open", 1, "stays"), row("h", 1, "says"), row("h", 2, "more")]).await;
    let asked = IdempotencyScope { agent: "Alex".to_owned(), handoff: "h".into(), key: "k".to_owned() };
    let idempotent = Some((asked.clone(), Idempotent { digest: "d".to_owned(), row: "h-1".into() }));
    let now = at(1) + 3 * DAY;
    write(store, WriteSet { idempotent, at: now, ..WriteSet::default() }).await;

    purge(store, now, &FOR_EVER).await;
    purge(store, at(0) + 3 * DAY, &KEEP).await;
    assert!(is_there(store, "h").await);
    purge(store, now, &KEEP).await;
    assert!(!is_there(store, "h").await);
    assert!(store.rows(&"h".into(), 0, 9).await.unwrap().is_empty());
    assert_eq!(store.row(&"h-1".into()).await.unwrap(), None);
    let all = store.handoffs(&HandoffQuery { limit: 9, ..HandoffQuery::default() }).await.unwrap();
    assert_eq!(ids(&all.handoffs), ["open"]);
    assert_eq!(store.depths().await.unwrap().handoffs, [1, 0, 0]);
    let shown = store.changes_since(begin, 9).await.unwrap();
    let Since::Changes(shown) = shown else { panic!("{shown:?}") };
    assert_eq!(shown.len(), 2, "of the open one alone: {shown:?}");

    // Nothing of it comes back with another of its name.
    put_handoffs(store, vec![handoff("h", "a")]).await;
    put_rows(store, vec![Row { ids: AdaIds::default(), ..row("h", 1, "new") }]).await;
    let shown = store.changes_since(begin, 9).await.unwrap();
    assert!(matches!(&shown, Since::Changes(shown) if shown.len() == 4), "{shown:?}");
    let mut scope = of_handoff("h");
    scope.matching = vec![match_key("ada-h-1", "says")];
    scope.idempotency = Some(asked);
    let seen = view(store, scope).await;
    assert!(seen.rows.is_empty() && seen.idempotent.is_none(), "{seen:?}");
    assert_eq!(store.rows(&"open".into(), 0, 9).await.unwrap().len(), 1);
}

async fn what_waits_for_a_handoff_keeps_it(store: &dyn Store) {
    for (id, chat) in [("sending", "a"), ("buffered", "b"), ("older", "b"), ("done", "c")] {
        put_handoffs(store, vec![ended_at(id, chat, at(0))]).await;
    }
    put_handoffs(store, vec![handoff("open", "d")]).await;
    put_deliveries(store, vec![reads("d", "sending", "a"), reads("other", "open", "d")]).await;
    write(store, WriteSet { inbox: vec![event("b", "s", 1)], ..WriteSet::default() }).await;
    let now = at(0) + 30 * DAY;
    purge(store, now, &KEEP).await;
    for (id, stays) in
        [("sending", true), ("buffered", true), ("older", true), ("done", false), ("open", true)]
    {
        assert_eq!(is_there(store, id).await, stays, "{id}");
    }
    let changes = WriteSet {
        deliveries_done: vec!["d".into()],
        inbox_done: vec!["s".to_owned()],
        ..WriteSet::default()
    };
    write(store, changes).await;
    purge(store, now, &KEEP).await;
    for id in ["sending", "buffered", "older"] {
        assert!(!is_there(store, id).await, "{id}");
    }
    assert!(view(store, of("b")).await.handoffs.is_empty());
}

async fn a_handoff_that_opened_again_is_not_an_ended_one(store: &dyn Store) {
    put_handoffs(store, vec![ended_at("h", "a", at(0))]).await;
    put_handoffs(store, vec![handoff("h", "a")]).await;
    purge(store, at(0) + 30 * DAY, &KEEP).await;
    assert!(is_there(store, "h").await);
}

async fn dead_letters_go_after_their_time(store: &dyn Store) {
    let old = DeadLetter { reason: "still".to_owned(), ..letter("old") };
    let young = DeadLetter { at: at(1), ..letter("young") };
    for letter in [letter("old"), young.clone(), old] {
        write(store, WriteSet { dead_letters: vec![letter], ..WriteSet::default() }).await;
    }
    purge(store, at(0) + DAY, &KEEP).await;
    purge(store, at(0) + 300 * DAY, &FOR_EVER).await;
    assert_eq!(store.dead_letters(None, 9).await.unwrap().letters.len(), 2);
    purge(store, at(1) + DAY, &KEEP).await;
    assert_eq!(store.dead_letters(None, 9).await.unwrap().letters, [young]);
}

async fn a_step_is_small_and_says_whether_there_is_more(store: &dyn Store) {
    let now = at(0) + 30 * DAY;
    let (letters, ids) = (PURGE_STEP + 1, 2 * PURGE_STEP + 1);
    let changes = WriteSet {
        dead_letters: (0..letters).map(|number| letter(&number.to_string())).collect(),
        remember: (0..ids).map(|number| format!("s{number}")).collect(),
        at: at(0),
        ..WriteSet::default()
    };
    write(store, changes).await;
    // Three threads of which two make up a step.
    let long = (PURGE_STEP as u64).div_ceil(2);
    for id in ["h0", "h1", "h2"] {
        put_handoffs(store, vec![Handoff { last_seq: long, ..ended_at(id, id, at(0)) }]).await;
    }
    let left = async || {
        let handoffs = store.depths().await.unwrap().handoffs[2];
        (store.dead_letters(None, ids).await.unwrap().letters.len(), handoffs)
    };
    assert_eq!(store.purge(now, &KEEP).await.unwrap(), PurgeProgress::Part);
    assert_eq!(left().await, (1, 1));
    assert!(is_there(store, "h2").await, "the oldest go first");
    assert_eq!(store.purge(now, &KEEP).await.unwrap(), PurgeProgress::Part, "there are ids");
    assert_eq!(left().await, (0, 0));
    purge(store, now, &KEEP).await;
    assert_eq!(store.purge(now, &KEEP).await.unwrap(), PurgeProgress::All);
    for svix_id in ["s0".to_owned(), format!("s{}", ids - 1)] {
        let mut scope = of("a");
        scope.svix_id = Some(svix_id);
        assert!(!*view(store, scope).await.seen);
    }
}

async fn a_step_of_threads_says_whether_there_are_more(store: &dyn Store) {
    let long = PURGE_STEP as u64;
    let handoffs = ["h0", "h1"].map(|id| Handoff { last_seq: long, ..ended_at(id, id, at(0)) });
    put_handoffs(store, handoffs.to_vec()).await;
    let now = at(0) + 30 * DAY;
    assert_eq!(store.purge(now, &KEEP).await.unwrap(), PurgeProgress::Part);
    assert_eq!(store.depths().await.unwrap().handoffs[2], 1);
    assert_eq!(store.purge(now, &KEEP).await.unwrap(), PurgeProgress::All);
    assert_eq!(store.depths().await.unwrap().handoffs[2], 0);
}

async fn a_thread_longer_than_a_step_goes_too(store: &dyn Store) {
    let long = Handoff { last_seq: 3 * PURGE_STEP as u64, ..ended_at("long", "a", at(0)) };
    put_handoffs(store, vec![long]).await;
    purge(store, at(0) + 30 * DAY, &KEEP).await;
    assert!(!is_there(store, "long").await);
}

/// As an event stream does it: on from the last number, or anew.
async fn a_stream_catches_up_over_what_was_forgotten(store: &dyn Store) {
    let newest = || *store.signals().feed().borrow();
    put_handoffs(store, vec![handoff("first", "a"), ended_at("gone", "b", at(0))]).await;
    let begin = newest();
    put_handoffs(store, (0..5).map(|_| ended_at("gone", "b", at(0))).collect()).await;
    put_handoffs(store, vec![handoff("last", "c")]).await;
    purge(store, at(0) + 30 * DAY, &KEEP).await;
    let Since::Changes(shown) = store.changes_since(begin, 2).await.unwrap() else { panic!("reset") };
    assert_eq!(shown, [(begin + 6, FeedItem::Handoff(Arc::new(handoff("last", "c"))))], "no page is empty");

    put_handoffs(store, vec![ended_at("gone", "b", at(0))]).await;
    let last = newest();
    purge(store, at(0) + 30 * DAY, &KEEP).await;
    assert_eq!(store.changes_since(begin + 6, 2).await.unwrap(), Since::Changes(vec![]));
    assert_eq!(store.changes_since(last, 2).await.unwrap(), Since::Changes(vec![]));
    put_handoffs(store, vec![handoff("next", "d")]).await;
    let Since::Changes(shown) = store.changes_since(last, 2).await.unwrap() else { panic!("reset") };
    assert_eq!(shown[0].0, last + 1, "numbers are never used again");
}

async fn pages_follow_though_handoffs_go(store: &dyn Store) {
    put_handoffs(store, (0..3).map(|number| handoff(&format!("h{number}"), "a")).collect()).await;
    put_handoffs(store, vec![ended_at("gone", "b", at(0)), handoff("h3", "a")]).await;
    let query = HandoffQuery { limit: 2, ..HandoffQuery::default() };
    let first = store.handoffs(&query).await.unwrap();
    assert_eq!(ids(&first.handoffs), ["h3", "gone"]);
    purge(store, at(0) + 30 * DAY, &KEEP).await;
    put_handoffs(store, vec![handoff("new", "a")]).await;
    let second = store.handoffs(&HandoffQuery { after: first.next, ..query }).await.unwrap();
    assert_eq!(ids(&second.handoffs), ["h2", "h1"]);
}

on_every_store!(
    an_ended_handoff_goes_whole_after_its_time,
    what_waits_for_a_handoff_keeps_it,
    a_handoff_that_opened_again_is_not_an_ended_one,
    dead_letters_go_after_their_time,
    a_step_is_small_and_says_whether_there_is_more,
    a_step_of_threads_says_whether_there_are_more,
    a_thread_longer_than_a_step_goes_too,
    a_stream_catches_up_over_what_was_forgotten,
    pages_follow_though_handoffs_go,
);

mod on_disk {
    //! The file itself.

    use handoff_relay::relay::changes::WriteSet;

    use super::{
        super::{
            file::File,
            make::{at, inserts, letter, purge, put_handoffs, put_rows, row, write},
        },
        DAY, DeadLetter, FOR_EVER, Handoff, KEEP, RetentionPeriods, Store, ended_at, is_there,
    };

    /// What a day brings, every day the same.
    async fn live_through(store: &dyn Store, day: u32) {
        let at = at(0) + day * DAY;
        let handoffs = (0..10).map(|number| {
            let id = format!("h{day}-{number}");
            Handoff { last_seq: 5, ..ended_at(&id, &id, at) }
        });
        let handoffs: Vec<Handoff> = handoffs.collect();
        let words = "w".repeat(1_000);
        let rows =
            handoffs.iter().flat_map(|handoff| (1..=5).map(|seq| row(handoff.id.as_str(), seq, &words)));
        put_rows(store, rows.collect()).await;
        put_handoffs(store, handoffs).await;
        let letters =
            (0..5).map(|number| DeadLetter { at, body: words.clone(), ..letter(&format!("{day}-{number}")) });
        let remember = (0..200).map(|number| format!("msg_of_some_length_{day}-{number}")).collect();
        write(store, WriteSet { dead_letters: letters.collect(), remember, at, ..WriteSet::default() }).await;
    }

    /// The sizes of the file after each of some months.
    async fn sizes(keep: &RetentionPeriods) -> Vec<u64> {
        let (file, mut sizes) = (File::new(), Vec::new());
        for month in 0..3 {
            let open = file.try_open().await.unwrap();
            for day in month * 30..(month + 1) * 30 {
                live_through(&*open.store, day).await;
                purge(&*open.store, at(0) + day * DAY, keep).await;
            }
            open.close().await;
            sizes.push(std::fs::metadata(&file.path).unwrap().len());
        }
        sizes
    }

    #[tokio::test]
    async fn under_constant_load_the_file_comes_to_a_size_and_keeps_it() {
        let kept = sizes(&KEEP).await;
        assert!(kept[2] <= kept[0] + kept[0] / 10, "{kept:?}");
        let grown = sizes(&FOR_EVER).await;
        assert!(grown[2] > 2 * grown[0] && grown[2] > 4 * kept[2], "{grown:?}, kept: {kept:?}");
    }

    #[tokio::test]
    async fn what_a_burst_took_is_given_back() {
        let file = File::new();
        let open = file.try_open().await.unwrap();
        let burst =
            (0..300).map(|number| DeadLetter { body: "w".repeat(100_000), ..letter(&number.to_string()) });
        let burst = WriteSet { dead_letters: burst.collect(), ..WriteSet::default() };
        write(&*open.store, burst).await;
        let log = file.path.with_extension("db-wal");
        let size = |path| std::fs::metadata(path).unwrap().len();
        assert!(size(&log) > 30_000_000, "{}", size(&log));
        // The log begins anew behind the next commit, and is cut with the one after.
        for _ in 0..3 {
            open.store.ready().await.unwrap();
            write(&*open.store, WriteSet { dead_letters: vec![letter("small")], ..WriteSet::default() })
                .await;
        }
        assert!(size(&log) <= 9_000_000, "{}", size(&log));
        purge(&*open.store, at(0) + 30 * DAY, &KEEP).await;
        open.close().await;
        assert!(size(&file.path) < 1_000_000, "{}", size(&file.path));
    }

    #[tokio::test]
    async fn a_file_of_before_learns_how_old_everything_is() {
        let young = at(0) + 9 * DAY;
        let handoffs = [(ended_at("old", "a", at(0)), "ended"), (ended_at("young", "b", young), "ended")];
        let mut kept = inserts(&handoffs, "idle");
        for letter in [letter("old"), DeadLetter { at: young, ..letter("young") }] {
            let doc = serde_json::to_string(&letter).unwrap();
            kept += &format!("INSERT INTO dead_letters (id, doc) VALUES ('{}', '{doc}');", letter.id);
        }
        let file = File::of_version(1, &kept);

        let store = file.open().await;
        purge(&*store, at(0) + 9 * DAY, &KEEP).await;
        assert!(!is_there(&*store, "old").await && is_there(&*store, "young").await);
        assert_eq!(store.dead_letters(None, 9).await.unwrap().letters.len(), 1);
    }
}
