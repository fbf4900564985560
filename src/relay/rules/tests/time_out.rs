//! No one waits for ever. Waiting times out after 15 minutes, idling after 10.

use super::{
    make::{at, customer, handoff_ended, human, message},
    world::{ALEX, SAM, World},
};
use crate::relay::{
    delivery::{Failure, Job, Receipt},
    handoff::{AdaEnd, EndedBy},
    rules::{act::TakeOver, arrive::Arrival},
    thread::{Content, EventName, Role, Sending, Source},
};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// What happened, as the thread tells it.
fn lines(world: &World) -> Vec<String> {
    let shown = world.thread(0).into_iter().map(|row| match &row.content {
        Content::Event { event, by: None, .. } => format!("{event:?}"),
        Content::Event { event, by: Some(by), .. } => format!("{event:?} {by}"),
        Content::Text { body } => {
            format!("{}: {body}", row.author.display_name.as_deref().unwrap_or("-"))
        }
        _ => String::new(),
    });
    shown.collect()
}

/// Looks at the clock just before and at this time: it times out at it and not before.
fn times_out_at(world: &mut World, millis: i64) {
    world.clock(millis - 1).ticks();
    assert!(world.handoff().is_open() && !world.handoff().idle.asks_ada, "too early");
    let before = world.books.outbox.len();
    world.clock(millis).ticks();
    if world.handoff().is_open() {
        assert!(world.handoff().idle.asks_ada, "not at {millis}");
        assert_eq!(world.books.outbox.len(), before + 1);
        read_the_list(world, &[]);
    }
    assert_eq!(world.ended_by(0), Some(EndedBy::System), "at {millis}");
}

/// Everything that waits to be read is.
fn read_the_list(world: &mut World, messages: &[crate::relay::event::Message]) {
    let reads = |world: &World| world.books.outbox.iter().any(|queued| matches!(queued.job, Job::Read(_)));
    while reads(world) {
        world.lists(messages);
    }
}

/// Accepted at 0, and all history read.
fn quiet() -> World {
    let mut world = World::started();
    world.accept(ALEX, TakeOver::No).unwrap();
    read_the_list(&mut world, &[]);
    world
}

#[test]
fn nobody_accepts() {
    let mut world = World::started();
    times_out_at(&mut world, 15 * MINUTE);
    assert_eq!(lines(&world), ["Started", "TimedOut", "Support: Nobody is free.", "Ended system"]);
    assert_eq!(world.queue(), ["Nobody is free.", "(end)"], "the text goes first");
    let text = world.row("Nobody is free.");
    assert_eq!((text.author.role, text.source), (Role::HumanAgent, Source::Relay));
    assert_eq!(text.sending, Some(Sending::Queued));
    assert!(world.handoff().end_is_unsettled());
    assert_eq!(world.handoff().agent(), None);
}

#[test]
fn the_customers_patience_and_impatience_change_nothing_while_nobody_accepts() {
    let mut world = World::started();
    world.clock(14 * MINUTE).hears([customer("hello?", 14 * MINUTE)]);
    world.receive(customer("anybody?", 14 * MINUTE + 58 * SECOND));
    times_out_at(&mut world, 15 * MINUTE);
}

#[test]
fn an_adopted_handoff_waits_since_it_was_noticed() {
    let mut world = World::new();
    world.clock(MINUTE).receive(customer("a", 30 * SECOND));
    world.clock(2 * MINUTE).release();
    times_out_at(&mut world, 17 * MINUTE);
}

#[test]
fn an_accept_ends_the_waiting_and_a_release_begins_it_anew() {
    let mut world = World::started();
    world.clock(14 * MINUTE).accept(ALEX, TakeOver::No).unwrap();
    world.clock(16 * MINUTE).ticks();
    assert!(world.handoff().is_open());
    world.give_back(ALEX).unwrap();
    times_out_at(&mut world, 31 * MINUTE);
    assert_eq!(
        lines(&world)[1..],
        ["Accepted Alex", "Released Alex", "TimedOut", "Support: Nobody is free.", "Ended system"]
    );
}

#[test]
fn nobody_writes_after_the_accept() {
    let mut world = quiet();
    times_out_at(&mut world, 10 * MINUTE);
    assert_eq!(
        lines(&world),
        ["Started", "Accepted Alex", "TimedOut", "Alex: It is quiet.", "Ended system"],
        "under the agent's name"
    );
    assert_eq!(world.queue(), ["It is quiet.", "(end)"]);
    assert_eq!(world.handoff().agent(), Some(ALEX));
}

