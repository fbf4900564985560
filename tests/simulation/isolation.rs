//! Hung conversations, at Ada's documented limits: the others notice nothing.

use std::time::Duration;

use handoff_relay::relay::thread::Role;

use crate::{
    desk::{Desk, text},
    in_simulated_time,
    relay::RECOVER_AFTER,
};

/// More than the outbox has places for.
const HUNG: usize = 300;
const MINUTE: Duration = Duration::from_secs(60);

/// Far more is tried again than Ada takes in a minute.
#[test]
fn hundreds_of_hung_handoffs_leave_calls_for_the_others() {
    in_simulated_time(async {
        let mut desk = Desk::new(7).await;
        let chats = desk.hands_off(HUNG + 1).await;
        let (healthy, hung) = chats.split_first().unwrap();
        for chat in hung {
            desk.ada.hangs(&chat.conversation);
            desk.writes(chat, "Into the void").await;
        }
        // The first attempts alone, also at reading what an agent who accepts may have missed, take six minutes.
        desk.post.passes(15 * MINUTE).await;
        let mut slowest = Duration::ZERO;
        for number in 0..30 {
            slowest = slowest.max(desk.takes(healthy, &format!("Line {number}")).await);
            desk.post.passes(Duration::from_secs(17)).await;
        }
        println!("isolation: beside {HUNG} hung handoffs no message takes longer than {slowest:.2?}");
        assert!(slowest < Duration::from_secs(3), "{slowest:?}");
        let fresh = desk.history_takes().await;
        println!("isolation: a new handoff's history is read in {fresh:.2?}");
        assert!(fresh < Duration::from_secs(10), "{fresh:?}");
    });
}

/// Recovery looks after a few at a time.
#[test]
fn hung_handoffs_keep_no_other_from_being_looked_after() {
    in_simulated_time(async {
        let mut desk = Desk::new(7).await;
        let chats = desk.hands_off(20).await;
        let (healthy, hung) = chats.split_first().unwrap();
        for chat in hung {
            desk.ada.hangs(&chat.conversation);
        }
        // The hung ones are read first in some round or other.
        desk.post.passes(2 * RECOVER_AFTER).await;
        desk.ada.writes(&healthy.conversation, Role::EndUser, "Unheard");
        desk.ada.news();
        desk.post.passes(3 * RECOVER_AFTER).await;
        let rows = desk.rows(healthy).await;
        assert!(rows.iter().any(|row| text(row) == Some("Unheard")), "it was never looked for: {rows:#?}");
    });
}
