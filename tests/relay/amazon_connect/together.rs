//! The console, a webhook platform and Amazon Connect, all on.

use sandbox::amazon_connect::Dial;
use serde_json::json;

use crate::support::{
    connect::{Connect, customer_sees, hand_off},
    platform::{Platform, Script},
    relay::Setup,
    settles,
};

fn setup(connect: &Connect, platform: &Platform) -> Setup {
    platform.settings().into_iter().fold(connect.setup(), |setup, (name, value)| setup.set(name, &value))
}

#[tokio::test]
async fn one_handoff_goes_from_place_to_place_and_each_side_sees_what_is_right() {
    let (connect, platform) = (Connect::start().await, Platform::start().await);
    let relay = setup(&connect, &platform).start().await;
    connect.subscribe(&relay).await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    platform.is_told(&id, "the start", |told| told.name() == "handoff.started").await;
    let contact = connect.contact(&relay, &id).await;
    relay.ada.customer_says(&chat, "Hello?").await.unwrap();
    connect.agent_sees(&contact, &["Hello?"]).await;
    platform.hears(&id, "Hello?").await;

    // Amazon Connect is first.
    let ann = connect.joins(&contact, "Ann");
    connect.says(&contact, &ann, "Ann here.");
    customer_sees(&relay, &chat, &["Ann here."]).await;
    let said = platform.hears(&id, "Ann here.").await;
    assert_eq!(said.event["data"]["author"]["display_name"], "Ann");
    let accepted = platform.is_told(&id, "accepted", |told| told.name() == "handoff.accepted").await;
    assert_eq!(accepted.event["data"]["agent"]["name"], "Ann (Amazon Connect)");
    let desk = relay.desk();
    let refused = desk.tries_to_write(&id, "me too").await;
    assert_eq!(refused.problem(409), "Ann (Amazon Connect) has this handoff; take it over first");

    // The platform takes it over, and the chat there ends.
    desk.post(&format!("/handoffs/{id}/accept"), &json!({ "take_over": true })).await.good(200);
    connect.is_over(&contact).await;
    desk.writes(&id, "Desk here.").await;
    customer_sees(&relay, &chat, &["Ann here.", "Desk here."]).await;

    // Then the console.
    relay.alex().post(&format!("/handoffs/{id}/accept"), &json!({ "take_over": true })).await.good(200);
    relay.alex().writes(&id, "Alex here.").await;
    customer_sees(&relay, &chat, &["Ann here.", "Desk here.", "Alex here."]).await;
    platform.hears(&id, "Alex here.").await;
    let seen = connect.customer_says(&contact);
    assert_eq!(seen, ["Hello?", "[This conversation is answered elsewhere now. This chat ends.]"]);
    relay.alex().ends(&id).await;
    settles(&false, || async { relay.ada.in_handoff(&chat) }).await;
    assert!(connect.standin.open_contacts().is_empty());
    connect.has_no_complaints();
    relay.finish().await;
}

#[tokio::test]
async fn stopping_any_one_disturbs_no_other() {
    let (connect, platform) = (Connect::start().await, Platform::start().await);
    let relay = setup(&connect, &platform).start().await;
    connect.subscribe(&relay).await;
    platform.otherwise(Some(Script::Never));
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let ann = connect.joins(&contact, "Ann");
    connect.says(&contact, &ann, "The platform hangs.");
    customer_sees(&relay, &chat, &["The platform hangs."]).await;
    platform.otherwise(None);

    connect.standin.set_dial(Dial { server_errors: 1.0, ..Dial::default() });
    let (other_chat, other) = hand_off(&relay, json!({})).await;
    platform.is_told(&other, "the start", |told| told.name() == "handoff.started").await;
    relay.desk().writes(&other, "Amazon Connect is away.").await;
    customer_sees(&relay, &other_chat, &["Amazon Connect is away."]).await;
    relay.alex().post(&format!("/handoffs/{other}/accept"), &json!({ "take_over": true })).await.good(200);
    relay.alex().writes(&other, "So is Desk.").await;
    customer_sees(&relay, &other_chat, &["Amazon Connect is away.", "So is Desk."]).await;
    connect.standin.set_dial(Dial::default());
    relay.alex().ends(&other).await;
    connect.standin.end_as_agent(&contact).unwrap();
    settles(&0, || async { connect.standin.open_contacts().len() }).await;
    relay.finish().await;
}
