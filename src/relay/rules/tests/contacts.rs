//! A contact in Amazon Connect: it is made, agents speak in it, it ends.

use std::time::Duration;

use super::{
    make::{at, customer, handoff_ended, key},
    world::{ALEX, SAM, World},
};
use crate::relay::{
    contact::{
        Connection, Contact, ContactPolicy, ContactState, ContactToken, Happening, Item, MadeContact,
        Opening, Speaker, SpeakerRole, platform,
    },
    delivery::{Job, Receipt, Update},
    handoff::{EndedBy, Status},
    id::{HandoffId, RowId},
    platform::PlatformPolicy,
    rules::{
        act::TakeOver,
        contact::{
            begin::{self, Plan},
            close::{self, Because},
            release::{self, FetchedFile, FetchedFiles, Taken},
        },
        start,
    },
    thread::{Bytes, Content, Sending},
    time::Time,
};

const GRACE: Duration = Duration::from_mins(1);

fn world_with(end_if_unavailable: Option<&str>) -> World {
    let mut world = World::new();
    let end_if_unavailable = end_if_unavailable.map(str::to_owned);
    let contacts = Some(ContactPolicy { agent_left_grace: GRACE, end_if_unavailable });
    world.policy.platforms =
        PlatformPolicy { ids: vec![platform()], max_age: Duration::from_mins(15), contacts };
    world.start();
    world
}

/// A handoff with an open contact.
fn world() -> World {
    let mut world = world_with(None);
    plan(&mut world);
    let id = id(&world);
    world.decide(begin::made(id.clone(), made()));
    world.decide(begin::streams(id.clone()));
    let token = ContactToken::new("connection".to_owned());
    world.decide(begin::connected(id.clone(), Connection { token, expires_at: at(86_400_000) }));
    world.decide(begin::opened(id));
    world
}

fn plan(world: &mut World) -> Option<Contact> {
    let plan = Plan { opening: Opening::default(), opened_with: 1, left_out: None };
    world.decide(begin::plan(id(world), plan))
}

fn made() -> MadeContact {
    MadeContact {
        id: "c1".to_owned(),
        current_id: "c1".to_owned(),
        current_since: None,
        participant_token: ContactToken::new("participant".to_owned()),
        is_streaming: false,
        connection: None,
    }
}

fn id(world: &World) -> HandoffId {
    world.handoff().id.clone()
}

fn contact(world: &World) -> &Contact {
    world.books.contact.as_ref().unwrap()
}

fn speaker(name: &str, role: SpeakerRole) -> Speaker {
    Speaker { participant: format!("p-{name}"), name: name.to_owned(), role }
}

fn item(id: &str, millis: i64, what: Happening) -> Item {
    Item { id: id.to_owned(), at: at(millis), contact: Some("c1".to_owned()), what }
}

fn says(id: &str, millis: i64, name: &str, body: &str) -> Item {
    item(id, millis, Happening::Text { by: speaker(name, SpeakerRole::Agent), body: body.to_owned() })
}

fn joined(id: &str, millis: i64, name: &str) -> Item {
    item(id, millis, Happening::Joined { by: speaker(name, SpeakerRole::Agent) })
}

fn left(id: &str, millis: i64, name: &str) -> Item {
    item(id, millis, Happening::Left { by: speaker(name, SpeakerRole::Agent) })
}

fn file(id: &str, millis: i64, filename: &str) -> Item {
    let what = Happening::File {
        by: speaker("Ann", SpeakerRole::Agent),
        attachment: format!("attachment-{id}"),
        filename: filename.to_owned(),
        mime_type: "application/pdf".to_owned(),
    };
    item(id, millis, what)
}

fn fetched(filename: &str) -> FetchedFile {
    FetchedFile { filename: filename.to_owned(), mime_type: "application/pdf".to_owned(), size: 9 }
}

fn rows_of(world: &World, items: &[Item]) -> Vec<RowId> {
    items.iter().map(|item| contact(world).row_of(item)).collect()
}

fn arrive(world: &mut World, items: &[Item]) -> Taken {
    let rows = rows_of(world, items);
    world.decide(release::arrive(id(world), items.to_vec(), rows))
}

