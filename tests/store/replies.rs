//! Canned replies: no two of one title, not too many, and streams hear of each change.

use std::sync::Arc;

use handoff_relay::{
    relay::time::Time,
    store::{
        FeedItem, RetentionPeriods, Since, Store,
        replies::{CannedReply, MOST_PERSONAL_REPLIES, MOST_REPLIES, ReplyChange, ReplyOutcome},
    },
};

use super::make::{at, handoff, purge, put_handoffs};

fn reply(id: &str, title: &str, updated_at: Time) -> CannedReply {
    CannedReply {
        id: id.to_owned(),
        title: title.to_owned(),
        text: format!("{title}!"),
        created_at: updated_at,
        updated_at,
        updated_by: "Alex".to_owned(),
        owner: None,
    }
}

fn drops(id: &str, by: &str) -> ReplyChange {
    ReplyChange::Drop { id: id.to_owned(), by: by.to_owned() }
}

/// One that only this agent sees.
fn personal(id: &str, title: &str, owner: &str) -> CannedReply {
    CannedReply { owner: Some(owner.to_owned()), updated_by: owner.to_owned(), ..reply(id, title, at(0)) }
}

async fn change(store: &dyn Store, change: ReplyChange) -> ReplyOutcome {
    store.change_replies(change).await.unwrap()
}

async fn add(store: &dyn Store, id: &str, title: &str) -> ReplyOutcome {
    change(store, ReplyChange::Add(reply(id, title, at(0)))).await
}

async fn titles(store: &dyn Store) -> Vec<String> {
    store.canned_replies().await.unwrap().into_iter().map(|reply| reply.title).collect()
}

async fn they_are_listed_by_title(store: &dyn Store) {
    for (id, title) in [("1", "zebra"), ("2", "Éclair"), ("3", "apple"), ("4", "Banana"), ("5", "étude")] {
        assert_eq!(add(store, id, title).await, ReplyOutcome::Done(reply(id, title, at(0))));
    }
    assert_eq!(titles(store).await, ["apple", "Banana", "zebra", "Éclair", "étude"]);
    assert_eq!(store.canned_replies().await.unwrap()[0], reply("3", "apple", at(0)));
}

async fn no_two_have_one_title(store: &dyn Store) {
    add(store, "1", "Grüße").await;
    add(store, "2", "Bye").await;
    assert_eq!(add(store, "3", "GRÜSSE").await, ReplyOutcome::Done(reply("3", "GRÜSSE", at(0))));
    for title in ["Grüße", "GRÜße", "bye"] {
        assert_eq!(add(store, "4", title).await, ReplyOutcome::TitleTaken, "{title}");
    }
    let replaced = |id, title| ReplyChange::Replace(reply(id, title, at(0)));
    assert_eq!(change(store, replaced("1", "BYE")).await, ReplyOutcome::TitleTaken);
    assert!(matches!(change(store, replaced("1", "grüße")).await, ReplyOutcome::Done(_)), "its own");
    change(store, drops("2", "Alex")).await;
    assert!(matches!(add(store, "4", "Bye").await, ReplyOutcome::Done(_)), "free again");
}

async fn a_change_keeps_when_it_was_made(store: &dyn Store) {
    add(store, "1", "Hello").await;
    let new = CannedReply { updated_by: "Sam".to_owned(), ..reply("1", "Hi", at(9)) };
    let wanted = CannedReply { created_at: at(0), ..new.clone() };
    assert_eq!(change(store, ReplyChange::Replace(new)).await, ReplyOutcome::Done(wanted.clone()));
    assert_eq!(store.canned_replies().await.unwrap(), std::slice::from_ref(&wanted));
    assert_eq!(change(store, drops("1", "Alex")).await, ReplyOutcome::Done(wanted));
    assert_eq!(change(store, drops("1", "Alex")).await, ReplyOutcome::Unknown);
    assert_eq!(change(store, ReplyChange::Replace(reply("1", "Hi", at(9)))).await, ReplyOutcome::Unknown);
    assert!(store.canned_replies().await.unwrap().is_empty());
}

async fn there_is_a_most(store: &dyn Store) {
    for number in 0..MOST_REPLIES {
        add(store, &number.to_string(), &format!("Reply {number}")).await;
    }
    assert_eq!(add(store, "more", "More").await, ReplyOutcome::TooMany);
    let replaced = ReplyChange::Replace(reply("7", "Seven", at(0)));
    assert!(matches!(change(store, replaced).await, ReplyOutcome::Done(_)));
    change(store, drops("0", "Alex")).await;
    assert!(matches!(add(store, "more", "More").await, ReplyOutcome::Done(_)));
    assert_eq!(titles(store).await.len(), MOST_REPLIES);
}

