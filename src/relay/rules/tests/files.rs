//! Files: fetched until they are there or can't be, uploaded before their message, and in order with the rest.

use std::time::Duration;

use super::{
    make::{at, author, customer, human},
    world::{ALEX, SAM, World},
};
use crate::relay::{
    delivery::{Delivery, Failure, FetchFailure, Job, Outgoing, Receipt, UploadedFile, Write},
    event::{Event, EventKind, Message},
    handoff::EndedBy,
    rules::{act::Refusal, file::TRIED_FOR},
    thread::{Bytes, Content, Missing, Role, Sending},
};

fn png(name: &str, url: &str) -> Content {
    let (filename, mime_type) = (name.to_owned(), "image/png".to_owned());
    Content::File { filename, mime_type, source_url: Some(url.to_owned()), bytes: Bytes::Awaited }
}

fn sends(id: &str, millis: i64, url: &str) -> Event {
    let mut event = customer(id, millis);
    if let EventKind::Message(message) = &mut event.kind {
        message.content = png(id, url);
    }
    event
}

fn listed(id: &str, millis: i64, role: Role, url: &str) -> Message {
    Message { id: id.into(), created_at: at(millis), author: author(role), content: png(id, url) }
}

fn bytes(world: &World, name: &str) -> Bytes {
    match &world.file(name).content {
        Content::File { bytes, .. } => bytes.clone(),
        other => unreachable!("{other:?}"),
    }
}

fn fetches(world: &World) -> usize {
    world.books.outbox.iter().filter(|waits| matches!(waits.job, Job::Fetch(_))).count()
}

/// The one fetch that waits.
fn fetch(world: &World) -> &Delivery {
    world.books.outbox.iter().find(|waits| matches!(waits.job, Job::Fetch(_))).unwrap()
}

fn passing() -> Result<u64, FetchFailure> {
    Err(FetchFailure::Passing("no answer".to_owned()))
}

fn uploaded(name: &str) -> UploadedFile {
    let (url, filename) = (format!("https://ada.example/{name}"), name.to_owned());
    UploadedFile { url, filename, mime_type: "image/png".to_owned() }
}

#[test]
fn a_customers_file_is_fetched_once_and_shown() {
    let mut world = World::accepted();
    let event = sends("a.png", 21_000, "u1");
    world.hears([event.clone()]);
    assert_eq!((bytes(&world, "a.png"), fetches(&world)), (Bytes::Awaited, 1));
    let version = world.handoff().version;
    assert_eq!(world.fetches("a.png", Ok(9), None).as_deref(), Some("u1"));
    assert_eq!((bytes(&world, "a.png"), fetches(&world)), (Bytes::Kept { size: 9 }, 0));
    assert_eq!(
        world.handoff().last_message.as_ref().unwrap().content,
        world.file("a.png").content.without_address()
    );
    assert!(world.handoff().version > version, "agents see that it is there");

    world.hears([super::make::again(&event, "svix-2")]);
    world.lists(&[listed("a.png", 21_000, Role::EndUser, "u2")]);
    assert_eq!((bytes(&world, "a.png"), fetches(&world)), (Bytes::Kept { size: 9 }, 0));
}

#[test]
fn the_files_of_the_history_are_fetched_too_and_none_waits_for_another() {
    let mut world = World::accepted();
    world.lists(&[
        listed("old.png", -5_000, Role::EndUser, "u1"),
        listed("bot.png", -4_000, Role::AiAgent, "u2"),
    ]);
    world.hears([sends("new.png", 21_000, "u3")]);
    assert_eq!(fetches(&world), 3);
    world.fetches("new.png", Ok(1), None);
    world.fetches("bot.png", passing(), None);
    world.fetches("old.png", Ok(1), None);
    assert_eq!(bytes(&world, "bot.png"), Bytes::Awaited);
    assert_eq!(fetches(&world), 1);
}

#[test]
fn the_newest_url_counts() {
    let mut world = World::accepted();
    world.lists(&[listed("a.png", 21_000, Role::EndUser, "listed")]);
    world.hears([sends("a.png", 21_000, "told")]);
    assert_eq!(world.fetches("a.png", passing(), Some("renewed")).as_deref(), Some("told"));
    assert_eq!(world.fetches("a.png", Ok(1), None).as_deref(), Some("renewed"));
}