/// The quiet period passes, and what waits joins the thread.
fn release(world: &mut World, files: FetchedFiles) {
    let Some(due) = contact(world).release_at else { return };
    world.now.at = world.now.at.max(due);
    let rows = rows_of(world, &contact(world).pending.clone());
    world.decide(release::due(id(world), rows, files));
}

fn hears(world: &mut World, items: &[Item]) {
    assert_eq!(arrive(world, items), Taken::Yes);
    release(world, FetchedFiles::new());
}

fn updates(world: &World) -> Vec<(&'static str, String)> {
    let update = |job: &Job| match job {
        Job::Update(Update::UpdateEndUser { values }) => {
            Some(("end user", serde_json::to_string(values).unwrap()))
        }
        Job::Update(Update::UpdateConversation { values }) => {
            Some(("conversation", serde_json::to_string(values).unwrap()))
        }
        _ => None,
    };
    world.books.outbox.iter().filter_map(|delivery| update(&delivery.job)).collect()
}

#[test]
fn whatever_comes_in_any_order_and_twice_reaches_the_customer_sorted_and_once() {
    let mut world = world();
    world.clock(10_000);
    let (one, two, three) =
        (says("b", 9_001, "Ann", "one"), says("a", 9_002, "Ann", "two"), says("c", 9_003, "Ann", "three"));
    arrive(&mut world, &[three.clone(), one.clone()]);
    arrive(&mut world, &[two.clone(), one.clone()]);
    release(&mut world, FetchedFiles::new());
    assert_eq!(world.queue(), ["one", "two", "three"]);
    // All of it again, by a repeated notification or from the transcript.
    hears(&mut world, &[one, two, three]);
    assert_eq!(world.queue(), ["one", "two", "three"]);
    assert!(contact(&world).pending.is_empty() && contact(&world).release_at.is_none());
    assert_eq!(world.row("one").author.display_name.as_deref(), Some("Ann"));
}

#[test]
fn a_stream_of_words_waits_no_longer_than_a_second() {
    let mut world = world();
    world.clock(10_000);
    for index in 0..20 {
        arrive(&mut world, &[says(&format!("m{index}"), 10_000 + index, "Ann", "x")]);
        assert!(contact(&world).release_at.unwrap() <= at(11_000));
        world.now.at = world.now.at + Duration::from_millis(100);
    }
}

#[test]
fn the_first_agent_who_comes_or_writes_has_the_handoff() {
    let mut world = world();
    hears(&mut world, &[joined("j", 1_000, "Ann")]);
    assert_eq!(world.handoff().status, Status::Active { agent: "Ann (Amazon Connect)".to_owned() });
    hears(&mut world, &[says("m", 2_000, "Bob", "I take over")]);
    assert_eq!(world.handoff().agent(), Some("Bob (Amazon Connect)"));
    assert_eq!(world.queue(), ["I take over"]);
    assert_eq!(
        world.writes(ALEX, "me too").unwrap_err().to_string(),
        "Bob (Amazon Connect) has this handoff; take it over first"
    );
}

#[test]
fn the_ai_agent_learns_both_ids() {
    let mut world = world();
    hears(&mut world, &[says("m", 1_000, "Ann", "Hi"), says("n", 2_000, "Ann", "again")]);
    let contact = r#"{"agent_system_amazon_connect_conversation_id":"c1"}"#.to_owned();
    let agent = r#"{"agent_system_amazon_connect_agent_id":"p-Ann"}"#.to_owned();
    assert_eq!(
        updates(&world),
        [
            ("end user", contact.clone()),
            ("conversation", contact),
            ("end user", agent.clone()),
            ("conversation", agent)
        ]
    );
}

