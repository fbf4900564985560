//! Nobody talks into the void: events without a start call are held, and adopted in the end.

use serde_json::json;

use super::{
    make::{at, conversation_ended, customer, handoff_ended, human, says},
    world::{ALEX, World},
};
use crate::relay::{
    changes::INBOX_PAGE,
    delivery::{Failure, Job, Read, Update},
    event::Event,
    handoff::{EndedBy, Origin},
    rules::{arrive::Arrival, start::StartOutcome},
    thread::{Content, EventName, Role},
};

const HOUR: i64 = 3_600_000;

#[test]
fn a_message_without_a_start_call_is_held_and_then_adopted() {
    let mut world = World::new();
    let released = world.hears([customer("anybody?", 0)]);
    assert_eq!((released.left, released.held), (0, 1));
    world.clock(29_999).release();
    assert_eq!(world.books.handoffs.len(), 0);
    world.clock(30_000).release();

    assert_eq!(world.handoff().origin, Origin::Adopted { message_at: at(0), called_at: None });
    assert_eq!(world.said(0), ["anybody?"]);
    assert_eq!(world.handoff().unread, 1);
    let line = world.thread(0)[0];
    assert_eq!(
        (line.at, &line.content),
        (at(0), &Content::Event { event: EventName::Adopted, by: None, to: None })
    );
    assert_eq!(world.books.buffer, None, "nothing waits any more");
    assert_eq!(asked(&world), [Job::from(Read::Transcript)], "its history is read");
}

fn asked(world: &World) -> Vec<Job> {
    world.books.outbox.iter().map(|queued| queued.job.clone()).collect()
}

#[test]
fn ada_is_asked_who_is_adopted_once_their_id_is_known() {
    let says = |id: &str, at| Event { end_user_id: Some("maria".to_owned()), ..customer(id, at) };
    let who = Job::from(Update::ReadEndUser);
    let mut world = World::new();
    world.hears([says("anybody?", 0)]);
    world.clock(30_000).release();
    assert_eq!(asked(&world), [Job::from(Read::Transcript), who.clone()]);
    world.hears([says("hello?", 31_000)]);
    assert_eq!(asked(&world).iter().filter(|job| **job == who).count(), 1);

    let mut started = World::started();
    started.hears([says("hello?", 1_000)]);
    assert!(!asked(&started).contains(&who), "the business has said it");
}

#[test]
fn only_end_users_are_adopted() {
    for role in [Role::AiAgent, Role::Unknown] {
        let mut world = World::new();
        world.hears([says(role, "hello", 0, "hello")]);
        world.clock(30_000).release();
        assert_eq!((world.books.handoffs.len(), world.books.inbox.len()), (0, 0), "{role:?}");
        assert_eq!(world.books.dead_letters, []);
    }
    let mut world = World::new();
    assert_eq!(world.receive(human("echo", 0, "echo")), Arrival::Ignored);
    assert_eq!(world.receive(conversation_ended(0, "system")), Arrival::Ignored, "dropped, not held");
    assert_eq!(world.books.buffer, None);
}

#[test]
fn what_the_ai_agent_said_meanwhile_is_adopted_with_the_customers_words() {
    let mut world = World::new();
    world.hears([says(Role::AiAgent, "a", -9_000, "one moment"), customer("b", 0)]);
    world.clock(10_000).hears([customer("c", 10_000), handoff_ended(20_000)]);
    assert_eq!(world.books.handoffs.len(), 0, "held until the first has waited long enough");
    world.clock(31_500).release();
    assert_eq!(world.said(0), ["one moment", "b", "c"]);
    assert_eq!(world.ended_by(0), Some(EndedBy::Ada), "its end was held too");
    assert_eq!(world.books.inbox, []);
}

#[test]
fn a_message_of_two_days_ago_is_a_dead_letter_not_a_handoff() {
    for (age, adopted) in [(48 * HOUR - 30_000, true), (48 * HOUR, false)] {
        let mut world = World::new();
        world.hears([customer("old", -age)]);
        world.clock(30_000).release();
        assert_eq!(world.books.handoffs.len(), usize::from(adopted), "{age}");
        assert_eq!(world.books.dead_letters.len(), usize::from(!adopted));
        assert_eq!(world.books.inbox, []);
    }
}

#[test]
fn an_event_older_than_the_memory_of_ids_is_a_dead_letter() {
    let mut world = World::started();
    let fourteen_days = 14 * 24 * HOUR;
    assert_eq!(world.receive(customer("just in time", -fourteen_days)), Arrival::Kept);
    assert_eq!(world.receive(customer("older", -fourteen_days - 1)), Arrival::DeadLetter);
    assert_eq!(world.receive(customer("older", -fourteen_days - 1)), Arrival::Duplicate);
    assert_eq!(world.books.dead_letters.len(), 1);
}

