//! Echoes: what a human agent wrote comes back by webhook.

use super::{
    make::{again, at, called, customer, handoff_ended, human, message},
    world::{ALEX, World},
};
use crate::relay::{
    delivery::{Failure, Receipt},
    rules::arrive::Arrival,
    thread::{Role, Sending, Source},
};

fn unclear() -> Result<Receipt, Failure> {
    Err(Failure::Unclear("timed out".to_owned()))
}

fn sent(id: &str, millis: i64) -> Result<Receipt, Failure> {
    Ok(Receipt { message_id: Some(id.into()), created_at: Some(at(millis)) })
}

fn wrote(outcomes: impl IntoIterator<Item = Result<Receipt, Failure>>) -> World {
    let mut world = World::accepted();
    world.writes(ALEX, "hello").unwrap();
    for outcome in outcomes {
        world.tries(outcome);
    }
    world
}

#[test]
fn an_echo_confirms_what_was_tried_however_it_stands() {
    for (state, outcomes) in [
        ("in doubt", vec![unclear()]),
        ("sent", vec![sent("other", 20_100)]),
        ("sent, same id", vec![sent("echo", 20_100)]),
        ("sent, nothing known", vec![Ok(Receipt::default())]),
    ] {
        let mut world = wrote(outcomes);
        assert_eq!(world.receive(human("echo", 20_100, "hello")), Arrival::Kept);
        assert_eq!(world.sending("hello"), Sending::Confirmed, "{state}");
        assert_eq!(world.queue(), Vec::<&str>::new(), "never again");
        assert_eq!(world.row("hello").ids.shown(), Some(&"echo".into()));
        assert_eq!(world.row("hello").at, at(20_100));
        assert_eq!(world.said(0), ["hello"], "once");
    }
}

#[test]
fn an_echo_confirms_what_was_given_up_in_doubt() {
    let mut world = wrote([unclear()]);
    world.clock(20_000 + 15 * 60_000).looks(Err(Failure::Denied("403".to_owned())));
    assert!(matches!(world.sending("hello"), Sending::Failed { .. }));
    world.receive(human("echo", 20_100, "hello"));
    assert_eq!(world.sending("hello"), Sending::Confirmed);
}

/// The next handoff has read it as history, and is the one that its time names.
#[test]
fn an_echo_confirms_the_row_that_was_written_and_not_the_history_of_the_next_handoff() {
    let said = 119_000;
    let mut world = World::accepted();
    world.clock(said).writes(ALEX, "hello").unwrap();
    world.tries(sent("answer", said));
    world.lists(&[]);
    world.lists(&[]);
    world.clock(120_000).start();
    world.lists(&[message(Role::HumanAgent, "listed", said, "hello")]);
    assert_eq!(world.said(1), ["hello"]);
    world.receive(human("echo", said, "hello"));
    assert_eq!(world.sending("hello"), Sending::Confirmed);
    let history = world.thread(1).into_iter().find(|row| row.author.role == Role::HumanAgent);
    assert_eq!(history.unwrap().source, Source::Transcript);
}

/// Ada handed over again within the minute in which a start call is the same one; then the first end came.
#[test]
fn an_echo_confirms_what_was_stored_after_the_end_that_we_know_of() {
    let mut world = World::accepted();
    world.clock(30_000).start();
    world.clock(40_000).writes(ALEX, "hello").unwrap();
    world.tries(unclear());
    world.hears([handoff_ended(39_000)]);
    assert!(matches!(world.sending("hello"), Sending::Failed { .. }));
    assert_eq!(world.receive(human("echo", 40_100, "hello")), Arrival::Kept);
    assert_eq!(world.sending("hello"), Sending::Confirmed);
    assert_eq!(world.receive(human("theirs", 50_000, "bye")), Arrival::Ignored, "nobody's of ours");
}

#[test]
fn an_echo_never_confirms_what_ada_surely_refused() {
    let throttled = Failure::Throttled { reason: "429".to_owned(), retry_after: None };
    for failure in [
        Failure::Refused("400".to_owned()),
        throttled,
        Failure::Denied("401".to_owned()),
        Failure::Unreached("no route".to_owned()),
    ] {
        let mut world = wrote([Err(failure.clone())]);
        let before = world.sending("hello");
        world.receive(human("another's", 20_100, "hello"));
        assert_eq!(world.sending("hello"), before, "{failure:?}");
        assert_eq!(world.said(0), ["hello", "hello"], "another system said the same");
    }
}

