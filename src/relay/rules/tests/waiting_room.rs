//! What customers are told while they wait, and when an agent accepts.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{
    make::{at, customer, human, key},
    world::{ALEX, SAM, World},
};
use crate::relay::{
    delivery::{Failure, Receipt},
    event::Channel,
    handoff::Handoff,
    id::TeamName,
    routing::{Limits, Priority, Route, Routing, Team},
    rules::{
        act::{self, Receiver, TakeOver},
        banner, waiting_text,
    },
    thread::{Content, Role, Sending, Source},
    waiting_room::{Banner, OwnWaitingRoom, Shown, WaitingRoom, WaitingRooms, WaitingText},
};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const NIGHT: &str = "Night";

/// A world in which customers are told this; those of the team Night are told nothing.
fn world(waiting_room: WaitingRoom) -> World {
    let mut world = World::new();
    let night = Team {
        name: NIGHT.into(),
        limits: Limits::default(),
        waiting_room: OwnWaitingRoom {
            accept_text: Some(None),
            banner: Some(Banner::Off),
            texts: Some(Vec::new()),
        },
        hours: None,
        closed_text: None,
        needs_agents: false,
        assignment: None,
        offer_timeout: None,
    };
    world.policy.waiting_rooms =
        WaitingRooms::new(waiting_room, [(&night.name, &night.waiting_room)].into_iter());
    world.policy.routing = Arc::new(Routing { teams: vec![night], ..Routing::default() });
    world
}

fn told_at_accept() -> World {
    let accept_text = Some("{agent} is with you now.".to_owned());
    let mut world = world(WaitingRoom { accept_text, ..WaitingRoom::default() });
    world.start();
    world
}

#[test]
fn who_came_by_a_route_is_told_what_the_route_says() {
    let own = OwnWaitingRoom {
        accept_text: Some(Some("{agent} of the route.".to_owned())),
        texts: Some(vec![WaitingText { after: Duration::ZERO, text: "By the route.".to_owned() }]),
        ..OwnWaitingRoom::default()
    };
    let mut world = World::new();
    let nobody = std::iter::empty();
    world.policy.waiting_rooms = WaitingRooms::new(WaitingRoom::default(), nobody).with_route("VIP", &own);
    world.policy.routing = Arc::new(Routing {
        routes: vec![Route {
            name: "VIP".to_owned(),
            conditions: Vec::new(),
            team: None,
            priority: Priority::Normal,
            platforms: None,
            limits: Limits::default(),
            waiting_room: own,
        }],
        ..Routing::default()
    });
    world.start();
    world.accept(ALEX, TakeOver::No).unwrap();
    assert_eq!(world.queue(), ["By the route.", "Alex of the route."]);
}

fn told_while_waiting() -> World {
    let text = |after, text: &str| WaitingText { after: Duration::from_mins(after), text: text.to_owned() };
    let texts = vec![text(0, "You wait."), text(5, "You still wait."), text(10, "Nearly there.")];
    world(WaitingRoom { texts, ..WaitingRoom::default() })
}

fn hands_over(world: &mut World, by: &str, to: Receiver) -> Handoff {
    let id = world.handoff().id.clone();
    world.decide(act::hand_over(id, by.to_owned(), to, None)).unwrap()
}

fn looks(world: &mut World) -> Option<Duration> {
    let id = world.handoff().id.clone();
    world.decide(waiting_text::due(id))
}

#[test]
fn whoever_accepts_is_announced_before_their_first_words() {
    let mut world = told_at_accept();
    world.writes(ALEX, "Hello").unwrap();
    assert_eq!(world.queue(), ["Alex is with you now.", "Hello"]);
    let text = world.row("Alex is with you now.");
    assert_eq!((text.author.role, text.source), (Role::HumanAgent, Source::Relay));
    assert_eq!(text.author.display_name.as_deref(), Some(ALEX));
    world.accept(ALEX, TakeOver::No).unwrap();
    assert_eq!(world.queue().len(), 2, "once");
}

#[test]
fn an_announcement_that_ada_refuses_can_be_sent_again_or_dropped() {
    let mut world = told_at_accept();
    world.accept(ALEX, TakeOver::No).unwrap();
    world.tries(Err(Failure::Refused("no".to_owned())));
    let row = world.row("Alex is with you now.").id.clone();
    world.retry(&row, ALEX).unwrap();
    assert_eq!(world.queue(), ["Alex is with you now."]);
    world.tries(Err(Failure::Refused("no".to_owned())));
    world.drop_row(&row, ALEX).unwrap();
    assert_eq!(world.sending("Alex is with you now."), Sending::Dropped);
}

#[test]
fn the_announcement_answers_nobody() {
    let mut world = told_at_accept();
    world.hears([customer("hello?", 0)]);
    world.accept(ALEX, TakeOver::No).unwrap();
    world.tries(Ok(Receipt::default()));
    assert_eq!(world.handoff().unanswered.map(|known| known.since), Some(at(0)));
}

