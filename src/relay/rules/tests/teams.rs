//! Handoffs of teams: where they go at the start, and how they are handed over.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{
    make::customer,
    world::{ALEX, SAM, World},
};
use crate::relay::{
    handoff::{Handoff, Status},
    policy::Timeout,
    routing::{Condition, Limit, Limits, Priority, Route, Routing, Team, Test},
    rules::{
        act::{self, Ending, Receiver, Refusal, TakeOver},
        team_gone,
    },
    thread::{Content, EventName},
    waiting_room::OwnWaitingRoom,
};

const BILLING: &str = "Billing";

/// Two teams, and a route to one of them.
fn world() -> World {
    let mut world = World::new();
    let limits = |minutes| Limits {
        waiting: Limit::After(Timeout { after: Duration::from_mins(minutes), text: None }),
        idle: Limit::Unset,
    };
    let team = |name: &str, minutes| Team {
        name: name.into(),
        limits: limits(minutes),
        waiting_room: OwnWaitingRoom::default(),
        hours: None,
        closed_text: None,
        needs_agents: false,
        assignment: None,
        offer_timeout: None,
    };
    let test = Test::OneOf(vec!["billing".to_owned()]);
    world.policy.routing = Arc::new(Routing {
        teams: vec![team("Support", 10), team(BILLING, 20)],
        routes: vec![Route {
            name: "Invoices".to_owned(),
            conditions: vec![Condition::Field { name: "category".to_owned(), test }],
            team: Some(BILLING.into()),
            priority: Priority::High,
            platforms: Some(vec!["webhook-2".into()]),
            limits: limits(5),
            waiting_room: OwnWaitingRoom::default(),
        }],
        default_team: Some("Support".into()),
        ..Routing::default()
    });
    world.policy.platforms.ids = vec!["webhook".into(), "webhook-2".into()];
    world
}

fn placed(handoff: &Handoff) -> (Option<&str>, Option<&str>, Priority) {
    (handoff.team.as_ref().map(|team| team.as_str()), handoff.route.as_deref(), handoff.priority)
}

fn hand_over(world: &mut World, agent: &str, to: Receiver, note: Option<&str>) -> Result<Handoff, Refusal> {
    let id = world.handoff().id.clone();
    world.decide(act::hand_over(id, agent.to_owned(), to, note.map(str::to_owned)))
}

fn to_agent(agent: &str) -> Receiver {
    Receiver::Agent(agent.to_owned())
}

fn lines(world: &World) -> Vec<String> {
    let rows = world.thread(0);
    let line = |content: &Content| match content {
        Content::Event { event, by, to } => {
            format!("{event:?} {} {}", by.as_deref().unwrap_or("-"), to.as_deref().unwrap_or("-"))
        }
        Content::Note { body } => format!("note {body}"),
        other => format!("{other:?}"),
    };
    rows.iter().map(|row| line(&row.content)).collect()
}

#[test]
fn a_start_call_goes_where_its_route_leads() {
    let mut world = world();
    world.start_with(json!({"category": "Billing"}));
    assert_eq!(placed(world.handoff()), (Some(BILLING), Some("Invoices"), Priority::High));
    assert_eq!(world.handoff().platforms.keys().map(|id| id.as_str()).collect::<Vec<_>>(), ["webhook-2"]);
    let timeout = world.handoff().timeout(&world.policy).map(|timeout| timeout.after);
    assert_eq!(timeout, Some(Duration::from_mins(5)), "that of the route");
}

#[test]
fn a_late_start_call_moves_what_was_adopted_unless_somebody_has_it() {
    let adopted = || {
        let mut world = world();
        world.hears([customer("m1", 0)]);
        world.clock(60_000).release();
        assert_eq!(placed(world.handoff()), (Some("Support"), None, Priority::Normal));
        world
    };
    let mut late = adopted();
    late.start_with(json!({"category": "billing"}));
    assert_eq!(placed(late.handoff()), (Some(BILLING), Some("Invoices"), Priority::High));
    assert!(!late.handoff().has_stayed, "those of the other team have seen it");
    assert_eq!(late.handoff().platforms.len(), 2, "who has it keeps it");
    let mut same = adopted();
    same.start_with(json!({"category": "other"}));
    assert!(same.handoff().has_stayed);
    let mut accepted = adopted();
    accepted.accept(ALEX, TakeOver::No).unwrap();
    accepted.start_with(json!({"category": "billing"}));
    assert_eq!(placed(accepted.handoff()), (Some("Support"), None, Priority::Normal));
    let mut moved = adopted();
    hand_over(&mut moved, ALEX, Receiver::Team(BILLING.into()), None).unwrap();
    moved.start_with(json!({"category": "other"}));
    assert_eq!(placed(moved.handoff()), (Some(BILLING), None, Priority::Normal));
}

