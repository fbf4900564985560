//! A message whose outcome is unknown is looked for before it is sent again.

use super::{
    make::{at, handoff_ended, human, message},
    world::{ALEX, World, whole},
};
use crate::relay::{
    delivery::{Delivery, Failure, MessagePage, Receipt},
    event::Message,
    handoff::EndedBy,
    thread::{Content, Role, Sending},
};

fn unclear() -> Result<Receipt, Failure> {
    Err(Failure::Unclear("timed out".to_owned()))
}

/// Alex's message left at 20 s, and nobody knows whether it arrived.
fn in_doubt(said: &str) -> World {
    let mut world = World::accepted();
    world.writes(ALEX, said).unwrap();
    world.tries(unclear());
    world
}

/// The delivery of the message in doubt.
fn of_which_it_is_unclear(world: &World) -> Delivery {
    let mut outbox = world.books.outbox.iter();
    outbox.find(|delivery| delivery.outcome_unknown_since.is_some()).unwrap().clone()
}

fn first_part_with_something_unreadable() -> MessagePage {
    let unreadable = Content::Unreadable { reason: "odd".to_owned() };
    let odd = Message { content: unreadable, ..stored("m", 20_300, "") };
    MessagePage { messages: vec![odd], page: Some("next".to_owned()), more: true }
}

fn stored(id: &str, millis: i64, said: &str) -> Message {
    message(Role::HumanAgent, id, millis, said)
}

#[test]
fn what_adas_list_has_is_sent_and_what_it_lacks_is_sent_again() {
    let mut found = in_doubt("hello");
    found.looks(Ok(&[stored("m", 20_300, "hello")]));
    assert_eq!(found.sending("hello"), Sending::Sent);
    assert_eq!((found.queue(), found.said(0)), (vec![], vec!["hello"]));
    assert_eq!(found.row("hello").at, at(20_300));

    let mut absent = in_doubt("hello");
    absent.looks(Ok(&[]));
    assert_eq!(absent.sending("hello"), Sending::Queued);
    absent.tries(Ok(Receipt::default()));
    assert_eq!((absent.sending("hello"), absent.queue()), (Sending::Sent, vec![]));
}

/// Ada flattens Markdown where a channel does not have it, for one.
#[test]
fn what_ada_has_stored_in_another_form_is_not_sent_again() {
    let said = "**Done**: cafe\u{301}.\r\n";
    let mut world = in_doubt(said);
    world.looks(Ok(&[stored("other", 20_300, "Done soon"), stored("m", 20_400, "Done: caf\u{e9}.")]));
    assert_eq!((world.sending(said), world.queue()), (Sending::Sent, vec![]));

    // What is exactly the same goes first.
    let mut world = in_doubt("Yes!");
    world.writes(ALEX, "Yes.").unwrap();
    world.looks(Ok(&[stored("m", 20_300, "Yes!")]));
    assert_eq!((world.sending("Yes!"), world.queue()), (Sending::Sent, vec!["Yes."]));
}

#[test]
fn nothing_is_sent_while_in_doubt_and_nothing_before_the_grace_is_over() {
    let mut world = in_doubt("hello");
    assert_eq!(world.claim(), None, "within the grace");
    world.clock(22_000);
    assert_eq!(world.claim(), None, "after it the list is read");
    world.looks(Err(Failure::Unclear("timed out".to_owned())));
    assert_eq!(world.claim(), None, "and read again until it can be");
    assert_eq!(world.queue(), ["hello"]);
}

#[test]
fn what_a_dead_process_was_sending_is_looked_for() {
    let mut world = World::accepted();
    world.writes(ALEX, "hello").unwrap();
    world.claim().unwrap();
    // It died here. Nothing but the outbox is left of the attempt.
    world.looks(Ok(&[stored("m", 20_100, "hello")]));
    assert_eq!(world.sending("hello"), Sending::Sent);
}

#[test]
fn an_equal_message_stored_before_the_attempt_is_not_ours() {
    let mut world = in_doubt("ok");
    world.looks(Ok(&[stored("theirs", 10_000, "ok")]));
    assert_eq!(world.queue(), ["ok"]);
    assert_eq!(world.said(0), ["ok", "ok"], "another system said the same");
}

