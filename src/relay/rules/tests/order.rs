//! The order of the thread, and what is late in it.

use super::{
    make::{at, customer, handoff_ended, human, message, says},
    world::{ALEX, World},
};
use crate::relay::{
    delivery::Receipt,
    event::{Event, EventKind},
    rules::flush::FlushReport,
    thread::Role,
    time::{Offset, Time},
};

fn late(world: &World) -> Vec<&str> {
    world.said(0).into_iter().filter(|said| world.row(said).late).collect()
}

#[test]
fn events_leave_sorted_by_timestamp_then_created_at_then_id() {
    let created = |id: &str, micros: i64| {
        let mut event = customer(id, 5_000);
        let EventKind::Message(message) = &mut event.kind else { panic!() };
        message.created_at = Time::from_micros(at(5_000).as_micros() + micros);
        event
    };
    let mut world = World::started();
    world.clock(6_000).hears([
        customer("younger", 5_001),
        created("c", 20),
        created("b", 20),
        created("d", 10),
        handoff_ended(5_001),
        customer("older", 4_999),
    ]);
    assert_eq!(world.said(0), ["older", "d", "b", "c", "younger"]);
    let numbers: Vec<u64> = world.thread(0).iter().map(|row| row.seq).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7], "an end sorts behind messages of its instant");
    assert_eq!(late(&world), Vec::<&str>::new());
}

#[test]
fn what_arrives_after_younger_ones_have_left_is_late_and_placed_where_it_belongs() {
    let mut world = World::started();
    world.clock(6_000).hears([customer("2", 5_000), customer("4", 7_000)]);
    world.hears([customer("1", 4_000), customer("3", 6_000), customer("5", 8_000)]);
    assert_eq!(world.said(0), ["1", "2", "3", "4", "5"]);
    assert_eq!(late(&world), ["1", "3"]);
    let seqs: Vec<u64> = ["2", "4", "1", "3", "5"].iter().map(|said| world.row(said).seq).collect();
    assert_eq!(seqs, [2, 3, 4, 5, 6], "numbered in the order in which they joined");
}

#[test]
fn only_younger_webhook_rows_of_the_same_handoff_make_late() {
    let mut world = World::accepted();
    world.writes(ALEX, "ours").unwrap();
    world.lists(&[message(Role::AiAgent, "listed", 19_000, "listed")]);
    world.receive(human("theirs", 19_500, "theirs"));
    world.hears([customer("hello", 18_000)]);
    assert_eq!(late(&world), Vec::<&str>::new());

    world.clock(90_000).hears([customer("young", 30_000)]);
    world.clock(100_000).start();
    world.hears([customer("first of the new one", 99_000)]);
    assert!(!world.row("first of the new one").late);
}

#[test]
fn the_end_counts_as_a_younger_event() {
    let mut world = World::started();
    world.clock(10_000).hears([handoff_ended(10_000)]);
    world.hears([customer("before it", 9_000)]);
    assert_eq!(late(&world), ["before it"]);
}

#[test]
fn a_stale_timer_is_harmless() {
    let mut world = World::started();
    assert_eq!(world.release(), FlushReport::default());
    world.clock(5_000).receive(customer("hello", 5_000));
    world.clock(6_499);
    // As after a start: the store knows that something waits, and not since when.
    world.books.due = Some(Time::default());
    assert_eq!(world.release(), FlushReport::default());
    assert_eq!(world.books.due, Some(at(6_500)), "it is told");
    world.clock(6_500);
    assert_eq!(world.release().left, 1);
    assert_eq!(world.release(), FlushReport::default());
}

#[test]
fn a_steady_stream_leaves_at_the_cap() {
    let mut world = World::started();
    for millis in (5_000..10_000).step_by(500) {
        world.clock(millis).receive(customer(&millis.to_string(), millis));
        assert_eq!(world.release().left, 0);
    }
    world.clock(10_000);
    assert_eq!(world.release().left, 10);
}

#[test]
fn an_agents_row_stands_behind_everything_shown_so_far() {
    let mut world = World::accepted();
    world.hears([customer("from the future", 60_000)]);
    world.hears([customer("older", 19_000)]);
    world.writes(ALEX, "ours").unwrap();
    assert_eq!(world.row("ours").at, at(60_000));
    assert_eq!(world.said(0), ["older", "from the future", "ours"]);
}

#[test]
fn ai_agents_words_are_not_unread() {
    let mut world = World::started();
    let events: [Event; 3] =
        [says(Role::AiAgent, "a", 5_000, "a"), customer("b", 5_001), says(Role::Unknown, "c", 5_002, "c")];
    world.clock(6_000).hears(events);
    assert_eq!(world.handoff().unread, 1);
    assert_eq!(world.handoff().last_message.as_ref().unwrap().id, world.row("c").id);
}

#[test]
fn unread_counts_behind_the_mark_which_only_moves_on() {
    let mut world = World::started();
    world.clock(6_000).hears(["a", "b", "c"].map(|said| customer(said, 5_000)));
    for (seq, unread) in [(1, 3), (2, 2), (1, 2), (3, 1), (99, 0), (2, 0)] {
        world.read(seq).unwrap();
        assert_eq!(world.handoff().unread, unread, "read up to {seq}");
    }
    world.hears([customer("d", 7_000)]);
    assert_eq!(world.handoff().unread, 1);
    world.hears([handoff_ended(8_000)]);
    world.read(99).unwrap();
    assert_eq!(world.handoff().unread, 0, "ended handoffs can be read");
}

/// Alex's clock, which is ours, is three seconds ahead of Ada's.
#[test]
fn the_last_message_is_the_last_that_readers_see() {
    let mut world = World::accepted();
    world.now.offset = Offset::from_micros(-3_000_000);
    world.writes(ALEX, "ours").unwrap();
    world.hears([customer("hers", 18_000)]);
    assert_eq!(world.said(0), ["hers", "ours"]);
    let created_at = Some(at(17_100));
    world.tries(Ok(Receipt { message_id: None, created_at }));
    assert_eq!(world.said(0), ["ours", "hers"]);
    assert_eq!(world.handoff().last_message.as_ref().unwrap().id, world.row("hers").id);
}
