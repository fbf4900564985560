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
const TIMEOUT_MS: &str = "6000";
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
    assert!(beside < usual + Duration::from_secs(4), "{beside:?}, usually {usual:?}");
}

/// Agents' readings of each kind.
const READINGS: u32 = 30;

/// What an agent waits for: the list, a thread, and news of what another agent writes.
async fn reads(relay: &Relay, id: &str, when: &str) -> [Duration; 3] {
    let (alex, mut stream) = (relay.alex(), relay.alex().stream(None).await.ready().await);
    let mut waited = [Duration::ZERO; 3];
    for number in 0..READINGS {
        let text = format!("{when} {number}");
        let began = Instant::now();
        alex.list("limit=100").await;
        let listed = Instant::now();
        alex.rows(id).await;
        let read = Instant::now();
        alex.writes(id, &text).await;
        stream.until(|event| event.says(&text)).await;
        let told = read.elapsed();
        for (waited, took) in waited.iter_mut().zip([listed - began, read - listed, told]) {
            *waited += took / READINGS;
        }
    }
    waited
}

#[tokio::test]
async fn agents_read_as_fast_while_ada_is_down() {
    let relay = Setup::new().with_a_road().start().await;
    let chats = join_all((0..50).map(|_| relay.hand_off())).await;
    let (_, id) = &chats[0];
    let up = reads(&relay, id, "Up").await;
    settles(&(0, 0), || relay.left_over()).await;
    relay.road().bar_all();
    for (_, id) in &chats {
        relay.alex().writes(id, "Into the void").await;
    }
    relay.road().holds(chats.len()).await;
    let down = reads(&relay, id, "Down").await;
    println!("isolation: list, thread and news take {up:.1?} with Ada, {down:.1?} without");
    for (up, down) in up.into_iter().zip(down) {
        assert!(down < up + Duration::from_secs(1), "{down:?}, with Ada {up:?}");
    }
}
