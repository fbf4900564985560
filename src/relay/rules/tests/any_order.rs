//! Any permutation, duplication and splitting into batches of a conversation's events gives the same thread,
//! but for the `late` marks.

use proptest::prelude::*;

use super::{
    make::{again, conversation_ended, handoff_ended, says},
    world::World,
};
use crate::relay::{
    event::{Event, EventKind, Message},
    handoff::{EndedBy, Handoff},
    thread::{Content, Role, Row, Source},
    time::Time,
};

/// An event arrives.
#[derive(Clone, Debug)]
struct Arrives {
    event: Event,
    /// It is quiet afterwards.
    quiet: bool,
    /// The message list is read afterwards.
    lists: bool,
}

/// Words that repeat, so that equal messages within a second occur.
const WORDS: [&str; 3] = ["ok", "hello", "ok?"];
/// Everything happens and arrives before anything held would be adopted.
const ALL_ARRIVED: i64 = 25_000;

/// Who speaks.
const ALL: [Role; 3] = [Role::EndUser, Role::AiAgent, Role::HumanAgent];
/// Whose words wait for a start call.
const HELD: [Role; 2] = [Role::EndUser, Role::AiAgent];

/// A conversation in its true order: messages, and the handoff's end.
fn conversation(roles: &'static [Role]) -> impl Strategy<Value = Vec<Event>> {
    let message = (proptest::sample::select(roles), proptest::sample::select(&WORDS[..]), 1..400_i64);
    proptest::collection::vec(message, 1..9).prop_map(|messages| {
        let mut millis = 2_000;
        let mut events = Vec::new();
        for (number, (role, words, after)) in messages.into_iter().enumerate() {
            millis += after;
            events.push(says(role, &format!("m{number}"), millis, words));
        }
        events.push(handoff_ended(millis + 1));
        events
    })
}

/// The same, and perhaps the end of it all.
fn with_its_end() -> impl Strategy<Value = Vec<Event>> {
    let by = proptest::sample::select(&["end_user", "system", "human_agent", "x"][..]);
    (conversation(&ALL), proptest::option::of(by)).prop_map(|(mut events, by)| {
        events.extend(by.map(|by| conversation_ended(8_000, by)));
        events
    })
}

/// Its events as they arrive: some more than once, under the same `svix-id` or another, in any order.
fn arrivals(events: Vec<Event>) -> impl Strategy<Value = Vec<Arrives>> {
    let copies = proptest::collection::vec((0..3_usize, any::<bool>()), events.len());
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
        let then = proptest::collection::vec(any::<(bool, bool)>(), told.len());
        then.prop_map(move |then| {
            let arrive = |(event, (quiet, lists)): (Event, (bool, bool))| Arrives { event, quiet, lists };
            told.clone().into_iter().zip(then).map(arrive).collect()
        })
    })
}

/// A conversation, and how it arrives.
fn story(events: impl Strategy<Value = Vec<Event>>) -> impl Strategy<Value = (Vec<Arrives>, Vec<Arrives>)> {
    events.prop_flat_map(|events| {
        let arrive = |event| Arrives { event, quiet: false, lists: false };
        let as_it_was: Vec<Arrives> = events.iter().cloned().map(arrive).collect();
        (Just(as_it_was), arrivals(events))
    })
}

fn play(mut world: World, arrivals: &[Arrives], list: &[Message]) -> World {
    world.policy.timings.quiet = std::time::Duration::ZERO;
    world.clock(ALL_ARRIVED);
    for arrives in arrivals {
        world.receive(arrives.event.clone());
        if arrives.quiet {
            world.release();
        }
        if arrives.lists && !list.is_empty() {
            world.lists(list);
        }
    }
    world.release();
    world.now.at = world.now.at + world.policy.timings.unknown_hold;
    world.release();
    world
}

/// All messages as the list brings them, under the webhooks' ids or others.
fn list(as_it_was: &[Arrives], same_ids: bool) -> Vec<Message> {
    let messages = as_it_was.iter().filter_map(|arrives| match &arrives.event.kind {
        EventKind::Message(message) => Some(message.clone()),
        _ => None,
    });
    let listed = |message: Message| {
        let id = if same_ids { message.id.clone() } else { format!("list-{}", message.id).as_str().into() };
        Message { id, ..message }
    };
    messages.map(listed).collect()
}

type Shown = (Role, Content, Time, Option<String>, Source);

fn shown(world: &World) -> Vec<Shown> {
    let row = |row: &&Row| {
        let id = row.ids.shown().map(|id| id.0.clone());
        (row.author.role, row.content.clone(), row.at, id, row.source)
    };
    let mut shown = Vec::new();
    for index in 0..world.books.handoffs.len() {
        shown.extend(world.thread(index).iter().map(row));
    }
    shown
}

fn state(world: &World) -> Vec<(Option<EndedBy>, u64)> {
    let state = |handoff: &Handoff| (handoff.end().map(|end| end.by), handoff.unread);
    world.books.handoffs.iter().map(state).collect()
}

fn last_words(world: &World) -> Vec<[Option<&Content>; 2]> {
    let handoffs = world.books.handoffs.iter();
    let last = handoffs.map(|handoff| [&handoff.last_message, &handoff.last_words]);
    last.map(|last| last.map(|row| row.as_ref().map(|row| &row.content))).collect()
}

fn alike(world: &World, expected: &World) -> Result<(), TestCaseError> {
    prop_assert_eq!(shown(world), shown(expected));
    prop_assert_eq!(state(world), state(expected));
    prop_assert!(world.books.inbox.is_empty() && world.books.dead_letters.is_empty());
    Ok(())
}

proptest! {
    #[test]
    fn the_thread_is_the_same((as_it_was, arrivals) in story(with_its_end())) {
        let expected = play(World::started(), &as_it_was, &[]);
        prop_assert_eq!(expected.said(0).len(), list(&as_it_was, true).len());
        prop_assert_eq!(expected.books.handoffs.len(), 1);
        prop_assert!(!expected.handoff().is_open());
        let world = play(World::started(), &arrivals, &[]);
        alike(&world, &expected)?;
        prop_assert_eq!(last_words(&world), last_words(&expected));
    }

    #[test]
    fn and_however_often_the_message_list_is_read(
        (as_it_was, arrivals) in story(with_its_end()), same_ids in any::<bool>()
    ) {
        let list = list(&as_it_was, same_ids);
        let expected = play(World::started(), &as_it_was, &[]);
        alike(&play(World::started(), &arrivals, &list), &expected)?;
    }

    #[test]
    fn and_when_its_start_call_never_came((as_it_was, arrivals) in story(conversation(&HELD))) {
        let expected = play(World::new(), &as_it_was, &[]);
        alike(&play(World::new(), &arrivals, &[]), &expected)?;
    }
}
