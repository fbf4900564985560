//! Start calls: the same handoff, or a new one in place of the old.

use serde_json::json;

use super::{
    make::{at, customer, handoff_ended},
    world::{ALEX, World},
};
use crate::relay::{
    event::{Event, EventKind},
    handoff::{AdaEnd, EndedBy},
    rules::start::{SAME_CALL, StartOutcome},
    thread::Sending,
    time::Offset,
};

const ALSO_FAILED: &str = "a new handoff of this conversation began before this was sent";

#[test]
fn a_call_repeated_within_a_minute_is_the_same_handoff() {
    let mut world = World::new();
    let StartOutcome::New(first) = world.start_with(json!({ "plan": "pro", "name": "Ada" })) else {
        panic!()
    };
    for millis in [0, 1, 59_999] {
        world.clock(millis);
        assert_eq!(world.start_with(json!({ "plan": "max", "seats": 3 })), StartOutcome::Same(first.clone()));
    }
    let context = json!({ "plan": "max", "name": "Ada", "seats": 3 });
    assert_eq!(json!(world.handoff().context), context, "context merges");
    assert_eq!(world.handoff().end_user.name.as_deref(), Some("Ada"));
    assert_eq!(world.thread(0).len(), 1, "one line says that it started");
}

/// Its webhook is late, or the start call of the handoff that it ended never came.
#[test]
fn an_end_from_before_the_last_call_ends_nothing() {
    let mut twice = World::started();
    twice.clock(40_000).start();
    let mut adopted = World::new();
    adopted.clock(1_000).hears([customer("held", 1_000)]);
    adopted.clock(31_000).release();
    adopted.clock(40_000).start();
    for mut world in [twice, adopted] {
        world.clock(45_000).hears([handoff_ended(20_000)]);
        assert!(world.handoff().is_open());
        world.hears([handoff_ended(39_000)]);
        assert!(!world.handoff().is_open());
    }
}

#[test]
fn a_call_after_a_minute_ends_the_earlier_handoff_and_fails_what_it_had_queued() {
    let mut world = World::accepted();
    world.writes(ALEX, "tried").unwrap();
    world.writes(ALEX, "waiting").unwrap();
    world.claim().unwrap();
    world.now.at = at(0) + SAME_CALL;
    assert!(matches!(world.start(), StartOutcome::New(_)));

    assert_eq!(world.ended_by(0), Some(EndedBy::Ada));
    assert!(world.handoff().is_open());
    for said in ["tried", "waiting"] {
        assert_eq!(world.sending(said), Sending::failed(ALSO_FAILED));
    }
    assert_eq!(world.queue(), Vec::<&str>::new(), "nothing of the old one may reach the new one");
    assert_eq!(world.books.handoffs.len(), 2);
}

#[test]
fn a_call_while_our_end_call_waits_counts_as_its_answer() {
    for millis in [21_000, 100_000] {
        let mut world = World::accepted();
        world.writes(ALEX, "unsent").unwrap();
        world.end(ALEX).unwrap();
        assert_eq!(world.queue(), ["unsent", "(end)"]);
        world.clock(millis);
        assert!(matches!(world.start(), StartOutcome::New(_)), "{millis}");

        let end = world.books.handoffs[0].end().unwrap();
        assert_eq!(end.by, EndedBy::Agent, "the agent ended it, whatever Ada did then");
        assert_eq!(end.ada, AdaEnd::Replaced { at: at(millis) });
        let line = world.books.rows.iter().find(|row| row.id == end.row).unwrap();
        assert_eq!(line.sending, Some(Sending::Sent));
        assert_eq!(world.sending("unsent"), Sending::failed(ALSO_FAILED));
        assert_eq!(world.queue(), Vec::<&str>::new());
    }
}

#[test]
fn a_call_after_the_end_begins_a_new_handoff_at_once() {
    let mut world = World::started();
    world.clock(10_000).hears([handoff_ended(10_000)]);
    assert!(matches!(world.start(), StartOutcome::New(_)));
    assert_eq!(world.ended_by(0), Some(EndedBy::Ada));
}

#[test]
fn what_a_withdrawn_delivery_came_to_touches_the_old_thread_only() {
    let mut world = World::accepted();
    world.writes(ALEX, "under way").unwrap();
    let delivery = world.claim().unwrap();
    world.clock(70_000).start();
    world.settle(delivery, Ok(crate::relay::delivery::Receipt::default()));
    assert_eq!(world.sending("under way"), Sending::Sent, "it got through all the same");
    assert!(world.handoff().is_open());
    assert_eq!(world.said(1), Vec::<&str>::new());
}

