//! What agents see of those who wait, before they open a conversation.

use serde_json::{Value, json};

use crate::{
    desk::{Desk, row},
    support::{events::customer_says, relay::Relay},
};

/// Somebody is handed over with these fields. Gives the conversation, and the handoff's id.
async fn waits(relay: &Relay, context: Value) -> (String, String) {
    let conversation = relay.ada.open_conversation();
    assert_eq!(relay.ada.start_handoff(&conversation, context).await.unwrap(), 200);
    let handoff = relay.alex().handoff_of(&conversation).await["id"].as_str().unwrap().to_owned();
    (conversation, handoff)
}

/// Ada calls the customer of all messages Maria Silva.
#[tokio::test]
async fn the_name_that_the_business_gave_stands_first() {
    let relay = Relay::start().await;
    let (known, handoff) = waits(&relay, json!({"first_name": "Ana", "last_name": "Souza"})).await;
    let (nameless, other) = waits(&relay, json!({"name": "{{name}}", "email": "None"})).await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    let end = &nameless[nameless.len() - 4..];
    desk.shows(&format!("{} .name", row(&other)), &format!("Customer {end}")).await;
    for conversation in [&known, &nameless] {
        relay.gets(&customer_says(conversation, "Hello")).await;
    }
    desk.shows(&format!("{} .name", row(&other)), "Maria Silva").await;
    desk.misses(&format!("{} .alias", row(&other))).await;
    desk.shows(&format!("{} .name bdi", row(&handoff)), "Ana Souza").await;
    desk.shows(&format!("{} .name .alias", row(&handoff)), "Maria Silva").await;

    desk.accepts(&handoff).await;
    desk.shows("#conversation-name", "Ana Souza Maria Silva").await;
    desk.shows("#details .person", "In Ada: Maria Silva").await;
    relay.alex().post("/canned-replies", &json!({"title": "Greet", "text": "Hello {name}!"})).await.good(201);
    desk.clicks("#composer-text").await;
    desk.types("/Greet").await;
    desk.clicks("#canned-list [role=option]").await;
    desk.comes_to("return document.getElementById('composer-text').value", json!("Hello Ana Souza!")).await;
    desk.closes().await;
}
