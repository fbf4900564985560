//! Since when the customer waits for an answer, what they said last, on what channel; and whom nobody answered in time.

use super::{
    make::{at, customer, human, message, says},
    world::{ALEX, SAM, World},
};
use crate::relay::{
    delivery::{Failure, Receipt},
    event::{Channel, Event},
    rules::act::TakeOver,
    thread::{Content, Role},
    time::Time,
};

const MINUTE: i64 = 60_000;

fn since(world: &World) -> Option<Time> {
    world.handoff().unanswered.map(|known| known.since)
}

/// Accepted at 0, and answered at a second.
fn answered() -> World {
    let mut world = World::accepted();
    world.clock(1_000).writes(ALEX, "Hello").unwrap();
    world.tries(Ok(Receipt::default()));
    assert_eq!(since(&world), None);
    world
}

#[test]
fn who_is_handed_over_waits_from_then_on() {
    let mut world = World::started();
    assert_eq!(since(&world), Some(at(0)));
    world.clock(5_000).hears([customer("hello?", 5_000)]);
    world.accept(ALEX, TakeOver::No).unwrap();
    world.notes(ALEX, "Who is it?", None).unwrap();
    assert_eq!(since(&world), Some(at(0)), "neither an accept nor a note is an answer");
    world.writes(ALEX, "Hello").unwrap();
    assert_eq!(since(&world), None);
}

#[test]
fn the_first_unanswered_message_counts() {
    let mut world = answered();
    world.clock(30_000).hears([customer("b", 30_000), customer("c", 31_000)]);
    assert_eq!(since(&world), Some(at(30_000)));
    world.clock(40_000).hears([customer("a", 29_000)]);
    assert_eq!(since(&world), Some(at(29_000)), "it is late, and unanswered all the same");
    world.hears([says(Role::AiAgent, "ai", 41_000, "Hi")]);
    world.receive(human("k", 20_000, "Kim here"));
    assert_eq!(since(&world), Some(at(29_000)), "Kim wrote before");
    world.receive(human("l", 45_000, "Kim again"));
    assert_eq!(since(&world), None, "another system's agent has answered");
}

#[test]
fn what_was_missed_and_recovered_is_unanswered() {
    let mut world = answered();
    world.clock(5 * MINUTE).recovers(None, &[message(Role::EndUser, "m", MINUTE, "m")], false);
    assert_eq!(since(&world), Some(at(MINUTE)));
}

#[test]
fn a_message_that_fails_is_no_answer_until_it_is_sent_again() {
    let mut world = answered();
    world.clock(30_000).hears([customer("a", 30_000)]);
    world.clock(40_000).writes(ALEX, "One").unwrap();
    world.writes(ALEX, "Two").unwrap();
    assert_eq!(since(&world), None);
    world.tries(Err(Failure::Refused("400".to_owned())));
    assert_eq!(since(&world), Some(at(40_000)), "the next one still waits");
    let row = world.row("One").id.clone();
    world.retry(&row, ALEX).unwrap();
    assert_eq!(since(&world), None);

    let mut next = answered();
    next.clock(40_000).writes(ALEX, "One").unwrap();
    next.writes(ALEX, "Two").unwrap();
    next.tries(Err(Failure::Refused("400".to_owned())));
    next.clock(41_000).tries(Ok(Receipt { message_id: None, created_at: Some(at(41_000)) }));
    assert_eq!(since(&next), None, "the next one has reached them");
}

/// Ada's time of an answer is later than ours. What came in between, nobody had read.
#[test]
fn an_answer_answers_nothing_that_came_after_it_was_written() {
    let mut world = answered();
    world.clock(30_000).writes(ALEX, "One").unwrap();
    world.clock(31_000).hears([customer("a", 31_000)]);
    world.tries(Ok(Receipt { message_id: None, created_at: Some(at(32_000)) }));
    world.receive(human("one", 32_000, "One"));
    assert_eq!(since(&world), Some(at(31_000)));
}

