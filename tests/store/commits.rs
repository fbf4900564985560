//! Commits to a database that dies, and transactions of instances that stand still.

use std::{sync::mpsc, time::Duration};

use handoff_relay::{
    relay::changes::{View, WriteSet},
    store::{Store, StoreError, decide},
};

use super::{
    database::open_as,
    make::{handoff, of, put_handoffs},
    postgres::{self, Server},
    road::Road,
};

/// More than anything here takes.
const LONG: Duration = Duration::from_secs(30);
/// What a transaction says that keeps a handoff.
const HANDOFF: &str = "INTO handoffs";

/// Makes a handoff, and says whether it is known to be kept.
async fn keep(store: &dyn Store, id: &'static str) -> Result<(), StoreError> {
    let decision = move |_: View| (WriteSet { handoffs: vec![handoff(id, "a")], ..WriteSet::default() }, ());
    decide(store, of("a"), decision, |()| {}).await
}

async fn is_kept(store: &dyn Store, id: &'static str) -> bool {
    store.handoff(&id.into()).await.unwrap().is_some()
}

/// The database gives the number of what it has forgotten to somebody else. What becomes of that says nothing.
#[tokio::test]
async fn a_commit_that_the_database_has_forgotten_is_not_taken_for_another() {
    let server = Server::start(&[]);
    let url = server.database().await;
    let road = Road::to(server.folder()).await;
    let store = open_as(postgres::settings(&road.url("test_0"))).await;
    // Nothing of it is on the disk.
    postgres::execute(&url, "CHECKPOINT").await;
    let (kept, caught) = tokio::join!(keep(&*store, "h"), async {
        let caught = road.catches_a_commit_of(HANDOFF).await;
        server.kill("KILL");
        server.start_again();
        server.wait_until_ready();
        let other = open_as(postgres::settings(&url)).await;
        for id in ["one", "two", "three", "four", "five", "six", "seven", "eight"] {
            put_handoffs(&*other, vec![handoff(id, id)]).await;
        }
        drop(caught);
        other
    });
    let is_kept = is_kept(&*caught, "h").await;
    assert_eq!((kept.is_ok(), is_kept), (false, false), "it says what is so");
}

/// One whose connection is gone alone.
#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_asked_for() {
    let server = Server::start(postgres::FAST);
    let url = server.database().await;
    let road = Road::to(server.folder()).await;
    let store = open_as(postgres::settings(&road.url("test_0"))).await;
    let (kept, ()) = tokio::join!(keep(&*store, "h"), async {
        drop(road.loses_the_answer_to_a_commit_of(HANDOFF).await);
    });
    let other = open_as(postgres::settings(&url)).await;
    assert!(kept.is_ok() && is_kept(&*other, "h").await);
    // What did not arrive was not committed.
    let (kept, ()) =
        tokio::join!(keep(&*store, "i"), async { drop(road.catches_a_commit_of(HANDOFF).await) });
    assert!(kept.is_err() && !is_kept(&*other, "i").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_stands_still_holds_up_no_other() {
    let url = postgres::shared().database().await;
    let (one, other) = (open_as(postgres::settings(&url)).await, open_as(postgres::settings(&url)).await);
    let (begins, begun) = tokio::sync::oneshot::channel();
    let (goes_on, stands_still) = mpsc::channel::<()>();
    let decision = move |_: View| {
        begins.send(()).unwrap();
        stands_still.recv().unwrap_err();
        (WriteSet { handoffs: vec![handoff("late", "a")], ..WriteSet::default() }, ())
    };
    let late = tokio::spawn(async move { decide(&*one, of("a"), decision, |()| {}).await });
    begun.await.unwrap();
    // It has the conversation locked.
    tokio::time::timeout(LONG, keep(&*other, "h")).await.unwrap().unwrap();
    drop(goes_on);
    assert!(late.await.unwrap().is_err());
    assert!(is_kept(&*other, "h").await && !is_kept(&*other, "late").await);
}
