//! What waits can be seen without a decision, and who shows it is told of changes.

use std::{cell::Cell, collections::BTreeSet};

use handoff_relay::{
    relay::{
        changes::{Scope, View, WriteSet},
        id::ConversationKey,
    },
    store::{InboxChanges, Store},
};

use super::make::{event, handoff, key, of, of_handoff, put_handoffs, row, view, write};

fn waiting(view: &View) -> Vec<&str> {
    view.inbox.iter().map(|event| event.svix_id.as_str()).collect()
}

/// Has these come into the inbox of a conversation, and those leave it.
async fn change(store: &dyn Store, conversation: &str, come: &[&str], leave: &[&str]) {
    let changes = WriteSet {
        inbox: come.iter().map(|id| event(conversation, id, 20 - id.len() as i64)).collect(),
        inbox_done: leave.iter().map(|id| (*id).to_owned()).collect(),
        ..WriteSet::default()
    };
    let decision = move |_| (changes, ());
    handoff_relay::store::decide(store, of(conversation), decision, |()| {}).await.unwrap();
}

async fn a_view_is_what_a_decision_sees(store: &dyn Store) {
    put_handoffs(store, vec![handoff("h", "a"), handoff("other", "b")]).await;
    change(store, "a", &["s", "second"], &[]).await;
    change(store, "b", &["elsewhere"], &[]).await;
    write(store, WriteSet { rows: vec![row("h", 1, "hello")], ..WriteSet::default() }).await;
    let by_id = |scope: Scope| Scope { rows: vec!["h-1".into()], ..scope }.with_inbox();
    for scope in [by_id(of("a")), by_id(of_handoff("h")), by_id(of("nobody")), by_id(of_handoff("none"))] {
        let seen = store.view(scope.clone()).await.unwrap();
        let decided = view(store, scope).await;
        assert_eq!((&seen.handoffs, &seen.rows), (&decided.handoffs, &decided.rows));
        assert_eq!(waiting(&seen), waiting(&decided));
    }
    let scope = || of("a").with_inbox();
    assert_eq!(waiting(&store.view(scope()).await.unwrap()), ["second", "s"], "by their time");
    change(store, "a", &[], &["second"]).await;
    assert_eq!(waiting(&store.view(scope()).await.unwrap()), ["s"]);
}

/// An event leaves the inbox in the commit that brings its row: nobody may see it in neither place, or in both.
async fn a_view_is_of_one_moment(store: &dyn Store) {
    const EVENTS: u64 = 60;
    put_handoffs(store, vec![handoff("h", "a")]).await;
    let (come, gone) = (Cell::new(0), Cell::new(false));
    let writes = async {
        for number in 1..=EVENTS {
            change(store, "a", &[&format!("s{number}")], &[]).await;
            come.set(number);
            let leaves = WriteSet {
                inbox_done: vec![format!("s{number}")],
                rows: vec![row("h", number, "hello")],
                ..WriteSet::default()
            };
            let decision = move |_| (leaves, ());
            handoff_relay::store::decide(store, of("a"), decision, |()| {}).await.unwrap();
        }
        gone.set(true);
    };
    let reads = async {
        let rows = (1..=EVENTS).map(|number| format!("h-{number}").as_str().into()).collect();
        let scope = Scope { rows, ..of("a") }.with_inbox();
        while !gone.get() {
            let before = come.get();
            let view = store.view(scope.clone()).await.unwrap();
            let number = |id: &str| id[1..].trim_start_matches('-').parse::<u64>().unwrap();
            let inbox: BTreeSet<u64> = waiting(&view).into_iter().map(number).collect();
            let rows: BTreeSet<u64> = view.rows.iter().map(|row| number(row.id.as_str())).collect();
            assert!(inbox.is_disjoint(&rows), "{inbox:?} wait and are rows");
            assert!((1..=before).all(|number| inbox.contains(&number) || rows.contains(&number)));
        }
    };
    tokio::join!(writes, reads);
}

async fn conversations_that_wait_are_known(store: &dyn Store) {
    let keys = async |limit| {
        let mut keys = store.waiting_conversations(limit).await.unwrap();
        keys.sort();
        keys
    };
    assert_eq!(keys(9).await, []);
    change(store, "a", &["s1", "s2"], &[]).await;
    change(store, "b", &["s3"], &[]).await;
    assert_eq!(keys(9).await, [key("a"), key("b")]);
    assert_eq!(keys(1).await.len(), 1);
    change(store, "a", &[], &["s1"]).await;
    assert_eq!(keys(9).await, [key("a"), key("b")]);
    assert!(store.may_wait(&key("a")));
    change(store, "a", &[], &["s2"]).await;
    assert_eq!(keys(9).await, [key("b")]);
    assert!(store.may_wait(&key("b")));
}

fn noted(changes: &InboxChanges) -> Vec<ConversationKey> {
    let mut noted = changes.take(9);
    noted.sort();
    noted
}

async fn changes_of_an_inbox_are_noted_while_somebody_watches(store: &dyn Store) {
    let changes = store.signals().inbox_changes();
    change(store, "a", &["s1"], &[]).await;
    assert_eq!(noted(changes), [], "nobody watches");
    changes.watch();
    assert!(changes.is_watched_anew() && !changes.is_watched_anew());
    let mut signal = changes.changed();
    signal.borrow_and_update();
    change(store, "a", &["s2"], &[]).await;
    assert!(signal.has_changed().unwrap());
    change(store, "b", &["s3"], &[]).await;
    assert_eq!(noted(changes), [key("a"), key("b")]);
    change(store, "a", &[], &["s1"]).await;
    // A store that looks from time to time may note again what it has noted, but nothing else.
    let again = |key: &ConversationKey, known: &[&str]| known.contains(&key.conversation.as_str());
    let news: Vec<_> = noted(changes).into_iter().filter(|key| !again(key, &["b"])).collect();
    assert_eq!(news, [key("a")]);
    put_handoffs(store, vec![handoff("h", "c")]).await;
    let news: Vec<_> = noted(changes).into_iter().filter(|key| !again(key, &["a", "b"])).collect();
    assert_eq!(news, [], "its inbox has not changed");
    changes.watch();
    changes.unwatch();
    assert!(!changes.is_watched_anew(), "one has watched all the time");
    changes.unwatch();
    change(store, "a", &[], &["s2"]).await;
    changes.watch();
    assert!(changes.is_watched_anew());
    assert_eq!(noted(changes), []);
}

on_every_store![
    a_view_is_what_a_decision_sees,
    a_view_is_of_one_moment,
    conversations_that_wait_are_known,
    changes_of_an_inbox_are_noted_while_somebody_watches,
];
