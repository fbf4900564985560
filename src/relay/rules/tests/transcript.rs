//! Ada's message list is merged: everything once, from wherever it came first.

use super::{
    make::{at, called, customer, handoff_ended, human, message, says},
    world::{ALEX, World},
};
use crate::relay::{
    delivery::{Failure, MessagePage, Receipt},
    event::{Event, Message},
    thread::{Content, Role, Sending, Source},
};

#[test]
fn history_joins_once_read_and_on_time() {
    let mut world = World::started();
    let history = [
        message(Role::AiAgent, "a", -9_000, "How can I help?"),
        message(Role::EndUser, "b", -5_000, "A person!"),
    ];
    world.lists(&history);
    world.lists(&history);
    assert_eq!(world.said(0), ["How can I help?", "A person!"]);
    assert_eq!(world.handoff().unread, 0, "history has been read");
    let row = world.row("A person!");
    assert_eq!((row.source, row.at, row.late), (Source::Transcript, at(-5_000), false));
    world.clock(5_000).hears([customer("young", 4_000), customer("older", 3_000)]);
    assert!(!world.row("young").late && !world.row("older").late, "history makes nothing late");
}

#[test]
fn equal_times_keep_the_lists_order() {
    let mut world = World::started();
    world.lists(&["c", "a", "b"].map(|said| message(Role::AiAgent, said, -1_000, said)));
    assert_eq!(world.said(0), ["c", "a", "b"]);
}

#[test]
fn list_and_webhook_bring_one_message_in_either_order() {
    for id in ["m", "another"] {
        let listed = [message(Role::EndUser, "m", 5_000, "hello")];
        let event = called(says(Role::EndUser, "m", 5_000, "hello"), id);
        let mut world = World::started();
        world.clock(6_000).lists(&listed);
        assert_eq!(world.handoff().unread, 0);
        world.hears([event.clone()]);
        assert_eq!(world.handoff().unread, 1, "a live message is unread, although the list was faster");
        let mut reversed = World::started();
        reversed.clock(6_000).hears([event]);
        reversed.lists(&listed);
        for world in [world, reversed] {
            assert_eq!(world.said(0), ["hello"], "{id}");
            assert_eq!(world.row("hello").source, Source::Webhook);
            assert_eq!(world.handoff().unread, 1);
        }
    }
}

#[test]
fn a_listed_row_that_was_read_stays_read_when_its_event_comes() {
    let mut world = World::started();
    world.clock(6_000).lists(&[message(Role::EndUser, "m", 5_000, "hello")]);
    world.read(world.handoff().last_seq).unwrap();
    world.hears([says(Role::EndUser, "m", 5_000, "hello")]);
    assert_eq!((world.said(0), world.handoff().unread), (vec!["hello"], 0));
}

/// Two equal messages in one second stay two, in whatever order and under whatever ids webhook and list
/// bring them, and however often the list is read.
#[test]
fn two_equal_messages_in_a_second_stay_two() {
    let event = |id: &str, millis| called(says(Role::EndUser, &format!("{millis}"), millis, "ok"), id);
    for same_ids in [true, false] {
        let ids = if same_ids { ["w1", "w2"] } else { ["l1", "l2"] };
        let list = [message(Role::EndUser, ids[0], 5_100, "ok"), message(Role::EndUser, ids[1], 5_200, "ok")];
        let steps = [0, 1, 2, 3];
        for order in orders(&steps) {
            let mut world = World::started();
            world.clock(6_000);
            for step in &order {
                match step {
                    0 => drop(world.hears([event("w1", 5_100)])),
                    1 => drop(world.hears([event("w2", 5_200)])),
                    2 => world.lists(&list[..1]),
                    _ => world.lists(&list),
                }
            }
            world.lists(&list);
            assert_eq!(world.said(0), ["ok", "ok"], "same ids: {same_ids}, order {order:?}");
            assert_eq!(world.handoff().unread, 2);
        }
    }
}

