//! What comes of an attempt: sent, sent again later, or failed.

use std::time::Duration;

use super::{
    make::{at, handoff_ended},
    world::{ALEX, World},
};
use crate::relay::{
    delivery::{Failure, Receipt},
    handoff::EndedBy,
    thread::{EventName, Role, Sending},
    time::Time,
};

fn due_at(world: &World) -> Time {
    world.books.outbox.iter().find(|delivery| delivery.job.row().is_some()).unwrap().due_at
}

fn failed(millis: i64, failure: Failure) -> World {
    let mut world = World::accepted();
    world.writes(ALEX, "first").unwrap();
    world.writes(ALEX, "second").unwrap();
    world.clock(millis).tries(Err(failure));
    world
}

fn reason() -> String {
    "says Ada".to_owned()
}

#[test]
fn an_accepted_message_is_sent_and_takes_adas_time() {
    let mut world = World::accepted();
    world.writes(ALEX, "hello").unwrap();
    assert_eq!(world.row("hello").at, at(20_000));
    let created_at = Time::from_micros(at(21_234).as_micros() + 567);
    world.tries(Ok(Receipt { message_id: Some("m1".into()), created_at: Some(created_at) }));
    let row = world.row("hello");
    assert_eq!(row.sending, Some(Sending::Sent));
    assert_eq!((row.at, row.created_at), (at(21_234), created_at));
    assert_eq!(row.ids.shown(), Some(&"m1".into()));
    assert_eq!(world.queue(), Vec::<&str>::new());
}

#[test]
fn what_can_succeed_later_stays_first_in_line() {
    let asks = Some(Duration::from_secs(7));
    for (failure, waits) in [
        (Failure::Throttled { reason: reason(), retry_after: asks }, 7_000),
        (Failure::Throttled { reason: reason(), retry_after: None }, 500),
        (Failure::Denied(reason()), 30_000),
        (Failure::Unreached(reason()), 500),
        (Failure::Unclear(reason()), 2_000),
    ] {
        let world = failed(25_000, failure.clone());
        assert_eq!(world.queue(), ["first", "second"], "{failure:?}");
        assert_eq!(due_at(&world), at(25_000 + waits), "{failure:?}");
        assert_eq!(world.sending("first"), Sending::Queued);
    }
}

#[test]
fn the_wait_doubles_with_each_attempt() {
    let mut world = failed(25_000, Failure::Unreached(reason()));
    for waits in [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
        world.tries(Err(Failure::Unreached(reason())));
        assert_eq!(due_at(&world), at(25_000 + waits));
    }
}

#[test]
fn a_refused_message_fails_and_the_next_goes_on() {
    let mut world = failed(25_000, Failure::Refused("413: too long".to_owned()));
    assert_eq!(world.sending("first"), Sending::failed("413: too long"));
    assert_eq!(world.queue(), ["second"]);
    world.tries(Ok(Receipt::default()));
    assert_eq!(world.sending("second"), Sending::Sent);
    assert!(world.handoff().is_open());
}

#[test]
fn not_in_a_handoff_ends_it_and_fails_what_is_queued() {
    let world = failed(25_000, Failure::NoHandoff("422: not in a handoff".to_owned()));
    assert_eq!(world.ended_by(0), Some(EndedBy::Ada));
    for said in ["first", "second"] {
        assert_eq!(world.sending(said), Sending::failed("422: not in a handoff"));
    }
    assert_eq!(world.queue(), Vec::<&str>::new());
    let line = world.thread(0).last().unwrap().content.clone();
    let ended = crate::relay::thread::Content::Event {
        event: EventName::Ended,
        by: Some("ada".to_owned()),
        to: None,
    };
    assert_eq!(line, ended, "the agent is told");
}

#[test]
fn not_in_a_handoff_is_asked_again_within_ten_seconds_of_the_start() {
    for (millis, open) in [(9_999, true), (10_000, false)] {
        let mut world = World::started();
        world.writes(ALEX, "first").unwrap();
        world.clock(millis).tries(Err(Failure::NoHandoff(reason())));
        assert_eq!(world.handoff().is_open(), open, "{millis}");
        assert_eq!(world.queue().len(), usize::from(open));
    }
}

#[test]
fn a_message_gives_up_by_age_and_takes_those_behind_it_along() {
    for failure in [
        Failure::Unreached(reason()),
        Failure::Denied(reason()),
        Failure::Throttled { reason: reason(), retry_after: Some(Duration::from_secs(3_600)) },
    ] {
        let almost = 20_000 + 15 * 60_000 - 1;
        let mut world = failed(almost, failure.clone());
        assert_eq!(world.queue(), ["first", "second"], "{failure:?}");
        world.writes(ALEX, "young").unwrap();
        world.end(ALEX).unwrap();
        let delivery = world.claim().unwrap();
        world.clock(almost + 1).settle(delivery, Err(failure));
        assert_eq!(world.sending("first"), Sending::failed("could not be sent in time: says Ada"));
        for said in ["second", "young"] {
            assert_eq!(world.sending(said), Sending::failed("a message before this one could not be sent"));
        }
        assert_eq!(world.queue(), ["(end)"], "an end call has no age limit");
    }
}

#[test]
fn every_end_fails_what_is_queued() {
    let mut world = World::accepted();
    world.writes(ALEX, "first").unwrap();
    world.clock(25_000).hears([handoff_ended(24_000)]);
    assert_eq!(world.sending("first"), Sending::failed("the handoff ended before this was sent"));
    assert_eq!(world.queue(), Vec::<&str>::new());
}

#[test]
fn a_read_ends_nothing_and_a_refused_one_is_said_once() {
    let unclear = Failure::Unclear(reason());
    for (failures, said) in [
        (vec![Failure::NoHandoff(reason())], 1),
        (vec![Failure::Refused(reason())], 1),
        (vec![Failure::Denied(reason()), Failure::Denied(reason()), unclear.clone()], 1),
        (vec![unclear.clone(), unclear], 0),
    ] {
        let mut world = World::started();
        for failure in &failures {
            world.cannot_list(failure);
        }
        assert!(world.handoff().is_open());
        assert_eq!(lines(&world), said, "{failures:?}");
    }
}

#[test]
fn a_denied_read_is_said_also_after_another_failure() {
    let mut world = World::started();
    world.cannot_list(&Failure::Unclear(reason()));
    world.cannot_list(&Failure::Denied(reason()));
    assert_eq!(lines(&world), 1);
}

fn lines(world: &World) -> usize {
    let line = |row: &&&crate::relay::thread::Row| {
        row.author.role == Role::System && matches!(row.content, crate::relay::thread::Content::Text { .. })
    };
    world.thread(0).iter().filter(line).count()
}
