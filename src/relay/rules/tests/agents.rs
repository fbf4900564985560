//! What agents may do, and what they may not.

use super::{
    make::{customer, human},
    world::{ALEX, SAM, World},
};
use crate::relay::{
    delivery::{Failure, Job, Read, Receipt},
    handoff::Status,
    rules::{
        act::{Refusal, TakeOver},
        arrive::Arrival,
        start::StartOutcome,
        write::QUEUE_LIMIT,
    },
    thread::{Content, EventName, Sending},
};

fn history(world: &World) -> Vec<(EventName, Option<&str>)> {
    let rows = world.thread(0);
    rows.iter()
        .filter_map(|row| match &row.content {
            Content::Event { event, by, .. } => Some((*event, by.as_deref())),
            _ => None,
        })
        .collect()
}

fn has(agent: &str) -> Refusal {
    Refusal::HasAnother(agent.to_owned())
}

#[test]
fn one_agent_has_a_handoff_until_another_takes_it_over() {
    let mut world = World::started();
    world.clock(1_000).accept(ALEX, TakeOver::No).unwrap();
    let accepted_at = world.handoff().accepted_at;
    world.clock(2_000).accept(ALEX, TakeOver::No).unwrap();
    world.accept(ALEX, TakeOver::Yes).unwrap();
    assert_eq!(world.accept(SAM, TakeOver::No), Err(has(ALEX)));
    assert_eq!(world.accept(SAM, TakeOver::Yes).unwrap().agent(), Some(SAM));
    assert_eq!(world.accept(ALEX, TakeOver::No), Err(has(SAM)));
    assert_eq!(world.give_back(ALEX), Err(has(SAM)));
    assert_eq!(world.give_back(SAM).unwrap().status, Status::Waiting);
    assert_eq!(world.give_back(SAM), Err(Refusal::NotAccepted));
    world.accept(ALEX, TakeOver::No).unwrap();
    assert_eq!(world.handoff().accepted_at, accepted_at, "when it was first accepted");
    use EventName::{Accepted, Released, Started, TakenOver};
    let shown = [
        (Started, None),
        (Accepted, Some(ALEX)),
        (TakenOver, Some(SAM)),
        (Released, Some(SAM)),
        (Accepted, Some(ALEX)),
    ];
    assert_eq!(history(&world), shown);
}

#[test]
fn only_its_agent_writes_and_ends() {
    let mut world = World::accepted();
    let row = world.writes(ALEX, "hello").unwrap().id;
    world.tries(Err(Failure::Refused("400".to_owned())));
    let before = world.books.rows.clone();
    assert_eq!(world.writes(SAM, "me too").unwrap_err(), has(ALEX));
    assert_eq!(world.retry(&row, SAM).unwrap_err(), has(ALEX));
    assert_eq!(world.drop_row(&row, SAM).unwrap_err(), has(ALEX));
    assert_eq!(world.end(SAM).unwrap_err(), has(ALEX));
    assert_eq!(world.books.rows, before, "a refusal changes nothing");
}

#[test]
fn a_first_message_accepts_a_waiting_handoff() {
    let mut world = World::started();
    world.writes(ALEX, "hello").unwrap();
    assert_eq!(world.handoff().agent(), Some(ALEX));
    assert_eq!(history(&world).last(), Some(&(EventName::Accepted, Some(ALEX))));
    assert_eq!(world.writes(SAM, "hello").unwrap_err(), has(ALEX), "of two first messages one wins");
}

#[test]
fn accepting_has_the_history_completed() {
    let mut world = World::started();
    let reads = |world: &World| {
        world.books.outbox.iter().filter(|delivery| delivery.job == Job::Read(Read::Transcript)).count()
    };
    assert_eq!(reads(&world), 1);
    world.accept(ALEX, TakeOver::No).unwrap();
    assert_eq!(reads(&world), 2);
}

#[test]
fn a_waiting_handoff_may_be_ended_by_anyone_and_nobody_acts_on_an_ended_one() {
    let mut world = World::started();
    let ended = world.end(SAM).unwrap();
    assert_eq!(ended.agent(), None);
    assert_eq!(history(&world).last(), Some(&(EventName::Ended, Some(SAM))));
    let seen = world.books.rows.clone();
    assert_eq!(world.accept(ALEX, TakeOver::Yes), Err(Refusal::Ended));
    assert_eq!(world.give_back(ALEX), Err(Refusal::Ended));
    assert_eq!(world.end(ALEX), Err(Refusal::Ended));
    assert_eq!(world.writes(ALEX, "hello"), Err(Refusal::Ended));
    assert_eq!(world.books.rows, seen);
}

#[test]
fn nothing_is_done_to_what_is_unknown() {
    let mut world = World::new();
    let row = "none".into();
    assert_eq!(world.accept(ALEX, TakeOver::Yes), Err(Refusal::Unknown));
    assert_eq!(world.give_back(ALEX), Err(Refusal::Unknown));
    assert_eq!(world.end(ALEX), Err(Refusal::Unknown));
    assert_eq!(world.read(1), Err(Refusal::Unknown));
    assert_eq!(world.writes(ALEX, "hello"), Err(Refusal::Unknown));
    assert_eq!(world.retry(&row, ALEX), Err(Refusal::Unknown));
    world.start();
    assert_eq!(world.retry(&row, ALEX), Err(Refusal::Unknown));
    assert_eq!(world.drop_row(&row, ALEX), Err(Refusal::Unknown));
}

