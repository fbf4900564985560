//! A rule that panics spoils its own decision alone.

use std::time::Duration;

use handoff_relay::relay::thread::{Role, Sending};

use crate::{desk::Desk, in_simulated_time, shaky::POISON};

async fn passes(desk: &mut Desk, seconds: u64) {
    for _ in 0..seconds {
        desk.post.passes(Duration::from_secs(1)).await;
    }
}

#[test]
fn an_event_that_a_rule_panics_on_is_set_aside_and_everything_else_goes_on() {
    in_simulated_time(async {
        let mut desk = Desk::new(7).await;
        let chats = desk.hands_off(2).await;
        for words in ["one", POISON, "two"] {
            desk.ada.writes(&chats[0].conversation, Role::EndUser, words);
        }
        desk.ada.writes(&chats[1].conversation, Role::EndUser, "hello");
        passes(&mut desk, 120).await;
        assert_eq!(desk.reads(&chats[0]).await.split_off(1), ["one", "two"]);
        assert_eq!(desk.reads(&chats[1]).await.split_off(1), ["hello"]);
        let letters = desk.relay.store.held().dead_letters(None, 9).await.unwrap().letters;
        let reasons: Vec<&str> = letters.iter().map(|letter| letter.reason.as_str()).collect();
        assert_eq!(reasons, ["the relay has an internal error with it"]);

        // Readings of a list that has it come to nothing, and hold nothing up.
        desk.engine().opened(chats[0].handoff.clone());
        passes(&mut desk, 60).await;
        let row = desk.writes(&chats[0], "an answer").await;
        passes(&mut desk, 5).await;
        let sent = desk.relay.store.held().row(&row.id).await.unwrap().unwrap().sending;
        assert!(matches!(sent, Some(Sending::Sent | Sending::Confirmed)), "{sent:?}");
        assert_eq!(desk.relay.store.held().depths().await.unwrap().inbox, 0);
    });
}