#[test]
fn whoever_writes_begins_the_quiet_anew() {
    type Deed = fn(&mut World);
    let deeds: [(&str, Deed, i64); 6] = [
        ("a take-over", |world| drop(world.accept(SAM, TakeOver::Yes).unwrap()), 5 * MINUTE),
        ("the customer", |world| drop(world.hears([customer("c", 5 * MINUTE)])), 5 * MINUTE + 1_500),
        ("a late one", |world| drop(world.hears([customer("c", MINUTE)])), 5 * MINUTE + 1_500),
        (
            "another system",
            |world| assert_eq!(world.receive(human("k", 5 * MINUTE, "Kim here")), Arrival::Kept),
            5 * MINUTE,
        ),
        (
            "one missed",
            |world| world.recovers(None, &[message(Role::EndUser, "m", MINUTE, "m")], false),
            5 * MINUTE,
        ),
        (
            "one on its way",
            |world| world.recovers(None, &[message(Role::EndUser, "m", 5 * MINUTE - 1, "m")], false),
            5 * MINUTE,
        ),
    ];
    for (who, deed, since) in deeds {
        let mut world = quiet();
        deed(world.clock(5 * MINUTE));
        assert_eq!(world.handoff().idle.since, at(since), "{who}");
        times_out_at(&mut world, since + 10 * MINUTE);
    }
}

#[test]
fn what_was_there_before_and_what_others_do_is_no_writing() {
    let mut world = quiet();
    world.hears([customer("c", 0)]);
    let since = world.handoff().idle.since;
    world.clock(5 * MINUTE);
    let again = super::make::again(&customer("c", 0), "svix-again");
    world.hears([again, super::make::says(Role::AiAgent, "ai", 5 * MINUTE, "Hi")]);
    world.recovers(None, &[message(Role::EndUser, "c", 0, "c")], false);
    world.read(9).unwrap();
    world.accept(ALEX, TakeOver::Yes).unwrap();
    assert_eq!(world.handoff().idle.since, since);
}

#[test]
fn an_agents_message_counts_once_more_when_the_customer_can_read_it() {
    let mut world = quiet();
    world.clock(MINUTE).writes(ALEX, "hello").unwrap();
    assert_eq!(world.handoff().idle.since, at(MINUTE));
    world.clock(8 * MINUTE).tries(Ok(Receipt::default()));
    times_out_at(&mut world, 18 * MINUTE);
}

#[test]
fn what_waits_in_the_outbox_is_never_cut_off() {
    let mut world = quiet();
    world.writes(ALEX, "hello").unwrap();
    for minutes in [10, 14] {
        world.clock(minutes * MINUTE).ticks();
        assert!(world.handoff().is_open() && !world.handoff().idle.asks_ada);
        assert_eq!(world.queue(), ["hello"]);
    }
    world.clock(15 * MINUTE).ages();
    assert!(matches!(world.sending("hello"), Sending::Failed { .. }), "too old");
    times_out_at(&mut world, 25 * MINUTE);
}

#[test]
fn what_waits_in_the_inbox_counts_as_writing() {
    let mut world = quiet();
    world.clock(10 * MINUTE - 1).receive(customer("wait!", 10 * MINUTE - 1));
    world.clock(10 * MINUTE).ticks();
    assert!(world.handoff().is_open() && !world.handoff().idle.asks_ada);
    world.clock(10 * MINUTE + 1_499).release();
    assert_eq!(world.said(0), ["wait!"]);
    times_out_at(&mut world, 20 * MINUTE + 1_499);
}

#[test]
fn an_end_that_waits_in_the_inbox_is_the_end() {
    let mut world = quiet();
    world.clock(10 * MINUTE - 1).receive(handoff_ended(10 * MINUTE - 1));
    world.clock(10 * MINUTE).ticks();
    world.clock(10 * MINUTE + 1_499).release();
    assert_eq!(world.ended_by(0), Some(EndedBy::Ada));
    assert_eq!(world.queue(), Vec::<&str>::new());
}

#[test]
fn ada_is_asked_before_a_quiet_handoff_ends() {
    let missed = message(Role::EndUser, "m", MINUTE, "Are you there?");
    let asked = || {
        let mut world = quiet();
        world.clock(10 * MINUTE).ticks();
        assert!(world.handoff().idle.asks_ada);
        assert_eq!(world.handoff().idle_since(), None, "nothing to look at meanwhile");
        let version = world.handoff().version;
        world.ticks();
        assert_eq!(world.books.outbox.len(), 1, "asked once");
        assert_eq!(world.handoff().version, version, "agents see nothing of it");
        world
    };

    let mut written = asked();
    read_the_list(&mut written, std::slice::from_ref(&missed));
    assert!(written.handoff().is_open());
    assert_eq!((written.row("Are you there?").source, written.handoff().unread), (Source::Recovered, 1));
    times_out_at(&mut written, 20 * MINUTE);

    let mut meanwhile = asked();
    meanwhile.clock(11 * MINUTE).writes(ALEX, "hello").unwrap();
    read_the_list(&mut meanwhile, &[]);
    assert!(meanwhile.handoff().is_open(), "an agent writes while Ada is asked");
    meanwhile.tries(Ok(Receipt::default()));
    times_out_at(&mut meanwhile, 21 * MINUTE);

    let mut on_its_way = asked();
    on_its_way.clock(11 * MINUTE).receive(customer("c", 11 * MINUTE));
    read_the_list(&mut on_its_way, &[]);
    assert!(on_its_way.handoff().is_open(), "the customer writes while Ada is asked");

    let mut released = asked();
    released.clock(11 * MINUTE).give_back(ALEX).unwrap();
    read_the_list(&mut released, &[]);
    assert_eq!(released.handoff().idle_since(), Some(at(11 * MINUTE)));

    let mut over = asked();
    over.recovers(None, &[], true);
    assert_eq!(over.ended_by(0), Some(EndedBy::Ada));
    assert_eq!(over.queue(), Vec::<&str>::new());

    let mut unreadable = asked();
    unreadable.clock(11 * MINUTE).cannot_list(&Failure::Unclear("503".to_owned()));
    assert!(unreadable.handoff().is_open(), "read again");
    unreadable.cannot_list(&Failure::Refused("400".to_owned()));
    assert_eq!(unreadable.ended_by(0), Some(EndedBy::System));

    let mut switched_off = asked();
    switched_off.policy.idle_timeout = None;
    read_the_list(&mut switched_off, &[]);
    assert_eq!(switched_off.handoff().idle_since(), Some(at(0)));
}

