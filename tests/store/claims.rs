//! Deliveries are claimed: the head of each lane, in order, one holder at a time.

use handoff_relay::{
    relay::{
        changes::WriteSet,
        delivery::{Claim, Class, Delivery, Destination, Queue, Update},
        id::{AiAgentId, ConversationKey, DeliveryId},
        time::Time,
    },
    store::{Due, Store},
};

use super::make::{
    HOUR, at, due_in, fetches, files, handoff, of, put_deliveries, put_handoffs, reads, retries, sends,
    strangers, transcripts, view, write, writes,
};

/// Claims what is due in a queue, as those do whose turn has come.
pub async fn claim_of(store: &dyn Store, queue: &Queue, now: Time, limit: usize) -> Due<Delivery> {
    let mut due = due_in(store, now, queue, limit).await;
    for delivery in &mut due.items {
        delivery.fence += 1;
        delivery.claim = Some(Claim { holder: "this process".into(), until: now + HOUR });
    }
    put_deliveries(store, due.items.clone()).await;
    due.items.sort_by(|a, b| a.id.cmp(&b.id));
    due
}

async fn claim(store: &dyn Store, now: Time, limit: usize) -> Due<Delivery> {
    claim_of(store, &writes(), now, limit).await
}

/// A delivery again after an attempt, free.
fn free(delivery: Delivery) -> Delivery {
    Delivery { claim: None, ..delivery }
}

async fn each_queue_is_claimed_by_itself(store: &dyn Store) {
    put_deliveries(store, vec![reads("r", "h", "a"), sends("d", "h", "a"), sends("e", "g", "b")]).await;
    put_deliveries(store, vec![Delivery { attempts: 2, ..reads("x", "x", "c") }]).await;
    put_deliveries(store, vec![Delivery { attempts: 2, ..sends("y", "x", "c") }]).await;
    let other: AiAgentId = "other.ada.support".into();
    let of_other = sends("z", "o", "a");
    let key = ConversationKey { ai_agent: other.clone(), ..of_other.key.clone() };
    put_deliveries(store, vec![Delivery { key, ..of_other }]).await;
    assert_eq!(ids(&claim(store, at(0), 9).await), ["d", "e"]);
    let reads_again = Queue { class: Class::Retries, ..transcripts() };
    let others = Queue { destination: Destination::Writes(other), class: Class::Fresh };
    for (queue, id) in [(transcripts(), "r"), (reads_again, "x"), (retries(), "y"), (others, "z")] {
        let due = claim_of(store, &queue, at(0), 9).await;
        assert_eq!((ids(&due), due.next), (vec![id], None));
    }
}

async fn what_is_in_trouble_changes_the_queue_and_keeps_its_lane(store: &dyn Store) {
    put_deliveries(store, vec![sends("d", "h", "a"), sends("e", "h", "a")]).await;
    let mut tried = free(claim(store, at(0), 9).await.items.remove(0));
    assert!(store.waits_untroubled(&"d".into()).await.unwrap());
    tried.outcome_unknown_since = Some(at(0));
    put_deliveries(store, vec![tried]).await;
    assert!(!store.waits_untroubled(&"d".into()).await.unwrap());
    assert_eq!(claim(store, at(0), 9).await, Due { items: vec![], next: None }, "what is behind it waits");
    let mut again = claim_of(store, &retries(), at(0), 9).await;
    assert_eq!(ids(&again), ["d"]);
    again.items[0].outcome_unknown_since = None;
    put_deliveries(store, again.items.into_iter().map(free).collect()).await;
    assert_eq!(ids(&claim(store, at(0), 9).await), ["d"]);
}

async fn what_waits_behind_trouble_is_in_trouble(store: &dyn Store) {
    let again = Delivery { attempts: 3, ..reads("r1", "h", "a") };
    put_deliveries(store, vec![again, reads("r2", "h", "a"), reads("r3", "g", "a"), reads("r4", "g", "a")])
        .await;
    let untroubled = async |id: &str| store.waits_untroubled(&id.into()).await.unwrap();
    assert!(!untroubled("r1").await && !untroubled("r2").await && !untroubled("none").await);
    assert!(untroubled("r3").await && untroubled("r4").await, "another lane");
    finish(store, "r1").await;
    assert!(untroubled("r2").await);
    let stranger = Delivery { stranger: true, ..reads("r3", "g", "a") };
    put_deliveries(store, vec![stranger]).await;
    assert!(!untroubled("r3").await && !untroubled("r4").await);
    let due = due_in(store, at(0), &strangers(), 9).await;
    assert_eq!(ids(&due), ["r3"]);
}