#[test]
fn the_same_text_twice_on_purpose_stays_two() {
    for (listed, queue) in [(1, vec!["ok"]), (2, vec![])] {
        let mut world = World::accepted();
        world.writes(ALEX, "ok").unwrap();
        world.tries(Ok(Receipt { message_id: Some("answer".into()), created_at: Some(at(20_100)) }));
        world.writes(ALEX, "ok").unwrap();
        world.clock(20_400).tries(unclear());
        let all = [stored("list-1", 20_100, "ok"), stored("list-2", 20_500, "ok")];
        world.looks(Ok(&all[..listed]));
        assert_eq!(world.queue(), queue, "{listed} stored");
        assert_eq!(world.said(0), ["ok", "ok"]);
    }
}

#[test]
fn of_two_equal_messages_in_doubt_the_one_tried_last_before_it_is_found() {
    // The first was given up unseen, and the agent wrote it again.
    let late = 20_000 + 15 * 60_000;
    let mut world = in_doubt("ok");
    world.clock(late).looks(Err(Failure::Denied("403".to_owned())));
    world.clock(late + 5_000).writes(ALEX, "ok").unwrap();
    world.tries(unclear());
    world.looks(Ok(&[stored("m", late + 5_300, "ok")]));
    let states: Vec<_> = world.thread(0).iter().filter_map(|row| row.sending.clone()).collect();
    assert!(matches!(states[..], [Sending::Failed { .. }, Sending::Sent]), "{states:?}");
    assert_eq!(world.queue(), Vec::<&str>::new());
}

#[test]
fn what_is_tried_again_by_hand_is_looked_for_first() {
    let late = 20_000 + 15 * 60_000;
    let mut world = in_doubt("ok");
    world.clock(late).looks(Err(Failure::Denied("403".to_owned())));
    let row = world.row("ok").id.clone();
    world.clock(late + 5_000).retry(&row, ALEX).unwrap();
    assert_eq!(world.claim(), None);
    world.looks(Ok(&[stored("m", 20_300, "ok")]));
    assert_eq!((world.sending("ok"), world.said(0)), (Sending::Sent, vec!["ok"]));
}

#[test]
fn a_list_of_several_parts_is_read_to_its_end_first() {
    let mut world = in_doubt("hello");
    world.clock(22_000);
    let delivery = of_which_it_is_unclear(&world);
    let part = MessagePage { messages: Vec::new(), page: Some("next".to_owned()), more: true };
    world.looked(delivery, Ok(part), false);
    assert_eq!(world.claim(), None, "it may stand in the rest");
    assert_eq!(world.handoff().listed.page.as_deref(), Some("next"));
    world.looks(Ok(&[stored("m", 20_300, "hello")]));
    assert_eq!(world.sending("hello"), Sending::Sent);
    assert_eq!(world.handoff().listed.page, whole(&[]).page);
}

/// Something in an earlier part can't be read, and may be the message.
#[test]
fn what_an_earlier_part_may_have_is_not_sent_again() {
    let mut world = in_doubt("hello");
    world.clock(22_000);
    let delivery = of_which_it_is_unclear(&world);
    let part = first_part_with_something_unreadable();
    world.looked(delivery, Ok(part), false);
    world.looks(Ok(&[]));
    world.clock(30_000);
    assert_eq!((world.claim(), world.sending("hello")), (None, Sending::Queued), "it is looked for again");
    world.looks(Ok(&[stored("m", 20_300, "hello")]));
    assert_eq!((world.queue(), world.sending("hello")), (vec![], Sending::Sent));
}

/// Another reading ends meanwhile, and has the list read again from where something can't be read.
#[test]
fn who_looks_beside_another_reading_does_not_know_that_ada_lacks_it() {
    let mut world = in_doubt("hello");
    world.clock(22_000);
    let delivery = of_which_it_is_unclear(&world);
    let part = first_part_with_something_unreadable();
    world.looked_from(None, world.unasked(), Ok(part), false);
    let both_from = world.handoff().listed.page.clone();
    world.looked_from(both_from.clone(), world.unasked(), Ok(whole(&[])), false);
    world.looked_from(both_from, delivery, Ok(whole(&[])), false);
    assert_eq!((world.claim(), world.sending("hello")), (None, Sending::Queued), "it is looked for again");
    world.looks(Ok(&[stored("m", 20_300, "hello")]));
    assert_eq!((world.queue(), world.sending("hello")), (vec![], Sending::Sent));
}

