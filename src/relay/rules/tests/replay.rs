//! Dead letters that people try again.

use super::{
    make::{again, customer, handoff_ended, human},
    world::World,
};
use crate::relay::rules::{arrive::Arrival, replay::ReplayRefusal};

const DAY: i64 = 24 * 3_600_000;

fn stays(reason: &str) -> Result<Arrival, ReplayRefusal> {
    Err(ReplayRefusal::Unusable(reason.to_owned()))
}

#[test]
fn what_was_too_old_is_taken_if_a_handoff_covers_it() {
    let mut world = World::started();
    for event in [customer("old", -15 * DAY), handoff_ended(-15 * DAY)] {
        assert_eq!(world.receive(event), Arrival::DeadLetter);
    }
    assert_eq!(
        world.replays(),
        stays("older than 14 days, the time for which webhook ids are kept"),
        "an end of nothing"
    );
    world.books.dead_letters.pop();
    assert_eq!(world.replays(), Ok(Arrival::Kept));
    assert_eq!(world.books.dead_letters, []);
    world.clock(5_000).release();
    assert_eq!(world.said(0), ["old"]);
}

#[test]
fn what_no_handoff_covers_stays_and_says_why() {
    let mut world = World::new();
    world.receive(customer("old", -15 * DAY));
    let reason = "older than 48 hours, and its handoff is unknown";
    assert_eq!(world.replays(), stays(reason));
    assert_eq!(world.books.dead_letters[0].reason, reason);
    assert_eq!((world.books.inbox.len(), world.books.buffer), (0, None));

    world.start();
    assert_eq!(world.replays(), Ok(Arrival::Kept));
    world.clock(5_000).release();
    assert_eq!(world.said(0), ["old"]);
}

#[test]
fn what_was_set_aside_on_its_way_out_of_the_inbox_goes_in_again() {
    let mut world = World::new();
    world.hears([customer("old", -3 * DAY)]);
    world.clock(31_000).release();
    assert_eq!(world.books.dead_letters.len(), 1);
    world.start();
    assert_eq!(world.replays(), Ok(Arrival::Kept), "though its id is remembered");
    world.clock(40_000).release();
    assert_eq!(world.said(0), ["old"]);
    assert_eq!(world.books.dead_letters, []);
}

#[test]
fn a_replay_begins_the_quiet_period_anew_and_cuts_it_short_for_nobody() {
    let mut world = World::started();
    world.receive(customer("old", -15 * DAY));
    world.clock(2_000).receive(customer("new", 2_000));
    world.clock(3_000);
    world.replays().unwrap();
    assert_eq!(world.release().left, 0);
    world.clock(4_500);
    assert_eq!(world.release().left, 2);
    assert_eq!(world.said(0), ["old", "new"]);
}

#[test]
fn what_is_here_already_is_a_duplicate() {
    let mut world = World::started();
    let old = customer("old", -15 * DAY);
    world.receive(old.clone());
    let letter = world.books.dead_letters.clone();
    world.replays().unwrap();
    world.books.dead_letters = letter.clone();
    assert_eq!(world.replays(), Ok(Arrival::Duplicate), "it waits in the inbox");
    world.clock(5_000).release();
    world.books.dead_letters = letter;
    assert_eq!(world.replays(), Ok(Arrival::Duplicate), "it is in the thread");
    world.receive(again(&old, "another"));
    assert_eq!(world.replays(), Ok(Arrival::Duplicate), "under whatever id");
    assert_eq!(world.said(0), ["old"]);
    assert_eq!(world.books.dead_letters, []);
}

#[test]
fn what_an_agent_wrote_is_settled_at_once() {
    let mut world = World::started();
    world.receive(human("a1", -15 * DAY, "hello"));
    assert_eq!(world.replays(), Ok(Arrival::Kept));
    assert_eq!(world.said(0), ["hello"]);
    assert_eq!(world.books.inbox, []);
}

#[test]
fn a_full_inbox_leaves_the_letter_where_it_is() {
    let mut world = World::started();
    world.receive(customer("old", -15 * DAY));
    world.policy.inbox_limit = 0;
    assert_eq!(world.replays(), Err(ReplayRefusal::InboxFull));
    assert_eq!(world.books.dead_letters.len(), 1);
}
