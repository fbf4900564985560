//! What is known of teams, and who waits for them.

use handoff_relay::{
    relay::{handoff::Handoff, hours::Override},
    store::{Store, teams::TeamState},
};

use super::make::{active, at, handoff, put_handoffs};

async fn what_was_decided_about_a_team_is_kept(store: &dyn Store) {
    assert!(store.teams().await.unwrap().is_empty());
    let decided = Override { is_open: false, until: Some(at(9)), by: "Kim".to_owned(), at: at(1) };
    let closed = TeamState { name: "EU's".into(), decided: Some(decided) };
    let other = TeamState { name: "Billing".into(), decided: None };
    store.put_team(closed.clone()).await.unwrap();
    store.put_team(other.clone()).await.unwrap();
    assert_eq!(store.teams().await.unwrap(), [other.clone(), closed.clone()]);
    let open = TeamState { decided: None, ..closed };
    store.put_team(open.clone()).await.unwrap();
    assert_eq!(store.teams().await.unwrap(), [other, open]);
}

async fn those_who_wait_are_counted_by_team_and_place(store: &dyn Store) {
    let of = |team: Option<&str>, handoff: Handoff| Handoff { team: team.map(Into::into), ..handoff };
    let handoffs = vec![
        of(Some("Billing"), handoff("b1", "a")),
        of(None, handoff("n1", "b")),
        of(Some("Billing"), active("b2", "c", "Sam")),
        of(Some("Billing"), handoff("b3", "d")),
        of(Some("Support"), handoff("s1", "e")),
    ];
    put_handoffs(store, handoffs).await;
    for (team, up_to, count) in [
        (Some("Billing"), None, 2),
        (Some("Billing"), Some("b1"), 1),
        (Some("Billing"), Some("n1"), 1),
        (Some("Billing"), Some("b3"), 2),
        (Some("Billing"), Some("gone"), 2),
        (None, None, 1),
        (Some("Support"), None, 1),
        (Some("Nobody"), None, 0),
    ] {
        let found = store.waiting(team.map(Into::into), up_to.map(Into::into)).await.unwrap();
        assert_eq!(found, count, "{team:?} {up_to:?}");
    }
}

on_every_store!(what_was_decided_about_a_team_is_kept, those_who_wait_are_counted_by_team_and_place);
