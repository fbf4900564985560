//! What Ada learns of a handoff.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    make::{at, customer, key},
    world::{ALEX, SAM, World},
};
use crate::relay::{
    delivery::{Delivery, Failure, Job, Receipt, Update, Write},
    event::Event,
    rules::{
        act::{self, Ending, TakeOver},
        attempt::Step,
        update::{self, UpdateAttempt, UpdateOutcome},
    },
    values::{Fact, HandoffValues, NamedFact},
};

const SECOND: i64 = 1_000;

/// Ada gets the agent as metavariable and as metadata, and the note as metadata.
fn without_a_handoff() -> World {
    let mut world = World::new();
    let named = |fact, name: &str| NamedFact { fact, name: name.to_owned() };
    world.policy.values = HandoffValues {
        metavariables: vec![named(Fact::Agent, "who")],
        metadata: vec![named(Fact::Agent, "agent"), named(Fact::Note, "note")],
    };
    world
}

fn world() -> World {
    let mut world = without_a_handoff();
    world.start_with(json!({ "ada_user_id": "maria" }));
    world
}

/// Ada gets metavariables only, and the start call does not say of whom.
fn of_nobody() -> World {
    let mut world = without_a_handoff();
    world.policy.values.metadata.clear();
    world.start_with(json!({}));
    world
}

fn queued(world: &World) -> Vec<Delivery> {
    let updates = world.books.outbox.iter().filter(|queued| matches!(queued.job, Job::Update(_)));
    updates.cloned().collect()
}

/// An attempt begins on the first update of this kind that is due.
fn begins(world: &mut World, job: &Update) -> Option<(Delivery, Value)> {
    let now = world.now.at;
    let is_it = |queued: &Delivery| {
        queued.job == Job::from(job.clone()) && queued.due_at <= now && queued.claim.is_none()
    };
    let waits = queued(world).into_iter().find(is_it)?;
    let begun = world.turn_comes(&waits, "this process")?;
    let Step::Update { what, end_user } = begun.step else { unreachable!("{:?}", begun.step) };
    match what {
        Update::UpdateEndUser { values } => {
            assert_eq!(end_user.as_deref(), Some("maria"));
            Some((begun.delivery, Value::Object(values)))
        }
        Update::UpdateConversation { values } => Some((begun.delivery, Value::Object(values))),
        Update::HandoffToEndUser | Update::HandoffToConversation | Update::ReadEndUser => {
            unreachable!("values are known")
        }
    }
}

fn comes_to(world: &mut World, delivery: Delivery, outcome: UpdateOutcome) {
    let attempt = UpdateAttempt { delivery, outcome, jitter: 1.0 };
    world.decide(update::settle(Arc::new(attempt)));
}

/// Ada takes what waits. Gives the metavariables and the metadata.
fn ada_takes_all(world: &mut World) -> (Value, Value) {
    let mut take = |job: Update| {
        let (delivery, values) = begins(world, &job).unwrap();
        comes_to(world, delivery, UpdateOutcome::Done);
        values
    };
    (take(Update::HandoffToEndUser), take(Update::HandoffToConversation))
}

fn end_due_in(world: &World) -> i64 {
    let is_end = |queued: &&Delivery| matches!(queued.job, Job::Write(Write::End { .. }));
    let end = world.books.outbox.iter().find(is_end).unwrap();
    (end.due_at.as_micros() - world.now.at.as_micros()) / 1_000
}

fn ends(world: &mut World) {
    let (id, note) = (world.handoff().id.clone(), Some("All good.".to_owned()));
    world.decide(act::end(id, ALEX.to_owned(), Ending { outcome: None, note })).unwrap();
}

#[test]
fn ada_learns_of_the_start_of_each_agent_and_of_the_end() {
    let mut world = world();
    assert_eq!(ada_takes_all(&mut world), (json!({ "who": "" }), json!({ "agent": null, "note": null })));
    world.accept(ALEX, TakeOver::No).unwrap();
    assert_eq!(
        ada_takes_all(&mut world),
        (json!({ "who": "Alex" }), json!({ "agent": "Alex", "note": null }))
    );
    world.accept(SAM, TakeOver::Yes).unwrap();
    assert_eq!(ada_takes_all(&mut world).0, json!({ "who": "Sam" }));
    world.give_back(SAM).unwrap();
    assert_eq!(ada_takes_all(&mut world).0, json!({ "who": "" }));
    world.accept(ALEX, TakeOver::No).unwrap();
    ends(&mut world);
    assert_eq!(queued(&world).len(), 2, "one of each, whatever has changed");
    let noted = json!({ "agent": "Alex", "note": "All good." });
    assert_eq!(ada_takes_all(&mut world), (json!({ "who": "Alex" }), noted));
    assert!(queued(&world).is_empty());
}