#[test]
fn a_fetch_is_tried_for_as_long_as_the_url_is_good() {
    let mut world = World::accepted();
    world.hears([sends("a.png", 21_000, "u")]);
    let queued_at = fetch(&world).queued_at;
    for (attempt, wait) in [(1, 500), (2, 1_000), (3, 2_000)] {
        world.fetches("a.png", passing(), None);
        let due = fetch(&world).due_at;
        assert_eq!(due, world.now.at + Duration::from_millis(wait), "{attempt}");
    }
    world.now.at = queued_at + TRIED_FOR - Duration::from_millis(1);
    world.fetches("a.png", passing(), None);
    assert_eq!(fetch(&world).due_at, world.now.at + Duration::from_secs(4));
    world.now.at = queued_at + TRIED_FOR;
    world.fetches("a.png", passing(), None);
    let missing = Bytes::Missing { why: Missing::Gone, error: "no answer".to_owned() };
    assert_eq!((bytes(&world, "a.png"), fetches(&world)), (missing, 0));
}

#[test]
fn what_cannot_be_fetched_says_why_and_any_agent_may_have_it_tried_again() {
    for why in [Missing::Gone, Missing::Refused] {
        let mut world = World::accepted();
        world.hears([sends("a.png", 21_000, "u"), customer("b", 22_000)]);
        world.fetches("a.png", Err(FetchFailure::Never(why, "too large".to_owned())), None);
        assert_eq!(bytes(&world, "a.png"), Bytes::Missing { why, error: "too large".to_owned() });
        let row = world.file("a.png").id.clone();
        assert_eq!(world.retry(&row, SAM).unwrap().id, row);
        assert_eq!((bytes(&world, "a.png"), fetches(&world)), (Bytes::Awaited, 1));
        let (row, words) = (world.file("a.png").id.clone(), world.row("b").id.clone());
        assert_eq!(world.retry(&row, ALEX), Err(Refusal::NotFailed), "it is on its way");
        assert_eq!(world.retry(&words, ALEX), Err(Refusal::NotFailed));
        world.fetches("a.png", Ok(3), None);
        assert_eq!(bytes(&world, "a.png"), Bytes::Kept { size: 3 });
    }
}

#[test]
fn a_file_is_fetched_also_when_the_handoff_has_ended() {
    let mut world = World::accepted();
    world.hears([sends("a.png", 21_000, "u")]);
    world.end(ALEX).unwrap();
    world.tries(Ok(Receipt::default()));
    world.hears([super::make::handoff_ended(24_000)]);
    world.fetches("a.png", Ok(3), None);
    assert_eq!(bytes(&world, "a.png"), Bytes::Kept { size: 3 });
}

#[test]
fn a_file_goes_out_in_its_turn_the_bytes_before_the_message() {
    let mut world = World::started();
    let row = world.sends_file(ALEX, "a.png", Some("here it is")).unwrap();
    assert_eq!(world.handoff().agent(), Some(ALEX), "the first one accepts");
    world.writes(ALEX, "and?").unwrap();
    assert_eq!(world.queue(), ["here it is", "a.png", "and?"]);
    assert_eq!((row.sending, bytes(&world, "a.png")), (Some(Sending::Queued), Bytes::Kept { size: 9 }));
    world.tries(Ok(Receipt::default()));
    assert_eq!(world.claim(), None, "the bytes go first");
    world.uploads(Ok(UploadedFile { mime_type: "image/x".to_owned(), ..uploaded("a-1.png") }));
    let Content::File { filename, mime_type, .. } = &world.file("a-1.png").content else { unreachable!() };
    assert_eq!((filename.as_str(), mime_type.as_str()), ("a-1.png", "image/x"), "as the echo will have it");
    let next = world.claim().unwrap();
    let Job::Write(Write::Send { what: Outgoing::File { file }, .. }) = &next.job else {
        unreachable!("{next:?}")
    };
    assert_eq!(file.uploaded.as_ref().unwrap().url, "https://ada.example/a-1.png");
    world.settle(next, Ok(Receipt { message_id: Some("m".into()), created_at: Some(at(20_500)) }));
    assert_eq!(world.file("a-1.png").sending, Some(Sending::Sent));
    assert_eq!(world.queue(), ["and?"]);
}