async fn what_is_personal_is_its_agents_alone(store: &dyn Store) {
    let adds = async |reply: CannedReply| change(store, ReplyChange::Add(reply)).await;
    let alexs = personal("1", "Hello", "Alex");
    assert_eq!(adds(alexs.clone()).await, ReplyOutcome::Done(alexs.clone()));
    // Nobody is told of a title that they don't see.
    assert!(matches!(adds(personal("2", "hello", "Sam")).await, ReplyOutcome::Done(_)));
    assert!(matches!(add(store, "3", "HELLO").await, ReplyOutcome::Done(_)));
    assert_eq!(adds(personal("4", "hello", "Alex")).await, ReplyOutcome::TitleTaken);
    assert_eq!(add(store, "4", "hello").await, ReplyOutcome::TitleTaken);

    let by = |agent: &str, owner: Option<&str>| CannedReply {
        updated_by: agent.to_owned(),
        owner: owner.map(str::to_owned),
        ..reply("1", "Hi", at(9))
    };
    for owner in [None, Some("Sam")] {
        assert_eq!(change(store, ReplyChange::Replace(by("Sam", owner))).await, ReplyOutcome::Unknown);
    }
    assert_eq!(change(store, drops("1", "Sam")).await, ReplyOutcome::Unknown);
    let changed = CannedReply { created_at: at(0), ..by("Alex", Some("Alex")) };
    let outcome = change(store, ReplyChange::Replace(by("Alex", None))).await;
    assert_eq!(outcome, ReplyOutcome::Done(changed.clone()), "it stays Alex's own");
    assert!(store.canned_replies().await.unwrap().contains(&changed));
    assert_eq!(change(store, drops("1", "Alex")).await, ReplyOutcome::Done(changed));
    assert!(matches!(change(store, drops("3", "Sam")).await, ReplyOutcome::Done(_)), "all share it");
}

/// One agent's don't take the room of another's, nor of those that all share, however long the name is.
async fn each_agent_has_room_of_their_own(store: &dyn Store) {
    let long = "\u{1f600}".repeat(200);
    for owner in ["Alex", &long] {
        for number in 0..MOST_PERSONAL_REPLIES {
            let reply = personal(&format!("{owner} {number}"), &format!("Reply {number}"), owner);
            assert!(matches!(change(store, ReplyChange::Add(reply)).await, ReplyOutcome::Done(_)));
        }
        let more = ReplyChange::Add(personal(&format!("{owner} more"), "More", owner));
        assert_eq!(change(store, more).await, ReplyOutcome::TooMany);
    }
    let of_sam = ReplyChange::Add(personal("s", "More", "Sam"));
    assert!(matches!(change(store, of_sam).await, ReplyOutcome::Done(_)));
    assert!(matches!(add(store, "more", "More").await, ReplyOutcome::Done(_)));
}

async fn streams_hear_of_what_was_done_and_of_nothing_else(store: &dyn Store) {
    let begin = *store.signals().feed().borrow();
    put_handoffs(store, vec![handoff("h", "a")]).await;
    add(store, "1", "Hello").await;
    add(store, "2", "hello").await;
    change(store, drops("none", "Alex")).await;
    change(store, drops("1", "Alex")).await;
    let replies = FeedItem::CannedReplies;
    let wanted = [
        (begin + 1, FeedItem::Handoff(Arc::new(handoff("h", "a")))),
        (begin + 2, replies.clone()),
        (begin + 3, replies),
    ];
    assert_eq!(*store.signals().feed().borrow(), begin + 3);
    assert_eq!(store.changes_since(begin, 9).await.unwrap(), Since::Changes(wanted.to_vec()));
    // Forgetting old handoffs leaves them alone.
    purge(
        store,
        at(1_000_000_000),
        &RetentionPeriods { ended: Some(std::time::Duration::ZERO), dead_letters: None },
    )
    .await;
    assert_eq!(store.changes_since(begin, 9).await.unwrap(), Since::Changes(wanted.to_vec()));
}

on_every_store!(
    they_are_listed_by_title,
    no_two_have_one_title,
    a_change_keeps_when_it_was_made,
    there_is_a_most,
    what_is_personal_is_its_agents_alone,
    each_agent_has_room_of_their_own,
    streams_hear_of_what_was_done_and_of_nothing_else,
);

#[tokio::test]
async fn replies_survive_a_restart() {
    let file = crate::file::File::new();
    let open = file.try_open().await.unwrap();
    add(&*open.store, "1", "Hello").await;
    open.close().await;
    assert_eq!(titles(&*file.open().await).await, ["Hello"]);
}

/// Before there were personal ones, documents named no owner.
#[test]
fn an_old_reply_is_everybodys() {
    let document = serde_json::to_value(reply("1", "Hello", at(0))).unwrap();
    assert!(document.get("owner").is_none(), "one that all share is stored as before");
    let read: CannedReply = serde_json::from_value(document).unwrap();
    assert_eq!(read, reply("1", "Hello", at(0)));
    assert!(read.is_seen_by("Sam"));
}
