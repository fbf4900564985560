//! Gaps close: what webhooks never brought comes from Ada's message list.

use super::{
    make::{at, customer, handoff_ended, message, says},
    world::{ALEX, World, whole},
};
use crate::relay::{
    delivery::{MessagePage, Receipt},
    event::Message,
    handoff::EndedBy,
    thread::{Content, Role, Row, Sending, Source},
    time::Offset,
};

const MINUTE: i64 = 60_000;

fn listed(id: &str, millis: i64) -> Message {
    message(Role::EndUser, id, millis, id)
}

#[test]
fn what_webhooks_should_have_brought_by_now_is_recovered_and_unread() {
    let mut world = World::accepted();
    world.clock(5 * MINUTE);
    world.recovers(
        None,
        &[listed("history", -5_000), listed("missed", MINUTE), listed("young", 4 * MINUTE)],
        false,
    );
    for (said, source) in
        [("history", Source::Transcript), ("missed", Source::Recovered), ("young", Source::Transcript)]
    {
        assert_eq!(world.row(said).source, source, "{said}");
    }
    assert_eq!(world.handoff().unread, 1);
    assert_eq!(world.handoff().ledger.recovered, 1);
    world.clock(7 * MINUTE).recovers(None, &[listed("young", 4 * MINUTE)], false);
    assert_eq!(world.row("young").source, Source::Recovered, "by now it should have come");
    assert_eq!(world.handoff().unread, 2);
}

#[test]
fn what_turns_out_to_be_missed_while_the_list_is_read_is_recovered_by_that_reading() {
    let mut world = World::accepted();
    world.recovers(None, &[], false);
    world.clock(2 * MINUTE).asks_to_recover();
    let reading = world.begins_to_read();
    world.asks_for(Some(at(2 * MINUTE)));
    world.looked(reading, Ok(whole(&[listed("missed", MINUTE + 30_000)])), false);
    assert_eq!((world.row("missed").source, world.handoff().unread), (Source::Recovered, 1));
}

#[test]
fn what_was_there_when_the_handoff_began_is_history_whatever_the_clocks_say() {
    // The words that asked for a person, and others just after the call, within the clocks' doubt.
    for (first, recovered) in
        [(vec![listed("a", 1_000), listed("b", 1_500)], 0), (vec![listed("a", 1_000)], 1)]
    {
        let mut world = World::started();
        world.clock(1_800).lists(&first);
        let both = [listed("a", 1_000), listed("b", 1_500)];
        world.clock(5 * MINUTE).recovers(None, &both, false);
        assert_eq!(world.handoff().ledger.recovered, recovered);
        assert_eq!(world.row("a").source, Source::Transcript);
    }
}

#[test]
fn what_came_around_a_new_start_call_is_not_the_old_handoffs() {
    let mut world = World::accepted();
    world.clock(5 * MINUTE).start();
    let old = world.books.handoffs[0].id.clone();
    let around = [listed("old", 3 * MINUTE), listed("new", 5 * MINUTE - 500)];
    let mut delivery = world.unasked();
    delivery.handoff = old;
    world.looked(delivery, Ok(whole(&around)), false);
    assert_eq!(world.said(0), ["old"]);
}

#[test]
fn after_an_outage_nothing_older_is_waited_for() {
    let mut world = World::accepted();
    world.clock(60_000).recovers(Some(at(50_000)), &[listed("a", 40_000), listed("b", 55_000)], false);
    assert_eq!(world.row("a").source, Source::Recovered);
    assert_eq!(world.row("b").source, Source::Transcript);
}

#[test]
fn what_waits_in_the_inbox_is_not_missed() {
    let mut world = World::accepted();
    world.clock(5 * MINUTE).receive(customer("a", MINUTE));
    world.recovers(None, &[listed("a", MINUTE)], false);
    assert_eq!(world.row("a").source, Source::Transcript);
    world.clock(6 * MINUTE).release();
    assert_eq!((world.row("a").source, world.handoff().unread), (Source::Webhook, 1));
}

#[test]
fn a_webhook_that_comes_after_all_changes_nothing_that_agents_count() {
    let mut world = World::accepted();
    world.clock(5 * MINUTE).hears([customer("young", 4 * MINUTE)]);
    world.recovers(None, &[listed("missed", MINUTE), listed("young", 4 * MINUTE)], false);
    assert_eq!((world.said(0), world.handoff().unread), (vec!["missed", "young"], 2));
    world.hears([customer("missed", MINUTE)]);
    let row = world.row("missed");
    assert_eq!((row.source, row.late), (Source::Recovered, false));
    assert_eq!((world.said(0), world.handoff().unread), (vec!["missed", "young"], 2));
}

/// Within the doubt between two handoffs a message could be either's; it is news in one of them.
#[test]
fn what_one_handoff_has_recovered_is_not_news_in_the_next() {
    let (said, next) = (119_000, 120_000);
    let mut recovered = World::accepted();
    recovered.clock(119_500).recovers(Some(at(119_400)), &[listed("missed", said)], false);
    recovered.clock(next).start();
    recovered.lists(&[listed("missed", said)]);
    recovered.hears([customer("missed", said)]);
    assert_eq!(news(&recovered, 0, "missed"), (Source::Recovered, 1));
    assert_eq!(news(&recovered, 1, "missed"), (Source::Transcript, 0));

    // It was heard in the first; by a clock that is a little off it seems to be the second's.
    let mut heard = World::accepted();
    heard.clock(119_100).hears([customer("heard", said)]);
    heard.clock(next).start();
    heard.now.offset = Offset::from_micros(-1_100_000);
    heard.recovers(Some(at(130_000)), &[listed("heard", said)], false);
    assert_eq!(news(&heard, 0, "heard"), (Source::Webhook, 1));
    assert_eq!(news(&heard, 1, "heard"), (Source::Transcript, 0));
}