#[test]
fn the_echo_of_a_file_is_no_new_one() {
    let mut world = World::accepted();
    world.sends_file(ALEX, "a.png", None).unwrap();
    world.uploads(Ok(uploaded("a.png")));
    world.tries(Err(Failure::Unclear("reset".to_owned())));
    let mut echo = human("m", 20_100, "");
    if let EventKind::Message(message) = &mut echo.kind {
        message.content = png("a.png", "elsewhere");
    }
    world.receive(echo);
    assert_eq!(world.file("a.png").sending, Some(Sending::Confirmed));
    assert_eq!((world.queue().len(), fetches(&world)), (0, 0));
    assert_eq!(bytes(&world, "a.png"), Bytes::Kept { size: 9 });
}

#[test]
fn an_upload_may_be_repeated_and_the_message_may_not() {
    let mut world = World::accepted();
    world.sends_file(ALEX, "a.png", None).unwrap();
    for failure in [
        Failure::Unclear("reset".to_owned()),
        Failure::Unreached("no".to_owned()),
        Failure::Throttled { reason: "slow".to_owned(), retry_after: None },
    ] {
        world.uploads(Err(failure));
        assert_eq!(world.books.outbox[0].outcome_unknown_since, None);
        world.now.at = world.books.outbox[0].due_at;
    }
    world.uploads(Ok(uploaded("a.png")));
    world.tries(Err(Failure::Unclear("reset".to_owned())));
    world.looks(Ok(&[]));
    world.now.at = world.books.outbox[0].due_at;
    world.tries(Err(Failure::Unclear("reset".to_owned())));
    world.looks(Ok(&[listed("a.png", 30_000, Role::HumanAgent, "u")]));
    assert_eq!(world.file("a.png").sending, Some(Sending::Sent));
    assert_eq!(world.queue(), Vec::<&str>::new());
}

#[test]
fn an_upload_is_tried_for_as_long_as_a_message_may_wait() {
    for failure in [Failure::Unclear("reset".to_owned()), Failure::Unreached("reset".to_owned())] {
        let mut world = World::accepted();
        world.sends_file(ALEX, "a.png", None).unwrap();
        world.writes(ALEX, "next").unwrap();
        world.uploads(Err(failure.clone()));
        let waits = world.books.outbox.iter().find(|waits| waits.job.is_message()).unwrap();
        assert_eq!(waits.due_at, world.now.at + Duration::from_millis(500), "{failure:?}");
        let delivery = world.begins_upload();
        world.now.at = world.now.at + Duration::from_mins(15);
        world.uploaded(delivery, Err(failure));
        assert_eq!(world.file("a.png").sending, Some(Sending::failed("could not be sent in time: reset")));
        assert_eq!(world.queue(), Vec::<&str>::new(), "what is behind it fails with it");
    }
}

#[test]
fn an_upload_that_ada_refuses_fails_that_file_alone() {
    let mut world = World::accepted();
    world.sends_file(ALEX, "a.png", None).unwrap();
    world.writes(ALEX, "next").unwrap();
    world.uploads(Err(Failure::Refused("no such type".to_owned())));
    assert_eq!(world.file("a.png").sending, Some(Sending::failed("no such type")));
    assert_eq!(world.queue(), ["next"]);
    let row = world.file("a.png").id.clone();
    world.retry(&row, ALEX).unwrap();
    assert_eq!(world.queue(), ["next", "a.png"], "it is uploaded anew");
    world.tries(Ok(Receipt::default()));
    world.uploads(Ok(uploaded("a.png")));
}

#[test]
fn an_upload_into_no_handoff_ends_it() {
    let mut world = World::accepted();
    world.sends_file(ALEX, "a.png", None).unwrap();
    world.writes(ALEX, "next").unwrap();
    world.uploads(Err(Failure::NoHandoff("not in a handoff".to_owned())));
    assert_eq!(world.ended_by(0), Some(EndedBy::Ada));
    assert_eq!(world.file("a.png").sending, Some(Sending::failed("not in a handoff")));
    assert_eq!(world.sending("next"), Sending::failed("not in a handoff"));
    assert_eq!(world.queue(), Vec::<&str>::new());
    assert_eq!(world.sends_file(ALEX, "b.png", None), Err(Refusal::Ended));
}

#[test]
fn an_upload_that_was_taken_back_is_followed_by_nothing() {
    let mut world = World::accepted();
    world.sends_file(ALEX, "a.png", None).unwrap();
    let upload = world.begins_upload();
    world.hears([super::make::handoff_ended(22_000)]);
    assert_eq!(world.queue(), Vec::<&str>::new());
    world.uploaded(upload, Ok(uploaded("a.png")));
    assert_eq!(world.queue(), Vec::<&str>::new());
    assert!(matches!(world.file("a.png").sending, Some(Sending::Failed { .. })));
}
