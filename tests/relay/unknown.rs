//! Events of conversations that nobody told us about.

use std::time::Duration;

use sandbox::Call;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    events::{customer_says, from_now, handoff_ends, says_at},
    relay::{Relay, Setup},
    settles,
};

/// Events of another conversation that went in later have come out: the others had their turn.
async fn everyone_had_their_turn(relay: &Relay) {
    let (other, id) = relay.hand_off().await;
    relay.gets(&customer_says(&other, "Done?")).await;
    settles(&true, || async { relay.alex().reads(&id).await.contains(&"Done?".to_owned()) }).await;
}

#[tokio::test]
async fn an_event_that_overtook_its_start_call_waits_for_it() {
    let relay = Setup::new().set("DEBOUNCE_MS", "0").set("DEBOUNCE_MAX_MS", "0").start().await;
    let chat = relay.ada.open_conversation();
    relay.gets(&customer_says(&chat, "Anybody?")).await;
    everyone_had_their_turn(&relay).await;
    assert_eq!(relay.alex().handoffs_of(&chat).await, Vec::<Value>::new(), "held, not adopted");

    relay.ada.start_handoff(&chat, json!({ "plan": "pro" })).await.unwrap();
    let id = relay.alex().handoff_of(&chat).await["id"].as_str().unwrap().to_owned();
    settles(&true, || async { relay.alex().reads(&id).await.contains(&"Anybody?".to_owned()) }).await;
    let handoff = relay.alex().handoff(&id).await;
    assert_eq!(handoff["unread"], 1);
    assert_eq!(handoff["context"], json!({ "plan": "pro" }));
    assert_eq!(relay.alex().history(&id).await, ["started"]);
    relay.finish().await;
}

#[tokio::test]
async fn an_event_that_is_held_for_its_start_call_survives_a_restart() {
    let mut relay = Setup::new().set("DEBOUNCE_MS", "0").set("DEBOUNCE_MAX_MS", "0").start().await;
    let chat = relay.ada.open_conversation();
    relay.gets(&customer_says(&chat, "Anybody?")).await;
    everyone_had_their_turn(&relay).await;
    relay.stop().await;
    relay.start_again().await;
    everyone_had_their_turn(&relay).await;
    assert_eq!(relay.alex().handoffs_of(&chat).await, Vec::<Value>::new(), "held as before");

    relay.ada.start_handoff(&chat, json!({})).await.unwrap();
    let id = relay.alex().handoff_of(&chat).await["id"].as_str().unwrap().to_owned();
    settles(&true, || async { relay.alex().reads(&id).await.contains(&"Anybody?".to_owned()) }).await;
    assert_eq!(relay.alex().handoff(&id).await["unread"], 1);
    relay.finish().await;
}

#[tokio::test]
async fn a_customer_whose_start_call_never_came_is_adopted() {
    let relay = Setup::new().set("UNKNOWN_HOLD_MS", "300").start().await;
    let chat = relay.ada.open_conversation();
    let posted = Instant::now();
    relay.gets(&says_at(&chat, "Two", from_now(-500))).await;
    relay.gets(&says_at(&chat, "One", from_now(-1_000))).await;
    let adopted = relay.alex().handoff_of(&chat).await;
    let waited = posted.elapsed();
    assert!(waited >= Duration::from_millis(300) && waited < Duration::from_secs(2), "{waited:?}");
    let id = adopted["id"].as_str().unwrap();
    assert_eq!(adopted["status"], "waiting");
    assert_eq!(adopted["unread"], 2);
    assert_eq!(
        adopted["end_user"],
        json!({ "id": "maria", "name": "Maria Silva", "display_name": "Maria Silva", "email": null, "language": null })
    );
    assert_eq!(relay.alex().history(id).await, ["adopted"]);
    settles(&2, || async {
        let texts = relay.alex().reads(id).await;
        texts.iter().filter(|text| ["One", "Two"].contains(&text.as_str())).count()
    })
    .await;

    // Its call comes after all: the same handoff, and what it says is known from now on.
    relay.ada.start_handoff(&chat, json!({ "plan": "pro" })).await.unwrap();
    let started = relay.alex().handoffs_of(&chat).await;
    assert_eq!(started.len(), 1);
    assert_eq!(started[0]["id"], id);
    assert_eq!(started[0]["context"], json!({ "plan": "pro" }));
    relay.finish().await;
}

#[tokio::test]
async fn ada_is_asked_once_who_is_adopted() {
    let relay = Setup::new().set("UNKNOWN_HOLD_MS", "300").start().await;
    let chat = relay.ada.open_conversation();
    let id = relay.ada.end_user_id(&chat).unwrap();
    let mut event = says_at(&chat, "One", from_now(-500));
    for place in ["/data/end_user_id", "/data/author/id"] {
        *event.pointer_mut(place).unwrap() = json!(id);
    }
    event["data"]["author"]["display_name"] = Value::Null;
    relay.gets(&event).await;
    let handoff = relay.alex().handoff_of(&chat).await["id"].as_str().unwrap().to_owned();
    let known = json!({ "id": id, "name": "Maria Silva", "display_name": "Maria Silva",
        "email": "maria.silva@example.com", "language": "pt-BR" });
    settles(&known, || async { relay.alex().handoff(&handoff).await["end_user"].clone() }).await;
    relay.is_at_rest().await;
    let asked = relay.ada.calls().into_iter().filter(|call| call.call == Some(Call::ReadEndUser));
    assert_eq!(asked.count(), 1);
    // Of those who begin with a call, the business has said it.
    let (chat, handoff) = relay.hand_off().await;
    relay.ada.customer_says(&chat, "Hello").await.unwrap();
    settles(&true, || async { relay.alex().reads(&handoff).await.contains(&"Hello".to_owned()) }).await;
    relay.is_at_rest().await;
    let asked = relay.ada.calls().into_iter().filter(|call| call.call == Some(Call::ReadEndUser));
    assert_eq!(asked.count(), 1);
}

#[tokio::test]
async fn only_customers_are_adopted_and_only_lately() {
    let relay = Setup::new().set("UNKNOWN_HOLD_MS", "0").set("DEBOUNCE_MS", "0").start().await;
    let mut echo = customer_says("echo", "We are closed");
    echo["data"]["author"]["role"] = json!("human_agent");
    let mut machine = customer_says("machine", "I'm a machine");
    machine["data"]["author"]["role"] = json!("ai_agent");
    let hours = 3_600_000;
    let old = says_at("old", "Hello?", from_now(-49 * hours));
    let ancient = says_at("ancient", "Hello?", from_now(-15 * 24 * hours));
    for event in [&echo, &machine, &old, &ancient, &handoff_ends("ended", from_now(0))] {
        relay.gets(event).await;
    }
    everyone_had_their_turn(&relay).await;
    assert_eq!(relay.alex().list("").await.len(), 1, "only the other conversation");
    let letters = relay.alex().dead_letters().await;
    let reasons: Vec<&str> = letters.iter().rev().map(|letter| letter["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("48 hours")), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("14 days")), "{reasons:?}");
    relay.finish().await;
}
