//! What platforms are told, and what comes of it.

use std::{sync::Arc, time::Duration};

use super::{
    make::{at, customer, handoff_ended, human},
    world::{ALEX, SAM, World},
};
use crate::relay::{
    delivery::{Delivery, Receipt},
    platform::{Notice, PlatformEvent, PlatformPolicy},
    rules::{
        act::TakeOver,
        attempt::Turn,
        notify::{self, NoticeAttempt, NoticeOutcome},
        replay::ReplayRefusal,
    },
    thread::{Content, Sending},
};

const MAX_AGE: Duration = Duration::from_mins(15);

fn world() -> World {
    let mut world = World::new();
    let ids = vec!["webhook".into(), "webhook-2".into()];
    world.policy.platforms = PlatformPolicy { ids, max_age: MAX_AGE, contacts: None };
    world.start();
    world
}

/// What waits for a platform, in its order.
fn queue<'w>(world: &'w World, platform: &str) -> Vec<&'w Delivery> {
    let is_its = |delivery: &&Delivery| {
        delivery.job.notice().is_some_and(|notice| notice.platform.as_str() == platform)
    };
    world.books.outbox.iter().filter(is_its).collect()
}

fn told<'w>(world: &'w World, platform: &str) -> Vec<&'w Notice> {
    queue(world, platform).into_iter().map(|delivery| delivery.job.notice().unwrap()).collect()
}

/// Types and words of what has been queued so far.
fn words(world: &World, platform: &str) -> Vec<String> {
    let words = |notice: &&Notice| {
        let name = notice.event.name().trim_start_matches("handoff.");
        match &notice.event {
            PlatformEvent::Message { row } | PlatformEvent::MessageUpdated { row } => {
                let text = if let Content::Text { body } = &row.content { body } else { "-" };
                let sending = row.sending.as_ref().map_or(String::new(), |sending| format!(" {sending:?}"));
                format!("{name} {text}{sending}")
            }
            _ => name.to_owned(),
        }
    };
    told(world, platform).iter().map(words).collect()
}

/// The next event of the newest handoff's lane, claimed.
fn begin(world: &mut World, platform: &str) -> Option<Delivery> {
    let next = queue(world, platform).first().copied()?.clone();
    let turn = Turn { lane: next.lane(), queue: next.queue(), holder: "this process".into() };
    world.decide(notify::begin(turn))
}

fn settle(world: &mut World, delivery: Delivery, outcome: NoticeOutcome) {
    world.decide(notify::settle(Arc::new(NoticeAttempt { delivery, outcome, jitter: 0.0 })));
}

fn later() -> NoticeOutcome {
    NoticeOutcome::Later { reason: "busy".to_owned(), retry_after: None }
}

#[test]
fn each_platform_is_told_all_that_agents_see() {
    let mut world = world();
    world.clock(10_000).hears([customer("hello", 9_000)]);
    world.clock(20_000).accept(ALEX, TakeOver::No).unwrap();
    world.clock(21_000).writes(ALEX, "hi").unwrap();
    let message = world.claim().unwrap();
    world.settle(message, Ok(Receipt { message_id: Some("m".into()), created_at: Some(at(22_000)) }));
    world.clock(23_000).receive(human("m", 22_000, "hi"));
    world.accept(SAM, TakeOver::Yes).unwrap();
    world.give_back(SAM).unwrap();
    world.clock(60_000).hears([handoff_ended(59_000)]);
    let all = [
        "started",
        "message hello",
        "accepted",
        "message hi Queued",
        "message_updated hi Sent",
        "message_updated hi Confirmed",
        "accepted",
        "released",
        "ended",
    ];
    for platform in ["webhook", "webhook-2"] {
        assert_eq!(words(&world, platform), all, "{platform}");
        let numbers: Vec<u64> = told(&world, platform).iter().map(|notice| notice.sequence).collect();
        assert_eq!(numbers, (1..=all.len() as u64).collect::<Vec<u64>>());
        assert_eq!(world.handoff().platforms[&platform.into()], all.len() as u64);
    }
    let ids: std::collections::BTreeSet<&str> =
        ["webhook", "webhook-2"].iter().flat_map(|one| told(&world, one)).map(|notice| &*notice.id).collect();
    assert_eq!(ids.len(), 2 * all.len(), "each event has an id of its own");
}

