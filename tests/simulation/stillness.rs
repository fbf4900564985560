//! The process stands still between the claim of a delivery and its call.

use std::time::Duration;

use crate::{desk::Desk, in_simulated_time};

/// A call takes so long to Ada at most.
const WAY: Duration = Duration::from_millis(150);

/// Whether a call that was about to leave when the process stood still for so long leaves as it was.
fn leaves_after(seconds: u64) -> bool {
    in_simulated_time(async {
        let mut desk = Desk::new(5).await;
        let chats = desk.hands_off(1).await;
        desk.post.passes(Duration::from_secs(60)).await;
        desk.writes(&chats[0], "Hello").await;
        // What comes next is the claim.
        desk.relay.shaky.stands_still(seconds);
        let over = desk.now() + Duration::from_secs(seconds);
        desk.sends_all(&chats).await;
        assert_eq!(desk.arrived(&chats[0]), ["Hello"]);
        let call = desk.ada.calls().into_iter().find(|at| *at >= over).unwrap();
        call <= over + WAY
    })
}

#[test]
fn a_call_leaves_while_its_claim_lasts_or_under_a_new_one() {
    for (seconds, leaves) in [(0, true), (7, true), (8, false), (12, false), (3_600, false)] {
        assert_eq!(leaves_after(seconds), leaves, "{seconds}");
    }
}
