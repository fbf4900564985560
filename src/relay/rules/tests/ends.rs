//! Ends: who ended a handoff, when, and what happens around that instant.

use super::{
    make::{again, at, conversation_ended, customer, handoff_ended},
    world::{ALEX, World},
};
use crate::relay::{
    delivery::{Failure, Receipt},
    handoff::{AdaEnd, EndedBy},
    thread::{Row, Sending},
};

fn end_line(world: &World, index: usize) -> &Row {
    let end = world.books.handoffs[index].end().unwrap();
    world.books.rows.iter().find(|row| row.id == end.row).unwrap()
}

fn no_handoff() -> Result<Receipt, Failure> {
    Err(Failure::NoHandoff("not in a handoff".to_owned()))
}

#[test]
fn an_end_within_two_seconds_of_the_start_ends_nothing() {
    for (millis, ends) in [(-60_000, false), (0, false), (1_999, false), (2_000, true), (9_000, true)] {
        let mut world = World::started();
        world.clock(10_000).hears([handoff_ended(millis)]);
        assert_eq!(world.handoff().is_open(), !ends, "{millis}");
    }
}

#[test]
fn a_message_within_two_seconds_before_the_start_goes_to_the_open_handoff() {
    for (millis, index) in [(99_998, 1), (98_000, 1), (97_999, 0)] {
        let mut world = World::started();
        world.clock(100_000).start();
        world.hears([customer("hello", millis)]);
        assert_eq!(world.said(index), ["hello"], "{millis}");
        assert_eq!(world.said(1 - index), Vec::<&str>::new());
    }
}

#[test]
fn an_end_older_than_the_present_handoff_dates_the_old_one() {
    let mut world = World::started();
    world.clock(100_000).start();
    let before = world.handoff().clone();
    world.hears([handoff_ended(50_000)]);
    assert_eq!(*world.handoff(), before, "the present one is as it was");
    assert_eq!(world.books.handoffs[0].end().unwrap().ada, AdaEnd::Told { at: at(50_000) });
    assert_eq!(end_line(&world, 0).at, at(50_000));
    assert_eq!(world.ended_by(0), Some(EndedBy::Ada));
}

#[test]
fn conversation_ended_says_who_ended_it() {
    for (role, by) in [
        ("end_user", EndedBy::EndUser),
        ("human_agent", EndedBy::Agent),
        ("system", EndedBy::System),
        ("somebody new", EndedBy::Ada),
    ] {
        let events = [handoff_ended(10_000), conversation_ended(10_500, role)];
        let reversed = [events[1].clone(), events[0].clone()];
        for events in [events, reversed] {
            let mut world = World::started();
            world.clock(10_500);
            for event in events {
                world.hears([event]);
            }
            assert_eq!(world.ended_by(0), Some(by), "{role}");
            assert_eq!(world.handoff().end().unwrap().ada, AdaEnd::Told { at: at(10_000) });
            let shown = crate::relay::thread::Content::Event {
                event: crate::relay::thread::EventName::Ended,
                by: Some(by.as_str().to_owned()),
                to: None,
            };
            assert_eq!(end_line(&world, 0).content, shown);
        }
    }
}

#[test]
fn conversation_ended_refines_no_end_but_adas() {
    let mut world = World::accepted();
    world.end(ALEX).unwrap();
    world.tries(Ok(Receipt::default()));
    world.clock(21_000).hears([conversation_ended(21_000, "system")]);
    assert_eq!(world.ended_by(0), Some(EndedBy::Agent));
    let mut world = World::started();
    world.clock(10_000).hears([handoff_ended(10_000)]);
    world.clock(80_000).hears([conversation_ended(70_001, "end_user")]);
    assert_eq!(world.ended_by(0), Some(EndedBy::Ada), "too long after to be about it");
}

#[test]
fn while_our_end_call_waits_events_join_and_nothing_is_adopted() {
    let mut world = World::accepted();
    world.end(ALEX).unwrap();
    world.clock(25_000).hears([customer("wait!", 25_000)]);
    world.clock(90_000).release();
    assert_eq!(world.said(0), ["wait!"]);
    assert_eq!(world.books.handoffs.len(), 1);

    world.answered_end(Some(at(91_000)), Ok(Receipt::default()));
    world.clock(94_000).hears([
        customer("before", 90_500),
        customer("in doubt", 93_000),
        customer("after", 93_001),
    ]);
    assert_eq!(world.said(0), ["wait!", "before", "in doubt"], "the answer's date is good to a second");
    world.clock(130_000).release();
    assert_eq!(world.said(1), ["after"]);
}

impl World {
    fn answered_end(&mut self, date: Option<crate::relay::time::Time>, outcome: Result<Receipt, Failure>) {
        let delivery = self.claim().unwrap();
        self.answered(delivery, outcome, date);
    }
}

