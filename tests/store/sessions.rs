//! Who is signed in, and for how long that is known.

use std::time::Duration;

use handoff_relay::{
    relay::time::Time,
    store::{
        RetentionPeriods, Store,
        sessions::{Digest, SESSION_IDLE, SESSION_MAX, SESSIONS_PER_TOKEN, Session, SessionChange},
    },
};

use super::make::{HOUR, at, purge};

const FOR_EVER: RetentionPeriods = RetentionPeriods { ended: None, dead_letters: None };

fn session(id: &str, token: &str, used_at: Time) -> Session {
    Session { id: Digest::of(id), token: Digest::of(token), created_at: at(0), used_at }
}

async fn begin(store: &dyn Store, session: Session) {
    store.change_sessions(SessionChange::Begin(session)).await.unwrap();
}

async fn found(store: &dyn Store, id: &str) -> Option<Session> {
    store.session(&Digest::of(id)).await.unwrap()
}

async fn a_session_is_found_until_it_ends(store: &dyn Store) {
    let (one, other) = (session("one", "alex", at(0)), session("other", "alex", at(5)));
    begin(store, one.clone()).await;
    begin(store, other.clone()).await;
    assert_eq!(found(store, "one").await, Some(one));
    assert_eq!(found(store, "none").await, None);
    for _ in 0..2 {
        store.change_sessions(SessionChange::End(Digest::of("one"))).await.unwrap();
    }
    assert_eq!(found(store, "one").await, None);
    assert_eq!(found(store, "other").await, Some(other));
}

async fn use_moves_forward_alone(store: &dyn Store) {
    begin(store, session("one", "alex", at(5))).await;
    for (used, seen) in [(at(9), at(9)), (at(7), at(9)), (at(11), at(11))] {
        store.change_sessions(SessionChange::Used(Digest::of("one"), used)).await.unwrap();
        assert_eq!(found(store, "one").await, Some(session("one", "alex", seen)));
    }
    store.change_sessions(SessionChange::Used(Digest::of("none"), at(9))).await.unwrap();
    assert_eq!(found(store, "none").await, None);
}

async fn sessions_of_tokens_that_are_gone_end(store: &dyn Store) {
    for (id, token) in [("a1", "alex"), ("a2", "alex"), ("s", "sam")] {
        begin(store, session(id, token, at(0))).await;
    }
    let keep =
        |tokens: &[&str]| SessionChange::KeepOf(tokens.iter().map(|token| Digest::of(token)).collect());
    store.change_sessions(keep(&["sam", "new"])).await.unwrap();
    assert_eq!((found(store, "a1").await, found(store, "a2").await), (None, None));
    assert!(found(store, "s").await.is_some());
    store.change_sessions(keep(&[])).await.unwrap();
    assert_eq!(found(store, "s").await, None);
}

async fn of_one_token_only_the_last_used_are_kept(store: &dyn Store) {
    begin(store, session("sams", "sam", at(-9))).await;
    begin(store, session("oldest", "alex", at(-1))).await;
    for number in 1..SESSIONS_PER_TOKEN {
        begin(store, session(&number.to_string(), "alex", at(number as i64))).await;
    }
    assert!(found(store, "oldest").await.is_some());
    // The newest stays, though our clock may have gone back meanwhile.
    begin(store, session("newest", "alex", at(-100))).await;
    assert!(found(store, "newest").await.is_some());
    assert_eq!(found(store, "oldest").await, None);
    assert!(found(store, "1").await.is_some() && found(store, "sams").await.is_some());
}

async fn what_is_over_is_forgotten(store: &dyn Store) {
    let later = at(0) + SESSION_MAX - HOUR;
    begin(store, session("unused", "alex", at(0))).await;
    begin(store, session("used", "alex", later)).await;
    let second = Duration::from_secs(1);
    purge(store, at(0) + SESSION_IDLE, &FOR_EVER).await;
    assert!(found(store, "unused").await.is_some());
    purge(store, at(0) + SESSION_IDLE + second, &FOR_EVER).await;
    assert_eq!(found(store, "unused").await, None);
    purge(store, at(0) + SESSION_MAX, &FOR_EVER).await;
    assert!(found(store, "used").await.is_some());
    purge(store, at(0) + SESSION_MAX + second, &FOR_EVER).await;
    assert_eq!(found(store, "used").await, None);
}

on_every_store!(
    a_session_is_found_until_it_ends,
    use_moves_forward_alone,
    sessions_of_tokens_that_are_gone_end,
    of_one_token_only_the_last_used_are_kept,
    what_is_over_is_forgotten,
);

#[tokio::test]
async fn sessions_survive_a_restart() {
    let file = crate::file::File::new();
    let open = file.try_open().await.unwrap();
    begin(&*open.store, session("one", "alex", at(3))).await;
    open.close().await;
    assert_eq!(found(&*file.open().await, "one").await, Some(session("one", "alex", at(3))));
}
