//! Events for platforms are apart from a conversation's other deliveries, and handoffs are found by their platform.

use handoff_relay::{
    relay::{
        changes::{NOTICE_PAGE, NoticeScope, Scope, WriteSet},
        delivery::{Class, Delivery, Destination, Queue},
        handoff::Handoff,
        platform::{Notice, PlatformEvent},
    },
    store::{HandoffQuery, Store, platforms::PlatformState},
};

use super::make::{
    at, due_in, handoff, ids, of, put_deliveries, put_handoffs, row, sends, view, write, writes,
};

fn notice(id: &str, conversation: &str, platform: &str, sequence: u64) -> Delivery {
    let event = PlatformEvent::Message { row: Box::new(row("h", sequence, id)) };
    let notice = Notice { platform: platform.into(), id: format!("event-{id}"), sequence, at: at(0), event };
    Delivery {
        job: notice.into(),
        expires_at: Some(at(60 + i64::try_from(sequence).unwrap())),
        ..sends(id, &format!("h-{conversation}"), conversation)
    }
}

fn queue(platform: &str) -> Queue {
    Queue { destination: Destination::Platform(platform.into()), class: Class::Fresh }
}

async fn asked(store: &dyn Store, notices: NoticeScope) -> Vec<String> {
    let scope = Scope { notices: Some(notices), ..Scope::nobody() };
    view(store, scope).await.notices.iter().map(|delivery| delivery.id.0.clone()).collect()
}

async fn lanes_are_of_a_handoff_and_a_platform(store: &dyn Store) {
    let all = [("a1", "a", "w", 1), ("b1", "b", "w", 1), ("a2", "a", "w", 2), ("x1", "a", "x", 1)];
    put_deliveries(store, all.map(|(id, chat, platform, number)| notice(id, chat, platform, number)).into())
        .await;
    let due = async |platform| ids_of(&due_in(store, at(0), &queue(platform), 9).await.items);
    assert_eq!((due("w").await, due("x").await), (vec!["a1".to_owned(), "b1".into()], vec!["x1".to_owned()]));
    assert!(due_in(store, at(0), &writes(), 9).await.items.is_empty());
    let lane = notice("a1", "a", "w", 1).lane();
    assert_eq!(asked(store, NoticeScope::NextOf(lane.clone())).await, ["a1"]);
    write(store, WriteSet { deliveries_done: vec!["a1".into()], ..WriteSet::default() }).await;
    assert_eq!(asked(store, NoticeScope::NextOf(lane)).await, ["a2"]);
    assert_eq!(asked(store, NoticeScope::One("x1".into())).await, ["x1"]);
    assert!(asked(store, NoticeScope::One("a1".into())).await.is_empty());
    let queued = store.depths().await.unwrap();
    assert_eq!((queued.waiting_for(&queue("w").destination), queued.outbox()), (2, 0));
}

/// A lane always has a next one, though one joins it while the only one leaves.
async fn a_lane_that_is_joined_while_it_empties_goes_on(store: &dyn Store) {
    for number in 0..40_u64 {
        let (old, new) = (format!("n{number}"), format!("n{}", number + 1));
        put_deliveries(store, vec![notice(&old, "a", "w", number)]).await;
        let joins = WriteSet { deliveries: vec![notice(&new, "a", "w", number + 1)], ..WriteSet::default() };
        let joins = store.decide(of("a"), Box::new(|_| joins.into()));
        let leaves = WriteSet { deliveries_done: vec![old.as_str().into()], ..WriteSet::default() };
        let scope = Scope { notices: Some(NoticeScope::One(old.as_str().into())), ..Scope::nobody() };
        let leaves = store.decide(scope, Box::new(|_| leaves.into()));
        let (joined, left) = tokio::join!(joins, leaves);
        joined.unwrap();
        left.unwrap();
        assert_eq!(ids_of(&due_in(store, at(0), &queue("w"), 9).await.items), [new]);
    }
}

fn ids_of(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|delivery| delivery.id.0.clone()).collect()
}

