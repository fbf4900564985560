//! No one waits for ever.

use std::time::Duration;

use sandbox::{Call, Role, Sandbox, ScriptedAnswer};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    moment,
    relay::{Relay, Setup},
    soon,
};

const SORRY: &str = "Sorry, nobody is free.";
const QUIET: &str = "It is quiet here.";

fn setup() -> Setup {
    Setup::new().set("WAITING_TIMEOUT_TEXT", SORRY).set("IDLE_TIMEOUT_TEXT", QUIET)
}

/// What people said to the customer, under which name, and when the AI Agent took over again.
fn seen(relay: &Relay, chat: &str) -> Vec<(String, String)> {
    let messages = relay.ada.messages(chat);
    let after = messages.into_iter().skip_while(|said| said.role != Role::HumanAgent);
    let named = after.map(|said| {
        let name = said.display_name.clone().filter(|_| said.role == Role::HumanAgent);
        (name.unwrap_or_default(), said.text().unwrap_or_default().to_owned())
    });
    named.collect()
}

fn said<'a>(name: &'a str, text: &'a str) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

/// Writes and ends that Ada answered, in their order.
fn calls(relay: &Relay) -> Vec<(Call, u16)> {
    let calls = relay.ada.calls().into_iter().filter_map(|call| Some((call.call?, call.status)));
    calls.filter(|(call, _)| matches!(call, Call::SendMessage | Call::EndHandoff)).collect()
}

async fn is_back(relay: &Relay, chat: &str) {
    soon("the AI Agent is back", relay.ada.until(|ada| !ada.in_handoff(chat))).await;
}

#[tokio::test]
async fn nobody_accepts_and_the_customer_is_told_before_the_end() {
    let relay = setup().set("WAITING_TIMEOUT", "1s").start().await;
    let (chat, id) = relay.hand_off().await;
    let ended = relay.alex().sees_the_end(&id).await;
    assert_eq!((&ended["ended_by"], &ended["agent"]), (&json!("system"), &Value::Null));
    is_back(&relay, &chat).await;
    assert_eq!(calls(&relay), [(Call::SendMessage, 201), (Call::EndHandoff, 200)]);
    assert_eq!(seen(&relay, &chat)[0], said("Support", SORRY));
    assert_eq!(seen(&relay, &chat)[1].0, "", "the AI Agent speaks after it");

    assert_eq!(relay.alex().history(&id).await, ["started", "timed_out", "ended"]);
    let text = relay.alex().sees(&id, SORRY, &["confirmed"]).await;
    assert_eq!((&text["source"], &text["author"]["role"]), (&json!("relay"), &json!("human_agent")));
    assert_eq!(relay.alex().get(&format!("/handoffs/{id}/ledger")).await.good(200)["confirmed"], 1);
    let rows = relay.alex().rows(&id).await;
    let end = rows.iter().find(|row| row["content"]["event"] == "ended").unwrap();
    assert_eq!(end["content"]["by"], "system");
    relay.finish().await;
}

/// With another setting than it began under: what counts is since when the customer waits.
#[tokio::test]
async fn a_deadline_that_passes_while_the_relay_is_down_is_kept_at_the_start() {
    const TIMEOUT: Duration = Duration::from_secs(5);
    let mut relay = setup().start().await;
    let (chat, id) = relay.hand_off().await;
    let waits_since = Instant::now();
    relay.stop().await;
    relay.set("WAITING_TIMEOUT", "5s");
    moment(waits_since + TIMEOUT).await;
    assert!(relay.ada.in_handoff(&chat));
    let started = Instant::now();
    relay.start_again().await;
    relay.alex().sees_the_end(&id).await;
    assert!(started.elapsed() < TIMEOUT, "the waiting didn't begin anew");
    is_back(&relay, &chat).await;
    assert_eq!(seen(&relay, &chat)[0], said("Support", SORRY));

    relay.restart().await;
    assert_eq!(relay.alex().history(&id).await, ["started", "timed_out", "ended"], "once");
    assert_eq!(calls(&relay).len(), 2);
    relay.finish().await;
}

#[tokio::test]
async fn a_text_that_ada_refuses_does_not_hold_up_the_end() {
    let relay = setup().set("WAITING_TIMEOUT", "1s").start().await;
    let answer = ScriptedAnswer { status: 400, headers: Vec::new(), body: Value::Null };
    relay.ada.answer_next(Call::SendMessage, answer);
    let (chat, id) = relay.hand_off().await;
    is_back(&relay, &chat).await;
    assert_eq!(calls(&relay), [(Call::SendMessage, 400), (Call::EndHandoff, 200)]);
    relay.alex().sees(&id, SORRY, &["failed"]).await;
    assert_eq!(relay.alex().handoff(&id).await["ended_by"], "system");
    relay.finish().await;
}

#[tokio::test]
async fn a_handoff_with_an_agent_waits_for_no_one_unless_told_to() {
    let relay = setup().set("WAITING_TIMEOUT", "1s").set("IDLE_TIMEOUT", "2s").start().await;
    let (chat, id) = relay.hand_off().await;
    relay.alex().writes(&id, "Hello").await;
    let ended = relay.alex().sees_the_end(&id).await;
    assert_eq!((&ended["ended_by"], &ended["agent"]["name"]), (&json!("system"), &json!("Alex")));
    is_back(&relay, &chat).await;
    assert_eq!(seen(&relay, &chat)[..2], [said("Alex", "Hello"), said("Alex", QUIET)]);
    assert_eq!(relay.alex().history(&id).await, ["started", "accepted", "timed_out", "ended"]);
    relay.finish().await;
}

#[tokio::test]
async fn a_customer_whose_webhook_got_lost_is_heard_before_the_end() {
    let relay = setup().set("IDLE_TIMEOUT", "2s").start().await;
    let (chat, id) = relay.hand_off().await;
    relay.alex().accepts(&id).await;
    // At the start and at the accept. From here on nobody opens it, which would have it read, too.
    let lists =
        |ada: &Sandbox| ada.calls().iter().filter(|call| call.call == Some(Call::ListMessages)).count();
    soon("the history is read", relay.ada.until(|ada| lists(ada) == 2)).await;
    relay.ada.set_webhooks(false);
    relay.ada.customer_says(&chat, "Are you there?").await.unwrap();
    relay.alex().sees_the_end(&id).await;
    let rows = relay.alex().rows(&id).await;
    let place = |wanted: &dyn Fn(&Value) -> bool| rows.iter().position(wanted);
    let heard = place(&|row| row["content"]["body"] == "Are you there?").expect("heard");
    let timed_out = place(&|row| row["content"]["event"] == "timed_out").expect("timed out");
    assert!(heard < timed_out);
    relay.finish().await;
}
