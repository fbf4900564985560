//! Any permutation, duplication and splitting into batches of a conversation's events gives the same thread,
//! but for the `late` marks.

use proptest::prelude::*;

use super::{
    make::{again, conversation_ended, handoff_ended, says},
    world::World,
};
use crate::relay::{
    event::Event,
    handoff::EndedBy,
    thread::{Content, Role, Row, Source},
    time::Time,
};

/// An event arrives, as often as it is told, and perhaps it is quiet afterwards.
#[derive(Clone, Debug)]
struct Arrives {
    event: Event,
    quiet_after: bool,
}

/// Words that repeat, so that equal messages within a second occur.
const WORDS: [&str; 3] = ["ok", "hello", "ok?"];
/// Everything happens and arrives before anything held would be adopted.
const ALL_ARRIVED: i64 = 25_000;

fn message() -> impl Strategy<Value = (Role, &'static str, i64)> {
    let role = prop_oneof![Just(Role::EndUser), Just(Role::AiAgent), Just(Role::HumanAgent)];
    (role, proptest::sample::select(&WORDS[..]), 1..400_i64)
}

/// A conversation in its true order: messages, the handoff's end, and perhaps the conversation's.
fn conversation() -> impl Strategy<Value = Vec<Event>> {
    let end = proptest::option::of(proptest::sample::select(&["end_user", "system", "human_agent", "x"][..]));
    (proptest::collection::vec(message(), 1..9), end).prop_map(|(messages, end)| {
        let mut millis = 2_000;
        let mut events = Vec::new();
        for (number, (role, words, after)) in messages.into_iter().enumerate() {
            millis += after;
            events.push(says(role, &format!("m{number}"), millis, words));
        }
        events.push(handoff_ended(millis + 1));
        events.extend(end.map(|by| conversation_ended(millis + 500, by)));
        events
    })
}

/// Its events as they arrive: some more than once, under the same `svix-id` or another, in any order.
fn arrivals(events: Vec<Event>) -> impl Strategy<Value = Vec<Arrives>> {
    let count = events.len();
    let copies = proptest::collection::vec((0..3_usize, any::<bool>()), count);
    let told = copies.prop_map(move |copies| {
        let mut told = events.clone();
        for (event, (copies, anew)) in events.iter().zip(copies) {
            for copy in 0..copies {
                let svix_id = if anew { format!("{}-{copy}", event.svix_id) } else { event.svix_id.clone() };
                told.push(again(event, &svix_id));
            }
        }
        told
    });
    told.prop_shuffle().prop_flat_map(|told| {
        let quiet = proptest::collection::vec(any::<bool>(), told.len());
        quiet.prop_map(move |quiet| {
            let arrive = |(event, quiet_after): (Event, bool)| Arrives { event, quiet_after };
            told.clone().into_iter().zip(quiet).map(arrive).collect()
        })
    })
}

fn play(arrivals: &[Arrives]) -> World {
    let mut world = World::started();
    world.policy.timings.quiet = std::time::Duration::ZERO;
    world.clock(ALL_ARRIVED);
    for arrives in arrivals {
        world.receive(arrives.event.clone());
        if arrives.quiet_after {
            world.release();
        }
    }
    world.release();
    world
}

type Shown = (Role, Content, Time, Option<String>, Source);

fn shown(world: &World) -> Vec<Shown> {
    let row = |row: &&Row| {
        let id = row.ids.shown().map(|id| id.0.clone());
        (row.author.role, row.content.clone(), row.at, id, row.source)
    };
    world.thread(0).iter().map(row).collect()
}

fn state(world: &World) -> (Option<EndedBy>, u64, Option<Content>, usize) {
    let last = world.handoff().last_message.as_ref().map(|row| row.content.clone());
    (world.ended_by(0), world.handoff().unread, last, world.books.handoffs.len())
}

proptest! {
    #[test]
    fn the_thread_is_the_same(
        (events, arrivals) in conversation().prop_flat_map(|events| (Just(events.clone()), arrivals(events)))
    ) {
        let as_it_was: Vec<Arrives> =
            events.into_iter().map(|event| Arrives { event, quiet_after: false }).collect();
        let (expected, world) = (play(&as_it_was), play(&arrivals));
        prop_assert_eq!(shown(&world), shown(&expected));
        prop_assert_eq!(state(&world), state(&expected));
        prop_assert_eq!(expected.books.handoffs.len(), 1);
        prop_assert!(world.books.inbox.is_empty() && world.books.dead_letters.is_empty());
    }
}