async fn no_decision_about_a_conversation_loads_them(store: &dyn Store) {
    put_handoffs(store, vec![handoff("h-a", "a")]).await;
    put_deliveries(store, vec![notice("n", "a", "w", 1), sends("d", "h-a", "a")]).await;
    assert_eq!(ids_of(&view(store, of("a").with_outbox()).await.outbox), ["d"]);
}

async fn those_that_are_too_old_are_found_by_handoff(store: &dyn Store) {
    let many = (1..=NOTICE_PAGE as u64 + 5).map(|number| notice(&format!("n{number:03}"), "a", "w", number));
    put_deliveries(store, many.chain([notice("other", "b", "w", 1)]).collect()).await;
    let message = Delivery { expires_at: Some(at(1)), ..sends("d", "h-a", "a") };
    put_deliveries(store, vec![message]).await;
    let expired =
        async |seconds| asked(store, NoticeScope::Expired { handoff: "h-a".into(), at: at(seconds) }).await;
    assert!(expired(60).await.is_empty());
    assert_eq!(expired(62).await, ["n001", "n002"]);
    assert_eq!(expired(9_999).await.len(), NOTICE_PAGE);
    assert_eq!(store.expired(at(61), 9).await.unwrap().items, ["h-a".into(), "h-b".into()]);
}

async fn the_next_ones_of_a_lane_are_found_in_their_order(store: &dyn Store) {
    let many = (1..=NOTICE_PAGE as u64 + 5).map(|number| notice(&format!("n{number:03}"), "a", "w", number));
    put_deliveries(
        store,
        many.chain([notice("elsewhere", "a", "v", 1), notice("other", "b", "w", 1)]).collect(),
    )
    .await;
    let lane = notice("n001", "a", "w", 1).lane();
    assert_eq!(asked(store, NoticeScope::NextOf(lane.clone())).await, ["n001"]);
    let first: Vec<String> = (1..=NOTICE_PAGE).map(|number| format!("n{number:03}")).collect();
    assert_eq!(asked(store, NoticeScope::FirstOf(lane)).await, first);
}

async fn handoffs_are_listed_by_platform(store: &dyn Store) {
    let of = |id: &str, platforms: &[&str]| Handoff {
        platforms: platforms.iter().map(|platform| ((*platform).into(), 0)).collect(),
        ..handoff(id, id)
    };
    put_handoffs(
        store,
        vec![of("none", &[]), of("both", &["webhook", "webhook-2"]), of("second", &["webhook-2"])],
    )
    .await;
    let list = async |platform: &str| {
        let query = HandoffQuery { platform: Some(platform.into()), limit: 9, ..HandoffQuery::default() };
        ids(&store.handoffs(&query).await.unwrap().handoffs).join(" ")
    };
    assert_eq!(
        (&*list("webhook").await, &*list("webhook-2").await, &*list("web").await),
        ("both", "second both", "")
    );
    let counted = Handoff { platforms: [("webhook".into(), 7)].into(), ..handoff("both", "both") };
    put_handoffs(store, vec![counted.clone()]).await;
    assert_eq!(store.handoff(&"both".into()).await.unwrap(), Some(counted));
}

async fn a_platforms_state_is_kept(store: &dyn Store) {
    assert!(store.platforms().await.unwrap().is_empty());
    let disabled = PlatformState { id: "webhook".into(), disabled: Some((at(1), "gone".to_owned())) };
    let enabled = PlatformState { id: "webhook".into(), disabled: None };
    for state in [disabled, enabled] {
        store.put_platform(state.clone()).await.unwrap();
        assert_eq!(store.platforms().await.unwrap(), [state]);
    }
}

on_every_store!(
    a_lane_that_is_joined_while_it_empties_goes_on,
    lanes_are_of_a_handoff_and_a_platform,
    the_next_ones_of_a_lane_are_found_in_their_order,
    no_decision_about_a_conversation_loads_them,
    those_that_are_too_old_are_found_by_handoff,
    handoffs_are_listed_by_platform,
    a_platforms_state_is_kept,
);
