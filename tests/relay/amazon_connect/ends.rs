//! A contact ends, on either side, and whatever the other was doing.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    connect::{Connect, customer_sees, hand_off},
    events::{from_now, handoff_ends},
    settles,
};

#[tokio::test]
async fn an_agent_of_the_console_who_is_first_ends_the_contact_with_a_line() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    relay.alex().accepts(&id).await;
    connect.is_over(&contact).await;
    connect.agent_sees(&contact, &["[This conversation is answered elsewhere now. This chat ends.]"]).await;
    relay.alex().writes(&id, "Alex here").await;
    customer_sees(&relay, &chat, &["Alex here"]).await;
    assert!(relay.ada.in_handoff(&chat));
    relay.alex().act(&id, "release").await.good(200);
    relay.is_at_rest().await;
    assert_eq!(connect.standin.contacts().len(), 1, "no new contact after a release");
    connect.has_no_complaints();
    relay.finish().await;
}

#[tokio::test]
async fn the_customers_end_ends_the_contact() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    connect.joins(&contact, "Ann");
    relay.gets(&handoff_ends(&chat, from_now(5_000))).await;
    settles(&json!("ended"), || async { relay.alex().handoff(&id).await["status"].clone() }).await;
    connect.is_over(&contact).await;
    connect.has_no_complaints();
    relay.finish().await;
}

#[tokio::test]
async fn a_flow_that_disconnects_and_a_chat_that_is_over_end_the_handoff() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    for is_flow in [true, false] {
        let (chat, id) = hand_off(&relay, json!({})).await;
        let contact = connect.contact(&relay, &id).await;
        if is_flow {
            connect.standin.flow_disconnects(&contact).unwrap();
        } else {
            connect.standin.chat_duration_over(&contact).unwrap();
        }
        settles(&false, || async { relay.ada.in_handoff(&chat) }).await;
        assert_eq!(relay.alex().handoff(&id).await["ended_by"], "system");
    }
    connect.has_no_complaints();
    relay.finish().await;
}

#[tokio::test]
async fn an_agent_who_left_for_good_ends_it_and_no_zombie_stays() {
    let connect = Connect::start().await;
    let relay = connect.setup().set("AMAZON_CONNECT_AGENT_LEFT_GRACE", "1s").start().await;
    connect.subscribe(&relay).await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let ann = connect.joins(&contact, "Ann");
    connect.says(&contact, &ann, "Bye");
    customer_sees(&relay, &chat, &["Bye"]).await;
    // A disconnect flow that waits for the customer for 15 minutes.
    connect.standin.end_as_agent_with_flow(&contact).unwrap();
    settles(&false, || async { relay.ada.in_handoff(&chat) }).await;
    connect.is_over(&contact).await;
    assert_eq!(relay.alex().handoff(&id).await["ended_by"], "agent");
    connect.has_no_complaints();
    relay.finish().await;
}

#[tokio::test]
async fn a_timer_of_the_flow_that_takes_the_agent_out_is_no_end() {
    let connect = Connect::start().await;
    let relay = connect.setup().set("AMAZON_CONNECT_AGENT_LEFT_GRACE", "0s").start().await;
    connect.subscribe(&relay).await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let ann = connect.joins(&contact, "Ann");
    connect.says(&contact, &ann, "Hello?");
    customer_sees(&relay, &chat, &["Hello?"]).await;
    connect.standin.auto_disconnect_customer_timer(&contact).unwrap();
    settles(&true, || async {
        relay.alex().reads(&id).await.iter().any(|text| text == "Ann left the chat in Amazon Connect")
    })
    .await;
    let bob = connect.joins(&contact, "Bob");
    connect.says(&contact, &bob, "I am back");
    customer_sees(&relay, &chat, &["Hello?", "I am back"]).await;
    relay.alex().post(&format!("/handoffs/{id}/accept"), &json!({ "take_over": true })).await.good(200);
    connect.is_over(&contact).await;
    relay.finish().await;
}

#[tokio::test]
async fn what_was_said_and_ended_while_the_relay_was_away_is_found() {
    let connect = Connect::start().await;
    let mut relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let (other_chat, other) = hand_off(&relay, json!({})).await;
    let (contact, over) = (connect.contact(&relay, &id).await, connect.contact(&relay, &other).await);
    let ann = connect.joins(&contact, "Ann");
    connect.says(&contact, &ann, "one");
    customer_sees(&relay, &chat, &["one"]).await;
    relay.stop().await;
    connect.standin.set_dial(sandbox::amazon_connect::Dial { lose: 1.0, ..Default::default() });
    connect.says(&contact, &ann, "two");
    connect.says(&contact, &ann, "three");
    connect.standin.chat_duration_over(&over).unwrap();
    settles(&true, || async { connect.standin.is_idle() }).await;
    connect.standin.set_dial(sandbox::amazon_connect::Dial::default());
    relay.start_again().await;
    connect.follow(&relay);
    customer_sees(&relay, &chat, &["one", "two", "three"]).await;
    settles(&false, || async { relay.ada.in_handoff(&other_chat) }).await;
    connect.says(&contact, &ann, "four");
    customer_sees(&relay, &chat, &["one", "two", "three", "four"]).await;
    connect.has_no_complaints();
    relay.finish().await;
}

#[tokio::test]
async fn tokens_that_have_ended_are_renewed() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    relay.ada.customer_says(&chat, "one").await.unwrap();
    connect.agent_sees(&contact, &["one"]).await;
    connect.standin.expire_connection_tokens();
    relay.ada.customer_says(&chat, "two").await.unwrap();
    connect.agent_sees(&contact, &["one", "two"]).await;
    assert!(connect.standin.requests_of("CreateParticipantConnection").len() >= 2);
    // The chat is over, and nobody has told: the next call finds out.
    connect.standin.set_dial(sandbox::amazon_connect::Dial { lose: 1.0, ..Default::default() });
    connect.standin.pass_time(Duration::from_hours(26));
    relay.ada.customer_says(&chat, "three").await.unwrap();
    settles(&false, || async { relay.ada.in_handoff(&chat) }).await;
    relay.finish().await;
}