#[test]
fn a_timeout_that_is_off_never_comes() {
    let mut world = World::started();
    world.policy.waiting_timeout = None;
    world.clock(10_000 * MINUTE).ticks();
    assert!(world.handoff().is_open());
    world.accept(ALEX, TakeOver::No).unwrap();
    world.policy.idle_timeout = None;
    world.clock(20_000 * MINUTE).ticks();
    assert!(world.handoff().is_open() && !world.handoff().idle.asks_ada);
}

#[test]
fn without_a_text_it_just_ends() {
    let mut world = World::started();
    world.policy.waiting_timeout.as_mut().unwrap().text = None;
    times_out_at(&mut world, 15 * MINUTE);
    assert_eq!(lines(&world), ["Started", "TimedOut", "Ended system"]);
    assert_eq!(world.queue(), ["(end)"]);
}

#[test]
fn a_second_look_and_one_after_any_end_change_nothing() {
    let mut timed_out = World::started();
    timed_out.clock(15 * MINUTE).ticks();
    let mut ended = quiet();
    ended.clock(MINUTE).end(ALEX).unwrap();
    for mut world in [timed_out, ended] {
        assert!(world.handoff().end_is_unsettled());
        let books = |world: &World| {
            (world.books.handoffs.clone(), world.books.rows.clone(), world.books.outbox.clone())
        };
        let before = books(&world);
        world.clock(60 * MINUTE).ticks();
        assert_eq!(books(&world), before);
    }
    World::new().ticks();
}

#[test]
fn the_end_waits_for_the_text_and_does_not_fail_with_it() {
    for failure in [Failure::Refused("400".to_owned()), Failure::Unreached("no road".to_owned())] {
        let mut world = World::started();
        world.clock(15 * MINUTE).ticks();
        world.tries(Err(failure));
        world.clock(30 * MINUTE).ages();
        assert!(matches!(world.sending("Nobody is free."), Sending::Failed { .. }));
        assert_eq!(world.queue(), ["(end)"]);
        world.tries(Ok(Receipt::default()));
        assert!(matches!(world.handoff().end().unwrap().ada, AdaEnd::Dated { .. }));
        assert_eq!(world.ended_by(0), Some(EndedBy::System));
    }
}

#[test]
fn the_text_comes_back_as_ours() {
    let mut world = World::started();
    world.clock(15 * MINUTE).ticks();
    world.tries(Ok(Receipt { message_id: None, created_at: Some(at(15 * MINUTE)) }));
    world.receive(human("w", 15 * MINUTE, "Nobody is free."));
    assert_eq!(world.sending("Nobody is free."), Sending::Confirmed);
    assert_eq!(world.row("Nobody is free.").source, Source::Relay);
    assert_eq!(world.said(0), ["Nobody is free."], "once");
    let ledger = world.handoff().ledger;
    assert_eq!((ledger.sent, ledger.confirmed, ledger.received), (1, 1, 0));

    let mut listed = World::started();
    listed.clock(15 * MINUTE).ticks();
    listed.tries(Err(Failure::Unclear("500".to_owned())));
    listed.looks(Ok(&[message(Role::HumanAgent, "w", 15 * MINUTE, "Nobody is free.")]));
    assert_eq!(listed.sending("Nobody is free."), Sending::Sent);
    assert_eq!((listed.said(0), listed.queue()), (vec!["Nobody is free."], vec!["(end)"]));
}

#[test]
fn a_new_start_call_takes_back_what_was_to_be_said() {
    let mut world = World::started();
    world.clock(15 * MINUTE).ticks();
    world.clock(16 * MINUTE).start();
    assert!(matches!(world.sending("Nobody is free."), Sending::Failed { .. }));
    assert_eq!(world.queue(), Vec::<&str>::new());
    let lines = world
        .thread(0)
        .iter()
        .any(|row| matches!(row.content, Content::Event { event: EventName::TimedOut, .. }));
    assert!(lines);
}