#[test]
fn the_customers_name_is_the_start_calls_else_adas_else_an_address() {
    for (context, name) in [
        (json!({ "first_name": "Ada", "last_name": "King", "name": "x", "email": "x@y" }), Some("Ada King")),
        (json!({ "last_name": " King ", "email": "x@y" }), Some("King")),
        (json!({ "first_name": " ", "name": "Countess", "email": "x@y" }), Some("Countess")),
        (json!({ "name": 7, "email": "ada@example.com" }), Some("ada@example.com")),
        (json!({}), None),
    ] {
        let mut world = World::new();
        world.start_with(context);
        assert_eq!(world.handoff().end_user.name.as_deref(), name);
    }
    for (first, later, name) in [
        (json!({ "name": "Countess" }), json!({ "name": "Ada King" }), ["Countess", "Ada King"]),
        (json!({ "email": "a@b" }), json!({ "plan": "pro" }), ["Augusta", "Augusta"]),
        (json!({}), json!({ "email": "a@b" }), ["Augusta", "Augusta"]),
        (json!({}), json!({ "name": "Ada King" }), ["Augusta", "Ada King"]),
    ] {
        let mut world = World::new();
        world.start_with(first);
        world.clock(5_000).hears([said_by("Augusta", "hello", 5_000)]);
        assert_eq!(called(&world), [Some(name[0]), Some("Augusta")]);
        world.start_with(later);
        assert_eq!(called(&world), [Some(name[1]), Some("Augusta")]);
    }
}

/// A message of the customer, whom Ada calls so.
fn said_by(name: &str, id: &str, millis: i64) -> Event {
    let mut event = customer(id, millis);
    let EventKind::Message(message) = &mut event.kind else { panic!() };
    message.author.display_name = Some(name.to_owned());
    event
}

/// The customer's name, and what Ada calls them.
fn called(world: &World) -> [Option<&str>; 2] {
    let end_user = &world.handoff().end_user;
    [end_user.name.as_deref(), end_user.display_name.as_deref()]
}

/// The newest message counts, whenever it arrives.
#[test]
fn ada_may_call_the_customer_something_else_later() {
    let mut world = World::started();
    world.clock(9_000).hears([said_by("Augusta", "b", 9_000)]);
    world.hears([said_by("Guest 7", "a", 8_000)]);
    assert_eq!(called(&world), [Some("Augusta"); 2]);
    world.clock(20_000).hears([said_by("Ada King", "c", 20_000)]);
    assert_eq!(called(&world), [Some("Ada King"); 2]);
}

/// Earlier relays had one name, and a mark if it was Ada's.
#[test]
fn a_document_of_before_there_were_two_names_keeps_its_own() {
    for (document, name) in [
        (
            json!({ "id": null, "name": "Guest 7", "named_by_webhook": true }),
            [Some("Ada King"), Some("Guest 7")],
        ),
        (json!({ "id": null, "name": "Countess", "named_by_webhook": false }), [Some("Ada King"), None]),
    ] {
        let mut world = World::started();
        world.books.handoffs[0].end_user = serde_json::from_value(document).unwrap();
        world.clock(1_000).start_with(json!({ "name": "Ada King" }));
        assert_eq!(called(&world), name);
    }
}

/// Our clock is an hour behind Ada's: her times are hers all the same.
#[test]
fn adas_times_are_compared_with_adas_alone() {
    let hour = 3_600_000;
    let mut world = World::new();
    world.now.offset = Offset::from_micros(hour * 1_000);
    world.start();
    world.clock(5_000).hears([handoff_ended(hour + 1_999)]);
    assert!(world.handoff().is_open(), "within the doubt about its start");
    world.clock(10_000).hears([handoff_ended(hour + 2_000)]);
    assert!(!world.handoff().is_open());

    world.clock(20_000).hears([customer("before the end", hour + 1_000), customer("after it", hour + 9_000)]);
    assert_eq!(world.said(0), ["before the end"]);
    world.clock(60_000).hears([]);
    assert_eq!(world.said(1), ["after it"], "adopted");
}

/// With the key off, whoever knows the address can make the call.
#[test]
fn a_call_that_anyone_can_make_ends_and_overwrites_nothing() {
    let mut world = World::new();
    assert!(matches!(
        world.anyone_starts(json!({ "plan": "pro", "email": "ada@b.c" }), true),
        StartOutcome::New(_)
    ));
    world.accept(ALEX, crate::relay::rules::act::TakeOver::No).unwrap();
    world.clock(20_000).writes(ALEX, "waiting").unwrap();
    for millis in [30_000, 70_000, 3_600_000] {
        world.clock(millis);
        let forged = json!({ "plan": "forged", "name": "Forged", "extra": millis });
        assert!(matches!(world.anyone_starts(forged, true), StartOutcome::Same(_)), "{millis}");
    }
    assert!(world.handoff().is_open());
    assert_eq!(world.queue(), ["waiting"]);
    let context = json!({ "plan": "pro", "email": "ada@b.c", "name": "Forged", "extra": 30_000 });
    assert_eq!(json!(world.handoff().context), context, "what is new is added");
    assert_eq!(called(&world), [Some("ada@b.c"), None]);
    world.hears([said_by("Augusta", "hello", 3_590_000)]);
    assert_eq!(called(&world), [Some("Augusta"); 2], "what a stranger has added is no name");
    // Nor does it keep the end away.
    world.hears([handoff_ended(3_599_000)]);
    assert!(!world.handoff().is_open());
}

#[test]
fn a_new_handoff_takes_a_place_and_the_same_one_does_not() {
    let mut world = World::new();
    assert_eq!(world.anyone_starts(json!({}), false), StartOutcome::TooMany);
    assert_eq!(world.books.handoffs.len(), 0);
    assert!(matches!(world.anyone_starts(json!({}), true), StartOutcome::New(_)));
    assert!(matches!(world.anyone_starts(json!({}), false), StartOutcome::Same(_)));
}
