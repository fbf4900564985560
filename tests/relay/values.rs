//! What Ada learns of a handoff, for the AI Agent to go on from.

use std::time::Duration;

use sandbox::{Call, Fault};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    relay::{Relay, Setup},
    settles, soon,
};

fn setup() -> Setup {
    Setup::new()
        .set("ADA_METAVARIABLES", "agent=support_agent,outcome=support_outcome")
        .set("ADA_METADATA", "handoff_id,ended_by,note")
}

/// A customer is handed off whose id is known from their first message.
async fn hand_off(relay: &Relay) -> (String, String) {
    let (chat, id) = relay.hand_off().await;
    relay.ada.customer_says(&chat, "Hello?").await.unwrap();
    (chat, id)
}

async fn come_to_be(relay: &Relay, chat: &str, variables: Value, metadata: Value) {
    settles(&(variables, metadata), || async {
        (Value::Object(relay.ada.metavariables(chat)), Value::Object(relay.ada.metadata(chat)))
    })
    .await;
}

async fn ends(relay: &Relay, id: &str) {
    let body = json!({ "outcome": "solved", "note": "All good." });
    relay.alex().post(&format!("/handoffs/{id}/end"), &body).await.good(200);
}

async fn is_back(relay: &Relay, chat: &str) {
    soon("the AI Agent is back", relay.ada.until(|ada| !ada.in_handoff(chat))).await;
}

/// The calls that Ada was made with this effect, in their order.
fn calls(relay: &Relay, wanted: &[Call]) -> Vec<Call> {
    let calls = relay.ada.calls().into_iter().filter(|call| call.status == 200);
    calls.filter_map(|call| call.call.filter(|call| wanted.contains(call))).collect()
}

#[tokio::test]
async fn the_ai_agent_finds_the_values_when_it_takes_over_again() {
    let relay = setup().start().await;
    let (chat, id) = hand_off(&relay).await;
    let nobody = json!({ "support_agent": "", "support_outcome": "" });
    come_to_be(&relay, &chat, nobody, json!({ "handoff_id": id })).await;
    relay.alex().accepts(&id).await;
    let alex = json!({ "support_agent": "Alex", "support_outcome": "" });
    come_to_be(&relay, &chat, alex, json!({ "handoff_id": id })).await;
    relay.alex().writes(&id, "Bye").await;
    ends(&relay, &id).await;
    is_back(&relay, &chat).await;
    let wanted = [Call::UpdateEndUser, Call::UpdateMetadata, Call::EndHandoff];
    assert_eq!(calls(&relay, &wanted).last(), Some(&Call::EndHandoff), "the values come before it");
    let solved = json!({ "support_agent": "Alex", "support_outcome": "solved" });
    come_to_be(&relay, &chat, solved, json!({ "handoff_id": id, "ended_by": "agent", "note": "All good." }))
        .await;

    // What an earlier handoff has left is gone with the next.
    assert_eq!(relay.ada.start_handoff(&chat, json!({})).await.unwrap(), 200);
    let next = relay.alex().handoffs_of(&chat).await[0]["id"].as_str().unwrap().to_owned();
    relay.ada.customer_says(&chat, "One more thing").await.unwrap();
    let nobody = json!({ "support_agent": "", "support_outcome": "" });
    come_to_be(&relay, &chat, nobody, json!({ "handoff_id": next })).await;
    relay.finish().await;
}

#[tokio::test]
async fn values_that_ada_does_not_answer_hold_up_the_end_for_two_seconds_and_come_after_it() {
    let mut relay = setup().start().await;
    let (chat, id) = hand_off(&relay).await;
    relay.alex().accepts(&id).await;
    let alex = json!({ "support_agent": "Alex", "support_outcome": "" });
    come_to_be(&relay, &chat, alex.clone(), json!({ "handoff_id": id })).await;
    for call in [Call::UpdateEndUser, Call::UpdateMetadata] {
        relay.ada.fault_always(call, Some(Fault::Hang));
    }
    let asked = Instant::now();
    ends(&relay, &id).await;
    is_back(&relay, &chat).await;
    let took = asked.elapsed();
    assert!(took >= Duration::from_millis(1_900) && took < Duration::from_secs(6), "{took:?}");
    assert_eq!(Value::Object(relay.ada.metavariables(&chat)), alex);
    for call in [Call::UpdateEndUser, Call::UpdateMetadata] {
        relay.ada.fault_always(call, None);
    }
    relay.restart().await;
    let solved = json!({ "support_agent": "Alex", "support_outcome": "solved" });
    come_to_be(&relay, &chat, solved, json!({ "handoff_id": id, "ended_by": "agent", "note": "All good." }))
        .await;
    assert!(relay.alex().rows(&id).await.iter().all(|row| row["delivery"]["state"] != "failed"));
    relay.finish().await;
}

#[tokio::test]
async fn what_ada_refuses_is_given_up_and_disturbs_nothing() {
    let relay = setup().start().await;
    for call in [Call::UpdateEndUser, Call::UpdateMetadata] {
        relay.ada.fault_always(call, Some(Fault::Status { status: 400, retry_after: None }));
    }
    let (chat, id) = hand_off(&relay).await;
    relay.alex().writes(&id, "Hello").await;
    relay.alex().sees(&id, "Hello", &["confirmed"]).await;
    let asked = Instant::now();
    ends(&relay, &id).await;
    is_back(&relay, &chat).await;
    assert!(asked.elapsed() < Duration::from_millis(1_900), "{:?}", asked.elapsed());
    assert_eq!(relay.alex().history(&id).await, ["started", "accepted", "ended"]);
    relay.finish().await;
}

#[tokio::test]
async fn an_end_user_of_whom_nothing_is_known_holds_up_nothing() {
    let relay = setup().start().await;
    let (chat, id) = relay.hand_off().await;
    relay.alex().accepts(&id).await;
    ends(&relay, &id).await;
    is_back(&relay, &chat).await;
    let metadata = Value::Object(relay.ada.metadata(&chat));
    assert_eq!(metadata["note"], "All good.", "it was there before the end");
}
