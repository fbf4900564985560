//! What agents are shown before its quiet period is over: at once, once, and until it has its row or is withdrawn.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    make::{again, called, customer, handoff_ended, human, key, message, says},
    world::{ALEX, World},
};
use crate::relay::{
    event::{Event, EventKind, Message},
    id::{HandoffId, MessageId},
    rules::{
        act::TakeOver,
        arriving::{self, ArrivingMessage, Withdrawal},
        start,
    },
    thread::Role,
    time::Time,
};

type Place = (HandoffId, MessageId);

/// A reader of all threads, and what it was told.
#[derive(Default)]
struct Reader {
    told: Vec<ArrivingMessage>,
    arriving: BTreeSet<Place>,
    withdrawn: Vec<(Place, Withdrawal)>,
}

impl Reader {
    /// Looks, and reads all changes.
    fn looks(&mut self, world: &mut World) -> Vec<(Place, Withdrawal)> {
        let is_settled = world.books.inbox.is_empty() && self.all_joined(world);
        let now = world.decide(arriving::in_conversation(&key(), self.told.clone()));
        if is_settled {
            assert_eq!(now, arriving::Arrivals::default(), "nobody need look");
        }
        let place = |shown: &ArrivingMessage| (shown.handoff.clone(), shown.id().clone());
        let withdrawn: Vec<_> =
            now.withdrawn.iter().map(|(shown, how)| (place(shown), how.clone())).collect();
        for (place, _) in &withdrawn {
            assert!(self.arriving.remove(place), "{place:?} is withdrawn, and was not shown");
        }
        for shown in now.new_since(&self.told) {
            assert!(self.arriving.insert(place(shown)), "{shown:?} is told twice");
        }
        let rows = rows(world);
        for place in now.new_since(&self.told).map(place) {
            assert!(!rows.contains(&place), "{place:?} is a row already");
        }
        self.arriving.retain(|place| !rows.contains(place));
        self.told = now.shown;
        self.withdrawn.extend(withdrawn.clone());
        withdrawn
    }

    /// Whether each message has its row where it was shown.
    fn all_joined(&self, world: &World) -> bool {
        let rows = rows(world);
        self.told.iter().all(|shown| rows.contains(&(shown.handoff.clone(), shown.id().clone())))
    }

    /// The texts that arrive in the thread of the handoff at `index`.
    fn sees(&self, world: &World, index: usize) -> Vec<&str> {
        let id = &world.books.handoffs[index].id;
        self.arriving.iter().filter(|(handoff, _)| handoff == id).map(|(_, id)| id.as_str()).collect()
    }
}

/// The customer's rows.
fn rows(world: &World) -> BTreeSet<Place> {
    let rows = world.books.rows.iter().filter(|row| row.author.role == Role::EndUser);
    rows.filter_map(|row| Some((row.handoff.clone(), row.ids.shown()?.clone()))).collect()
}

fn in_handoff(world: &mut World, index: usize) -> Vec<ArrivingMessage> {
    let id = world.books.handoffs[index].id.clone();
    world.decide(arriving::in_handoff(id))
}

#[test]
fn a_message_arrives_at_once_and_its_row_takes_its_place() {
    let (mut world, mut reader) = (World::accepted(), Reader::default());
    world.receive(customer("hello", 20_000));
    world.receive(customer("before it", 19_000));
    reader.looks(&mut world);
    assert_eq!(reader.sees(&world, 0), ["before it", "hello"]);
    assert_eq!(world.handoff().unread, 0);
    let arriving = in_handoff(&mut world, 0);
    let order: Vec<&str> = arriving.iter().map(|shown| shown.id().as_str()).collect();
    assert_eq!(order, ["before it", "hello"], "by their time");

    world.hears([]);
    assert_eq!(reader.looks(&mut world), []);
    assert_eq!(reader.sees(&world, 0), Vec::<&str>::new());
    assert_eq!(world.said(0), ["before it", "hello"]);
    let row = world.row("hello").clone();
    let shown = arriving[1].row();
    assert_eq!(
        (row.at, &row.author, &row.content, row.source),
        (shown.at, &shown.author, &shown.content, shown.source)
    );
}

#[test]
fn what_nobody_else_wrote_to_an_open_handoff_does_not_arrive() {
    let (mut world, mut reader) = (World::new(), Reader::default());
    world.receive(customer("to nobody", 0));
    reader.looks(&mut world);
    assert_eq!(reader.told, [], "its handoff is unknown");

    let mut world = World::accepted();
    world.receive(human("echo", 20_000, "echo"));
    world.receive(says(Role::AiAgent, "bot", 20_000, "bot"));
    world.receive(handoff_ended(21_000));
    reader.looks(&mut world);
    assert_eq!(reader.told, []);

    world.clock(30_000).hears([]);
    world.clock(40_000).receive(customer("behind the end", 29_000));
    reader.looks(&mut world);
    assert_eq!(reader.told, [], "the handoff had ended before it came");
}

