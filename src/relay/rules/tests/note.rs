//! Notes: for agents alone.

use super::{
    make::{at, called, customer, handoff_ended, message, says},
    world::{ALEX, SAM, World},
};
use crate::relay::{
    delivery::Receipt,
    event::{Event, EventKind, Message},
    handoff::{Handoff, Status},
    rules::act::{Refusal, TakeOver},
    thread::{AdaIds, Content, Role, Row, Source},
};

/// What a note must not change.
fn outside(world: &World) -> (Handoff, usize) {
    let handoff = world.handoff().clone();
    let unconcerned = Handoff { last_seq: 0, newest_at: at(0), version: 0, ..handoff };
    (unconcerned, world.books.outbox.len())
}

fn notes(world: &World) -> Vec<&Row> {
    world.books.rows.iter().filter(|row| row.is_note()).collect()
}

#[test]
fn anyone_notes_and_nothing_else_changes() {
    let waiting = World::started();
    let active = World::accepted();
    let mut ended = World::accepted();
    ended.hears([handoff_ended(21_000)]);
    for (state, mut world) in [("waiting", waiting), ("active", active), ("ended", ended)] {
        world.clock(50_000).hears([customer("hello", 20_500)]);
        world.clock(60_000);
        let (before, rows) = (outside(&world), world.books.rows.len());
        for agent in [ALEX, SAM] {
            let row = world.notes(agent, "wants a refund", None).unwrap();
            assert_eq!(row.author.role, Role::HumanAgent);
            assert_eq!(row.author.display_name.as_deref(), Some(agent));
            assert_eq!(row.content, Content::Note { body: "wants a refund".to_owned() });
            assert_eq!((row.source, row.sending, row.ids), (Source::Agent, None, AdaIds::default()));
            assert_eq!((row.at, row.created_at), (at(60_000), at(60_000)), "{state}");
        }
        assert_eq!(outside(&world), before, "{state}");
        assert_eq!(world.books.rows.len(), rows + 2);
    }
}

#[test]
fn a_note_is_no_answer() {
    let mut world = World::accepted();
    world.hears([customer("hello", 20_500)]);
    let idle = world.handoff().idle;
    world.clock(300_000).notes(ALEX, "thinking", None).unwrap();
    assert_eq!(world.handoff().idle, idle, "the timeout goes on");
    assert_eq!(world.handoff().unread, 1);
    let last = world.handoff().last_message.as_ref().unwrap();
    assert_eq!(last.content, Content::Text { body: "hello".to_owned() });
    assert_eq!(world.notes("nobody", "x", None).map(|row| row.seq), Ok(world.handoff().last_seq));
    let mut nowhere = World::new();
    assert_eq!(nowhere.notes(ALEX, "x", None), Err(Refusal::Unknown));
}

/// The same words, at the same second, from everyone and by every way they can come.
#[test]
fn nothing_of_adas_is_taken_for_a_note() {
    let words = "same words";
    let unknown = |message: Message| {
        let content = Content::Unknown { name: "note".to_owned() };
        Message { content, ..message }
    };
    for role in [Role::HumanAgent, Role::EndUser, Role::AiAgent] {
        for tried in [false, true] {
            let mut world = World::accepted();
            world.notes(ALEX, words, None).unwrap();
            if tried {
                // A message of ours with these words is on its way, too, and is the one that is found.
                world.writes(ALEX, words).unwrap();
                world.tries(Ok(Receipt::default()));
            }
            let note = notes(&world)[0].clone();
            let listed = message(role, "listed", 20_000, words);
            world.lists(std::slice::from_ref(&listed));
            world.receive(says(role, "told", 20_000, words));
            world.hears([called(says(role, "again", 20_100, words), "again")]);
            let odd = says(role, "odd", 20_200, words);
            let EventKind::Message(message) = odd.kind.clone() else { unreachable!() };
            world.hears([Event { kind: EventKind::Message(unknown(message)), ..odd }]);
            world.recovers(Some(at(90_000)), &[listed], false);
            assert_eq!(notes(&world), [&note], "{role:?}, {tried}");
            let said = world.said(0).iter().filter(|said| **said == words).count();
            assert!(said >= 2, "{role:?}, {tried}: what came from Ada has rows of its own");
        }
    }
}

#[test]
fn nothing_of_a_note_is_sent_retried_or_dropped() {
    let mut world = World::accepted();
    let row = world.notes(ALEX, "secret", None).unwrap();
    assert_eq!(world.retry(&row.id, ALEX), Err(Refusal::NotFailed));
    assert_eq!(world.drop_row(&row.id, ALEX), Err(Refusal::NotFailed));
    world.end(ALEX).unwrap();
    assert_eq!(world.queue(), ["(end)"]);
    let said = format!("{:?}", world.books.outbox);
    assert!(!said.contains("secret"), "{said}");
    assert!(world.books.outbox.iter().all(|waits| !waits.job.is_message()));
}

#[test]
fn the_same_request_makes_one_note() {
    let mut world = World::accepted();
    let first = world.notes(ALEX, "note", Some("key")).unwrap();
    assert_eq!(world.notes(ALEX, "note", Some("key")), Ok(first.clone()));
    assert_eq!(world.notes(ALEX, "other", Some("key")), Err(Refusal::OtherRequest));
    assert_ne!(world.notes(SAM, "note", Some("key")).unwrap().id, first.id);
    assert_ne!(world.notes(ALEX, "note", None).unwrap().id, first.id);
    assert_eq!(notes(&world).len(), 3);
}

#[test]
fn a_note_takes_nobodys_handoff() {
    let mut world = World::started();
    world.notes(ALEX, "looks easy", None).unwrap();
    assert_eq!(world.handoff().status, Status::Waiting);
    world.accept(SAM, TakeOver::No).unwrap();
    assert_eq!(world.writes(ALEX, "hello"), Err(Refusal::HasAnother(SAM.to_owned())));
    world.notes(ALEX, "still mine to note", None).unwrap();
}