#[test]
fn who_accepts_elsewhere_first_ends_the_contact_and_late_words_take_nothing_over() {
    let mut world = world();
    world.accept(ALEX, TakeOver::No).unwrap();
    let id = id(&world);
    let contact_then = world.decide(close::begin(id.clone(), Because::HasAnother)).unwrap();
    assert_eq!(contact_then.state, ContactState::Closing);
    hears(&mut world, &[says("m", 5_000, "Ann", "Hello?")]);
    assert_eq!(world.handoff().agent(), Some(ALEX));
    assert_eq!(world.queue(), ["Hello?"], "nothing that was said is lost");
    world.decide(close::closed(id.clone()));
    hears(&mut world, &[item("e", 6_000, Happening::Ended)]);
    assert!(world.handoff().is_open(), "the end of a contact that the relay has ended ends nothing");
    world.give_back(ALEX).unwrap();
    hears(&mut world, &[says("n", 7_000, "Ann", "Still here")]);
    assert_eq!(world.handoff().status, Status::Waiting);
    assert_eq!(plan(&mut world).unwrap().state, ContactState::Closed, "no new contact after a release");
}

#[test]
fn an_agent_there_who_was_first_keeps_the_contact() {
    let mut world = world();
    world.accept(ALEX, TakeOver::No).unwrap();
    world.give_back(ALEX).unwrap();
    hears(&mut world, &[says("m", 5_000, "Ann", "Hi")]);
    let id = id(&world);
    assert_eq!(world.decide(close::begin(id.clone(), Because::HasAnother)), None, "it is hers by now");
    world.accept(SAM, TakeOver::Yes).unwrap();
    assert!(world.decide(close::begin(id, Because::HasAnother)).is_some());
}

#[test]
fn the_end_of_the_chat_ends_the_handoff_behind_what_was_said() {
    let mut world = world();
    let all = [item("e", 3_000, Happening::Ended), says("m", 2_000, "Ann", "Bye"), joined("j", 1_000, "Ann")];
    hears(&mut world, &all);
    assert_eq!(world.queue(), ["Bye", "(end)"]);
    assert_eq!(world.ended_by(0), Some(EndedBy::Agent));
    assert_eq!(contact(&world).state, ContactState::Closed);
    assert_eq!(
        world.decide(close::begin(id(&world), Because::Ended)),
        None,
        "there is nothing to end any more"
    );
}

#[test]
fn a_flow_that_ends_the_chat_before_anyone_came_ends_the_handoff() {
    let mut world = world();
    hears(&mut world, &[item("e", 3_000, Happening::Ended)]);
    assert_eq!(world.ended_by(0), Some(EndedBy::System));
    assert_eq!(world.queue(), ["(end)"]);
}

#[test]
fn an_agent_who_left_for_good_ends_it_after_the_grace() {
    let mut world = world();
    hears(&mut world, &[joined("j", 1_000, "Ann"), left("l", 2_000, "Ann")]);
    let since = contact(&world).agent_left_at.unwrap().ours;
    assert_eq!(world.books.contact_due, Some(since + GRACE));
    world.now.at = since + GRACE - Duration::from_millis(1);
    assert!(!world.decide(release::agent_is_gone(id(&world))));
    world.now.at = since + GRACE;
    assert!(world.decide(release::agent_is_gone(id(&world))));
    assert_eq!(world.ended_by(0), Some(EndedBy::Agent));
}

#[test]
fn a_transfer_a_timer_and_another_agent_are_no_end() {
    let cases: [&[Item]; 5] = [
        &[item("t", 2_001, Happening::Transferred)],
        &[item("t", 1_999, Happening::Transferred)],
        &[item("t", 2_001, Happening::AutoDisconnected)],
        &[joined("k", 2_500, "Bob")],
        &[joined("k", 2_500, "Ann")],
    ];
    for what in cases {
        for is_first in [true, false] {
            let mut world = world();
            hears(&mut world, &[joined("j", 1_000, "Ann")]);
            let (one, other) = (&[left("l", 2_000, "Ann")][..], what);
            let order = if is_first { [other, one] } else { [one, other] };
            for items in order {
                hears(&mut world, items);
            }
            world.now.at = world.now.at + GRACE * 2;
            assert!(!world.decide(release::agent_is_gone(id(&world))), "{what:?}");
        }
    }
}