async fn a_claim_is_kept_with_its_fence(store: &dyn Store) {
    put_deliveries(store, vec![sends("d", "h", "a")]).await;
    let claimed = claim(store, at(0), 9).await.items.remove(0);
    let mut scope = of("a");
    scope.with_outbox = true;
    assert_eq!(*view(store, scope.clone()).await.outbox, std::slice::from_ref(&claimed));
    let changed = Delivery { outcome_unknown_since: Some(at(0)), ..claimed };
    put_deliveries(store, vec![changed.clone()]).await;
    assert_eq!(*view(store, scope).await.outbox, std::slice::from_ref(&changed));
    let again = async |now| due_in(store, now, &retries(), 9).await.items;
    assert_eq!(again(at(1)).await, []);
    assert_eq!(again(at(3_600)).await, [changed], "its holder is gone, what it noted is not");
}

async fn a_claim_is_renewed_by_its_holder_alone(store: &dyn Store) {
    put_deliveries(store, vec![sends("d", "h", "a"), sends("e", "g", "b"), sends("f", "i", "c")]).await;
    claim(store, at(0), 2).await;
    let all = || ["d", "e", "f", "none"].map(DeliveryId::from).to_vec();
    store.renew_claims(&"another".into(), all(), at(9_000)).await.unwrap();
    store.renew_claims(&"this process".into(), vec!["d".into()], at(7_200)).await.unwrap();
    let due = async |now| due_in(store, now, &writes(), 9).await;
    let now = due(at(1)).await;
    assert_eq!((ids(&now), now.next), (vec!["f"], Some(at(3_600))));
    let later = due(at(3_600)).await;
    assert_eq!(
        (ids(&later), later.next),
        (vec!["f", "e"], Some(at(7_200))),
        "who has waited longest comes first"
    );
    let claim = |delivery: &Delivery| delivery.claim.clone().map(|claim| claim.until);
    assert_eq!(
        due(at(7_200)).await.items.iter().map(claim).collect::<Vec<_>>(),
        [None, Some(at(3_600)), Some(at(7_200))]
    );
}

/// A lane with much behind its first is not always the first.
async fn the_next_of_a_lane_waits_from_when_it_is_the_next(store: &dyn Store) {
    put_deliveries(store, ["d1", "d2", "d3"].map(|id| sends(id, "h", "a")).to_vec()).await;
    put_deliveries(store, vec![Delivery { due_at: at(5), ..sends("e", "g", "b") }]).await;
    let due = async || due_in(store, at(60), &writes(), 9).await;
    assert_eq!(ids(&due().await), ["d1", "e"]);
    let done = WriteSet { deliveries_done: vec!["d1".into()], at: at(20), ..WriteSet::default() };
    write(store, done).await;
    assert_eq!(ids(&due().await), ["e", "d2"]);
}

fn ids(due: &Due<Delivery>) -> Vec<&str> {
    due.items.iter().map(|delivery| delivery.id.as_str()).collect()
}

async fn finish(store: &dyn Store, id: &str) {
    write(store, WriteSet { deliveries_done: vec![id.into()], ..WriteSet::default() }).await;
}

async fn nothing_is_due_in_an_empty_outbox(store: &dyn Store) {
    assert_eq!(claim(store, at(0), 9).await, Due { items: vec![], next: None });
}

async fn what_was_taken_back_waits_no_more(store: &dyn Store) {
    put_handoffs(store, vec![handoff("h", "a")]).await;
    put_deliveries(store, vec![sends("d", "h", "a")]).await;
    claim(store, at(0), 9).await;
    assert!(store.waits_untroubled(&"d".into()).await.unwrap(), "claimed, and waiting");
    finish(store, "d").await;
    assert!(!store.waits_untroubled(&"d".into()).await.unwrap());
}

async fn a_lane_is_strictly_first_in_first_out(store: &dyn Store) {
    put_handoffs(store, vec![handoff("h", "a")]).await;
    put_deliveries(store, ["d3", "d1", "d2"].map(|id| sends(id, "h", "a")).to_vec()).await;
    for expected in ["d3", "d1", "d2"] {
        let due = claim(store, at(0), 9).await;
        assert_eq!(ids(&due), [expected]);
        let then = claim(store, at(0), 9).await;
        assert_eq!(then, Due { items: vec![], next: Some(at(0) + HOUR) }, "one at a time");
        finish(store, expected).await;
    }
    assert_eq!(claim(store, at(0), 9).await, Due { items: vec![], next: None });
}

async fn a_head_that_must_wait_holds_back_its_lane_and_no_other(store: &dyn Store) {
    let waits = Delivery { due_at: at(60), ..sends("d1", "h", "a") };
    put_deliveries(store, vec![waits, sends("d2", "h", "a")]).await;
    put_deliveries(store, vec![sends("d4", "g", "a"), sends("d5", "x", "b")]).await;
    let due = claim(store, at(0), 9).await;
    assert_eq!(ids(&due), ["d4", "d5"]);
    assert_eq!(due.next, Some(at(60)));
    assert!(claim(store, Time::from_micros(at(60).as_micros() - 1), 9).await.items.is_empty());
    assert_eq!(ids(&claim(store, at(60), 9).await), ["d1"]);
}

