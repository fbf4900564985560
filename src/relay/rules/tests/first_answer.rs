//! When a human agent first wrote to the customer, for reports.

use super::{
    make::{at, customer, human, message},
    world::{ALEX, SAM, World},
};
use crate::relay::{
    handoff::{FirstAnswer, Handoff},
    rules::act::TakeOver,
    thread::Role,
};

fn given(millis: i64, by: Option<&str>) -> FirstAnswer {
    FirstAnswer::Given { at: at(millis), by: by.map(str::to_owned) }
}

#[test]
fn the_first_message_of_a_human_agent_counts_and_no_other() {
    let mut world = World::started();
    world.lists(&[message(Role::HumanAgent, "before", -5_000, "Of an earlier handoff")]);
    world.clock(5_000).hears([customer("hello?", 5_000)]);
    world.accept(ALEX, TakeOver::No).unwrap();
    world.notes(ALEX, "Who is it?", None).unwrap();
    assert_eq!(world.handoff().first_answer, FirstAnswer::Awaited);
    world.clock(7_000).writes(ALEX, "Hello").unwrap();
    world.clock(9_000).writes(ALEX, "How can I help?").unwrap();
    assert_eq!(world.handoff().first_answer, given(7_000, Some(ALEX)));
    world.accept(SAM, TakeOver::Yes).unwrap();
    world.clock(11_000).writes(SAM, "Sam here").unwrap();
    assert_eq!(world.handoff().first_answer, given(7_000, Some(ALEX)));
}

#[test]
fn another_systems_agent_may_have_answered_before() {
    let mut world = World::started();
    world.clock(4_000).receive(human("k", 4_000, "Kim here"));
    assert_eq!(world.handoff().first_answer, given(4_000, None));
    world.clock(8_000).receive(human("l", 3_000, "It was I who came first"));
    assert_eq!(world.handoff().first_answer, given(3_000, None), "it is late");
}

/// Of a handoff that began before this was recorded, a later message must not pass for the first.
#[test]
fn what_was_not_recorded_stays_unknown() {
    let mut world = World::accepted();
    let mut stored = serde_json::to_value(world.handoff()).unwrap();
    stored.as_object_mut().unwrap().remove("first_answer");
    let read: Handoff = serde_json::from_value(stored).unwrap();
    assert_eq!(read.first_answer, FirstAnswer::Unrecorded);
    *world.books.handoffs.last_mut().unwrap() = read;
    world.clock(5_000).writes(ALEX, "Hello").unwrap();
    assert_eq!(world.handoff().first_answer, FirstAnswer::Unrecorded);
}
