//! Whose turn it is claims a delivery: nobody else makes an attempt on it, until the claim runs out.

use super::{
    make::at,
    world::{ALEX, World},
};
use crate::relay::{
    delivery::{Delivery, Failure, Receipt, ShownAuthor},
    rules::attempt::{Call, LEASE, Saying, Step},
    thread::Sending,
};

/// Alex has written two messages, at 20 s.
fn two_messages() -> (World, Vec<Delivery>) {
    let mut world = World::accepted();
    world.writes(ALEX, "one").unwrap();
    world.writes(ALEX, "two").unwrap();
    let sends = |delivery: &&Delivery| delivery.job.row().is_some();
    let sends = world.books.outbox.iter().filter(sends).cloned().collect();
    (world, sends)
}

#[test]
fn one_attempt_is_made_in_a_lane_at_a_time() {
    let (mut world, sends) = two_messages();
    let begun = world.turn_comes(&sends[1], "one").unwrap();
    assert_eq!((&begun.delivery.id, begun.delivery.fence), (&sends[0].id, 1), "the first of the lane");
    let call = Call::Send { says: Saying::Text("one".to_owned()), by: ShownAuthor::named(ALEX.to_owned()) };
    assert_eq!(begun.step, Step::Write { began: at(20_000), call });
    world.clock(29_999);
    assert_eq!(world.turn_comes(&sends[0], "another"), None);
    assert_eq!(world.turn_comes(&sends[0], "one"), None, "nor its own holder");
    world.settle(begun.delivery, Ok(Receipt::default()));
    assert_eq!(world.turn_comes(&sends[0], "another").unwrap().delivery.id, sends[1].id);
}

#[test]
fn what_is_tried_again_waits_for_a_turn_of_its_own_kind() {
    let (mut world, sends) = two_messages();
    let begun = world.turn_comes(&sends[0], "one").unwrap();
    world.settle(begun.delivery, Err(Failure::Unclear("timed out".to_owned())));
    world.clock(22_000);
    assert_eq!(world.turn_comes(&sends[0], "one"), None, "for what has not been tried");
    let again = world.books.outbox.iter().find(|delivery| delivery.id == sends[0].id).unwrap().clone();
    assert!(matches!(world.turn_comes(&again, "one").unwrap().step, Step::Look { .. }));
}

/// The first attempt hangs, its process stands still, and another process goes on.
fn taken_over() -> (World, Delivery, Delivery) {
    let (mut world, sends) = two_messages();
    let first = world.turn_comes(&sends[0], "one").unwrap().delivery;
    world.now.at = world.now.at + LEASE;
    let waits = world.books.outbox.iter().find(|delivery| delivery.id == first.id).unwrap().clone();
    let second = world.turn_comes(&waits, "another").unwrap();
    assert_eq!((second.delivery.fence, second.delivery.outcome_unknown_since), (2, Some(at(20_000))));
    assert!(matches!(second.step, Step::Look { .. }), "Ada may have it");
    (world, first, second.delivery)
}

#[test]
fn a_late_success_counts_whoever_has_the_delivery_now() {
    let (mut world, first, second) = taken_over();
    world.settle(first, Ok(Receipt::default()));
    assert_eq!((world.sending("one"), world.queue()), (Sending::Sent, vec!["two"]));
    world.looked(second, Err(Failure::Unclear("timed out".to_owned())), false);
    assert_eq!((world.sending("one"), world.queue()), (Sending::Sent, vec!["two"]));
}

#[test]
fn a_late_failure_changes_nothing_of_the_attempt_that_is_under_way() {
    let failures = [
        Failure::Unclear("timed out".to_owned()),
        Failure::Unreached("no route".to_owned()),
        Failure::Refused("400".to_owned()),
        Failure::NoHandoff("422".to_owned()),
        Failure::Throttled { reason: "429".to_owned(), retry_after: None },
    ];
    for failure in failures {
        let (mut world, first, second) = taken_over();
        let before = world.books.outbox.clone();
        world.settle(first, Err(failure.clone()));
        assert_eq!(world.books.outbox, before, "{failure:?}");
        world.looked(second, Ok(super::world::whole(&[])), false);
        world.clock(60_000).tries(Ok(Receipt::default()));
        assert_eq!((world.sending("one"), world.queue()), (Sending::Sent, vec!["two"]), "{failure:?}");
    }
}
