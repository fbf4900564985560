//! Messages fail when they are too old, whatever they wait for; what may have been sent by another copy of the store is
//! looked for first.

use super::{
    make::{at, handoff_ended, human, message},
    world::{ALEX, World, whole},
};
use crate::relay::{
    delivery::{Delivery, Failure, MessagePage, Receipt},
    event::Message,
    rules::attempt::Step,
    thread::{Content, Role, Sending},
};

/// When a message that was written at 20 s is too old.
const TOO_OLD: i64 = 20_000 + 15 * 60_000;

fn wrote(said: &[&str]) -> World {
    let mut world = World::accepted();
    said.iter().for_each(|said| drop(world.writes(ALEX, said).unwrap()));
    world
}

fn send(world: &World, index: usize) -> Delivery {
    let sends = |delivery: &&Delivery| delivery.job.is_message();
    world.books.outbox.iter().filter(sends).nth(index).unwrap().clone()
}

fn states(world: &World) -> Vec<String> {
    let states = world.thread(0).into_iter().filter_map(|row| row.sending.clone());
    states
        .map(|state| if let Sending::Failed { error } = state { error } else { format!("{state:?}") })
        .collect()
}

const BEHIND: &str = "a message before this one could not be sent";

#[test]
fn a_message_that_waits_fails_at_its_age_and_takes_those_behind_it_along() {
    let mut world = wrote(&["one", "two"]);
    world.clock(60_000).writes(ALEX, "young").unwrap();
    world.end(ALEX).unwrap();
    world.clock(TOO_OLD - 1).ages();
    assert_eq!(world.queue(), ["one", "two", "young", "(end)"]);
    world.clock(TOO_OLD).ages();
    let first = "could not be sent in time: Ada's rate limits left no room for it";
    assert_eq!(states(&world), [first, BEHIND, BEHIND, "Queued"]);
    assert_eq!(world.queue(), ["(end)"], "which has no age");
}

#[test]
fn what_ada_said_last_is_the_reason() {
    let mut world = wrote(&["one"]);
    world.tries(Err(Failure::Denied("Ada answered 401".to_owned())));
    world.clock(TOO_OLD).ages();
    assert_eq!(states(&world), ["could not be sent in time: Ada answered 401"]);
}

#[test]
fn no_attempt_begins_past_the_age() {
    let mut world = wrote(&["one", "two"]);
    let waits = send(&world, 0);
    world.clock(TOO_OLD);
    assert_eq!(world.turn_comes(&waits, "one"), None);
    assert_eq!(world.queue(), Vec::<&str>::new());
}

#[test]
fn an_attempt_that_is_under_way_is_let_finish() {
    let mut world = wrote(&["one", "two"]);
    world.clock(TOO_OLD - 5_000);
    let delivery = world.claim().unwrap();
    world.clock(TOO_OLD).ages();
    assert_eq!(states(&world)[0], "Queued");
    assert_eq!(states(&world)[1], "could not be sent in time: a message before this one was not settled");
    world.settle(delivery, Ok(Receipt::default()));
    assert_eq!(states(&world)[0], "Sent");
}

#[test]
fn what_is_in_doubt_is_looked_for_a_minute_longer() {
    let mut world = wrote(&["one"]);
    world.clock(TOO_OLD - 1).tries(Err(Failure::Unclear("timed out".to_owned())));
    world.clock(TOO_OLD + 59_998).ages();
    assert_eq!(states(&world), ["Queued"]);
    world.clock(TOO_OLD + 59_999).ages();
    assert_eq!(states(&world), ["it is unknown whether this was sent: timed out"]);
}

#[test]
fn what_was_queued_before_this_process_is_looked_for_once() {
    let hello = message(Role::HumanAgent, "m", 20_000, "one");
    for (listed, queue, state) in [(vec![hello], vec!["two"], "Sent"), (vec![], vec!["one", "two"], "Queued")]
    {
        let mut world = wrote(&["one", "two"]);
        // A copy of then is put back: whether they have been sent since is not known.
        world.clock(60_000).restarts();
        let begun = world.turn_comes(&send(&world, 0), "one").unwrap();
        assert!(matches!(begun.step, Step::Look { .. }), "{begun:?}");
        world.looked(begun.delivery, Ok(whole(&listed)), false);
        assert_eq!((world.queue(), states(&world)[0].as_str()), (queue.clone(), state));
        for _ in queue {
            world.tries(Ok(Receipt::default()));
        }
        assert_eq!(states(&world), ["Sent", "Sent"]);
        let texts: Vec<_> = world.thread(0).iter().filter(|row| row.is_ours()).map(|row| row.seq).collect();
        assert_eq!(texts.len(), 2, "no row beside them");
    }
}

/// What is queued goes to Ada in its order: of equal messages the first is the one that Ada has.
#[test]
fn of_equal_messages_queued_before_this_process_the_first_is_found() {
    for attempted in [false, true] {
        for by_webhook in [false, true] {
            let mut world = wrote(&["ok"]);
            if attempted {
                world.claim().unwrap();
            }
            world.clock(20_100).writes(ALEX, "ok").unwrap();
            let second = send(&world, 1).id;
            world.clock(60_000).restarts();
            if by_webhook {
                world.receive(human("m", 20_200, "ok"));
            } else {
                world.recovers(None, &[message(Role::HumanAgent, "m", 20_200, "ok")], false);
            }
            assert_eq!(world.queue(), ["ok"]);
            assert_eq!(send(&world, 0).id, second, "attempted: {attempted}, by webhook: {by_webhook}");
        }
    }
}