fn orders(steps: &[u8]) -> Vec<Vec<u8>> {
    if steps.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, first) in steps.iter().enumerate() {
        let mut rest = steps.to_vec();
        rest.remove(index);
        all.extend(orders(&rest).into_iter().map(|mut order| {
            order.insert(0, *first);
            order
        }));
    }
    all
}

#[test]
fn our_own_rows_take_part() {
    for id in ["answer", "another"] {
        let mut world = World::accepted();
        world.writes(ALEX, "hello").unwrap();
        world.tries(Ok(Receipt { message_id: Some("answer".into()), created_at: Some(at(20_100)) }));
        world.lists(&[message(Role::HumanAgent, id, 20_100, "hello")]);
        assert_eq!(world.said(0), ["hello"], "the list never doubles an agent's message");
        assert_eq!(world.sending("hello"), Sending::Sent);
        world.receive(called(human("m", 20_100, "hello"), "webhook's"));
        assert_eq!((world.said(0), world.sending("hello")), (vec!["hello"], Sending::Confirmed));
    }
}

#[test]
fn a_row_in_doubt_that_the_list_shows_has_been_sent() {
    let mut world = World::accepted();
    world.writes(ALEX, "hello").unwrap();
    world.tries(Err(Failure::Unclear("timed out".to_owned())));
    world.lists(&[message(Role::HumanAgent, "m", 20_300, "hello")]);
    assert_eq!(world.sending("hello"), Sending::Sent);
    assert_eq!(world.row("hello").at, at(20_300));
    assert_eq!(world.queue(), Vec::<&str>::new(), "and is not sent again");
}

#[test]
fn an_untried_row_is_not_what_the_list_shows() {
    let mut world = World::accepted();
    world.writes(ALEX, "hello").unwrap();
    world.lists(&[message(Role::HumanAgent, "m", 20_300, "hello")]);
    assert_eq!(world.queue(), ["hello"]);
}

#[test]
fn an_equal_message_listed_from_before_ours_is_not_ours() {
    let mut world = World::accepted();
    world.writes(ALEX, "hello").unwrap();
    world.tries(Err(Failure::Unclear("503".to_owned())));
    world.lists(&[message(Role::HumanAgent, "last week's", -600_000, "hello")]);
    assert_eq!(world.queue(), ["hello"], "a greeting of an earlier handoff proves nothing");
    assert_eq!(world.sending("hello"), Sending::Queued);
}

#[test]
fn what_came_after_the_end_is_left_out() {
    let mut world = World::started();
    world.clock(10_000).hears([handoff_ended(10_000)]);
    world.lists(&[
        message(Role::EndUser, "a", 9_000, "before"),
        message(Role::AiAgent, "b", 10_000, "in that instant"),
        message(Role::EndUser, "c", 10_001, "after"),
    ]);
    assert_eq!(world.said(0), ["before", "in that instant"]);
}

#[test]
fn ids_that_agree_are_never_crossed() {
    let words = |id: &str, millis| message(Role::EndUser, id, millis, "ok");
    let mut world = World::started();
    world.clock(6_000).hears([says(Role::EndUser, "b", 5_200, "ok")]);
    world.lists(&[words("a", 5_100), words("b", 5_200)]);
    let shown = world.thread(0);
    let ids: Vec<_> =
        shown.iter().filter_map(|row| Some((row.ids.shown()?, row.ids.list.as_ref()?))).collect();
    assert_eq!(ids, [(&"a".into(), &"a".into()), (&"b".into(), &"b".into())]);
}

#[test]
fn a_message_in_the_same_batch_twice_shows_once() {
    let mut world = World::started();
    let event = customer("hello", 5_000);
    let twice = Event { svix_id: "another".to_owned(), ..event.clone() };
    world.clock(6_000).hears([event, twice]);
    assert_eq!((world.said(0), world.handoff().unread), (vec!["hello"], 1));
}

