//! What agents were shown, for streams that catch up.

use handoff_relay::{
    relay::changes::WriteSet,
    store::{FeedItem, Since, Store},
};

use super::make::{active, handoff, letter, put_handoffs, put_rows, row, write};

fn newest(store: &dyn Store) -> u64 {
    *store.signals().feed().borrow()
}

fn one(since: Since) -> (u64, FeedItem) {
    let Since::Changes(changes) = since else { panic!("{since:?}") };
    changes.into_iter().next().unwrap()
}

async fn changes_are_numbered_one_by_one(store: &dyn Store) {
    let begin = newest(store);
    assert_eq!(store.changes_since(begin, 9).await.unwrap(), Since::Changes(vec![]));
    put_handoffs(store, vec![handoff("h", "a")]).await;
    put_rows(store, vec![row("h", 1, "one"), row("h", 2, "two")]).await;
    let shown = vec![
        (begin + 1, FeedItem::Handoff(Box::new(handoff("h", "a")))),
        (begin + 2, FeedItem::Row(Box::new(row("h", 1, "one")))),
        (begin + 3, FeedItem::Row(Box::new(row("h", 2, "two")))),
    ];
    assert_eq!(store.changes_since(begin, 9).await.unwrap(), Since::Changes(shown.clone()));
    assert_eq!(store.changes_since(begin + 1, 9).await.unwrap(), Since::Changes(shown[1..].to_vec()));
    assert_eq!(newest(store), begin + 3);
}

async fn a_stream_catches_up_in_order_page_by_page(store: &dyn Store) {
    let begin = newest(store);
    put_handoffs(store, (0..5).map(|number| handoff(&format!("h{number}"), "a")).collect()).await;
    let mut seen = begin;
    let mut shown = Vec::new();
    while seen < newest(store) {
        let Since::Changes(changes) = store.changes_since(seen, 2).await.unwrap() else { panic!() };
        assert!(changes.len() <= 2);
        seen = changes.last().unwrap().0;
        shown.extend(changes.into_iter().map(|(number, _)| number));
    }
    assert_eq!(shown, (begin + 1..=begin + 5).collect::<Vec<u64>>());
}

async fn a_change_is_shown_as_it_is_now(store: &dyn Store) {
    let begin = newest(store);
    put_handoffs(store, vec![handoff("h", "a")]).await;
    put_handoffs(store, vec![active("h", "a", "Alex")]).await;
    let now = FeedItem::Handoff(Box::new(active("h", "a", "Alex")));
    assert_eq!(one(store.changes_since(begin, 1).await.unwrap()), (begin + 1, now.clone()));
    assert_eq!(one(store.changes_since(begin + 1, 1).await.unwrap()), (begin + 2, now));
}

async fn what_is_too_old_or_from_the_future_is_reset(store: &dyn Store) {
    let begin = newest(store);
    put_handoffs(store, vec![handoff("h", "a")]).await;
    for after in [0, 1, begin - 1, begin + 2, u64::MAX - 1] {
        assert_eq!(store.changes_since(after, 9).await.unwrap(), Since::Reset(begin + 1), "{after}");
    }
}

async fn the_greatest_number_of_all_is_from_the_future(store: &dyn Store) {
    let begin = newest(store);
    assert_eq!(store.changes_since(u64::MAX, 9).await.unwrap(), Since::Reset(begin));
}

async fn a_watcher_sees_each_commit_that_agents_see(store: &dyn Store) {
    let mut changed = store.signals().feed();
    let begin = *changed.borrow_and_update();
    put_handoffs(store, vec![handoff("h", "a")]).await;
    assert!(changed.has_changed().unwrap(), "before the writer is answered");
    assert_eq!(*changed.borrow_and_update(), begin + 1);
    write(store, WriteSet { dead_letters: vec![letter("d")], ..WriteSet::default() }).await;
    assert!(!changed.has_changed().unwrap(), "agents see nothing new");
    assert_eq!(*changed.borrow_and_update(), begin + 1);
}

async fn what_was_kept_is_there_when_its_number_is(store: &dyn Store) {
    let begin = newest(store);
    for seq in 1..=20 {
        if seq == 1 {
            put_handoffs(store, vec![handoff("h", "a")]).await;
        }
        put_rows(store, vec![row("h", seq, "")]).await;
        let (number, changed) = one(store.changes_since(begin + seq, 9).await.unwrap());
        assert_eq!((number, changed), (begin + seq + 1, FeedItem::Row(Box::new(row("h", seq, "")))));
        assert_eq!(store.row(&format!("h-{seq}").as_str().into()).await.unwrap().unwrap().seq, seq);
    }
}

on_every_store!(
    changes_are_numbered_one_by_one,
    a_stream_catches_up_in_order_page_by_page,
    a_change_is_shown_as_it_is_now,
    what_is_too_old_or_from_the_future_is_reset,
    the_greatest_number_of_all_is_from_the_future,
    a_watcher_sees_each_commit_that_agents_see,
    what_was_kept_is_there_when_its_number_is,
);