#[test]
fn who_gets_a_handoff_in_another_way_is_not_announced() {
    let mut world = told_at_accept();
    world.accept(ALEX, TakeOver::No).unwrap();
    world.accept(SAM, TakeOver::Yes).unwrap();
    hands_over(&mut world, SAM, Receiver::Agent(ALEX.to_owned()));
    assert_eq!(world.queue(), ["Alex is with you now."]);

    let mut world = told_at_accept();
    hands_over(&mut world, SAM, Receiver::Agent(ALEX.to_owned()));
    assert!(world.queue().is_empty());
}

#[test]
fn after_a_release_only_another_agent_is_announced() {
    let mut world = told_at_accept();
    for (agent, told) in [(ALEX, 1), (ALEX, 1), (SAM, 2), (ALEX, 3)] {
        world.accept(agent, TakeOver::No).unwrap();
        assert_eq!(world.queue().len(), told, "{agent}");
        world.give_back(agent).unwrap();
    }
}

#[test]
fn a_team_says_what_its_customers_are_told() {
    let mut world = told_at_accept();
    hands_over(&mut world, ALEX, Receiver::Team(TeamName::from(NIGHT)));
    world.accept(ALEX, TakeOver::No).unwrap();
    assert!(world.queue().is_empty());
}

#[test]
fn who_waits_is_told_each_text_once() {
    let mut world = told_while_waiting();
    world.start();
    assert_eq!(world.queue(), ["You wait."]);
    assert_eq!(
        world.books.outbox.iter().filter(|queued| queued.due_at > at(0)).count(),
        1,
        "Ada begins first"
    );
    let text = world.row("You wait.");
    assert_eq!((text.author.display_name.as_deref(), text.source), (Some("Support"), Source::Relay));
    for (millis, told, up_to) in [
        (5 * MINUTE - 1, 1, 0),
        (5 * MINUTE, 2, 5),
        (5 * MINUTE + 1, 2, 5),
        (10 * MINUTE, 3, 10),
        (60 * MINUTE, 3, 10),
    ] {
        world.clock(millis);
        assert_eq!(looks(&mut world), Some(Duration::from_mins(up_to)), "{millis}");
        assert_eq!(world.queue().len(), told, "{millis}");
    }
    assert_eq!(world.queue()[1..], ["You still wait.", "Nearly there."]);
}

#[test]
fn of_what_came_due_while_nobody_looked_the_latest_is_told() {
    let mut world = told_while_waiting();
    world.start();
    world.clock(30 * MINUTE);
    looks(&mut world);
    assert_eq!(world.queue(), ["You wait.", "Nearly there."]);
}

#[test]
fn nobody_is_told_to_wait_who_has_an_agent_or_has_left() {
    let mut world = told_while_waiting();
    world.start();
    world.accept(ALEX, TakeOver::No).unwrap();
    world.clock(5 * MINUTE);
    looks(&mut world);
    assert_eq!(world.queue(), ["You wait."]);
    world.end(ALEX).unwrap();
    world.clock(10 * MINUTE);
    looks(&mut world);
    assert_eq!(world.queue(), ["You wait.", "(end)"]);
}

#[test]
fn who_waits_again_is_told_again() {
    let mut world = told_while_waiting();
    world.start();
    world.accept(ALEX, TakeOver::No).unwrap();
    world.clock(MINUTE).give_back(ALEX).unwrap();
    assert_eq!(world.queue(), ["You wait.", "You wait."]);
    world.clock(5 * MINUTE);
    looks(&mut world);
    assert_eq!(world.queue().len(), 2, "they wait for four minutes now");
    hands_over(&mut world, ALEX, Receiver::Team(TeamName::from(NIGHT)));
    world.clock(60 * MINUTE);
    assert_eq!(looks(&mut world), None);
    assert_eq!(world.queue().len(), 2, "another team has nothing to say");
}

#[test]
fn who_is_adopted_is_told_without_a_pause() {
    let mut world = told_while_waiting();
    world.hears([customer("hello?", 0)]);
    world.clock(31 * SECOND).release();
    assert_eq!(world.queue(), ["You wait."]);
    assert!(world.books.outbox.iter().all(|queued| queued.due_at <= world.now.at));
    let line = world.thread(0)[0];
    assert!(matches!(line.content, Content::Event { .. }) && line.at == at(0), "{line:?}");
}

#[test]
fn a_conversation_that_a_stranger_has_named_is_told_nothing_until_ada_knows_it() {
    let mut world = told_while_waiting();
    world.anyone_starts(json!({}), true);
    assert!(world.queue().is_empty());
    assert_eq!(looks(&mut world), None);
    world.lists(&[]);
    looks(&mut world);
    assert_eq!(world.queue(), ["You wait."]);
}

const AHEAD: Shown = Shown::Position { ahead: 2 };

fn shows(world: &mut World, shown: Shown) -> bool {
    let id = world.handoff().id.clone();
    world.decide(banner::begin(id, shown))
}

fn fails(world: &mut World, failure: Failure) {
    let id = world.handoff().id.clone();
    world.decide(banner::failed(id, AHEAD, failure));
}

