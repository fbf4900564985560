//! The process stands still between the claim of a delivery and its call.

use std::time::Duration;

use crate::{desk::Desk, in_simulated_time};

/// How often a message is claimed until it is sent, if the process stands still for so long after the first time.
fn claims(seconds: u64) -> u64 {
    in_simulated_time(async {
        let mut desk = Desk::new(5).await;
        let chats = desk.hands_off(1).await;
        desk.post.passes(Duration::from_secs(60)).await;
        let before = desk.relay.shaky.claims();
        desk.relay.shaky.stands_still(seconds);
        desk.writes(&chats[0], "Hello").await;
        desk.sends_all(&chats).await;
        assert_eq!(desk.arrived(&chats[0]), ["Hello"]);
        desk.relay.shaky.claims() - before
    })
}

#[test]
fn a_call_leaves_while_its_claim_lasts_or_under_a_new_one() {
    for (seconds, expected) in [(0, 1), (7, 1), (8, 2), (12, 2), (600, 2)] {
        assert_eq!(claims(seconds), expected, "{seconds} s");
    }
}