#[test]
fn the_customers_last_words_are_theirs() {
    let mut world = World::started();
    let words = |world: &World| {
        world.handoff().last_words.as_ref().map(|row| match &row.content {
            Content::Text { body } => body.clone(),
            other => format!("{other:?}"),
        })
    };
    assert_eq!(words(&world), None);
    world.lists(&[
        message(Role::EndUser, "x", -5_000, "A person, please"),
        message(Role::AiAgent, "y", -4_000, "Sure"),
    ]);
    assert_eq!(words(&world).as_deref(), Some("A person, please"), "of the time before");
    let mut joined = customer("joined", 4_000);
    if let crate::relay::event::EventKind::Message(message) = &mut joined.kind {
        message.content = Content::Presence { body: "Maria joined".to_owned() };
    }
    world.clock(5_000).hears([customer("hello?", 3_000), joined, says(Role::AiAgent, "ai", 5_000, "Hi")]);
    assert_eq!(words(&world).as_deref(), Some("hello?"));
    world.hears([customer("before", 2_000)]);
    assert_eq!(words(&world).as_deref(), Some("hello?"), "an older message came later");
}

fn over(modality: &str, event: Event) -> Event {
    Event { channel: Some(Channel { modality: modality.to_owned(), markdown: false }), ..event }
}

#[test]
fn the_channel_is_what_the_newest_event_says() {
    let mut world = World::started();
    let channel = |world: &World| world.handoff().channel.as_ref().map(|channel| channel.modality.clone());
    world.receive(over("sms", human("k", 500, "Kim here")));
    assert_eq!(channel(&world).as_deref(), Some("sms"));
    world.clock(1_000).hears([over("email", customer("a", 1_000)), customer("b", 1_100)]);
    assert_eq!(channel(&world).as_deref(), Some("email"));
}

#[test]
fn nobody_accepts_in_time() {
    let mut world = World::started();
    world.clock(15 * MINUTE).ticks();
    let missed = world.handoff().missed.clone().unwrap();
    let told = missed.told.unwrap();
    assert_eq!((missed.at, &*told.text, told.in_vain), (at(15 * MINUTE), "Nobody is free.", false));
    assert_eq!(told.row, world.row("Nobody is free.").id);
    world.tries(Err(Failure::Refused("400".to_owned())));
    assert!(world.handoff().missed.as_ref().unwrap().told.as_ref().unwrap().in_vain);

    let mut silent = World::started();
    silent.policy.waiting_timeout.as_mut().unwrap().text = None;
    silent.clock(15 * MINUTE).ticks();
    assert_eq!(silent.handoff().missed.as_ref().map(|missed| &missed.told), Some(&None));
}

/// Idling ends after 10 minutes.
#[test]
fn an_agent_who_does_not_answer_in_time_misses_the_customer_too() {
    let idles = |mut world: World| {
        world.clock(20 * MINUTE).ticks();
        while !world.handoff().end_is_unsettled() {
            world.lists(&[]);
        }
        world.handoff().missed.is_some()
    };
    let mut asked = answered();
    asked.clock(5 * MINUTE).hears([customer("hello?", 5 * MINUTE)]);
    assert!(idles(asked));
    assert!(!idles(answered()), "the customer went away");

    let mut released = answered();
    released.give_back(ALEX).unwrap();
    released.clock(16 * MINUTE).ticks();
    assert!(released.handoff().missed.is_some(), "nobody else took it");
    let mut ended = World::started();
    ended.end(SAM).unwrap();
    assert!(ended.handoff().missed.is_none());
}

#[test]
fn only_who_waits_has_a_deadline() {
    let mut world = World::started();
    let deadline = |world: &World| world.handoff().deadline(&world.policy);
    assert_eq!(deadline(&world), Some(at(15 * MINUTE)));
    world.clock(30_000).accept(ALEX, TakeOver::No).unwrap();
    assert_eq!(deadline(&world), None);
    world.give_back(ALEX).unwrap();
    assert_eq!(deadline(&world), Some(at(15 * MINUTE + 30_000)), "the waiting begins anew");
    world.policy.waiting_timeout = None;
    assert_eq!(deadline(&world), None);
}

#[test]
fn a_document_of_before_all_this_can_be_read() {
    let mut document = serde_json::to_value(World::started().handoff()).unwrap();
    let fields = document.as_object_mut().unwrap();
    fields.retain(|name, _| !["last_words", "unanswered", "missed", "channel"].contains(&name.as_str()));
    let handoff: crate::relay::handoff::Handoff = serde_json::from_value(document).unwrap();
    assert_eq!((handoff.unanswered, handoff.missed, handoff.channel), (None, None, None));
}