#[test]
fn only_the_start_has_the_context() {
    let mut world = World::new();
    world.policy.platforms = PlatformPolicy { ids: vec!["webhook".into()], max_age: MAX_AGE, contacts: None };
    world.start_with(serde_json::json!({ "plan": "gold" }));
    world.accept(ALEX, TakeOver::No).unwrap();
    let told = told(&world, "webhook");
    let (PlatformEvent::Started { handoff: first }, PlatformEvent::Accepted { handoff: second }) =
        (&told[0].event, &told[1].event)
    else {
        panic!("{told:?}")
    };
    assert_eq!((first.context.len(), second.context.len()), (1, 0));
    assert_eq!((first.version, second.version), (1, 2), "as agents see it");
}

#[test]
fn a_handoff_from_before_a_platform_stays_the_consoles() {
    let mut world = World::started();
    world.policy.platforms = PlatformPolicy { ids: vec!["webhook".into()], max_age: MAX_AGE, contacts: None };
    world.accept(ALEX, TakeOver::No).unwrap();
    assert!(told(&world, "webhook").is_empty());
}

#[test]
fn one_that_has_left_the_settings_is_told_nothing_and_misses_no_number() {
    let mut world = world();
    let ids = std::mem::take(&mut world.policy.platforms.ids);
    world.accept(ALEX, TakeOver::No).unwrap();
    assert_eq!(words(&world, "webhook"), ["started"]);
    world.policy.platforms.ids = ids;
    world.give_back(ALEX).unwrap();
    assert_eq!(words(&world, "webhook"), ["started", "released"]);
    assert_eq!(told(&world, "webhook")[1].sequence, 2);
}

#[test]
fn what_finds_no_room_is_a_dead_letter_and_takes_its_number() {
    let mut world = world();
    world.policy.outbox_limit = 2;
    world.clock(10_000).hears([customer("hello", 9_000)]);
    world.clock(20_000).hears([customer("there", 19_000)]);
    assert_eq!(words(&world, "webhook"), ["started", "message hello"]);
    let letters: Vec<_> = world.books.dead_letters.iter().map(|letter| &*letter.reason).collect();
    assert_eq!(letters, ["the platform's queue is full"; 2]);
    assert_eq!(world.handoff().platforms[&"webhook".into()], 3);
    let letter = world.books.dead_letters[0].id.clone();
    assert_eq!(world.decide(notify::replay(letter.clone())), Err(ReplayRefusal::PlatformFull));
    world.policy.outbox_limit = 9;
    assert_eq!(world.decide(notify::replay(letter)), Ok(()));
    assert_eq!(words(&world, "webhook"), ["started", "message hello", "message there"]);
    assert_eq!(world.decide(notify::replay("other".to_owned())), Err(ReplayRefusal::Unknown));
}

#[test]
fn an_attempt_ends_in_one_of_three_ways() {
    let mut world = world();
    world.accept(ALEX, TakeOver::No).unwrap();
    let first = begin(&mut world, "webhook").unwrap();
    assert_eq!(begin(&mut world, "webhook"), None, "one at a time");
    settle(&mut world, first, later());
    let waits = queue(&world, "webhook")[0].clone();
    assert_eq!((waits.due_at, waits.trouble.as_deref(), waits.attempts), (at(0), Some("busy"), 1));
    let second = begin(&mut world, "webhook").expect("again at once");
    settle(&mut world, second, later());
    assert_eq!(begin(&mut world, "webhook"), None, "not before it is due, and nothing overtakes it");
    world.clock(2_000);
    let again = begin(&mut world, "webhook").unwrap();
    assert_eq!(again.job, waits.job, "the same event");
    let asked =
        NoticeOutcome::Later { reason: "slow down".to_owned(), retry_after: Some(Duration::from_mins(2)) };
    settle(&mut world, again, asked);
    assert_eq!(queue(&world, "webhook")[0].due_at, at(122_000));
    world.clock(122_000);
    let third = begin(&mut world, "webhook").unwrap();
    settle(&mut world, third, NoticeOutcome::Refused("no".to_owned()));
    assert_eq!(world.books.dead_letters[0].reason, "no");
    let next = begin(&mut world, "webhook").unwrap();
    settle(&mut world, next, NoticeOutcome::Taken);
    assert!(queue(&world, "webhook").is_empty());
    assert_eq!(queue(&world, "webhook-2").len(), 2, "another platform is none of its business");
}

