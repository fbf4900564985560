//! What is broken for one handoff, or at Ada, slows nobody whom it doesn't concern.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::support::{
    relay::{Relay, Setup},
    settles, soon,
};

/// More than the outbox has places for, of any kind.
const HUNG: usize = 300;
/// How long a hung call takes: far longer than anything else here.
const TIMEOUT_MS: &str = "4000";
/// All have been tried, and so many again as fill every place there is.
const TRIED: usize = HUNG + 256;

/// How long it takes from an agent's request until the customer sees what was written.
async fn takes(relay: &Relay, (chat, id): &(String, String), text: &str) -> Duration {
    let began = Instant::now();
    relay.alex().writes(id, text).await;
    let seen = |ada: &sandbox::Sandbox| ada.messages(chat).iter().any(|said| said.text() == Some(text));
    soon("the customer sees it", relay.ada.until(seen)).await;
    began.elapsed()
}

#[tokio::test]
async fn more_hung_handoffs_than_there_are_places_delay_no_other() {
    let relay = Setup::new().set("ADA_TIMEOUT_MS", TIMEOUT_MS).with_a_road().start().await;
    let healthy = relay.hand_off().await;
    let hung = join_all((0..HUNG).map(|_| relay.hand_off())).await;
    settles(&(0, 0), || relay.left_over()).await;
    let usual = takes(&relay, &healthy, "Before").await;
    for (chat, _) in &hung {
        relay.road().bar(chat);
    }
    join_all(hung.iter().map(async |(_, id)| relay.alex().writes(id, "Into the void").await)).await;
    relay.road().holds(TRIED).await;
    let beside = takes(&relay, &healthy, "Beside").await;
    println!("isolation: a message takes {usual:.2?}, and {beside:.2?} beside {HUNG} hung handoffs");
    assert!(beside < usual + Duration::from_secs(2), "{beside:?}, usually {usual:?}");
}