/// How a message came into the thread of the handoff in this place, and how many there are unread.
/// It is read before its webhook is due, on a page that the next reading would leave behind.
#[test]
fn what_was_read_too_early_to_be_missed_is_read_again() {
    for pages in [1, 2] {
        let mut world = World::accepted();
        world.clock(MINUTE);
        reads(&mut world, &[listed("early", 50_000)], "second", pages > 1);
        if pages > 1 {
            assert_eq!(world.handoff().listed.page.as_deref(), Some("second"), "the rest comes first");
            reads(&mut world, &[], "third", false);
        }
        assert_eq!(news(&world, 0, "early"), (Source::Transcript, 0));
        assert_eq!(world.handoff().listed.page, None, "it may yet be missed");
        world.clock(4 * MINUTE);
        reads(&mut world, &[listed("early", 50_000)], "second", false);
        assert_eq!(news(&world, 0, "early"), (Source::Recovered, 1));
        assert_eq!(world.handoff().listed.page.as_deref(), Some("second"), "nothing is awaited any more");
    }
}

/// Two readings began at the same page; the slower one's last part is no proof that nothing is awaited.
#[test]
fn a_slower_reading_changes_nothing_about_where_the_next_begins() {
    let mut world = World::accepted();
    world.clock(MINUTE);
    reads(&mut world, &[listed("early", 50_000)], "second", true);
    reads(&mut world, &[], "third", false);
    assert_eq!(world.handoff().listed.page, None);
    let listed = MessagePage { messages: Vec::new(), page: Some("third".to_owned()), more: false };
    world.looked_from(Some("second".to_owned()), world.unasked(), Ok(listed), false);
    assert_eq!(world.handoff().listed.page, None, "the awaited message is read again");
}

fn reads(world: &mut World, messages: &[Message], next: &str, more: bool) {
    let listed = MessagePage { messages: messages.to_vec(), page: Some(next.to_owned()), more };
    world.looked(world.unasked(), Ok(listed), false);
}

/// The customer goes on with the AI Agent; the list is read before the webhook comes that says so.
#[test]
fn words_that_the_list_has_from_after_the_end_dont_outlive_it() {
    let mut world = World::accepted();
    world.clock(300_000).recovers(None, &[listed("to the machine", 110_000)], false);
    assert!(world.handoff().is_open());
    world.hears([handoff_ended(100_000)]);
    assert!(!world.handoff().is_open());
}

fn news(world: &World, index: usize, said: &str) -> (Source, u64) {
    let says = |row: &&Row| matches!(&row.content, Content::Text { body } if body == said);
    (world.thread(index).into_iter().find(says).unwrap().source, world.books.handoffs[index].unread)
}

#[test]
fn a_conversation_that_is_over_at_ada_is_over_here() {
    let mut world = World::accepted();
    world.writes(ALEX, "hello").unwrap();
    world.clock(MINUTE).recovers(None, &[listed("last words", 30_000)], true);
    assert_eq!(world.ended_by(0), Some(EndedBy::Ada));
    assert_eq!(world.sending("hello"), Sending::failed("the conversation ended before this was sent"));
    assert_eq!(world.said(0), ["hello", "last words"]);
}

#[test]
fn the_ai_agents_words_make_a_handoff_doubtful_until_ada_shows_that_it_runs() {
    let ai = |millis| message(Role::AiAgent, &format!("ai-{millis}"), millis, "How can I help?");
    let mut early = World::accepted();
    early.clock(5 * MINUTE).recovers(None, &[ai(10_000)], false);
    assert!(!early.handoff().is_doubtful(), "it says goodbye when it hands over");

    let doubtful = || {
        let mut world = World::accepted();
        world.clock(5 * MINUTE).recovers(None, &[ai(3 * MINUTE)], false);
        assert!(world.handoff().is_doubtful());
        assert_eq!(lines(&world), 1);
        world.recovers(None, &[ai(3 * MINUTE), ai(4 * MINUTE)], false);
        assert_eq!(lines(&world), 1, "said once");
        world
    };
    let mut written = doubtful();
    written.hears([says(Role::EndUser, "c", 5 * MINUTE, "still there?")]);
    assert!(!written.handoff().is_doubtful(), "an event with our identifier");
    let mut sent = doubtful();
    sent.writes(ALEX, "yes").unwrap();
    sent.tries(Ok(Receipt { message_id: None, created_at: Some(at(5 * MINUTE)) }));
    assert!(!sent.handoff().is_doubtful(), "Ada took a message");
}

fn lines(world: &World) -> usize {
    let said = |row: &&&Row| matches!(&row.content, Content::Text { body } if body.contains("may have ended in Ada"));
    world.thread(0).iter().filter(said).count()
}

#[test]
fn one_reading_at_a_time() {
    let mut world = World::accepted();
    world.lists(&[]);
    world.lists(&[]);
    let before = world.books.outbox.len();
    world.asks_to_recover();
    world.asks_to_recover();
    assert_eq!(world.books.outbox.len(), before + 1);
}