#[test]
fn the_end_waits_for_one_attempt_and_for_two_seconds_at_most() {
    let failed = || UpdateOutcome::Failed(Failure::Unclear("no answer".to_owned()));
    for (outcomes, repeated) in [
        ([UpdateOutcome::Done, UpdateOutcome::Done], 0),
        ([UpdateOutcome::Nobody, UpdateOutcome::Done], 1),
        ([failed(), failed()], 2),
        ([UpdateOutcome::Failed(Failure::Refused("no".to_owned())), failed()], 1),
    ] {
        let mut world = world();
        world.accept(ALEX, TakeOver::No).unwrap();
        ada_takes_all(&mut world);
        ends(&mut world);
        assert_eq!(end_due_in(&world), 2 * SECOND);
        let [first, second] = outcomes.clone();
        let (of_end_user, _) = begins(&mut world, &Update::HandoffToEndUser).unwrap();
        let (of_conversation, _) = begins(&mut world, &Update::HandoffToConversation).unwrap();
        comes_to(&mut world, of_end_user, first);
        assert_eq!(end_due_in(&world), 2 * SECOND, "for both");
        comes_to(&mut world, of_conversation, second);
        assert_eq!(end_due_in(&world), 0, "{outcomes:?}");
        assert_eq!(queued(&world).len(), repeated, "{outcomes:?}");
    }
    let mut world = World::accepted();
    world.end(ALEX).unwrap();
    assert_eq!(end_due_in(&world), 0, "without values it waits for nothing");
}

#[test]
fn an_end_that_has_been_tried_keeps_its_time() {
    let mut world = world();
    world.accept(ALEX, TakeOver::No).unwrap();
    ada_takes_all(&mut world);
    ends(&mut world);
    let (of_end_user, _) = begins(&mut world, &Update::HandoffToEndUser).unwrap();
    let (of_conversation, _) = begins(&mut world, &Update::HandoffToConversation).unwrap();
    world.clock(22 * SECOND).tries(Err::<Receipt, _>(Failure::Unreached("no".to_owned())));
    let due_in = end_due_in(&world);
    assert!(due_in > 0);
    comes_to(&mut world, of_end_user, UpdateOutcome::Done);
    comes_to(&mut world, of_conversation, UpdateOutcome::Done);
    assert_eq!(end_due_in(&world), due_in);
}

/// The customer writes, and Ada's webhook says who that is.
fn is_maria(world: &mut World) {
    let millis = (world.now.at.as_micros() - at(0).as_micros()) / 1_000;
    world.receive(Event { end_user_id: Some("maria".to_owned()), ..customer("hello", millis) });
    world.clock(millis + 2 * SECOND).release();
}

#[test]
fn values_wait_until_it_is_known_whose_they_are() {
    let begins_in_vain = |world: &mut World| {
        let waits = queued(world).remove(0);
        let begun = world.turn_comes(&waits, "this process").unwrap();
        assert!(matches!(begun.step, Step::Update { end_user: None, .. }));
        begun.delivery
    };
    let waits_for = |world: &World| queued(world)[0].due_at.as_micros() - world.now.at.as_micros();

    let mut world = of_nobody();
    let tried = begins_in_vain(&mut world);
    comes_to(&mut world, tried, UpdateOutcome::Nobody);
    assert_eq!(waits_for(&world), 60 * 1_000 * SECOND);
    is_maria(&mut world);
    assert_eq!(begins(&mut world, &Update::HandoffToEndUser).unwrap().1, json!({ "who": "" }));

    // It becomes known during the try.
    let mut world = of_nobody();
    let tried = begins_in_vain(&mut world);
    is_maria(&mut world);
    comes_to(&mut world, tried, UpdateOutcome::Nobody);
    assert!(begins(&mut world, &Update::HandoffToEndUser).is_some());
}

#[test]
fn newer_values_wait_for_those_on_their_way() {
    let mut world = world();
    let (first, _) = begins(&mut world, &Update::HandoffToEndUser).unwrap();
    world.accept(ALEX, TakeOver::No).unwrap();
    let (other, _) = begins(&mut world, &Update::HandoffToConversation).unwrap();
    comes_to(&mut world, other, UpdateOutcome::Done);
    assert_eq!(begins(&mut world, &Update::HandoffToEndUser), None);
    world.clock(SECOND);
    comes_to(&mut world, first, UpdateOutcome::Done);
    let (_, values) = begins(&mut world, &Update::HandoffToEndUser).unwrap();
    assert_eq!(values, json!({ "who": "Alex" }));
}

#[test]
fn what_waits_of_an_earlier_handoff_takes_the_place_of_nothing_later() {
    let mut world = world();
    world.accept(ALEX, TakeOver::No).unwrap();
    world.clock(70 * SECOND).start_with(json!({ "ada_user_id": "maria" }));
    assert_eq!(queued(&world).len(), 4);
    // The earlier ones are found first, and dropped.
    for job in [Update::HandoffToEndUser, Update::HandoffToConversation] {
        assert_eq!(begins(&mut world, &job), None);
    }
    assert_eq!(ada_takes_all(&mut world).0, json!({ "who": "" }));
    assert!(queued(&world).is_empty());
}

#[test]
fn a_conversation_that_a_stranger_has_named_gets_nothing() {
    let mut world = without_a_handoff();
    world.anyone_starts(json!({}), true);
    assert!(queued(&world).is_empty());
}

#[test]
fn ada_learns_of_an_adopted_handoff_too() {
    let mut world = without_a_handoff();
    world.hears([customer("hello?", 0)]);
    world.clock(31 * SECOND).release();
    let reads = Job::from(Update::ReadEndUser);
    assert_eq!(queued(&world).into_iter().filter(|queued| queued.job != reads).count(), 2);
    assert_eq!((world.handoff().created_at, &world.handoff().key), (at(31 * SECOND), &key()));
}
