//! Handoffs that are offered to agents, and those whose agents are gone.

use std::time::Duration;

use super::{
    make::{at, customer},
    world::{ALEX, SAM, World},
};
use crate::relay::{
    delivery::Receipt,
    dispatch::{Dispatch, Offer},
    handoff::Status,
    rules::{
        absence,
        act::{self, Receiver, Refusal, TakeOver},
        offer,
    },
    thread::{Content, EventName},
};

const MINUTE: i64 = 60_000;

fn offer_to(world: &mut World, agent: &str) -> bool {
    let id = world.handoff().id.clone();
    world.decide(offer::make(id, agent.to_owned(), Duration::from_mins(1)))
}

fn decline(world: &mut World, agent: &str) -> Result<(), Refusal> {
    let id = world.handoff().id.clone();
    world.decide(offer::decline(id, agent.to_owned())).map(drop)
}

fn offered(agent: &str) -> Refusal {
    Refusal::Offered(agent.to_owned())
}

fn passed_by(world: &World) -> Vec<&str> {
    world.handoff().dispatch.passed_by.iter().map(String::as_str).collect()
}

#[test]
fn an_offer_is_to_one_alone() {
    let mut world = World::started();
    let version = world.handoff().version;
    assert!(offer_to(&mut world, ALEX));
    assert!(!offer_to(&mut world, SAM), "never to two");
    let handoff = world.handoff();
    assert_eq!(handoff.dispatch.offer, Some(Offer { agent: ALEX.to_owned(), until: at(MINUTE) }));
    assert_eq!(handoff.version, version + 1, "agents see it");
    assert_eq!(world.accept(SAM, TakeOver::No), Err(offered(ALEX)));
    assert_eq!(world.writes(SAM, "Hello"), Err(offered(ALEX)));
    assert_eq!(world.end(SAM), Err(offered(ALEX)));
    let id = world.handoff().id.clone();
    let to_sam = || act::hand_over(id.clone(), SAM.to_owned(), Receiver::Agent(SAM.to_owned()), None);
    assert_eq!(world.decide(to_sam()), Err(offered(ALEX)));
    world.notes(SAM, "I know them", None).unwrap();
    world.writes(ALEX, "Hello").unwrap();
    let handoff = world.handoff();
    assert_eq!((handoff.agent(), &handoff.dispatch.offer), (Some(ALEX), &None));
    assert!(!offer_to(&mut world, SAM), "it does not wait any more");
}

#[test]
fn who_insists_takes_over_what_is_offered_to_another() {
    let mut world = World::started();
    offer_to(&mut world, ALEX);
    assert_eq!(world.accept(SAM, TakeOver::Yes).unwrap().agent(), Some(SAM));
    assert_eq!(world.handoff().dispatch, Dispatch { agent_since: Some(at(0)), ..Dispatch::default() });
}

#[test]
fn an_offer_whose_time_is_over_keeps_nobody_away() {
    let mut world = World::started();
    offer_to(&mut world, ALEX);
    world.clock(MINUTE - 1);
    assert_eq!(world.accept(SAM, TakeOver::No), Err(offered(ALEX)));
    world.clock(MINUTE);
    assert_eq!(world.accept(SAM, TakeOver::No).unwrap().agent(), Some(SAM));
}