#[test]
fn a_file_is_sent_in_its_place_once_it_is_here() {
    let mut world = world();
    arrive(
        &mut world,
        &[says("a", 1_000, "Ann", "before"), file("b", 2_000, "a.pdf"), says("c", 3_000, "Ann", "behind")],
    );
    release(&mut world, FetchedFiles::new());
    assert_eq!(world.queue(), ["before"]);
    release(&mut world, FetchedFiles::from([("b".to_owned(), Ok(fetched("a.pdf")))]));
    assert_eq!(world.queue(), ["before", "a.pdf", "behind"]);
    let Content::File { bytes, .. } = &world.file("a.pdf").content else { panic!() };
    assert_eq!(*bytes, Bytes::Kept { size: 9 });
}

#[test]
fn a_file_that_can_not_be_had_is_shown_and_holds_nothing_up() {
    let mut world = world();
    arrive(&mut world, &[file("b", 2_000, "a.pdf"), says("c", 3_000, "Ann", "behind")]);
    release(&mut world, FetchedFiles::from([("b".to_owned(), Err("gone".to_owned()))]));
    assert_eq!(world.queue(), ["behind"]);
    assert_eq!(world.file("a.pdf").sending, None);
}

#[test]
fn words_behind_the_end_join_the_thread_as_failed() {
    let mut world = world();
    world.clock(20_000).hears([customer("hello", 19_000), handoff_ended(21_000)]);
    hears(&mut world, &[says("m", 22_000, "Ann", "too late")]);
    assert_eq!(world.queue(), Vec::<&str>::new());
    assert_eq!(world.sending("too late"), Sending::failed("the handoff had ended before this could be sent"));
}

#[test]
fn a_message_of_theirs_is_sent_and_confirmed_like_any_other() {
    let mut world = world();
    hears(&mut world, &[says("m", 1_000, "Ann", "Hi")]);
    world.tries(Ok(Receipt::default()));
    assert_eq!(world.sending("Hi"), Sending::Sent);
}

#[test]
fn no_contact_is_planned_for_what_is_over_or_elsewhere() {
    let mut world = world_with(None);
    world.accept(ALEX, TakeOver::No).unwrap();
    assert_eq!(plan(&mut world), None);
    assert_eq!((contact(&world).state, world.books.contact_due), (ContactState::Closed, None));

    let mut world = world_with(None);
    world.end(ALEX).unwrap();
    assert_eq!(plan(&mut world), None);
    assert_eq!(contact(&world).state, ContactState::Closed);
}

#[test]
fn a_contact_that_can_not_be_made_leaves_the_handoff_to_others_or_ends_it() {
    let mut keeps = world_with(None);
    plan(&mut keeps);
    keeps.decide(begin::failed(id(&keeps), "no such flow".to_owned()));
    assert_eq!((contact(&keeps).state, keeps.handoff().is_open()), (ContactState::Failed, true));
    assert_eq!(keeps.decide(close::begin(id(&keeps), Because::Ended)), None);

    let mut ends = world_with(Some("Sorry."));
    plan(&mut ends);
    ends.decide(begin::failed(id(&ends), "no such flow".to_owned()));
    assert_eq!(ends.queue(), ["Sorry.", "(end)"]);

    let mut accepted = world_with(Some("Sorry."));
    plan(&mut accepted);
    accepted.accept(ALEX, TakeOver::No).unwrap();
    accepted.decide(begin::failed(id(&accepted), "no such flow".to_owned()));
    assert!(accepted.handoff().is_open(), "somebody has it");
}

#[test]
fn a_contact_that_may_exist_is_stopped_with_the_end() {
    let mut world = world_with(None);
    plan(&mut world);
    world.decide(begin::may_exist(id(&world), true));
    let due = world.books.contact_due.unwrap();
    assert!(!world.decide(begin::give_up(id(&world))));
    world.now.at = due;
    assert!(world.decide(begin::give_up(id(&world))));
    assert!(!world.decide(begin::give_up(id(&world))));
    let to_end = world.decide(close::begin(id(&world), Because::Ended)).unwrap();
    assert!(to_end.may_exist && to_end.made.is_none());
}

