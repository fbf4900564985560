//! The way of agents' messages to Ada, when it is rough.

use std::time::Duration;

use sandbox::{Call, Fault, ScriptedAnswer};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    answer::Answer,
    events::{from_now, says_at},
    eventually,
    relay::{Relay, Setup},
    settles, soon,
};

fn answers(relay: &Relay, call: Call, status: u16) {
    relay.ada.answer_next(call, ScriptedAnswer { status, headers: Vec::new(), body: Value::Null });
}

fn answers_with_words(relay: &Relay, call: Call, status: u16, message: &str) {
    let error = json!({ "type": "of_the_test", "message": message, "details": null });
    let body = json!({ "errors": [error] });
    relay.ada.answer_next(call, ScriptedAnswer { status, headers: Vec::new(), body });
}

/// What people wrote to the customer, as the customer sees it.
fn seen(relay: &Relay, chat: &str) -> Vec<String> {
    let messages = relay.ada.messages(chat);
    let human = messages.iter().filter(|said| said.role == sandbox::Role::HumanAgent);
    human.map(|said| said.text().unwrap().to_owned()).collect()
}

async fn comes_to_see(relay: &Relay, chat: &str, texts: &[&str]) {
    soon("the customer sees it", relay.ada.until(|_| seen(relay, chat) == texts)).await;
}

/// Status and time of each attempt at a message.
fn attempts(relay: &Relay) -> Vec<(u16, jiff::Timestamp)> {
    let calls = relay.ada.calls();
    let sends = calls.iter().filter(|call| call.call == Some(Call::SendMessage));
    sends.map(|call| (call.status, call.at)).collect()
}

fn statuses(relay: &Relay) -> Vec<u16> {
    attempts(relay).iter().map(|(status, _)| *status).collect()
}

#[tokio::test]
async fn after_a_500_the_message_is_sent_again() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    answers(&relay, Call::SendMessage, 500);
    answers(&relay, Call::SendMessage, 503);
    relay.alex().writes(&id, "Hello").await;
    relay.alex().sees(&id, "Hello", &["confirmed"]).await;
    assert_eq!(statuses(&relay), [500, 503, 201]);
    assert_eq!(seen(&relay, &chat), ["Hello"]);
    relay.finish().await;
}

#[tokio::test]
async fn a_429_is_waited_out_as_long_as_ada_asks() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let (other_chat, other) = relay.hand_off().await;
    let headers = vec![("Retry-After".to_owned(), "1".to_owned())];
    relay.ada.answer_next(Call::SendMessage, ScriptedAnswer { status: 429, headers, body: Value::Null });
    relay.alex().writes(&id, "Hello").await;
    relay.ada.until(|_| !attempts(&relay).is_empty()).await;
    relay.alex().writes(&other, "Hello there").await;
    comes_to_see(&relay, &chat, &["Hello"]).await;
    comes_to_see(&relay, &other_chat, &["Hello there"]).await;
    let tries = attempts(&relay);
    assert_eq!(statuses(&relay), [429, 201, 201]);
    for (_, at) in &tries[1..] {
        let waited = at.duration_since(tries[0].1);
        assert!((1_000..2_500).contains(&waited.as_millis()), "{waited:?}: limits are the AI Agent's");
    }
    relay.finish().await;
}

#[tokio::test]
async fn a_refused_key_turns_health_red_and_loses_nothing() {
    let relay = Relay::start().await;
    let (_, id) = relay.hand_off().await;
    relay.get("/health/ready").await.good(200);
    // A reading of the handoff would meet the refusal before the message does.
    settles(&0, || relay.deliveries()).await;
    answers_with_words(&relay, Call::SendMessage, 401, "The API key is wrong");
    relay.ada.fault_always(Call::GetConversation, Some(Fault::Status { status: 401, retry_after: None }));
    relay.alex().writes(&id, "Hello").await;
    let detail = eventually("a red light", || async {
        let answer = relay.get("/health/ready").await;
        (answer.status == 503).then(|| answer.problem(503))
    })
    .await;
    assert!(detail.contains("ADA_API_KEY") && detail.contains("Ada answered 401"), "{detail}");
    assert!(!detail.contains(crate::support::relay::API_KEY));
    relay.get("/health/live").await.good(200);
    relay.alex().sees(&id, "Hello", &["queued"]).await;
    assert_eq!(statuses(&relay), [401]);
}

#[tokio::test]
async fn what_ada_refuses_fails_in_its_words_and_the_next_goes_on() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let alex = relay.alex();
    answers_with_words(&relay, Call::SendMessage, 400, "Too rude");
    answers_with_words(&relay, Call::SendMessage, 413, "Too long");
    for text in ["One", "Two", "Three"] {
        alex.writes(&id, text).await;
    }
    alex.sees(&id, "Three", &["confirmed"]).await;
    assert_eq!(seen(&relay, &chat), ["Three"]);
    let one = alex.sees(&id, "One", &["failed"]).await;
    assert_eq!(one["delivery"]["error"], "Ada answered 400: Too rude");
    let two = alex.sees(&id, "Two", &["failed"]).await;
    assert_eq!(two["delivery"]["error"], "Ada answered 413: Too long");

    // One is sent again, the other is put aside; each once.
    let (one, two) = (path(&one), path(&two));
    let again = alex.post(&format!("{one}/retry"), &json!({})).await.good(202);
    assert_eq!(again["delivery"]["state"], "queued");
    alex.sees(&id, "One", &["confirmed"]).await;
    assert_eq!(Answer::to(alex.request("DELETE", &two)).await.status, 204);
    alex.sees(&id, "Two", &["dropped"]).await;
    for (method, path) in [
        ("POST", format!("{one}/retry")),
        ("POST", format!("{two}/retry")),
        ("DELETE", one.clone()),
        ("DELETE", two.clone()),
    ] {
        let answer = Answer::to(alex.request(method, &path)).await;
        assert_eq!(answer.problem(409), "this message has not failed", "{method} {path}");
    }
    assert_eq!(seen(&relay, &chat), ["Three", "One"]);
    relay.finish().await;
}