#[test]
fn who_declines_comes_last_until_all_have() {
    let mut world = World::started();
    assert_eq!(decline(&mut world, ALEX), Err(Refusal::NotOffered));
    offer_to(&mut world, ALEX);
    assert_eq!(decline(&mut world, SAM), Err(Refusal::NotOffered));
    decline(&mut world, ALEX).unwrap();
    assert_eq!(passed_by(&world), [ALEX]);
    offer_to(&mut world, SAM);
    let id = world.handoff().id.clone();
    world.decide(offer::lapse(id.clone(), ALEX.to_owned()));
    assert!(world.handoff().dispatch.offer.is_some(), "that one was Alex's");
    world.decide(offer::lapse(id, SAM.to_owned()));
    assert_eq!(passed_by(&world), [ALEX, SAM]);
    offer_to(&mut world, SAM);
    assert_eq!(passed_by(&world), [""; 0], "another round");
    world.accept(SAM, TakeOver::No).unwrap();
    assert_eq!(decline(&mut world, SAM), Err(Refusal::NotOffered));
    assert_eq!(decline(&mut world, ALEX), Err(Refusal::HasAnother(SAM.to_owned())));
    world.end(SAM).unwrap();
    assert_eq!(decline(&mut world, SAM), Err(Refusal::Ended));
}

#[test]
fn who_returns_a_handoff_is_not_the_next_to_get_it() {
    let mut world = World::accepted();
    world.give_back(ALEX).unwrap();
    assert_eq!(passed_by(&world), [ALEX]);
    offer_to(&mut world, SAM);
    world.accept(SAM, TakeOver::No).unwrap();
    assert_eq!(passed_by(&world), [""; 0]);
}

#[test]
fn an_end_leaves_no_offer() {
    let mut world = World::started();
    offer_to(&mut world, ALEX);
    world.clock(15 * MINUTE).ticks();
    assert!(matches!(world.handoff().status, Status::Ended(_)));
    assert_eq!(world.handoff().dispatch, Dispatch::default());
}

fn is_gone(world: &mut World, agent: &str) -> Option<String> {
    let id = world.handoff().id.clone();
    world.decide(absence::give_back(id, agent.to_owned(), Duration::from_mins(3)));
    match &world.handoff().status {
        Status::Waiting => world.handoff().dispatch.left_by.clone(),
        Status::Active { .. } | Status::Ended(_) => None,
    }
}

#[test]
fn a_customer_whose_agent_is_gone_waits_for_another() {
    let mut world = World::accepted();
    assert_eq!(is_gone(world.clock(3 * MINUTE - 1), ALEX), None, "Alex has just got it");
    assert_eq!(is_gone(world.clock(3 * MINUTE), SAM), None, "Sam does not have it");
    assert_eq!(is_gone(&mut world, ALEX).as_deref(), Some(ALEX));
    let handoff = world.handoff();
    assert_eq!((handoff.idle.since, passed_by(&world)), (at(3 * MINUTE), vec![ALEX]));
    let rows = world.thread(0);
    let Content::Event { event, by, .. } = &rows.last().unwrap().content else { unreachable!() };
    assert_eq!((*event, by.as_deref()), (EventName::AgentGone, Some(ALEX)));
    let version = handoff.version;
    is_gone(&mut world, ALEX);
    assert_eq!(world.handoff().version, version, "once");
    world.accept(SAM, TakeOver::No).unwrap();
    assert_eq!(world.handoff().dispatch.left_by, None);
}

#[test]
fn who_has_an_answer_stays_with_the_agent_until_they_write() {
    let mut world = World::accepted();
    world.writes(ALEX, "Hello").unwrap();
    world.tries(Ok(Receipt::default()));
    assert_eq!(is_gone(world.clock(5 * MINUTE), ALEX), None);
    world.hears([customer("are you there?", 5 * MINUTE)]);
    assert_eq!(is_gone(&mut world, ALEX).as_deref(), Some(ALEX));
}

#[test]
fn a_handoff_of_an_earlier_relay_counts_from_its_accept() {
    let mut world = World::accepted();
    let mut stored = serde_json::to_value(world.handoff()).unwrap();
    stored.as_object_mut().unwrap().remove("dispatch").unwrap();
    world.books.handoffs[0] = serde_json::from_value(stored).unwrap();
    assert_eq!(is_gone(world.clock(3 * MINUTE - 1), ALEX), None);
    assert_eq!(is_gone(world.clock(3 * MINUTE), ALEX).as_deref(), Some(ALEX));
}