#[test]
fn an_echo_that_overtakes_the_answer_confirms_and_stays_confirmed() {
    for outcome in [sent("hello-id", 20_100), unclear()] {
        let mut world = wrote([]);
        let delivery = world.claim().unwrap();
        world.receive(human("echo", 20_100, "hello"));
        assert_eq!(world.sending("hello"), Sending::Confirmed);
        world.settle(delivery, outcome);
        assert_eq!(world.sending("hello"), Sending::Confirmed);
        assert_eq!(world.queue(), Vec::<&str>::new());
    }
}

#[test]
fn an_echo_confirms_what_failed_with_the_handoff() {
    let mut world = wrote([]);
    world.claim().unwrap();
    world.clock(30_000).hears([handoff_ended(29_000)]);
    assert!(matches!(world.sending("hello"), Sending::Failed { .. }));
    world.receive(human("echo", 28_000, "hello"));
    assert_eq!(world.sending("hello"), Sending::Confirmed);
}

#[test]
fn an_echo_never_confirms_what_was_not_tried() {
    let mut world = wrote([]);
    world.receive(human("another's", 20_100, "hello"));
    assert_eq!(world.sending("hello"), Sending::Queued);
    assert_eq!(world.queue(), ["hello"]);
    assert_eq!(world.said(0), ["hello", "hello"], "another system said the same");
}

#[test]
fn an_echo_confirms_one_row_and_the_older_first() {
    let mut world = wrote([unclear()]);
    world.writes(ALEX, "hello").unwrap();
    world.receive(human("echo-1", 20_100, "hello"));
    assert_eq!(world.queue(), ["hello"], "the second is still to be sent");
    world.tries(sent("x", 20_200));
    world.receive(human("echo-2", 20_200, "hello"));
    let states: Vec<_> = world.thread(0).iter().filter_map(|row| row.sending.clone()).collect();
    assert_eq!(states, [Sending::Confirmed, Sending::Confirmed]);
    assert_eq!(world.said(0), ["hello", "hello"]);
}

#[test]
fn an_echo_older_than_our_message_is_not_ours() {
    let mut world = wrote([unclear()]);
    world.receive(human("another's", 5_000, "hello"));
    assert_eq!(world.queue(), ["hello"], "ours has not been seen at Ada");
    assert_eq!(world.said(0), ["hello", "hello"]);
}

#[test]
fn an_echo_of_nobody_of_ours_joins_and_makes_nothing_late() {
    let mut world = World::started();
    world.clock(10_000).receive(human("theirs", 10_000, "from elsewhere"));
    assert_eq!(world.books.buffer, None, "it neither waits for nor prolongs the quiet period");
    let row = world.row("from elsewhere");
    assert_eq!((row.author.role, row.source), (Role::HumanAgent, Source::Webhook));
    assert_eq!(row.sending, None);
    world.hears([customer("older", 9_000)]);
    assert_eq!(world.said(0), ["older", "from elsewhere"]);
    assert!(!world.row("older").late);
    assert_eq!(world.handoff().unread, 1, "a human agent's words are nobody's to read");
}

#[test]
fn an_echo_leaves_the_quiet_period_alone() {
    let mut world = World::started();
    world.clock(10_000).receive(customer("hi", 10_000));
    let before = world.books.buffer;
    world.clock(11_000).receive(human("theirs", 11_000, "hm"));
    assert_eq!(world.books.buffer, before);
}

#[test]
fn an_echo_told_again_changes_nothing() {
    let mut world = wrote([sent("x", 20_100)]);
    let echo = human("echo", 20_100, "hello");
    world.receive(echo.clone());
    let before = world.books.rows.clone();
    assert_eq!(world.receive(echo.clone()), Arrival::Duplicate);
    world.receive(again(&echo, "another id"));
    assert_eq!(world.books.rows, before);
}

#[test]
fn an_echo_of_an_old_handoffs_message_finds_it_there() {
    let mut world = wrote([sent("x", 20_100)]);
    world.clock(100_000).start();
    world.receive(called(human("m", 20_100, "hello"), "echo"));
    assert_eq!(world.sending("hello"), Sending::Confirmed);
    assert_eq!(world.said(1), Vec::<&str>::new());
}
