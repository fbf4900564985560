//! A commit signals what it has touched, and nothing else.

use std::time::Duration;

use futures_util::FutureExt;
use handoff_relay::{
    relay::{
        buffer::Buffer,
        changes::{DeadLetter, WriteSet},
        delivery::{Claim, Delivery},
    },
    store::{
        Store, decide,
        replies::{CannedReply, ReplyChange},
        sessions::{Digest, Session, SessionChange},
    },
};

use super::make::{at, event, handoff, key, letter, of, put_deliveries, put_handoffs, sends, write};

/// Which signals a commit gives: of the inbox, the outbox, sessions, and what agents see.
async fn signals<A: Future>(store: &dyn Store, commit: A) -> [bool; 4] {
    let signals = store.signals();
    let topics = [signals.inbox(), signals.outbox(), signals.sessions()];
    let feed = signals.feed();
    commit.await;
    let [inbox, outbox, sessions] = topics.map(|topic| topic.has_changed().unwrap());
    [inbox, outbox, sessions, feed.has_changed().unwrap()]
}

async fn a_commit_signals_what_it_touched(store: &dyn Store) {
    let buffer = Buffer { arrivals: None, held_until: Some(at(9)) };
    let buffer = Some((key("a"), Some((buffer, at(9)))));
    let inbox = vec![event("a", "s1", 1)];
    let arrives = WriteSet { inbox, buffer, remember: vec!["s1".to_owned()], ..WriteSet::default() };
    assert_eq!(signals(store, write(store, arrives)).await, [true, false, false, false]);
    let shown = put_handoffs(store, vec![handoff("h", "a")]);
    assert_eq!(signals(store, shown).await, [false, false, false, true]);
    let unseen = WriteSet { handoffs_unseen: vec![handoff("h", "a")], ..WriteSet::default() };
    assert_eq!(signals(store, write(store, unseen)).await, [false; 4], "agents see nothing new");
    let queued = put_deliveries(store, vec![sends("d", "h", "a")]);
    assert_eq!(signals(store, queued).await, [false, true, false, false]);
    let claim = Claim { holder: "p".into(), until: at(10) };
    let claimed = put_deliveries(store, vec![Delivery { claim: Some(claim), ..sends("d", "h", "a") }]);
    assert_eq!(signals(store, claimed).await, [false; 4], "nothing becomes due by it");
    let done = WriteSet { deliveries_done: vec!["d".into()], ..WriteSet::default() };
    assert_eq!(signals(store, write(store, done)).await, [false, true, false, false]);
    let letters: Vec<DeadLetter> = vec![letter("l")];
    let aside = WriteSet { dead_letters: letters, ..WriteSet::default() };
    assert_eq!(signals(store, write(store, aside)).await, [false; 4]);
}

async fn sessions_and_replies_signal_too(store: &dyn Store) {
    let id = Digest::of("secret");
    let session = Session { id: id.clone(), token: Digest::of("token"), created_at: at(0), used_at: at(0) };
    for (change, ends) in [
        (SessionChange::Begin(session), true),
        (SessionChange::Used(id.clone(), at(60)), false),
        (SessionChange::End(id), true),
        (SessionChange::KeepOf(vec![]), true),
    ] {
        assert_eq!(signals(store, store.change_sessions(change)).await, [false, false, ends, false]);
    }
    let reply = CannedReply {
        id: "r".to_owned(),
        title: "Hello".to_owned(),
        text: "Hello!".to_owned(),
        created_at: at(0),
        updated_at: at(0),
        updated_by: "Alex".to_owned(),
        owner: None,
    };
    let added = store.change_replies(ReplyChange::Add(reply));
    assert_eq!(signals(store, added).await, [false, false, false, true]);
}

async fn what_follows_a_commit_needs_nobody_who_waits(store: &dyn Store) {
    let mut outbox = store.signals().outbox();
    let (tell, told) = tokio::sync::oneshot::channel();
    let decision = decide(
        store,
        of("a"),
        |_| (WriteSet { deliveries: vec![sends("d", "h", "a")], ..WriteSet::default() }, "decided"),
        |answer| assert!(tell.send(*answer).is_ok()),
    );
    // It has been asked for, and whoever asked goes away.
    drop(decision.now_or_never());
    let soon = Duration::from_secs(30);
    assert_eq!(tokio::time::timeout(soon, told).await.unwrap(), Ok("decided"));
    tokio::time::timeout(soon, outbox.changed()).await.unwrap().unwrap();
    assert_eq!(store.depths().await.unwrap().outbox(), 1);
}

on_every_store!(
    a_commit_signals_what_it_touched,
    sessions_and_replies_signal_too,
    what_follows_a_commit_needs_nobody_who_waits,
);