#[test]
fn a_chat_that_is_found_over_ends_behind_what_waits() {
    let mut world = world();
    arrive(&mut world, &[says("m", 5_000, "Ann", "Bye")]);
    world.decide(close::found_over(id(&world)));
    world.decide(close::found_over(id(&world)));
    release(&mut world, FetchedFiles::new());
    assert_eq!(world.queue(), ["Bye", "(end)"]);
}

#[test]
fn a_refused_start_keeps_messages_from_adopting_for_an_hour_or_until_a_start() {
    let mut world = World::new();
    world.decide(start::refuse(key()));
    world.clock(60_000).hears([customer("hello", 59_000)]);
    world.clock(100_000).release();
    assert!(world.books.handoffs.is_empty());
    assert_eq!(world.books.dead_letters.len(), 1);
    world.clock(200_000).start();
    assert_eq!(world.books.start_refused_until, None);

    let mut later = World::new();
    later.decide(start::refuse(key()));
    let hour = i64::try_from(start::REFUSED_FOR.as_millis()).unwrap();
    later.clock(hour + 1_000).hears([customer("hello", hour + 500)]);
    later.clock(hour + 40_000).release();
    assert_eq!(later.books.handoffs.len(), 1, "an hour has passed");
}

#[test]
fn an_end_tells_the_time_it_is_due() {
    let world = world();
    let compared_at = contact(&world).compared_at;
    assert_eq!(world.books.contact_due, Some(compared_at + Duration::from_mins(15)));
    assert!(!contact(&world).is_to_be_compared(world.now.at, Time::default()));
    assert!(
        contact(&world).is_to_be_compared(world.now.at, compared_at + Duration::from_secs(1)),
        "from before"
    );
}

#[test]
fn a_contact_that_nobody_could_even_try_to_make_is_noticed() {
    let mut world = world_with(Some("Sorry."));
    world.now.at = world.books.contact_due.unwrap();
    assert!(world.decide(begin::give_up(id(&world))));
    assert_eq!(world.queue(), ["Sorry.", "(end)"]);
}

#[test]
fn what_explains_an_earlier_leaving_explains_no_later_one_however_often_it_comes() {
    let mut world = world();
    let transfer = item("t", 2_001, Happening::Transferred);
    hears(
        &mut world,
        &[joined("j", 1_000, "Ann"), left("l", 2_000, "Ann"), transfer.clone(), joined("k", 3_000, "Bob")],
    );
    hears(&mut world, &[left("m", 60_000, "Bob")]);
    hears(&mut world, &[transfer]);
    world.now.at = world.now.at + GRACE;
    assert!(world.decide(release::agent_is_gone(id(&world))));
}

#[test]
fn a_refused_file_is_noted_once() {
    let mut world = world();
    let refused =
        Happening::FileRejected { by: speaker("Ann", SpeakerRole::Agent), filename: "a.exe".to_owned() };
    for _ in 0..2 {
        hears(&mut world, &[item("r", 1_000, refused.clone())]);
    }
    let is_note = |row: &&&crate::relay::thread::Row| matches!(row.content, Content::Note { .. });
    assert_eq!(world.thread(0).iter().filter(is_note).count(), 1);
}

#[test]
fn a_late_word_does_not_take_the_contacts_id_back() {
    let mut world = world();
    let of = |contact: &str, item: Item| Item { contact: Some(contact.to_owned()), ..item };
    hears(&mut world, &[of("c2", says("b", 2_000, "Bob", "Bob here"))]);
    hears(&mut world, &[of("c1", says("a", 1_000, "Ann", "late"))]);
    assert_eq!(contact(&world).made.as_ref().unwrap().current_id, "c2");
}

#[test]
fn a_chat_that_is_found_over_before_anyone_spoke_ends_behind_what_comes_at_the_same_time() {
    let mut world = world();
    world.clock(10_000);
    world.decide(close::found_over(id(&world)));
    arrive(&mut world, &[says("m", 9_500, "Ann", "Bye")]);
    release(&mut world, FetchedFiles::new());
    assert_eq!(world.queue(), ["Bye", "(end)"]);
}