async fn a_claim_lasts_for_its_lease(store: &dyn Store) {
    put_deliveries(store, vec![sends("d", "h", "a")]).await;
    assert_eq!(ids(&claim(store, at(0), 9).await), ["d"]);
    let due = claim(store, at(3_599), 9).await;
    assert_eq!(due, Due { items: vec![], next: Some(at(3_600)) });
    assert_eq!(ids(&claim(store, at(3_600), 9).await), ["d"], "its holder is gone");
}

async fn putting_a_delivery_again_frees_it(store: &dyn Store) {
    put_deliveries(store, vec![sends("d", "h", "a"), sends("e", "h", "a")]).await;
    let mut claimed = free(claim(store, at(0), 9).await.items.remove(0));
    claimed.due_at = at(5);
    put_deliveries(store, vec![claimed]).await;
    assert_eq!(claim(store, at(4), 9).await, Due { items: vec![], next: Some(at(5)) });
    let due = claim(store, at(5), 9).await;
    assert_eq!(ids(&due), ["d"]);
}

async fn no_more_are_claimed_than_asked_for(store: &dyn Store) {
    for lane in ["a", "b", "c", "d"] {
        put_deliveries(store, vec![sends(lane, lane, lane)]).await;
    }
    let mut claimed = Vec::new();
    for (limit, count, next) in [(0, 0, at(0)), (3, 3, at(0)), (3, 1, at(0) + HOUR)] {
        let due = claim(store, at(0), limit).await;
        assert_eq!((due.items.len(), due.next), (count, Some(next)), "limit {limit}");
        claimed.extend(due.items.into_iter().map(|delivery| delivery.id.0));
    }
    claimed.sort_unstable();
    assert_eq!(claimed, ["a", "b", "c", "d"]);
}

async fn what_was_done_with_while_claimed_is_not_claimed_again(store: &dyn Store) {
    put_deliveries(store, vec![sends("d", "h", "a"), sends("e", "h", "a")]).await;
    claim(store, at(0), 9).await;
    finish(store, "d").await;
    assert_eq!(ids(&claim(store, at(0), 9).await), ["e"]);
    finish(store, "e").await;
    assert_eq!(claim(store, at(9_999), 9).await, Due { items: vec![], next: None });
}

async fn four_files_of_a_conversation_are_claimed_at_a_time(store: &dyn Store) {
    let names = |of: &str| (0..7).map(|number| format!("{of}{number}")).collect::<Vec<_>>();
    let (ours, others) = (names("a"), names("b"));
    // The same conversation, handed off twice.
    for (place, id) in ours.iter().enumerate() {
        put_deliveries(store, vec![fetches(id, ["h", "i"][place % 2], "a")]).await;
    }
    for id in &others[..2] {
        put_deliveries(store, vec![fetches(id, "g", "b")]).await;
    }
    let claim = async |now| claim_of(store, &files(), now, 32).await;
    let due = claim(at(0)).await;
    assert_eq!(ids(&due), ["a0", "a1", "a2", "a3", "b0", "b1"]);
    assert_eq!(due.next, None, "an end wakes what waits for its share");
    assert_eq!(claim(at(1)).await, Due { items: vec![], next: Some(at(0) + HOUR) });
    finish(store, "a1").await;
    // One that is to be tried later leaves its place, too.
    let mut later = free(due.items[2].clone());
    (later.due_at, later.attempts) = (at(60), 1);
    put_deliveries(store, vec![later]).await;
    let due = claim(at(2)).await;
    assert_eq!((ids(&due), due.next), (vec!["a4", "a5"], Some(at(0) + HOUR)));
    assert_eq!(ids(&claim(at(60)).await), Vec::<&str>::new(), "four are under way");
    let gone = claim(at(2) + HOUR).await;
    assert_eq!(ids(&gone), ["a0", "a3", "a4", "a5", "b0", "b1"], "their holder is gone");
}

async fn files_that_must_wait_leave_their_places(store: &dyn Store) {
    let waits = |id: &str, due: i64| Delivery { due_at: at(due), ..fetches(id, "h", "a") };
    put_deliveries(store, ["w1", "w2", "w3", "w4", "w5"].map(|id| waits(id, 60)).to_vec()).await;
    let due = async |now| due_in(store, at(now), &files(), 9).await;
    assert_eq!(due(0).await, Due { items: vec![], next: Some(at(60)) });
    put_deliveries(store, vec![fetches("new", "h", "a")]).await;
    assert_eq!(ids(&due(0).await), ["new"]);
    put_deliveries(store, vec![waits("new", 900)]).await;
    assert_eq!(ids(&due(60).await), ["w1", "w2", "w3", "w4"]);
    finish(store, "w2").await;
    finish(store, "w5").await;
    assert_eq!(ids(&due(900).await), ["w1", "w3", "w4", "new"]);
}

