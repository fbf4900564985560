//! A first message accepts, and what a channel shows of a message.

use serde_json::{Value, json};
use thirtyfour::Key;

use crate::{
    desk::Desk,
    relay::chat,
    support::{events::customer_says, relay::Relay},
    team::HOLD,
};

const DRAFT: &str = "return document.getElementById('composer-text').value";

/// Where the customer writes by SMS, which shows no Markdown.
async fn writes_by_sms(relay: &Relay, conversation: &str) {
    let mut event = customer_says(conversation, "Hello?");
    event["data"]["channel"]["modality"] = json!("sms");
    event["data"]["channel"]["capabilities"]["markdown"] = Value::Bool(false);
    relay.gets(&event).await;
}

#[tokio::test]
async fn a_first_message_accepts_with_a_combination_and_never_with_enter_alone() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let (_, other) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.opens(&handoff).await;
    desk.shows("#composer-send", "Accept and send").await;
    desk.clicks("#composer-text").await;
    desk.types("Hello").await;
    desk.presses(Key::Enter).await;
    desk.comes_to(DRAFT, json!("Hello\n")).await;
    desk.shows("#conversation-status", "Waiting for").await;
    desk.js::<()>(HOLD, &[json!("/accept")]).await;
    desk.presses(Key::Control + Key::Enter + Key::Null).await;
    desk.comes_to("return typeof window.letGo", json!("function")).await;
    // What is pressed and written until the answer is there sends nothing twice, and is kept.
    desk.presses(Key::Enter).await;
    desk.types("And").await;
    assert_eq!(relay.alex().handoff(&handoff).await["status"], "waiting");
    desk.js::<()>("window.letGo(); delete window.letGo", &[]).await;
    desk.has_message("Hello", "confirmed").await;
    desk.shows("#conversation-status", "Assigned to you").await;
    desk.comes_to(DRAFT, json!("And")).await;
    assert_eq!(chat(&relay, &conversation).iter().filter(|text| *text == "Hello").count(), 1);

    // The same by the button.
    desk.opens(&other).await;
    desk.clicks("#composer-text").await;
    desk.types("Good morning").await;
    desk.clicks("#composer-send").await;
    desk.comes_to("return typeof window.letGo", json!("function")).await;
    desk.js::<()>("window.letGo(); delete window.letGo", &[]).await;
    desk.has_message("Good morning", "confirmed").await;
    desk.closes().await;
}

#[tokio::test]
async fn a_first_message_that_comes_too_late_stays_a_draft() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.opens(&handoff).await;
    desk.clicks("#composer-text").await;
    desk.types("Hello").await;
    desk.js::<()>(HOLD, &[json!("/accept")]).await;
    desk.presses(Key::Control + Key::Enter + Key::Null).await;
    desk.comes_to("return typeof window.letGo", json!("function")).await;
    relay.agent("Sam").accepts(&handoff).await;
    desk.js::<()>("window.letGo(); delete window.letGo", &[]).await;
    desk.shows("#composer-reason", "Sam has this conversation.").await;
    desk.shows("#composer-draft blockquote", "Hello").await;
    assert!(!chat(&relay, &conversation).contains(&"Hello".to_owned()));
    desk.closes_after(&["status of 409"]).await;
}

#[tokio::test]
async fn a_channel_without_markdown_gets_plain_text_and_the_composer_says_so() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.shows("#composer-hint", "Enter sends").await;
    desk.writes("**Bold**").await;
    desk.has_message("Bold", "confirmed").await;
    assert_eq!(chat(&relay, &conversation).last().unwrap(), "**Bold**");

    writes_by_sms(&relay, &conversation).await;
    desk.shows("#composer-hint", "SMS shows plain text").await;
    desk.clicks("#composer-text").await;
    desk.pastes("**Hi** [our page](https://example.com/a), 2*3*4 or a_b_c\n- _one_ https://example.com/b")
        .await;
    desk.presses(Key::Enter).await;
    let plain = "Hi our page (https://example.com/a), 2*3*4 or a_b_c\n- one https://example.com/b";
    desk.until("plain text at Ada", async || {
        (chat(&relay, &conversation).last().unwrap() == plain).then_some(())
    })
    .await;
    // Notes are for colleagues.
    desk.presses(Key::Control + Key::Shift + "4" + Key::Null).await;
    desk.shows("#composer-hint", "Enter sends").await;
    desk.closes().await;
}

/// What the log has had, and how long each line was alone.
const LISTEN: &str = "window.lines = [];
    new MutationObserver((changes) => {
        const fresh = changes.flatMap(({addedNodes}) => [...addedNodes]);
        if (fresh.length > 0) window.lines.push([performance.now(), fresh.length, fresh.at(-1).textContent]);
    }).observe(document.getElementById('log'), {childList: true})";

#[tokio::test]
async fn many_messages_a_second_are_said_one_line_at_a_time() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.js::<()>(LISTEN, &[]).await;
    for number in 1..=30 {
        relay.gets(&customer_says(&conversation, &format!("Message {number}"))).await;
    }
    desk.comes_to("return window.lines.at(-1)?.[2].endsWith('Maria Silva: Message 30')", json!(true)).await;
    let lines: Vec<(f64, u64, String)> = desk.js("return window.lines", &[]).await;
    assert_eq!(lines[0].2, "Maria Silva: Message 1");
    assert!(lines.len() > 1 && lines.len() < 10, "{lines:?}");
    for pair in lines.windows(2) {
        assert!(pair[1].0 - pair[0].0 > 1_900.0 && pair[1].1 == 1, "one at a time: {lines:?}");
    }
    let said = lines.iter().map(|(_, _, line)| match line.split_once(" new messages. ") {
        Some((number, _)) => number.parse::<u64>().unwrap(),
        None => 1,
    });
    assert_eq!(said.sum::<u64>(), 30, "each counts once: {lines:?}");
    desk.closes().await;
}