#[test]
fn our_end_call_is_dated_by_its_answer() {
    for outcome in [Ok(Receipt::default()), no_handoff()] {
        let mut world = World::accepted();
        world.end(ALEX).unwrap();
        assert!(!world.handoff().is_open(), "here it is over at once");
        assert_eq!(end_line(&world, 0).sending, Some(Sending::Queued));
        world.answered_end(Some(at(20_700)), outcome);
        assert_eq!(world.handoff().end().unwrap().ada, AdaEnd::Dated { at: at(20_700) });
        assert_eq!(end_line(&world, 0).sending, Some(Sending::Sent));
        assert_eq!(world.queue(), Vec::<&str>::new());
    }
}

#[test]
fn an_answered_end_call_is_ours_and_a_refused_one_was_adas() {
    for (outcome, by) in [(Ok(Receipt::default()), EndedBy::Agent), (no_handoff(), EndedBy::Ada)] {
        let mut world = World::accepted();
        world.end(ALEX).unwrap();
        world.answered_end(Some(at(20_700)), outcome.clone());
        assert_eq!(world.ended_by(0), Some(by), "{outcome:?}");
    }
}

#[test]
fn handoff_ended_settles_our_end_call_and_is_exact() {
    let mut world = World::accepted();
    world.writes(ALEX, "unsent").unwrap();
    world.end(ALEX).unwrap();
    world.clock(22_000).hears([handoff_ended(21_000)]);
    let end = world.handoff().end().unwrap();
    assert_eq!((end.by, end.ada), (EndedBy::Agent, AdaEnd::Told { at: at(21_000) }));
    assert_eq!(end_line(&world, 0).sending, Some(Sending::Confirmed));
    assert_eq!(world.sending("unsent"), Sending::failed("the handoff ended before this was sent"));

    let mut world = World::accepted();
    world.end(ALEX).unwrap();
    world.answered_end(Some(at(21_000)), Ok(Receipt::default()));
    world.clock(23_000).hears([handoff_ended(21_400)]);
    assert_eq!(world.handoff().end().unwrap().ada, AdaEnd::Told { at: at(21_400) });
    assert_eq!(end_line(&world, 0).sending, Some(Sending::Confirmed));
}

#[test]
fn an_exact_end_is_noted_before_messages_are_placed_by_it() {
    let mut world = World::accepted();
    world.end(ALEX).unwrap();
    world.answered_end(Some(at(21_000)), Ok(Receipt::default()));
    world.clock(24_000).hears([customer("last words", 23_400), handoff_ended(23_500)]);
    assert_eq!(world.said(0), ["last words"]);
}

#[test]
fn an_end_of_held_words_is_not_mistaken_for_the_last_handoffs() {
    let mut world = World::accepted();
    world.end(ALEX).unwrap();
    world.answered_end(Some(at(20_000)), Ok(Receipt::default()));
    world.clock(40_000).hears([customer("me again", 40_000)]);
    world.clock(60_000).hears([handoff_ended(60_000)]);
    assert_eq!(world.said(0), Vec::<&str>::new(), "she wrote long after its end");
    world.clock(80_000).release();
    assert_eq!(world.said(1), ["me again"], "adopted, although its start call was lost");
    assert_eq!(world.ended_by(1), Some(EndedBy::Ada));
}

#[test]
fn an_end_told_twice_is_told_once() {
    let mut world = World::started();
    let event = handoff_ended(10_000);
    world.clock(10_000).hears([event.clone()]);
    let before = (world.handoff().status.clone(), world.books.rows.clone());
    world.hears([event.clone(), again(&event, "another id")]);
    assert_eq!((world.handoff().status.clone(), world.books.rows.clone()), before);
}

#[test]
fn an_end_call_has_no_age_limit_and_no_obstacle() {
    let mut world = World::accepted();
    world.writes(ALEX, "never arrives").unwrap();
    world.end(ALEX).unwrap();
    world.tries(Err(Failure::Refused("400".to_owned())));
    assert_eq!(world.queue(), ["(end)"], "not held back by a failed message");
    for hours in 1..60 {
        world.clock(hours * 3_600_000);
        let failure = match hours % 3 {
            0 => Failure::Refused("400".to_owned()),
            1 => Failure::Unclear("503".to_owned()),
            _ => Failure::Denied("401".to_owned()),
        };
        world.tries(Err(failure));
        assert_eq!(world.queue(), ["(end)"]);
    }
    world.answered_end(None, Ok(Receipt::default()));
    assert_eq!(world.queue(), Vec::<&str>::new());
}

#[test]
fn a_younger_message_of_the_customers_outlives_an_end() {
    let mut world = World::started();
    world.clock(20_000).hears([customer("still here", 15_000)]);
    world.clock(30_000).hears([handoff_ended(10_000)]);
    assert!(world.handoff().is_open(), "her words carry our identifier: a handoff runs");
}