#[test]
fn of_an_overtaken_attempt_only_a_success_counts() {
    let mut world = world();
    let first = begin(&mut world, "webhook").unwrap();
    world.clock(11_000);
    // Its claim has run out.
    let second = begin(&mut world, "webhook").unwrap();
    settle(&mut world, first.clone(), later());
    assert_eq!(queue(&world, "webhook")[0].fence, second.fence);
    settle(&mut world, first, NoticeOutcome::Taken);
    assert!(queue(&world, "webhook").is_empty());
}

#[test]
fn what_waits_too_long_is_a_dead_letter_but_for_the_end() {
    let mut world = world();
    world.accept(ALEX, TakeOver::No).unwrap();
    world.clock(1_000).end(ALEX).unwrap();
    let id = world.handoff().id.clone();
    let claimed = begin(&mut world, "webhook").unwrap();
    let late = at(1_000) + MAX_AGE;
    world.now.at = late;
    let held = Delivery {
        claim: claimed.claim.map(|claim| crate::relay::delivery::Claim { until: late + MAX_AGE, ..claim }),
        ..claimed
    };
    world.books.outbox.retain(|delivery| delivery.id != held.id);
    world.books.outbox.push(held);
    world.decide(notify::expire(id.clone(), late));
    assert_eq!(words(&world, "webhook"), ["ended", "started"], "what is under way may finish");
    assert_eq!(words(&world, "webhook-2"), ["ended"]);
    let reasons: Vec<_> = world.books.dead_letters.iter().map(|letter| &*letter.reason).collect();
    assert_eq!(reasons, ["it could not be delivered in time: its turn never came"; 3]);
    world.now.at = at(1_000) + Duration::from_hours(24);
    world.decide(notify::expire(id, world.now.at));
    assert_eq!(words(&world, "webhook-2"), [""; 0]);
}

#[test]
fn what_a_platform_knows_already_is_passed_over_up_to_what_it_does_not() {
    let mut world = world();
    world.hears([customer("a", 1_000), customer("b", 2_000), customer("c", 3_000)]);
    let (lane, id) = (queue(&world, "webhook")[0].lane(), world.handoff().id.clone());
    let known = world.row("b").seq;
    let pass_over = |world: &mut World| world.decide(notify::pass_over(lane.clone(), id.clone(), known));
    // The event in front of them is no message.
    assert_eq!((pass_over(&mut world), words(&world, "webhook").len()), (0, 4));
    let started = begin(&mut world, "webhook").unwrap();
    settle(&mut world, started, NoticeOutcome::Taken);
    let first = begin(&mut world, "webhook").unwrap();
    assert_eq!(pass_over(&mut world), 0, "somebody is at it");
    settle(&mut world, first, later());
    assert_eq!(pass_over(&mut world), 2);
    assert_eq!(words(&world, "webhook"), ["message c"]);
    assert_eq!(words(&world, "webhook-2").len(), 4, "it is another's lane");
    let other = notify::pass_over(lane.clone(), "another".into(), 99);
    assert_eq!(world.decide(other), 0);
}

#[test]
fn a_message_that_fails_is_told_too() {
    let mut world = world();
    world.writes(ALEX, "hi").unwrap();
    world.clock(10_000).hears([handoff_ended(9_000)]);
    let told = words(&world, "webhook");
    assert!(matches!(world.sending("hi"), Sending::Failed { .. }));
    assert!(told.iter().any(|event| event.starts_with("message_updated hi Failed")), "{told:?}");
    assert_eq!(told.last().unwrap(), "ended");
}
