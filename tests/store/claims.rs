//! Deliveries are claimed: the head of each lane, in order, one holder at a time.

use handoff_relay::{
    relay::{
        changes::Changes,
        delivery::{Delivery, Queue},
        time::Time,
    },
    store::{Due, Store},
};

use super::make::{HOUR, at, fetches, handoff, put_deliveries, put_handoffs, reads, sends, write};

async fn claim(store: &dyn Store, now: Time, limit: usize) -> Due<Delivery> {
    let mut due = store.claim_due(now, HOUR, Queue::Writes, limit).await.unwrap();
    due.items.sort_by(|a, b| a.id.cmp(&b.id));
    due
}

async fn each_queue_is_claimed_by_itself(store: &dyn Store) {
    put_deliveries(store, vec![reads("r", "h", "a"), sends("d", "h", "a"), sends("e", "g", "b")]).await;
    put_deliveries(store, vec![Delivery { attempts: 2, ..reads("x", "x", "c") }]).await;
    assert_eq!(ids(&claim(store, at(0), 9).await), ["d", "e"]);
    for (queue, id) in [(Queue::Reads, "r"), (Queue::Again, "x")] {
        let due = store.claim_due(at(0), HOUR, queue, 9).await.unwrap();
        assert_eq!((ids(&due), due.next), (vec![id], None));
    }
}

async fn what_is_in_trouble_changes_the_queue_and_keeps_its_lane(store: &dyn Store) {
    put_deliveries(store, vec![sends("d", "h", "a"), sends("e", "h", "a")]).await;
    let mut tried = claim(store, at(0), 9).await.items.remove(0);
    assert!(store.waits_untroubled(&"d".into()).await.unwrap());
    tried.doubt = Some(at(0));
    put_deliveries(store, vec![tried]).await;
    assert!(!store.waits_untroubled(&"d".into()).await.unwrap());
    assert_eq!(claim(store, at(0), 9).await, Due { items: vec![], next: None }, "what is behind it waits");
    let mut again = store.claim_due(at(0), HOUR, Queue::Again, 9).await.unwrap();
    assert_eq!(ids(&again), ["d"]);
    again.items[0].doubt = None;
    put_deliveries(store, again.items).await;
    assert_eq!(ids(&claim(store, at(0), 9).await), ["d"]);
}

async fn what_has_begun_stays_claimed(store: &dyn Store) {
    put_deliveries(store, vec![sends("d", "h", "a")]).await;
    let mut begun = claim(store, at(0), 9).await.items.remove(0);
    (begun.attempts, begun.doubt) = (1, Some(at(0)));
    let gone = sends("gone", "h", "a");
    write(store, Changes { deliveries_begun: vec![begun.clone(), gone], ..Changes::default() }).await;
    let again = async |now| store.claim_due(now, HOUR, Queue::Again, 9).await.unwrap().items;
    assert_eq!(again(at(1)).await, []);
    assert_eq!(again(at(3_600)).await, [begun], "its holder is gone, what it noted is not");
}

fn ids(due: &Due<Delivery>) -> Vec<&str> {
    due.items.iter().map(|delivery| delivery.id.as_str()).collect()
}

async fn finish(store: &dyn Store, id: &str) {
    write(store, Changes { deliveries_done: vec![id.into()], ..Changes::default() }).await;
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
    let mut claimed = claim(store, at(0), 9).await.items.remove(0);
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
    let claim = async |now| {
        let mut due = store.claim_due(now, HOUR, Queue::Files, 32).await.unwrap();
        due.items.sort_by(|a, b| a.id.cmp(&b.id));
        due
    };
    let due = claim(at(0)).await;
    assert_eq!(ids(&due), ["a0", "a1", "a2", "a3", "b0", "b1"]);
    assert_eq!(due.next, None, "what waits for its share is woken by an end");
    assert_eq!(claim(at(1)).await, Due { items: vec![], next: Some(at(0) + HOUR) });
    finish(store, "a1").await;
    // One that is to be tried later leaves its place, too.
    let mut later = due.items[2].clone();
    (later.due_at, later.attempts) = (at(60), 1);
    put_deliveries(store, vec![later]).await;
    let due = claim(at(2)).await;
    assert_eq!((ids(&due), due.next), (vec!["a4", "a5"], Some(at(60))));
    let one = store.claim_due(at(60), HOUR, Queue::Files, 1).await.unwrap();
    assert_eq!(ids(&one), Vec::<&str>::new(), "four are under way");
    assert_eq!(ids(&claim(at(0) + HOUR).await).len(), 4, "their holder is gone");
}

async fn depths_tell_how_much_waits_and_since_when(store: &dyn Store) {
    let empty = store.depths().await.unwrap();
    assert_eq!((empty.inbox, empty.outbox, empty.handoffs), (0, 0, [0, 0, 0]));
    assert_eq!((empty.inbox_oldest, empty.outbox_oldest), (None, None));
    let handoffs = vec![
        handoff("h", "a"),
        super::make::active("i", "b", "Alex"),
        super::make::ended("j", "c", "Alex", "j-1"),
        super::make::ended("k", "d", "Alex", "k-1"),
    ];
    put_handoffs(store, handoffs).await;
    let older = Delivery { queued_at: at(-9), ..reads("r", "h", "a") };
    put_deliveries(store, vec![sends("d", "h", "a"), older]).await;
    let inbox = vec![super::make::event("a", "s2", 2), super::make::event("b", "s1", 1)];
    write(store, Changes { inbox, ..Changes::default() }).await;
    let depths = store.depths().await.unwrap();
    assert_eq!((depths.inbox, depths.outbox, depths.handoffs), (2, 2, [1, 1, 2]));
    assert_eq!((depths.inbox_oldest, depths.outbox_oldest), (Some(at(1)), Some(at(-9))));
}

on_every_store!(
    what_was_taken_back_waits_no_more,
    nothing_is_due_in_an_empty_outbox,
    a_lane_is_strictly_first_in_first_out,
    a_head_that_must_wait_holds_back_its_lane_and_no_other,
    a_claim_lasts_for_its_lease,
    each_queue_is_claimed_by_itself,
    what_is_in_trouble_changes_the_queue_and_keeps_its_lane,
    what_has_begun_stays_claimed,
    putting_a_delivery_again_frees_it,
    no_more_are_claimed_than_asked_for,
    what_was_done_with_while_claimed_is_not_claimed_again,
    four_files_of_a_conversation_are_claimed_at_a_time,
    depths_tell_how_much_waits_and_since_when,
);
