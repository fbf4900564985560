//! What is known of teams, and who waits for them.

use handoff_relay::{
    relay::{duty::AgentState, handoff::Handoff, hours::Override},
    store::{Store, teams::TeamState},
};

use super::make::{active, at, ended, handoff, put_handoffs};

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

async fn what_agents_say_of_themselves_is_kept_beside_the_last_sign_of_them(store: &dyn Store) {
    let state = |name: &str, is_away, seen| AgentState { name: name.to_owned(), is_away, seen_at: at(seen) };
    assert!(store.agents().await.unwrap().is_empty());
    store.agent_seen("Sam".to_owned(), at(5)).await.unwrap();
    store.set_away("Zoë's".to_owned(), true, at(6)).await.unwrap();
    assert_eq!(store.agents().await.unwrap(), [state("Sam", false, 5), state("Zoë's", true, 6)]);
    store.agent_seen("Zoë's".to_owned(), at(8)).await.unwrap();
    store.agent_seen("Sam".to_owned(), at(3)).await.unwrap();
    store.set_away("Sam".to_owned(), true, at(4)).await.unwrap();
    assert_eq!(
        store.agents().await.unwrap(),
        [state("Sam", true, 5), state("Zoë's", true, 8)],
        "the newest sign"
    );
    store.set_away("Sam".to_owned(), false, at(9)).await.unwrap();
    assert_eq!(store.agents().await.unwrap()[0], state("Sam", false, 9));
}

async fn open_handoffs_are_counted_by_agent(store: &dyn Store) {
    assert!(store.loads().await.unwrap().is_empty());
    let handoffs = vec![
        active("a1", "a", "Zoë's"),
        active("a2", "b", "Sam"),
        handoff("w1", "c"),
        active("a3", "d", "Zoë's"),
        ended("e1", "e", "Sam", "r"),
    ];
    put_handoffs(store, handoffs).await;
    let loads: Vec<(String, u64)> = store.loads().await.unwrap().into_iter().collect();
    assert_eq!(loads, [("Sam".to_owned(), 1), ("Zoë's".to_owned(), 2)]);
}

on_every_store!(
    open_handoffs_are_counted_by_agent,
    what_agents_say_of_themselves_is_kept_beside_the_last_sign_of_them,
    what_was_decided_about_a_team_is_kept,
    those_who_wait_are_counted_by_team_and_place
);