#[test]
fn the_reading_at_the_start_serves_for_all_of_a_handoff() {
    let mut world = wrote(&["one", "two"]);
    world.clock(60_000).restarts();
    world.recovers(None, &[message(Role::HumanAgent, "m", 20_000, "one")], false);
    assert_eq!((world.queue(), world.said(0)), (vec!["two"], vec!["one", "two"]));
    world.tries(Ok(Receipt::default()));
}

#[test]
fn waiting_to_be_looked_for_is_no_age() {
    let mut world = wrote(&["one"]);
    world.clock(60_000).restarts();
    world.clock(2 * TOO_OLD).ages();
    assert_eq!(states(&world), ["Queued"]);
    world.recovers(None, &[], false);
    world.clock(2 * TOO_OLD + 14 * 60_000).ages();
    assert_eq!(states(&world), ["Queued"], "it had waited for 40 s only");
    world.clock(2 * TOO_OLD + 15 * 60_000).ages();
    assert!(states(&world)[0].starts_with("could not be sent in time"));
}

#[test]
fn what_was_too_old_when_this_process_began_is_looked_for_and_not_sent() {
    for was_sent in [true, false] {
        let mut world = wrote(&["one"]);
        world.clock(2 * TOO_OLD).restarts();
        world.ages();
        assert_eq!(states(&world), ["Queued"]);
        let sent = [message(Role::HumanAgent, "m", 20_000, "one")];
        world.recovers(None, if was_sent { &sent } else { &[] }, false);
        world.ages();
        assert_eq!(states(&world)[0] == "Sent", was_sent);
        assert_eq!(world.queue(), Vec::<&str>::new());
    }
    let mut world = wrote(&["one"]);
    world.clock(2 * TOO_OLD).restarts();
    world.looks(Ok(&[]));
    assert_eq!(states(&world), ["could not be sent in time: Ada does not have it"]);
    assert_eq!(world.now.at, at(2 * TOO_OLD + 2_000));
}

#[test]
fn what_failed_before_it_was_looked_for_is_looked_for_when_it_is_tried_again() {
    let mut world = wrote(&["one", "two"]);
    world.clock(60_000).restarts();
    world.looks(Err(Failure::Unclear("502".to_owned())));
    let late = 60_000 + TOO_OLD;
    world.clock(late).looks(Err(Failure::Unclear("502".to_owned())));
    assert_eq!(states(&world)[1], BEHIND);
    let row = world.row("two").id.clone();
    world.clock(late + 10_000).retry(&row, ALEX).unwrap();
    let sent = [("m1", "one"), ("m2", "two")].map(|(id, said)| message(Role::HumanAgent, id, 20_000, said));
    world.looks(Ok(&sent));
    assert_eq!((world.queue(), states(&world)), (vec![], vec!["Sent".to_owned(); 2]));
}

#[test]
fn an_end_before_the_first_reading_has_the_list_read() {
    let mut world = wrote(&["one"]);
    world.clock(60_000).restarts();
    world.hears([handoff_ended(61_000)]);
    assert_eq!(states(&world)[0], "the handoff ended before this was sent");
    while states(&world)[0] != "Sent" {
        world.lists(&[message(Role::HumanAgent, "m", 20_000, "one")]);
    }
    assert_eq!(world.said(0), ["one"], "and no row beside it");
}

#[test]
fn a_list_with_something_unreadable_verifies_nothing() {
    let mut world = wrote(&["one"]);
    world.clock(60_000).restarts();
    let unreadable = Content::Unreadable { reason: "odd".to_owned() };
    let odd = Message { content: unreadable, ..message(Role::HumanAgent, "m", 25_000, "") };
    world.recovers(None, &[odd], false);
    let begun = world.turn_comes(&send(&world, 0), "one").unwrap();
    assert!(matches!(begun.step, Step::Look { .. }), "{begun:?}");
}

#[test]
fn of_two_readings_at_once_the_second_to_come_back_verifies_nothing() {
    let mut world = wrote(&["one"]);
    world.clock(60_000).restarts();
    let content = Content::Unreadable { reason: "odd".to_owned() };
    let odd = Message { content, ..message(Role::HumanAgent, "m", 25_000, "") };
    let part = MessagePage { messages: vec![odd], page: Some("second".to_owned()), more: true };
    world.looked_from(None, world.unasked(), Ok(part), false);
    world.looked_from(Some("elsewhere".to_owned()), world.unasked(), Ok(whole(&[])), false);
    assert!(send(&world, 0).maybe_listed, "it left out what the first has found");
}

/// Refused before the copy was made, sent again by hand after it: the copy knows only the first.
#[test]
fn what_had_failed_in_a_copy_is_looked_for_before_it_is_sent_again_by_hand() {
    let failed = || {
        let mut world = World::accepted();
        world.lists(&[]);
        world.writes(ALEX, "hello").unwrap();
        world.tries(Err(Failure::Refused("a filter".to_owned())));
        world
    };
    let mut world = failed();
    let row = world.row("hello").id.clone();
    world.clock(60_000).restarts();
    world.retry(&row, ALEX).unwrap();
    world.looks(Ok(&[message(Role::HumanAgent, "m", 40_000, "hello")]));
    assert_eq!((world.queue(), world.sending("hello")), (vec![], Sending::Sent));

    let mut world = failed();
    world.clock(60_000).restarts();
    world.lists(&[message(Role::HumanAgent, "m", 40_000, "hello")]);
    assert_eq!((world.sending("hello"), world.said(0)), (Sending::Sent, vec!["hello"]), "one row");

    let mut world = failed();
    let row = world.row("hello").id.clone();
    world.retry(&row, ALEX).unwrap();
    assert!(world.claim().is_some(), "no copy of anything: it is sent at once");
}