#[test]
fn a_message_older_than_the_last_end_joins_that_thread_late() {
    let mut world = World::started();
    world.clock(10_000).hears([customer("first", 5_000), handoff_ended(10_000)]);
    world.clock(60_000).hears([customer("older", 9_000)]);
    assert_eq!(world.said(0), ["first", "older"]);
    assert!(world.row("older").late);
    assert_eq!(world.books.handoffs.len(), 1);
    assert!(!world.handoff().is_open(), "it changes no state");

    world.clock(60_000).hears([customer("younger", 10_001)]);
    assert_eq!(world.said(0), ["first", "older"]);
    world.clock(90_000).release();
    assert_eq!(world.said(1), ["younger"]);
}

#[test]
fn what_follows_an_end_is_adopted_also_when_both_are_released_late() {
    let ends = [handoff_ended(10_000), conversation_ended(10_000, "system")];
    for end in ends {
        let mut world = World::started();
        world.clock(10_500).receive(end.clone());
        for (body, millis) in [("before", 9_000), ("behind", 10_200), ("further behind", 10_300)] {
            world.receive(customer(body, millis));
        }
        // A relay that was stopped meanwhile, say.
        world.clock(120_000).release();
        assert_eq!(
            (world.said(0), world.said(1)),
            (vec!["before"], vec!["behind", "further behind"]),
            "{end:?}"
        );
        assert_eq!(
            world.books.handoffs[1].origin,
            Origin::Adopted { message_at: at(10_200), called_at: None }
        );
        assert_eq!(world.books.dead_letters, []);
        assert_eq!(world.books.inbox, []);
    }
}

#[test]
fn a_start_call_within_the_hold_takes_what_is_held_at_once() {
    let mut world = World::new();
    world.hears([customer("anybody?", 0)]);
    world.clock(5_000);
    assert!(matches!(world.start(), StartOutcome::New(_)));
    let released = world.release();
    assert_eq!((released.left, released.held), (1, 0));
    assert_eq!(world.said(0), ["anybody?"]);
    assert!(matches!(world.handoff().origin, Origin::Started { .. }));
    assert!(!world.row("anybody?").late);
}

#[test]
fn a_start_call_after_adoption_is_the_same_handoff_once() {
    let mut world = World::new();
    world.hears([customer("anybody?", 0)]);
    world.clock(30_000).release();
    let id = world.handoff().id.clone();
    world.clock(500_000);
    assert_eq!(world.start_with(json!({ "plan": "pro" })), StartOutcome::Same(id.clone()));
    assert_eq!(world.handoff().context["plan"], "pro");
    world.clock(559_999);
    assert_eq!(world.start(), StartOutcome::Same(id));
    world.clock(560_000);
    assert!(matches!(world.start(), StartOutcome::New(_)), "its own call is a minute old now");
}

#[test]
fn an_adopted_handoff_whose_conversation_is_in_none_ends_at_once() {
    let mut world = World::new();
    world.hears([customer("anybody?", 0)]);
    world.clock(30_000).release();
    world.writes(ALEX, "yes").unwrap();
    world.clock(31_000).tries(Err(Failure::NoHandoff("not in a handoff".to_owned())));
    assert_eq!(world.ended_by(0), Some(EndedBy::Ada));
}

#[test]
fn a_full_inbox_keeps_nothing_and_forgets_nothing() {
    let mut world = World::started();
    world.policy.inbox_limit = 2;
    assert_eq!(world.receive(customer("a", 1)), Arrival::Kept);
    assert_eq!(world.receive(customer("b", 2)), Arrival::Kept);
    assert_eq!(world.receive(customer("c", 3)), Arrival::Full);
    assert_eq!(world.receive(customer("a", 1)), Arrival::Duplicate);
    world.clock(5_000).release();
    assert_eq!(world.receive(customer("c", 3)), Arrival::Kept, "Ada tries again");
    world.clock(9_000).release();
    assert_eq!(world.said(0), ["a", "b", "c"]);
}

#[test]
fn a_full_page_is_followed_by_another_look_at_once() {
    let mut world = World::started();
    world.policy.inbox_limit = u64::MAX;
    for number in 0..INBOX_PAGE {
        world.receive(customer(&format!("{number:04}"), 3_000));
    }
    world.clock(5_000);
    assert_eq!(world.release().left, INBOX_PAGE);
    let due = world.books.buffer.unwrap().due(&world.policy.timings);
    assert_eq!(due, Some(world.now.at));
    assert_eq!(world.release().left, 0);
    assert_eq!(world.books.buffer, None);
}
