//! Ada's limits, kept by all handoffs together.

use std::time::Duration;

use sandbox::{Call, ScriptedAnswer};
use serde_json::Value;

use crate::support::{
    past_the_doubt,
    relay::{Relay, Setup},
    settles, soon,
};

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
    let busiest = relay.ada.busiest(Duration::from_secs(1));
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

/// What stands in line for Ada when its handoff ends is not sent any more.
#[tokio::test]
async fn an_end_reaches_what_stands_in_line() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let (other_chat, other) = relay.hand_off().await;
    let began = tokio::time::Instant::now();
    for handoff in [&id, &other] {
        relay.alex().accepts(handoff).await;
    }
    settles(&(0, 0), || relay.left_over()).await;
    past_the_doubt(began).await;
    let not_now = ScriptedAnswer {
        status: 429,
        headers: vec![("Retry-After".to_owned(), "3".to_owned())],
        body: Value::Null,
    };
    relay.ada.answer_next(Call::SendMessage, not_now);
    relay.alex().writes(&id, "Later").await;
    let refused = |ada: &sandbox::Sandbox| ada.calls().iter().any(|call| call.status == 429);
    soon("the refusal", relay.ada.until(refused)).await;

    relay.alex().writes(&other, "Too late").await;
    relay.ada.customer_ends_chat(&other_chat).await.unwrap();
    relay.alex().sees_the_end(&other).await;
    soon("the line moves", relay.ada.until(|ada| ada.messages(&chat).len() > 1)).await;
    settles(&(0, 0), || relay.left_over()).await;

    relay.alex().sees(&other, "Too late", &["failed"]).await;
    let sent = relay.ada.calls();
    let sent = sent.iter().filter_map(|call| call.body.as_ref()?.pointer("/content/body")?.as_str());
    assert_eq!(sent.filter(|words| *words == "Too late").count(), 0);
    relay.finish().await;
}