#[test]
fn a_message_that_came_twice_or_is_in_the_thread_arrives_once_or_not_at_all() {
    let (mut world, mut reader) = (World::accepted(), Reader::default());
    let event = customer("hello", 20_000);
    for event in [event.clone(), event.clone(), again(&event, "another delivery")] {
        world.receive(event);
        reader.looks(&mut world);
    }
    assert_eq!(reader.told.len(), 1);
    world.hears([]);
    reader.looks(&mut world);
    world.receive(again(&event, "a third one"));
    reader.looks(&mut world);
    assert_eq!(reader.told, []);

    // Ada's list has brought it under another id.
    world.recovers(Some(Time::from_micros(i64::MAX)), &[message(Role::EndUser, "list", 21_000, "hi")], false);
    world.receive(called(says(Role::EndUser, "hi", 21_000, "hi"), "webhook"));
    reader.looks(&mut world);
    assert_eq!(reader.told, []);
    assert_eq!(world.said(0), ["hello", "hi"]);
}

#[test]
fn a_message_whose_row_came_under_another_id_is_withdrawn_to_the_same_thread() {
    let (mut world, mut reader) = (World::accepted(), Reader::default());
    world.receive(called(says(Role::EndUser, "hi", 20_000, "hi"), "webhook"));
    reader.looks(&mut world);
    assert_eq!(reader.told.len(), 1);
    world.recovers(Some(Time::from_micros(i64::MAX)), &[message(Role::EndUser, "list", 20_000, "hi")], false);
    let id = world.books.handoffs[0].id.clone();
    let moved = ((id.clone(), "webhook".into()), Withdrawal::Moved(id));
    assert_eq!(reader.looks(&mut world), [moved]);
}

#[test]
fn a_message_behind_the_end_stays_until_the_next_handoff_has_it() {
    let (mut world, mut reader) = (World::accepted(), Reader::default());
    world.receive(customer("hello", 20_000));
    reader.looks(&mut world);
    world.hears([handoff_ended(19_000)]);
    assert!(!world.books.handoffs[0].is_open());
    assert_eq!(reader.looks(&mut world), []);
    assert_eq!(reader.sees(&world, 0), ["hello"], "it is held");
    assert_eq!(in_handoff(&mut world, 0).len(), 1, "also after a restart");

    world.clock(30_000).start();
    let next = world.books.handoffs[1].id.clone();
    world.hears([]);
    world.release();
    let place = (world.books.handoffs[0].id.clone(), "hello".into());
    reader.looks(&mut world);
    assert_eq!(reader.withdrawn, [(place, Withdrawal::Moved(next))]);
    assert_eq!((world.said(0), reader.sees(&world, 0).len()), (vec![], 0));
}

#[test]
fn a_message_that_moves_while_it_waits_is_withdrawn_and_arrives_there() {
    let (mut world, mut reader) = (World::accepted(), Reader::default());
    world.clock(100_000).receive(customer("hello", 100_000));
    reader.looks(&mut world);
    world.clock(100_500).start();
    let next = world.books.handoffs[1].id.clone();
    let place = (world.books.handoffs[0].id.clone(), "hello".into());
    assert_eq!(reader.looks(&mut world), [(place, Withdrawal::Moved(next))]);
    assert_eq!((reader.sees(&world, 0), reader.sees(&world, 1)), (vec![], vec!["hello"]));
}

#[test]
fn a_message_that_becomes_a_dead_letter_is_dropped() {
    let (mut world, mut reader) = (World::accepted(), Reader::default());
    world.receive(customer("hello", 20_000));
    reader.looks(&mut world);
    world.hears([handoff_ended(19_000)]);
    world.decide(start::refuse(key()));
    world.clock(60_000);
    world.release();
    assert_eq!(world.books.dead_letters.len(), 1);
    let place = (world.books.handoffs[0].id.clone(), "hello".into());
    assert_eq!(reader.looks(&mut world), [(place, Withdrawal::Dropped)]);
    assert_eq!(reader.told, []);
}

#[test]
fn of_two_deliveries_the_one_that_came_in_time_counts() {
    let (mut world, mut reader) = (World::accepted(), Reader::default());
    let event = customer("hello", 20_000);
    world.receive(event.clone());
    world.hears([handoff_ended(19_000)]);
    world.clock(22_000).receive(again(&event, "behind the end"));
    reader.looks(&mut world);
    assert_eq!(reader.sees(&world, 0), ["hello"]);
    world.decide(start::refuse(key()));
    // The first one's time is over, and the second one's isn't.
    world.clock(51_000);
    world.release();
    assert_eq!(world.books.inbox.len(), 1);
    let place = (world.books.handoffs[0].id.clone(), "hello".into());
    assert_eq!(reader.looks(&mut world), [(place, Withdrawal::Dropped)]);
    assert_eq!(in_handoff(&mut world, 0), []);
}