#[test]
fn only_a_failed_message_is_sent_again_or_dropped() {
    let mut world = World::accepted();
    let row = world.writes(ALEX, "hello").unwrap().id;
    assert_eq!(world.retry(&row, ALEX), Err(Refusal::NotFailed));
    assert_eq!(world.drop_row(&row, ALEX), Err(Refusal::NotFailed));
    world.writes(ALEX, "next").unwrap();
    world.tries(Err(Failure::Refused("400".to_owned())));
    assert_eq!(world.retry(&row, ALEX).unwrap().sending, Some(Sending::Queued));
    assert_eq!(world.queue(), ["next", "hello"], "behind what is queued");
    assert_eq!(world.retry(&row, ALEX), Err(Refusal::NotFailed));
    world.tries(Ok(Receipt::default()));
    world.tries(Err(Failure::Refused("400".to_owned())));
    world.drop_row(&row, ALEX).unwrap();
    assert_eq!(world.sending("hello"), Sending::Dropped);
    assert_eq!(world.said(0), ["hello", "next"], "its row stays");
    assert_eq!(world.retry(&row, ALEX), Err(Refusal::NotFailed));
}

#[test]
fn neither_an_end_nor_another_handoffs_row_is_sent_again() {
    let mut world = World::accepted();
    let old = world.writes(ALEX, "old").unwrap().id;
    world.tries(Err(Failure::Refused("400".to_owned())));
    world.clock(100_000).start();
    assert_eq!(world.retry(&old, ALEX), Err(Refusal::Unknown));
    let line = world.thread(1)[0].id.clone();
    assert_eq!(world.drop_row(&line, ALEX), Err(Refusal::NotFailed));
}

#[test]
fn the_same_request_again_gives_the_row_it_made() {
    let mut world = World::accepted();
    let first = world.asks(ALEX, "hello", Some("key")).unwrap();
    assert_eq!(world.asks(ALEX, "hello", Some("key")).unwrap().id, first.id);
    assert_eq!(world.asks(ALEX, "other", Some("key")), Err(Refusal::OtherRequest));
    assert_eq!(world.queue(), ["hello"]);
    assert_eq!(world.asks(SAM, "hello", Some("key")), Err(has(ALEX)), "a key counts per agent");
    world.end(ALEX).unwrap();
    assert_eq!(world.asks(ALEX, "hello", Some("key")).unwrap().id, first.id, "also after the end");
}

#[test]
fn a_refused_request_leaves_its_key_free() {
    let mut world = World::accepted();
    assert_eq!(world.asks(SAM, "hello", Some("key")), Err(has(ALEX)));
    world.accept(SAM, TakeOver::Yes).unwrap();
    world.asks(SAM, "hello", Some("key")).unwrap();
    assert_eq!(world.queue(), ["hello"]);
}

#[test]
fn a_queue_has_an_end() {
    let mut world = World::accepted();
    world.books.outbox.clear();
    for number in 0..QUEUE_LIMIT {
        world.writes(ALEX, &number.to_string()).unwrap();
    }
    assert_eq!(world.writes(ALEX, "one more"), Err(Refusal::QueueFull));
    world.tries(Ok(Receipt::default()));
    world.writes(ALEX, "one more").unwrap();
}

#[test]
fn full_writes_take_on_no_more_and_stop_nothing_else() {
    let mut world = World::accepted();
    world.books.outbox.clear();
    world.policy.outbox_limit = 1;
    world.writes(ALEX, "hello").unwrap();
    assert_eq!(world.writes(ALEX, "one more"), Err(Refusal::QueueFull));
    assert_eq!(world.receive(customer("c", 20_000)), Arrival::Kept);
    world.claim().unwrap();
    assert_eq!(world.receive(human("echo", 20_000, "hello")), Arrival::Kept);
    world.writes(ALEX, "one more").unwrap();
    world.clock(100_000);
    assert!(matches!(world.start(), StartOutcome::New(_)));
}

#[test]
fn full_reads_put_webhooks_and_start_calls_off_and_stop_no_agent() {
    let mut world = World::accepted();
    world.policy.outbox_limit = 1;
    assert_eq!(world.receive(customer("c", 20_000)), Arrival::Full);
    world.clock(100_000);
    assert_eq!(world.start(), StartOutcome::Full);
    assert!(world.handoff().is_open(), "the running one is as it was");
    world.writes(ALEX, "hello").unwrap();
    world.claim().unwrap();
    assert_eq!(world.receive(human("echo", 100_000, "hello")), Arrival::Kept, "what settles something");
    world.books.outbox.clear();
    assert_eq!(world.receive(customer("c", 20_000)), Arrival::Kept, "Ada tries again");
}

#[test]
fn each_change_makes_the_handoff_one_version_further() {
    let mut world = World::started();
    assert_eq!(world.handoff().version, 1);
    world.accept(ALEX, TakeOver::No).unwrap();
    assert_eq!(world.handoff().version, 2);
    world.accept(ALEX, TakeOver::No).unwrap();
    assert_eq!(world.handoff().version, 2, "nothing has changed");
}
