//! A copy of the database is put back: what has been sent since the copy was made is not sent again.

use std::fs;

use crate::support::{
    eventually,
    relay::{Relay, Setup},
    settles,
};

const TEXTS: [&str; 3] = ["One", "Two", "Three"];

#[tokio::test]
async fn what_was_sent_after_a_copy_was_made_is_not_sent_again_from_it() {
    let mut relay = Setup::new().with_a_road().start().await;
    let alex = relay.alex();
    let (chat, id) = relay.hand_off().await;
    alex.accepts(&id).await;
    settles(&(0, 0), || relay.left_over()).await;
    relay.road().close();
    for text in TEXTS {
        alex.writes(&id, text).await;
    }
    let tried = || async { relay.road().passed().iter().any(|call| call.starts_with("POST")).then_some(()) };
    eventually("an attempt to send the first", tried).await;
    relay.stop().await;
    let copy = fs::read(relay.file()).unwrap();

    relay.road().reopen();
    relay.start_again().await;
    all_are_sent(&relay, &id).await;
    relay.stop().await;
    let sent = relay.ada.messages(&chat).len();
    fs::write(relay.file(), copy).unwrap();
    relay.start_again().await;
    all_are_sent(&relay, &id).await;
    assert_eq!(relay.ada.messages(&chat).len(), sent, "none went twice");
    relay.finish().await;
}

async fn all_are_sent(relay: &Relay, id: &str) {
    for text in TEXTS {
        relay.alex().sees(id, text, &["sent", "confirmed"]).await;
    }
}