#[test]
fn in_doubt_it_is_looked_for_however_old_it_is() {
    let mut world = World::accepted();
    world.writes(ALEX, "hello").unwrap();
    world.clock(20_000 + 15 * 60_000 - 1).tries(unclear());
    world.clock(20_000 + 15 * 60_000 + 1_000).ages();
    assert_eq!(world.sending("hello"), Sending::Queued);
    world.looks(Ok(&[]));
    assert!(matches!(world.sending("hello"), Sending::Failed { .. }), "not there, and too old to be sent");
}

#[test]
fn an_end_takes_a_message_in_doubt_along_and_has_it_looked_for() {
    let mut world = in_doubt("hello");
    world.clock(25_000).hears([handoff_ended(24_000)]);
    assert!(matches!(world.sending("hello"), Sending::Failed { .. }));
    world.lists(&[]);
    world.lists(&[]);
    world.lists(&[stored("m", 20_300, "hello")]);
    assert_eq!(world.sending("hello"), Sending::Sent);
}

#[test]
fn after_the_end_too_the_list_is_read_until_it_says_what_became_of_a_message() {
    let mut world = in_doubt("hello");
    world.lists(&[]);
    world.lists(&[]);
    world.clock(25_000).hears([handoff_ended(24_000)]);
    let content = Content::Unreadable { reason: "odd".to_owned() };
    world.lists(&[Message { content, ..stored("m", 20_300, "") }]);
    assert!(matches!(world.sending("hello"), Sending::Failed { .. }));
    assert_eq!(world.books.outbox.len(), 1, "it is read again");
    world.lists(&[stored("m", 20_300, "hello")]);
    assert_eq!((world.sending("hello"), world.books.outbox.len()), (Sending::Sent, 0));
    let by_people = world.thread(0).into_iter().filter(|row| row.author.role == Role::HumanAgent);
    assert_eq!(by_people.count(), 1, "nothing unreadable stands beside it");
}

#[test]
fn after_the_end_a_refused_reading_is_tried_for_as_long_as_a_message_may_wait() {
    let mut world = in_doubt("hello");
    world.lists(&[]);
    world.lists(&[]);
    world.clock(25_000).hears([handoff_ended(24_000)]);
    world.cannot_list(&Failure::Refused("400".to_owned()));
    assert_eq!(world.books.outbox.len(), 1);
    world.clock(27_000 + 15 * 60_000).cannot_list(&Failure::Refused("400".to_owned()));
    assert!(world.books.outbox.is_empty());
}

#[test]
fn an_attempt_that_ends_unclear_after_the_handoff_has_the_message_looked_for() {
    let mut world = World::accepted();
    world.writes(ALEX, "hello").unwrap();
    let delivery = world.claim().unwrap();
    world.clock(25_000).hears([handoff_ended(24_000)]);
    let before = world.books.outbox.len();
    world.settle(delivery, unclear());
    assert_eq!(world.books.outbox.len(), before + 1);
}

#[test]
fn after_an_unclear_end_call_not_in_a_handoff_means_that_it_was_ours() {
    let gone = || Err(Failure::NoHandoff("422".to_owned()));
    for (first, by) in [
        (None, EndedBy::Ada),
        (Some(unclear()), EndedBy::Agent),
        (Some(Err(Failure::Unreached("no route".to_owned()))), EndedBy::Ada),
    ] {
        let mut world = World::accepted();
        world.end(ALEX).unwrap();
        if let Some(outcome) = first.clone() {
            world.tries(outcome);
        }
        world.tries(gone());
        assert_eq!(world.ended_by(0), Some(by), "{first:?}");
        assert_eq!(world.queue(), Vec::<&str>::new());
    }
}

#[test]
fn the_echo_settles_a_doubt_without_looking() {
    let mut world = in_doubt("hello");
    world.receive(human("echo", 20_300, "hello"));
    assert_eq!((world.sending("hello"), world.queue()), (Sending::Confirmed, vec![]));
}