#[test]
fn a_banner_changes_every_ten_seconds_at_most_and_only_if_it_shows_something_else() {
    let mut world = World::started();
    let ahead = |ahead| Shown::Position { ahead };
    for (millis, shown, is_due) in [
        (0, ahead(2), true),
        (0, ahead(2), false),
        (9_999, ahead(1), false),
        (10_000, ahead(1), true),
        (30_000, ahead(1), false),
        (30_000, Shown::Unknown, true),
    ] {
        assert_eq!(shows(world.clock(millis), shown), is_due, "{millis} {shown:?}");
    }
    assert_eq!(world.handoff().version, 1, "agents see nothing of it");
    world.restarts();
    assert!(!shows(world.clock(60_000), Shown::Unknown), "it still does");
}

#[test]
fn a_banner_goes_with_the_first_words_of_a_human() {
    let mut world = World::started();
    world.accept(ALEX, TakeOver::No).unwrap();
    assert!(!shows(&mut world, AHEAD), "an agent has it");
    world.give_back(ALEX).unwrap();
    world.notes(ALEX, "Who is it?", None).unwrap();
    assert!(shows(&mut world, AHEAD), "the customer has not noticed");
    world.accept(ALEX, TakeOver::No).unwrap();
    world.writes(ALEX, "Hello").unwrap();
    world.give_back(ALEX).unwrap();
    assert!(!shows(world.clock(MINUTE), Shown::Unknown));

    let mut world = World::started();
    world.receive(human("k", SECOND, "Kim here"));
    assert!(!shows(world.clock(MINUTE), AHEAD), "somebody elsewhere has written");
    let mut world = World::new();
    assert!(!world.decide(banner::begin("nobody".into(), AHEAD)));
}

#[test]
fn a_banner_is_for_the_chat() {
    let on = |modality: &str| Channel { modality: modality.to_owned(), markdown: false };
    for (channel, context, is_shown) in [
        (None, json!({}), true),
        (Some("messaging"), json!({}), true),
        (Some("email"), json!({}), false),
        (Some("hologram"), json!({}), false),
        (None, json!({ "channel": "Email" }), false),
        (None, json!({ "channel": { "modality": "sms" } }), false),
        (None, json!({ "channel": "{channel}" }), true),
        (Some("messaging"), json!({ "channel": "web" }), true),
    ] {
        let mut world = World::new();
        world.start_with(context.clone());
        world.books.handoffs[0].channel = channel.map(on);
        assert_eq!(shows(&mut world, AHEAD), is_shown, "{channel:?} {context}");
    }
}

#[test]
fn what_ada_refuses_is_not_shown_again() {
    let reason = || "no".to_owned();
    for (millis, failure, next) in [
        (9_999, Failure::NoHandoff(reason()), Some(10)),
        (9_999, Failure::UnknownConversation(reason()), Some(10)),
        (10_000, Failure::NoHandoff(reason()), None),
        (10_000, Failure::UnknownConversation(reason()), None),
        (0, Failure::Refused(reason()), None),
        (0, Failure::Denied(reason()), Some(60)),
        (0, Failure::Unreached(reason()), Some(60)),
        (0, Failure::Unclear(reason()), Some(60)),
        (0, Failure::Throttled { reason: reason(), retry_after: None }, Some(60)),
        (0, Failure::Throttled { reason: reason(), retry_after: Some(Duration::from_secs(90)) }, Some(90)),
    ] {
        let mut world = World::started();
        assert!(shows(world.clock(millis), AHEAD));
        fails(&mut world, failure.clone());
        assert!(!shows(world.clock(millis + 9_999), AHEAD), "{failure:?}");
        let next = next.map(|seconds: i64| millis + seconds * SECOND);
        if let Some(next) = next {
            assert!(!shows(world.clock(next - 1), AHEAD), "{failure:?}");
        }
        assert_eq!(shows(world.clock(next.unwrap_or(60 * MINUTE)), AHEAD), next.is_some(), "{failure:?}");
        assert!(world.handoff().is_open());
        assert_eq!(world.said(0).len(), 0, "no line says so");
    }
}

#[test]
fn a_failure_of_what_another_relay_has_replaced_is_no_matter() {
    let mut world = World::started();
    assert!(shows(&mut world, AHEAD) && shows(world.clock(10_000), Shown::Unknown));
    fails(&mut world, Failure::Refused("no".to_owned()));
    assert!(shows(world.clock(20_000), AHEAD));
}

/// A handoff that another version of the relay has stored has none of this.
#[test]
fn what_was_stored_before_can_be_read() {
    let blank = serde_json::to_value(Handoff::blank("h".into(), key())).unwrap();
    for field in ["last_agent", "texts_told", "banner", "human_spoke"] {
        assert_eq!(blank.get(field), None, "{field}");
    }
    let read: Handoff = serde_json::from_value(blank).unwrap();
    assert_eq!(read, Handoff::blank("h".into(), key()));
}
