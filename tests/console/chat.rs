//! A conversation between a customer and an agent.

use std::time::Duration;

use sandbox::{Call, Disorder, Fault, Role};
use serde_json::json;

use crate::{
    desk::{Desk, row},
    relay::chat,
    support::{eventually, relay::Relay, soon},
};

#[tokio::test]
async fn a_handoff_appears_and_is_accepted_without_a_reload() {
    let relay = Relay::start().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.shows("#queue-empty", "Nobody is waiting").await;
    let (conversation, handoff) = relay.hand_off().await;
    desk.shows(&format!("{} .name", row(&handoff)), "Maria Silva").await;
    desk.shows("#tab-waiting .number", "1").await;
    desk.comes_to("return document.title", json!("handoff-relay")).await;

    desk.opens(&handoff).await;
    desk.shows("#composer-reason", "Nobody has accepted this conversation yet.").await;
    desk.clicks("#composer-open").await;
    desk.shows("#conversation-status", "Assigned to you").await;
    desk.sees("#composer-text:focus").await;
    desk.misses(&row(&handoff)).await;
    // The number counts those who wait for this agent, for an answer of theirs.
    desk.comes_to("return document.title", json!("(1) Maria Silva · handoff-relay")).await;
    desk.clicks("#tab-mine").await;
    desk.sees(&row(&handoff)).await;
    desk.until("a system line", async || {
        let lines = desk.lines().await;
        (lines == ["Handed over by the AI Agent", "You accepted"]).then_some(())
    })
    .await;

    desk.writes("Hello, this is Alex.").await;
    desk.has_message("Hello, this is Alex.", "confirmed").await;
    assert!(chat(&relay, &conversation).contains(&"Hello, this is Alex.".to_owned()));
    desk.comes_to("return document.title", json!("Maria Silva · handoff-relay")).await;
    desk.closes().await;
}

/// Webhooks come late, in the wrong order and twice.
#[tokio::test]
async fn both_sides_chat_under_disorder() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    relay.ada.set_disorder(Disorder {
        delay: Duration::ZERO..=Duration::from_millis(900),
        duplicate_every: Some(2),
        lose_every: None,
        seed: 7,
    });
    for round in 1..=4 {
        let answer = format!("Answer {round}");
        for part in ["a", "b"] {
            relay.ada.customer_says(&conversation, &format!("Question {round}{part}")).await.unwrap();
        }
        desk.writes(&answer).await;
        let arrived = relay.ada.until(|ada| {
            let messages = ada.messages(&conversation);
            messages.iter().any(|one| one.role == Role::HumanAgent && one.text() == Some(&answer))
        });
        soon("the answer at Ada", arrived).await;
    }
    let said = chat(&relay, &conversation);
    assert_eq!(said.iter().filter(|text| text.starts_with("Answer")).count(), 4, "{said:?}");
    desk.reads(&said).await;
    for round in 1..=4 {
        desk.has_message(&format!("Answer {round}"), "confirmed").await;
    }
    eventually("the last webhook", async || relay.ada.is_idle().then_some(())).await;
    desk.reloads().await;
    desk.reads(&said).await;
    desk.closes().await;
}

/// A message gets its time when Ada takes it. One that waits must not stand before it until it is sent itself.
#[tokio::test]
async fn a_message_that_waits_stands_behind_those_that_were_sent() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    let wait = |seconds| Fault::Status { status: 429, retry_after: Some(seconds) };
    // The first is sent at the second try, and the second waits on.
    for fault in [wait(2), Fault::Slow(Duration::ZERO), wait(600)] {
        relay.ada.fault_next(Call::SendMessage, fault);
    }
    desk.writes("One").await;
    desk.writes("Two").await;
    desk.has_message("One", "confirmed").await;
    relay.ada.customer_says(&conversation, "Are you there?").await.unwrap();
    desk.until("all three", async || {
        let said = desk.thread().await;
        (said.ends_with(&["One", "Are you there?", "Two"].map(str::to_owned))).then_some(())
    })
    .await;
    desk.has_message("Two", "queued").await;
    desk.closes().await;
}