fn path(row: &Value) -> String {
    format!("/handoffs/{}/messages/{}", row["handoff_id"].as_str().unwrap(), row["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_422_right_after_the_start_is_asked_again() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    answers_with_words(&relay, Call::SendMessage, 422, "Not in a handoff");
    relay.alex().writes(&id, "Hello").await;
    relay.alex().sees(&id, "Hello", &["confirmed"]).await;
    assert_eq!(seen(&relay, &chat), ["Hello"]);
    assert_eq!(relay.alex().handoff(&id).await["status"], "active");
    relay.finish().await;
}

#[tokio::test]
async fn a_422_later_ends_the_handoff_and_fails_what_is_queued() {
    // An adopted handoff has no start call whose answer Ada may not have acted on yet.
    let relay = Setup::new().set("UNKNOWN_HOLD_MS", "0").start().await;
    let alex = relay.alex();
    let chat = relay.ada.open_conversation();
    relay.gets(&says_at(&chat, "Hi", from_now(-5_000))).await;
    let id = alex.handoff_of(&chat).await["id"].as_str().unwrap().to_owned();
    alex.accepts(&id).await;
    answers_with_words(&relay, Call::SendMessage, 503, "Later");
    answers_with_words(&relay, Call::SendMessage, 422, "Not in a handoff");
    alex.writes(&id, "One").await;
    alex.tries_to_write(&id, "Two").await;
    assert_eq!(alex.sees_the_end(&id).await["ended_by"], "ada");
    for text in ["One", "Two"] {
        let row = alex.sees(&id, text, &["failed"]).await;
        assert_eq!(row["delivery"]["error"], "Ada answered 422: Not in a handoff", "{text}");
    }
    assert_eq!(statuses(&relay), [503, 422], "nothing was sent into a handoff that is over");
    relay.finish().await;
}

#[tokio::test]
async fn twenty_quick_messages_arrive_in_their_order_whatever_fails() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let alex = relay.alex();
    alex.accepts(&id).await;
    for status in [500, 502, 503] {
        answers(&relay, Call::SendMessage, status);
    }
    let texts: Vec<String> = (0..20).map(|number| format!("Line {number}")).collect();
    for text in &texts {
        alex.writes(&id, text).await;
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    comes_to_see(&relay, &chat, &texts).await;
    alex.sees(&id, "Line 19", &["confirmed"]).await;
    assert_eq!(attempts(&relay).len(), 23, "each once, but for those that failed");
    let mine: Vec<String> =
        alex.reads(&id).await.into_iter().filter(|text| text.starts_with("Line")).collect();
    assert_eq!(mine, texts);
    relay.finish().await;
}

#[tokio::test]
async fn an_end_call_waits_for_the_messages_before_it_and_is_repeated_until_answered() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    answers(&relay, Call::SendMessage, 500);
    answers(&relay, Call::EndHandoff, 500);
    answers(&relay, Call::EndHandoff, 503);
    for text in ["One", "Bye"] {
        relay.alex().writes(&id, text).await;
    }
    relay.alex().ends(&id).await;
    soon("the AI Agent is back", relay.ada.until(|ada| !ada.in_handoff(&chat))).await;
    assert_eq!(seen(&relay, &chat), ["One", "Bye"]);
    relay.alex().sees(&id, "Bye", &["confirmed"]).await;
    eventually("the end was told", || async {
        // The AI Agent's first words may be behind it, if the list was read just then.
        let rows = relay.alex().rows(&id).await;
        let end = rows.iter().find(|row| row["content"]["event"] == "ended")?;
        ["sent", "confirmed"].contains(&end["delivery"]["state"].as_str()?).then_some(())
    })
    .await;
    relay.finish().await;
}

#[tokio::test]
async fn a_hung_handoff_and_a_failing_one_delay_no_other() {
    let relay = Setup::new().with_a_road().start().await;
    let (hung_chat, hung) = relay.hand_off().await;
    let (chat, id) = relay.hand_off().await;
    let nowhere = relay.start_call("nobody-knows-this-one").await;
    let alex = relay.alex();
    alex.comes_to_read(&hung, &[GREETING]).await;
    relay.road().bar(&hung_chat);
    alex.writes(&hung, "Into the void").await;
    relay.road().holds(1).await;
    alex.writes(&nowhere, "Into a 404").await;
    let began = Instant::now();
    for number in 0..5 {
        alex.writes(&id, &format!("Line {number}")).await;
    }
    comes_to_see(&relay, &chat, &["Line 0", "Line 1", "Line 2", "Line 3", "Line 4"]).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    alex.sees(&hung, "Into the void", &["queued"]).await;
    alex.sees(&nowhere, "Into a 404", &["queued"]).await;
}

const GREETING: &str = "Hi Maria, I'm Acme's assistant. Ask me about your order or our opening hours, \
                        or ask for a person at any time.";