async fn what_ada_is_told_waits_for_nothing_before_it(store: &dyn Store) {
    let tells = |id: &str, due: i64| {
        let job = Update::HandoffToConversation.into();
        Delivery { due_at: at(due), job, ..reads(id, "h", "a") }
    };
    let queue = tells("w1", 0).queue();
    let due = async |now| due_in(store, at(now), &queue, 9).await;
    put_deliveries(store, vec![tells("w1", 60), tells("w2", 0)]).await;
    assert_eq!(ids(&due(0).await), ["w2"]);
    put_deliveries(store, vec![tells("w2", 70), tells("w3", 5)]).await;
    assert_eq!(ids(&due(5).await), ["w3"], "two are the next, those that can be tried soonest");
    finish(store, "w3").await;
    assert_eq!(ids(&due(70).await), ["w1", "w2"]);
}

async fn messages_are_found_when_they_are_too_old(store: &dyn Store) {
    let expires = |delivery: Delivery, seconds: i64| Delivery { expires_at: Some(at(seconds)), ..delivery };
    let expired = async |now, limit| {
        let due = store.expired(at(now), limit).await.unwrap();
        (due.items.into_iter().map(|id| id.0).collect::<Vec<_>>(), due.next)
    };
    assert_eq!(expired(0, 9).await, (vec![], None));
    put_deliveries(store, vec![reads("r", "h", "a"), expires(sends("d", "h", "a"), 60)]).await;
    put_deliveries(store, vec![expires(sends("e", "g", "b"), 30), expires(sends("f", "h", "a"), 70)]).await;
    assert_eq!(expired(29, 9).await, (vec![], Some(at(30))));
    assert_eq!(expired(60, 9).await, (vec!["g".to_owned(), "h".to_owned()], Some(at(70))));
    assert_eq!(expired(70, 1).await.0, ["g"]);
    let looked_for = Delivery { look_until: Some(at(90)), ..expires(sends("e", "g", "b"), 30) };
    put_deliveries(store, vec![looked_for]).await;
    finish(store, "d").await;
    assert_eq!(expired(70, 9).await, (vec!["h".to_owned()], Some(at(90))));
}

async fn depths_tell_how_much_waits_and_since_when(store: &dyn Store) {
    let empty = store.depths().await.unwrap();
    assert_eq!((empty.inbox, empty.outbox(), empty.handoffs), (0, 0, [0, 0, 0]));
    assert_eq!((empty.inbox_oldest, empty.outbox_oldest), (None, None));
    let handoffs = vec![
        handoff("h", "a"),
        super::make::active("i", "b", "Alex"),
        super::make::ended("j", "c", "Alex", "j-1"),
        super::make::ended("k", "d", "Alex", "k-1"),
    ];
    put_handoffs(store, handoffs).await;
    let older = Delivery { queued_at: at(-9), ..reads("r", "h", "a") };
    put_deliveries(store, vec![older, sends("d", "h", "a")]).await;
    let inbox = vec![super::make::event("a", "s2", 2), super::make::event("b", "s1", 1)];
    write(store, WriteSet { inbox, ..WriteSet::default() }).await;
    let depths = store.depths().await.unwrap();
    assert_eq!((depths.inbox, depths.outbox(), depths.handoffs), (2, 2, [1, 1, 2]));
    assert_eq!((depths.inbox_oldest, depths.outbox_oldest), (Some(at(1)), Some(at(-9))));
}

on_every_store!(
    what_ada_is_told_waits_for_nothing_before_it,
    what_was_taken_back_waits_no_more,
    nothing_is_due_in_an_empty_outbox,
    a_lane_is_strictly_first_in_first_out,
    a_head_that_must_wait_holds_back_its_lane_and_no_other,
    a_claim_lasts_for_its_lease,
    each_queue_is_claimed_by_itself,
    what_is_in_trouble_changes_the_queue_and_keeps_its_lane,
    what_waits_behind_trouble_is_in_trouble,
    a_claim_is_kept_with_its_fence,
    a_claim_is_renewed_by_its_holder_alone,
    the_next_of_a_lane_waits_from_when_it_is_the_next,
    files_that_must_wait_leave_their_places,
    messages_are_found_when_they_are_too_old,
    putting_a_delivery_again_frees_it,
    no_more_are_claimed_than_asked_for,
    what_was_done_with_while_claimed_is_not_claimed_again,
    four_files_of_a_conversation_are_claimed_at_a_time,
    depths_tell_how_much_waits_and_since_when,
);