#[derive(Clone, Debug)]
enum Step {
    /// A message comes, under one of its `svix-id`s.
    Says {
        number: u8,
        copy: u8,
        late: i64,
    },
    HandoffEnds {
        late: i64,
    },
    Starts,
    RefusesStart,
    AgentEnds,
    /// Ada's message list is read.
    Recovers,
    Passes(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let late = || prop_oneof![3 => Just(0_i64), 1 => 0..20_000_i64];
    prop_oneof![
        8 => (0..12_u8, 0..2_u8, late()).prop_map(|(number, copy, late)| Step::Says { number, copy, late }),
        2 => late().prop_map(|late| Step::HandoffEnds { late }),
        1 => Just(Step::Starts),
        1 => Just(Step::RefusesStart),
        1 => Just(Step::AgentEnds),
        1 => Just(Step::Recovers),
        8 => prop_oneof![0..2_000_i64, 0..40_000_i64].prop_map(Step::Passes),
    ]
}

/// A world in which steps are taken, and what Ada's list has.
struct Told {
    world: World,
    millis: i64,
    listed: Vec<Message>,
}

impl Told {
    fn takes(&mut self, step: &Step) {
        match *step {
            Step::Says { number, copy, late } => {
                let name = format!("m{number}");
                let listed = self.listed.iter().find(|message| message.id.as_str() == name);
                let event = match listed {
                    Some(message) => self.event(message.clone()),
                    None => customer(&name, self.millis - late),
                };
                if let (None, EventKind::Message(message)) = (listed, &event.kind) {
                    self.listed.push(message.clone());
                }
                self.world.receive(again(&event, &format!("{name}-{copy}")));
            }
            Step::HandoffEnds { late } => drop(self.world.receive(handoff_ended(self.millis - late))),
            Step::Starts => drop(self.world.start()),
            Step::RefusesStart => self.world.decide(start::refuse(key())),
            Step::AgentEnds => {
                if self.is_open() {
                    let _ = self.world.accept(ALEX, TakeOver::Yes);
                    self.world.end(ALEX).unwrap();
                }
            }
            Step::Recovers => {
                // An ended one may wait for its own reading.
                if self.is_open() && self.world.books.handoffs.len() == 1 {
                    let listed = self.listed.clone();
                    self.world.recovers(Some(self.world.now.at), &listed, false);
                }
            }
            Step::Passes(millis) => {
                self.millis += millis;
                self.world.clock(self.millis);
                self.world.release();
            }
        }
    }

    fn event(&self, message: Message) -> Event {
        let event = customer(message.id.as_str(), 0);
        Event { timestamp: message.created_at, kind: EventKind::Message(message), ..event }
    }

    fn is_open(&self) -> bool {
        self.world.books.handoffs.last().is_some_and(|handoff| handoff.is_open())
    }
}

/// All that a reader sees, and where.
fn seen(reader: &Reader, world: &World) -> BTreeSet<Place> {
    rows(world).union(&reader.arriving).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_shows_twice_and_nothing_disappears_but_by_withdrawal(
        steps in proptest::collection::vec((step(), any::<bool>()), 1..40)
    ) {
        let mut told = Told { world: World::accepted(), millis: 20_000, listed: Vec::new() };
        let mut reader = Reader::default();
        let mut before = BTreeSet::new();
        for (step, looks) in &steps {
            told.takes(step);
            if !looks {
                continue;
            }
            let withdrawn = reader.looks(&mut told.world);
            let now = seen(&reader, &told.world);
            for place in before.difference(&now) {
                prop_assert!(withdrawn.iter().any(|(gone, _)| gone == place), "{:?} is gone", place);
            }
            // Who reads the threads anew sees the same.
            let mut anew = BTreeSet::new();
            for index in 0..told.world.books.handoffs.len() {
                let arriving = in_handoff(&mut told.world, index);
                anew.extend(arriving.iter().map(|shown| (shown.handoff.clone(), shown.id().clone())));
            }
            prop_assert_eq!(&anew, &reader.arriving);
            before = now;
        }
        told.millis += 100_000;
        told.world.clock(told.millis);
        for _ in 0..3 {
            told.world.release();
        }
        reader.looks(&mut told.world);
        prop_assert!(reader.arriving.is_empty(), "{:?} arrive for ever", reader.arriving);
    }
}
