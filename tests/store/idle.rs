//! What timeouts count from, as workers ask for it.

use handoff_relay::{
    relay::{handoff::Handoff, idle::Idle, time::Time},
    store::{StatusFilter, Store},
};

use super::{
    file::File,
    make::{active, at, ended, handoff, inserts, put_handoffs, write},
};
use handoff_relay::relay::changes::WriteSet;

fn since(seconds: i64, handoff: Handoff) -> Handoff {
    Handoff { idle: Idle::since(at(seconds)), ..handoff }
}

fn asks(handoff: Handoff) -> Handoff {
    Handoff { idle: Idle { asks_ada: true, ..handoff.idle }, ..handoff }
}

async fn idle(
    store: &dyn Store,
    status: StatusFilter,
    until: i64,
    limit: usize,
) -> (Vec<String>, Option<Time>) {
    let due = store.idle_handoffs(status, at(until), None, limit).await.unwrap();
    (due.items.into_iter().map(|idle| idle.id.0).collect(), due.next)
}

async fn those_idle_longest_come_first(store: &dyn Store) {
    assert_eq!(idle(store, StatusFilter::Waiting, 9, 9).await, (vec![], None));
    let handoffs = vec![
        since(3, handoff("w3", "a")),
        since(1, handoff("w1", "b")),
        since(4, handoff("w4", "c")),
        since(2, handoff("w2", "d")),
        since(2, active("a2", "e", "Alex")),
        asks(since(1, active("asks", "f", "Alex"))),
        since(1, ended("e1", "g", "Alex", "r")),
    ];
    put_handoffs(store, handoffs).await;
    for (until, limit, found, next) in [
        (0, 9, &[][..], Some(at(1))),
        (1, 9, &["w1"][..], Some(at(2))),
        (3, 9, &["w1", "w2", "w3"][..], Some(at(4))),
        (9, 9, &["w1", "w2", "w3", "w4"][..], None),
        (9, 2, &["w1", "w2"][..], Some(at(3))),
        (9, 4, &["w1", "w2", "w3", "w4"][..], None),
        (9, 0, &[][..], Some(at(1))),
    ] {
        let shown = idle(store, StatusFilter::Waiting, until, limit).await;
        assert_eq!(shown, (found.iter().map(|id| (*id).to_owned()).collect(), next), "{until}, {limit}");
    }
    assert_eq!(idle(store, StatusFilter::Active, 9, 9).await, (vec!["a2".to_owned()], None));
    assert_eq!(idle(store, StatusFilter::Ended, 9, 9).await, (vec![], None));
}

async fn a_change_moves_a_handoff_whether_agents_see_it_or_not(store: &dyn Store) {
    put_handoffs(store, vec![handoff("h1", "a"), handoff("h2", "b")]).await;
    put_handoffs(store, vec![since(5, active("h1", "a", "Alex"))]).await;
    assert_eq!(idle(store, StatusFilter::Waiting, 9, 9).await, (vec!["h2".to_owned()], None));
    assert_eq!(idle(store, StatusFilter::Active, 4, 9).await, (vec![], Some(at(5))));
    let unseen = |handoff| WriteSet { handoffs_unseen: vec![handoff], ..WriteSet::default() };
    write(store, unseen(since(7, active("h1", "a", "Alex")))).await;
    assert_eq!(idle(store, StatusFilter::Active, 6, 9).await, (vec![], Some(at(7))));
    write(store, unseen(asks(since(7, active("h1", "a", "Alex"))))).await;
    assert_eq!(idle(store, StatusFilter::Active, 9, 9).await, (vec![], None));
    write(store, unseen(since(8, active("h1", "a", "Alex")))).await;
    assert_eq!(idle(store, StatusFilter::Active, 9, 9).await, (vec!["h1".to_owned()], None));
    put_handoffs(store, vec![ended("h1", "a", "Alex", "r")]).await;
    assert_eq!(idle(store, StatusFilter::Active, 9, 9).await, (vec![], None));
}

async fn the_list_goes_on_behind_a_place_and_has_what_decides_about_the_timeout(store: &dyn Store) {
    let of = |team: Option<&str>, route: Option<&str>, handoff: Handoff| Handoff {
        team: team.map(Into::into),
        route: route.map(str::to_owned),
        ..handoff
    };
    let handoffs = vec![
        of(Some("Billing"), Some("VIP"), since(2, handoff("second", "a"))),
        of(None, None, since(2, handoff("third", "b"))),
        of(Some("EU"), None, since(1, handoff("first", "c"))),
        since(5, handoff("last", "d")),
    ];
    put_handoffs(store, handoffs).await;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let due = store.idle_handoffs(StatusFilter::Waiting, at(4), after, 1).await.unwrap();
        let Some(idle) = due.items.into_iter().next() else {
            assert_eq!(due.next, Some(at(5)));
            break;
        };
        after = Some(idle.place);
        found.push((idle.id.0, idle.place.since, idle.team.map(|team| team.0), idle.route));
    }
    let some = |text: &str| Some(text.to_owned());
    let wanted = [
        ("first".to_owned(), at(1), some("EU"), None),
        ("second".to_owned(), at(2), some("Billing"), some("VIP")),
        ("third".to_owned(), at(2), None, None),
    ];
    assert_eq!(found, wanted);
}

on_every_store!(
    the_list_goes_on_behind_a_place_and_has_what_decides_about_the_timeout,
    those_idle_longest_come_first,
    a_change_moves_a_handoff_whether_agents_see_it_or_not
);

/// A file from before there were timeouts.
#[tokio::test]
async fn what_was_open_before_there_were_timeouts_counts_from_the_update_on() {
    let kept = [(handoff("h1", "a"), "waiting"), (ended("h2", "b", "Alex", "r"), "ended")];
    let file = File::of_version(2, &inserts(&kept, "idle"));

    let before = super::file::now();
    let store = file.open().await;
    let updated = store.handoff(&"h1".into()).await.unwrap().unwrap();
    let since = updated.idle.since;
    assert!(since.second() >= before.second() && since <= super::file::now(), "{since}");
    assert_eq!(updated, Handoff { idle: Idle::since(since), ..handoff("h1", "a") });
    let due = store.idle_handoffs(StatusFilter::Waiting, since, None, 9).await.unwrap();
    assert_eq!((due.items.into_iter().map(|idle| idle.id).collect(), due.next), (vec!["h1".into()], None));
    assert!(store.handoff(&"h2".into()).await.unwrap().is_some(), "readable as before");
}