fn unreadable(role: Role, id: &str, millis: i64) -> Message {
    let content = Content::Unreadable { reason: "`content.body` is missing".to_owned() };
    Message { content, ..message(role, id, millis, "") }
}

#[test]
fn what_could_not_be_read_is_learnt_from_whoever_can_tell() {
    let items = [
        message(Role::EndUser, "a", 5_100, "before"),
        unreadable(Role::EndUser, "b", 5_200),
        message(Role::EndUser, "c", 5_300, "after"),
    ];
    for later in ["webhook, same id", "webhook, another id", "list"] {
        let mut world = World::started();
        world.clock(6_000).lists(&items);
        assert_eq!(world.said(0), ["before", "after"]);
        assert_eq!(world.thread(0).len(), 4, "and a row that says so, in its place");
        match later {
            "list" => world.lists(&[message(Role::EndUser, "b", 5_200, "between")]),
            other => {
                let id = if other.ends_with("same id") { "b" } else { "other-b" };
                world.hears([says(Role::EndUser, id, 5_200, "between")]);
            }
        }
        assert_eq!(world.said(0), ["before", "between", "after"], "{later}");
        assert_eq!(world.thread(0).len(), 4, "{later}");
        assert_eq!(world.handoff().unread, u64::from(later != "list"), "{later}");
        world.lists(&items);
        assert_eq!(world.said(0), ["before", "between", "after"], "{later}: it stays known");
    }
}

#[test]
fn a_message_in_doubt_is_not_sent_again_while_it_may_be_the_one_that_cannot_be_read() {
    let mut world = World::accepted();
    world.writes(ALEX, "hello").unwrap();
    world.tries(Err(Failure::Unclear("timed out".to_owned())));
    let rows = world.thread(0).len();
    world.looks(Ok(&[unreadable(Role::HumanAgent, "x", 20_100)]));
    assert!(world.claim().is_none(), "it is looked for again");
    world.clock(60_000).looks(Ok(&[message(Role::HumanAgent, "x", 20_100, "hello")]));
    assert_eq!(world.sending("hello"), Sending::Sent);
    assert_eq!(world.thread(0).len(), rows, "one message, one row");
    world.lists(&[unreadable(Role::HumanAgent, "y", 59_000)]);
    assert_eq!(world.thread(0).len(), rows + 1, "somebody else wrote something");

    // What others wrote, or long ago, is no reason to wait.
    let mut world = World::accepted();
    world.writes(ALEX, "hello").unwrap();
    world.tries(Err(Failure::Unclear("timed out".to_owned())));
    world.looks(Ok(&[unreadable(Role::EndUser, "x", 20_100), unreadable(Role::HumanAgent, "y", 10_000)]));
    world.clock(60_000);
    assert!(world.claim().is_some());
}

/// The message in doubt is looked for from where the list was read on, which must not be behind it.
#[test]
fn the_list_is_read_again_from_what_cannot_be_read_while_it_may_be_ours() {
    let mut world = World::accepted();
    let page = |page: &str, messages: &[Message]| MessagePage {
        messages: messages.to_vec(),
        page: Some(page.to_owned()),
        more: false,
    };
    let read = |world: &mut World, listed: MessagePage| {
        let delivery = world.unasked();
        world.looked(delivery, Ok(listed), false);
        world.handoff().listed.page.clone()
    };
    assert_eq!(read(&mut world, page("1", &[])).as_deref(), Some("1"));
    let item = unreadable(Role::HumanAgent, "x", 20_000);
    assert_eq!(read(&mut world, page("2", std::slice::from_ref(&item))).as_deref(), Some("1"));
    // By then no message can be in doubt that was sent before it.
    world.clock(20_000 + 15 * 60_000 + 1);
    assert_eq!(read(&mut world, page("2", &[item])).as_deref(), Some("2"));
    let of_others = unreadable(Role::AiAgent, "y", 20_000 + 15 * 60_000);
    assert_eq!(read(&mut world, page("3", &[of_others])).as_deref(), Some("3"));
}
