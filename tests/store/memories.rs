//! What is remembered so that nothing happens twice, and for how long.

use std::time::Duration;

use handoff_relay::{
    relay::{
        changes::{IdempotencyScope, Idempotent, WriteSet},
        time::Time,
    },
    store::{RetentionPeriods, Store, StoreError, decide},
};

use super::make::{HOUR, at, event, of, of_handoff, purge, put_handoffs, view, write};

const FOR_EVER: RetentionPeriods = RetentionPeriods { ended: None, dead_letters: None };
const DAY: Duration = Duration::from_hours(24);

async fn remembers(store: &dyn Store, svix_id: &str) -> bool {
    let mut scope = of("a");
    scope.svix_id = Some(svix_id.to_owned());
    *view(store, scope).await.seen
}

async fn remember(store: &dyn Store, svix_id: &str, at: Time) {
    write(store, WriteSet { remember: vec![svix_id.to_owned()], at, ..WriteSet::default() }).await;
}

async fn ids_are_remembered_whatever_the_conversation(store: &dyn Store) {
    remember(store, "s1", at(0)).await;
    assert!(remembers(store, "s1").await);
    assert!(!remembers(store, "S1").await && !remembers(store, "s").await);
    let mut scope = of_handoff("none");
    scope.svix_id = Some("s1".to_owned());
    assert!(*view(store, scope).await.seen);
}

async fn ids_are_remembered_for_fourteen_days_at_least(store: &dyn Store) {
    remember(store, "s1", at(0)).await;
    purge(store, at(0) + 14 * DAY, &FOR_EVER).await;
    assert!(remembers(store, "s1").await);
    purge(store, at(0) + 30 * DAY, &FOR_EVER).await;
    assert!(!remembers(store, "s1").await, "but not for ever");
}

async fn idempotency_keys_are_honoured_for_a_day(store: &dyn Store) {
    put_handoffs(store, vec![super::make::handoff("h", "a")]).await;
    let asked = IdempotencyScope { agent: "Alex".to_owned(), handoff: "h".into(), key: "k".to_owned() };
    let known = Idempotent { digest: "d".to_owned(), row: "h-1".into() };
    let idempotent = Some((asked.clone(), known.clone()));
    write(store, WriteSet { idempotent, at: at(0), ..WriteSet::default() }).await;
    for (now, honoured) in [(at(0) + DAY, true), (at(0) + DAY + HOUR, false)] {
        purge(store, now, &FOR_EVER).await;
        let mut scope = of_handoff("h");
        scope.idempotency = Some(asked.clone());
        assert_eq!(view(store, scope).await.idempotent.is_some(), honoured);
    }
}

/// Many deliveries of one event at once: exactly one is kept.
async fn the_same_event_is_never_kept_twice(store: &dyn Store) {
    let keep = || {
        let mut scope = of("a");
        scope.svix_id = Some("s1".to_owned());
        decide(
            store,
            scope,
            |view| {
                if *view.seen {
                    return (WriteSet::default(), false);
                }
                let inbox = vec![event("a", "s1", 1)];
                (WriteSet { remember: vec!["s1".to_owned()], inbox, ..WriteSet::default() }, true)
            },
            |_| {},
        )
    };
    let kept = futures_util::future::join_all((0..50).map(|_| keep())).await;
    assert_eq!(kept.iter().filter(|kept| *kept.as_ref().unwrap()).count(), 1);
    let mut scope = of("a");
    scope.with_inbox = true;
    let shown = view(store, scope).await;
    assert_eq!((shown.inbox.len(), shown.inbox_depth), (1, 1));
}

async fn a_store_that_works_is_ready(store: &dyn Store) {
    store.ready().await.unwrap();
}

async fn a_decision_that_panics_spoils_nothing_but_itself(store: &dyn Store) {
    let panics = store.decide(of("a"), Box::new(|_| panic!("for this test")));
    let writes =
        async { write(store, WriteSet { remember: vec!["s1".to_owned()], ..WriteSet::default() }).await };
    let (panicked, ()) = futures_util::future::join(panics, writes).await;
    assert!(matches!(panicked, Err(StoreError::Panicked)));
    let mut scope = of("a");
    scope.svix_id = Some("s1".to_owned());
    assert!(*view(store, scope).await.seen, "what shares its flush is kept");
}

on_every_store!(
    a_decision_that_panics_spoils_nothing_but_itself,
    ids_are_remembered_whatever_the_conversation,
    ids_are_remembered_for_fourteen_days_at_least,
    idempotency_keys_are_honoured_for_a_day,
    the_same_event_is_never_kept_twice,
    a_store_that_works_is_ready,
);
