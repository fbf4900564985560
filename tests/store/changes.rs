//! What agents were shown, for streams that catch up.

use std::sync::Arc;

use handoff_relay::{
    relay::{changes::WriteSet, handoff::Handoff},
    store::{
        FeedItem, Since, Store,
        replies::{CannedReply, ReplyChange},
    },
};

use super::{
    file::File,
    make::{active, at, handoff, letter, put_handoffs, put_rows, row, write},
};

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
        (begin + 1, FeedItem::Handoff(Arc::new(handoff("h", "a")))),
        (begin + 2, FeedItem::Row(Arc::new(row("h", 1, "one")))),
        (begin + 3, FeedItem::Row(Arc::new(row("h", 2, "two")))),
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
    let now = FeedItem::Handoff(Arc::new(active("h", "a", "Alex")));
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
        assert_eq!((number, changed), (begin + seq + 1, FeedItem::Row(Arc::new(row("h", seq, "")))));
        assert_eq!(store.row(&format!("h-{seq}").as_str().into()).await.unwrap().unwrap().seq, seq);
    }
}

/// What a store that is open tells of the newest changes, and one that has to read them.
#[tokio::test]
async fn what_is_known_of_changes_is_what_the_file_says() {
    let file = File::new();
    let open = file.try_open().await.unwrap();
    let store = &*open.store;
    let begin = newest(store);
    let mut asks = handoff("h1", "a");
    asks.context = serde_json::json!({ "plan": "Pro" }).as_object().unwrap().clone();
    put_handoffs(store, vec![asks.clone(), handoff("h2", "b")]).await;
    put_rows(store, vec![row("h1", 1, "one"), row("h1", 2, "two"), row("h2", 1, "one")]).await;
    let unseen = WriteSet {
        handoffs: vec![active("h2", "b", "Alex")],
        handoffs_unseen: vec![Handoff { last_seq: 7, ..asks }],
        rows_unseen: vec![row("h1", 2, "changed"), row("h2", 2, "new")],
        ..WriteSet::default()
    };
    write(store, unseen).await;
    let reply = CannedReply {
        id: "1".to_owned(),
        title: "Hello".to_owned(),
        text: "Hello".to_owned(),
        created_at: at(1),
        updated_at: at(1),
        updated_by: "Alex".to_owned(),
        owner: None,
    };
    store.change_replies(ReplyChange::Add(reply)).await.unwrap();
    let end = newest(store);
    let since = async |store: &dyn Store| {
        let mut pages = Vec::new();
        for after in begin..=end {
            pages.push(store.changes_since(after, 3).await.unwrap());
        }
        pages
    };
    let told = since(store).await;
    assert_eq!(end, begin + 7);
    open.close().await;
    let again = file.try_open().await.unwrap();
    assert_eq!(since(&*again.store).await, told);
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
