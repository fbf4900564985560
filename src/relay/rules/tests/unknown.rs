//! Handoffs of conversations that Ada says it doesn't have.

use serde_json::json;

use super::{
    make::{at, customer},
    world::{ALEX, World},
};
use crate::relay::{
    delivery::{Class, Failure},
    handoff::{AdaEnd, EndedBy},
    rules::act::TakeOver,
};

fn unknown() -> Failure {
    Failure::UnknownConversation("Ada answered 404: Not found".to_owned())
}

#[test]
fn it_is_closed_without_a_word_to_ada_and_adopted_if_somebody_writes_after_all() {
    let mut world = World::started();
    world.accept(ALEX, TakeOver::No).unwrap();
    world.clock(500).cannot_list(&unknown());
    assert!(world.handoff().is_open());
    let due: Vec<_> = world.books.outbox.iter().map(|delivery| delivery.due_at).collect();
    assert!(due.contains(&at(10_500)), "asked again behind the grace: {due:?}");
    world.writes(ALEX, "Hello?").unwrap();
    world.clock(10_500).cannot_list(&unknown());

    assert_eq!(world.ended_by(0), Some(EndedBy::Ada));
    assert_eq!(world.handoff().end().unwrap().ada, AdaEnd::Unknown);
    assert!(world.books.outbox.is_empty(), "no text, no end call, no further readings");
    assert!(matches!(world.sending("Hello?"), crate::relay::thread::Sending::Failed { .. }));
    world.asks_to_recover_in_vain();

    // Whenever it was written.
    world.clock(20_000).hears([customer("I am here", 9_000)]);
    world.clock(60_000).release();
    assert_eq!((world.books.handoffs.len(), world.said(1)), (2, vec!["I am here"]));
    world.cannot_list(&unknown());
    world.clock(80_000).asks_to_recover();
    world.cannot_list(&unknown());
    assert!(world.handoff().is_open(), "an event has shown that there is such a conversation");
}

#[test]
fn what_an_earlier_handoff_has_shown_is_remembered() {
    const DAY: i64 = 86_400_000;
    let mut world = World::started();
    world.hears([customer("I was here", 1_000)]);
    world.lists(&[]);
    for days in 1..=3 {
        world.clock(days * DAY).start();
        world.lists(&[]);
    }
    assert_eq!(world.books.handoffs.len(), 4);
    for minutes in 1..=3 {
        world.clock(3 * DAY + minutes * 60_000).asks_to_recover();
        world.cannot_list(&unknown());
    }
    assert!(world.handoff().is_open());
}

#[test]
fn two_answers_of_adas_own_are_needed_and_ten_seconds() {
    // (failures by their time, open)
    let proxys = || Failure::NoHandoff("Ada answered 404: Not Found".to_owned());
    for (answers, open) in [
        (vec![(100, unknown()), (9_000, unknown())], true),
        (vec![(100, unknown()), (9_000, unknown()), (10_001, unknown())], false),
        (vec![(20_000, unknown())], true),
        (vec![(100, proxys()), (20_000, proxys()), (40_000, proxys())], true),
        (vec![(100, proxys()), (20_000, unknown()), (40_000, unknown())], false),
    ] {
        let mut world = World::started();
        for (millis, failure) in &answers {
            world.clock(*millis);
            if world.books.outbox.is_empty() {
                world.asks_to_recover();
            }
            world.cannot_list(failure);
        }
        assert_eq!(world.handoff().is_open(), open, "{answers:?}");
    }
}

#[test]
fn a_list_that_can_be_read_or_an_event_keeps_it_open() {
    let mut read = World::started();
    read.clock(500).cannot_list(&unknown());
    read.lists(&[]);
    read.clock(20_000).asks_to_recover();
    read.cannot_list(&unknown());
    assert!(read.handoff().is_open(), "not twice in a row");

    let mut told = World::started();
    told.clock(500).cannot_list(&unknown());
    told.receive(customer("hello", 600));
    told.clock(11_000).cannot_list(&unknown());
    assert!(told.handoff().is_open(), "an event waits in the inbox");
    told.release();
    assert_eq!(told.said(0), ["hello"]);

    let mut sent = World::accepted();
    sent.writes(ALEX, "hello").unwrap();
    sent.tries(Ok(crate::relay::delivery::Receipt::default()));
    sent.cannot_list(&unknown());
    sent.asks_to_recover();
    sent.clock(30_000).cannot_list(&unknown());
    assert!(sent.handoff().is_open(), "Ada has taken a message");
}

/// Whether a conversation that nobody has heard of has to wait behind others is known when its call comes.
#[test]
fn only_what_an_anonymous_call_alone_has_named_is_a_strangers() {
    let strangers =
        |world: &World| world.books.outbox.iter().map(|delivery| delivery.stranger).collect::<Vec<_>>();
    let mut world = World::new();
    world.anyone_starts(json!({}), true);
    assert_eq!(strangers(&world), [true]);
    assert_eq!(world.books.outbox[0].class(), Class::Strangers);
    world.accept(ALEX, TakeOver::No).unwrap();
    assert_eq!(strangers(&world), [false, false], "an agent looks after it");
    let mut world = World::new();
    world.anyone_starts(json!({}), true);
    world.hears([customer("I am here", 0)]);
    assert_eq!(strangers(&world), [false], "its customer writes");
    assert_eq!(strangers(&World::started()), [false], "with the key");
    let mut heard = World::new();
    heard.receive(customer("I am here", 0));
    heard.anyone_starts(json!({}), true);
    assert_eq!(strangers(&heard), [false]);
}