#[test]
fn what_a_team_had_that_is_gone_goes_to_the_default_team() {
    let move_on = |world: &mut World| {
        let id = world.handoff().id.clone();
        world.decide(team_gone::move_on(id));
        (world.handoff().team.clone(), world.handoff().has_stayed)
    };
    for default_team in [Some("Support".into()), None] {
        let mut world = world();
        world.start_with(json!({"category": "billing"}));
        world.accept(ALEX, TakeOver::No).unwrap();
        assert_eq!(move_on(&mut world), (Some(BILLING.into()), true), "it is there");
        let mut without = Routing::clone(&world.policy.routing);
        without.teams.retain(|team| team.name.0 != BILLING);
        world.policy.routing = Arc::new(Routing { default_team: default_team.clone(), ..without });
        assert_eq!(move_on(&mut world), (default_team, false));
        assert_eq!(world.handoff().agent(), Some(ALEX));
    }
}

/// An agent may have had it who is not of its team.
#[test]
fn who_had_it_may_not_see_it_any_more() {
    let accepted = || {
        let mut world = world();
        world.start_with(json!({}));
        world.accept(ALEX, TakeOver::No).unwrap();
        assert!(world.handoff().has_stayed, "those who saw it waiting see it still");
        world
    };
    let mut released = accepted();
    let id = released.handoff().id.clone();
    assert!(!released.decide(act::release(id, ALEX.to_owned(), None)).unwrap().has_stayed);
    let mut taken = accepted();
    assert!(taken.accept(ALEX, TakeOver::Yes).unwrap().has_stayed, "nobody has lost it");
    assert!(!taken.accept(SAM, TakeOver::Yes).unwrap().has_stayed);
}

#[test]
fn a_colleague_gets_it_at_once_and_a_team_in_its_queue() {
    let mut world = world();
    world.start_with(json!({"category": "billing"}));
    world.clock(1_000).accept(ALEX, TakeOver::No).unwrap();
    let accepted_at = world.handoff().accepted_at;
    assert!(world.handoff().has_stayed);
    world.clock(2_000);
    let handed = hand_over(&mut world, ALEX, to_agent(SAM), Some("an invoice")).unwrap();
    assert_eq!((handed.agent(), handed.accepted_at), (Some(SAM), accepted_at));
    assert!(!handed.has_stayed);
    assert_eq!(placed(&handed), (Some(BILLING), Some("Invoices"), Priority::High));
    assert_eq!(hand_over(&mut world, ALEX, to_agent(ALEX), None), Err(Refusal::HasAnother(SAM.to_owned())));
    let version = world.handoff().version;
    hand_over(&mut world, SAM, to_agent(SAM), Some("not said")).unwrap();
    assert_eq!(world.handoff().version, version, "who has it keeps it");
    let queued = hand_over(&mut world, SAM, Receiver::Team("Support".into()), None).unwrap();
    assert_eq!((queued.status.clone(), queued.idle.since), (Status::Waiting, world.now.at));
    assert_eq!(placed(&queued), (Some("Support"), None, Priority::High));
    let timeout = queued.timeout(&world.policy).map(|timeout| timeout.after);
    assert_eq!(timeout, Some(Duration::from_mins(10)), "that of the team");
    let told = [
        "Started - -",
        "Accepted Alex -",
        "note an invoice",
        "HandedOver Alex Sam",
        "HandedOver Sam Support",
    ];
    assert_eq!(lines(&world), told);
}

#[test]
fn what_waits_is_handed_over_by_anyone_and_its_history_is_read() {
    let mut world = world();
    world.start_with(json!({}));
    let reads = world.books.outbox.len();
    hand_over(&mut world, ALEX, to_agent(SAM), None).unwrap();
    assert_eq!(world.handoff().agent(), Some(SAM));
    assert!(world.handoff().accepted_at.is_some());
    assert!(world.books.outbox.len() > reads, "as if Sam had accepted it");
}

#[test]
fn the_queue_gets_it_back_with_a_note_and_the_end_has_an_outcome() {
    let mut world = world();
    world.start_with(json!({}));
    world.accept(ALEX, TakeOver::No).unwrap();
    let id = world.handoff().id.clone();
    world.decide(act::release(id.clone(), ALEX.to_owned(), Some("not mine".to_owned()))).unwrap();
    let ending = Ending { outcome: Some("solved".to_owned()), note: Some("with a refund".to_owned()) };
    let ended = world.decide(act::end(id.clone(), SAM.to_owned(), ending)).unwrap();
    assert_eq!(ended.outcome.as_deref(), Some("solved"));
    assert_eq!(
        lines(&world),
        [
            "Started - -",
            "Accepted Alex -",
            "note not mine",
            "Released Alex -",
            "note with a refund",
            "Ended Sam -"
        ]
    );
    let refused = hand_over(&mut world, SAM, to_agent(ALEX), None);
    assert_eq!(refused, Err(Refusal::Ended));
    assert!(matches!(&world.thread(0)[3].content, Content::Event { event: EventName::Released, .. }));
}
