//! Ada's limits, kept by all handoffs together.

use std::time::Duration;

use crate::support::{
    relay::{Relay, Setup},
    settles, soon,
};

/// The most calls that reached Ada in any window of a second.
fn busiest_second(relay: &Relay) -> usize {
    let mut times: Vec<_> = relay.ada.calls().iter().map(|call| call.at).collect();
    times.sort();
    let within = |from: usize| {
        let end = times[from] + Duration::from_secs(1);
        times[from..].iter().filter(|at| **at < end).count()
    };
    (0..times.len()).map(within).max().unwrap_or_default()
}

#[tokio::test]
async fn no_second_sees_more_calls_than_allowed_and_none_is_lost() {
    let relay = Setup::new().set("ADA_RATE_PER_SECOND", "6").start().await;
    let mut chats = Vec::new();
    for _ in 0..4 {
        chats.push(relay.hand_off().await);
    }
    for number in 0..4 {
        for (_, id) in &chats {
            relay.alex().writes(id, &format!("Line {number}")).await;
        }
    }
    for (chat, _) in &chats {
        let lines = || async {
            let messages = relay.ada.messages(chat);
            messages.iter().filter(|said| said.role == sandbox::Role::HumanAgent).count()
        };
        settles(&4, lines).await;
    }
    settles(&(0, 0), || relay.left_over()).await;
    let busiest = busiest_second(&relay);
    println!("limits: {} calls, {busiest} in the busiest second of 6 allowed", relay.ada.calls().len());
    assert!(busiest <= 6);
    relay.finish().await;
}

/// A call that hangs may count until it is answered, but not so that the AI Agent's other customers wait.
#[tokio::test]
async fn a_dozen_hung_handoffs_delay_no_other() {
    let relay = Setup::new().set("ADA_RATE_PER_SECOND", "10").with_a_road().start().await;
    let (chat, id) = relay.hand_off().await;
    let mut hung = Vec::new();
    for _ in 0..12 {
        hung.push(relay.hand_off().await);
    }
    settles(&(0, 0), || relay.left_over()).await;
    for (chat, id) in &hung {
        relay.road().bar(chat);
        relay.alex().writes(id, "Into the void").await;
    }
    relay.road().holds(10).await;
    let began = tokio::time::Instant::now();
    relay.alex().writes(&id, "Hello").await;
    soon("the customer sees it", relay.ada.until(|ada| ada.messages(&chat).len() > 1)).await;
    let took = began.elapsed();
    println!("limits: beside a dozen hung calls a message takes {took:.1?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
}
