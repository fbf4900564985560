//! A commit signals what it has touched, and nothing else.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

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

use super::make::{at, event, handoff, key, letter, of, sends, write};

/// Which signals a commit gives: of the inbox, the outbox, sessions, and what agents see.
async fn signals<A: Future>(store: &dyn Store, commit: A) -> [bool; 4] {
    let signals = store.signals();
    let topics = [signals.inbox(), signals.outbox(), signals.sessions()];
    let feed = signals.feed();
    commit.await;
    let [inbox, outbox, sessions] = topics.map(|topic| topic.has_changed().unwrap());
    [inbox, outbox, sessions, feed.has_changed().unwrap()]
}

/// Whether a commit gives these signals. In PostgreSQL a store looks at what others have done, and signals that, too: a commit
/// in which that falls is made again.
async fn gives<A: Future>(store: &dyn Store, expected: [bool; 4], commit: impl Fn() -> A) {
    let mut given = [false; 4];
    for _ in 0..5 {
        given = signals(store, commit()).await;
        if given == expected {
            return;
        }
    }
    assert_eq!(given, expected);
}

async fn a_commit_signals_what_it_touched(store: &dyn Store) {
    let buffer = Buffer { arrivals: None, held_until: Some(at(9)) };
    let buffer = Some((key("a"), Some((buffer, at(9)))));
    let inbox = vec![event("a", "s1", 1)];
    let arrives = WriteSet { inbox, buffer, remember: vec!["s1".to_owned()], ..WriteSet::default() };
    let (seen, deliveries) = (vec![handoff("h", "a")], vec![sends("d", "h", "a")]);
    let claim = Some(Claim { holder: "p".into(), until: at(10) });
    let claimed = vec![Delivery { claim, ..sends("d", "h", "a") }];
    let letters: Vec<DeadLetter> = vec![letter("l")];
    for (commit, expected) in [
        (arrives, [true, false, false, false]),
        (WriteSet { handoffs: seen.clone(), ..WriteSet::default() }, [false, false, false, true]),
        // Agents see nothing new.
        (WriteSet { handoffs_unseen: seen, ..WriteSet::default() }, [false; 4]),
        (WriteSet { deliveries, ..WriteSet::default() }, [false, true, false, false]),
        // Nothing becomes due by it.
        (WriteSet { deliveries: claimed, ..WriteSet::default() }, [false; 4]),
        (WriteSet { deliveries_done: vec!["d".into()], ..WriteSet::default() }, [false, true, false, false]),
        (WriteSet { dead_letters: letters, ..WriteSet::default() }, [false; 4]),
    ] {
        gives(store, expected, || write(store, commit.clone())).await;
    }
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
        gives(store, [false, false, ends, false], || store.change_sessions(change.clone())).await;
    }
    let added = AtomicU32::new(0);
    let add = || {
        let number = added.fetch_add(1, Ordering::Relaxed);
        store.change_replies(ReplyChange::Add(CannedReply {
            id: format!("r{number}"),
            title: format!("Hello {number}"),
            text: "Hello!".to_owned(),
            created_at: at(0),
            updated_at: at(0),
            updated_by: "Alex".to_owned(),
            owner: None,
        }))
    };
    gives(store, [false, false, false, true], add).await;
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
