//! Handoffs that are offered to one agent after the other, and those that gone agents leave behind.

use std::time::Duration;

use handoff_relay::store::sessions::Digest;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    agent::Agent,
    answer::Answer,
    events::customer_says,
    eventually, moment,
    relay::{Relay, Setup, token_of},
    settles,
};

/// Alex speaks German and takes two, Sam English, and Kim leads.
fn desk(teams: &str) -> String {
    let agent = |name: &str, rest: &str| {
        let digest = Digest::of(token_of(name));
        format!("[[agents]]\nname = \"{name}\"\ntoken_sha256 = \"{}\"\n{rest}\n", digest.as_str())
    };
    let agents = [
        agent("Alex", "languages = [\"de\"]\nlimit = 2"),
        agent("Sam", "languages = [\"en\"]"),
        agent("Kim", "role = \"lead\""),
    ];
    format!("{teams}\n{}", agents.concat())
}

async fn start(setup: Setup, teams: &str) -> Relay {
    let mut relay = setup.start().await;
    relay.stop().await;
    relay.lists_agents(&desk(teams));
    relay.start_again().await;
    relay
}

/// A customer who speaks this language is handed off. Gives the handoff's id.
async fn hand_off(relay: &Relay, language: &str) -> String {
    let conversation = relay.ada.open_conversation();
    assert_eq!(relay.ada.start_handoff(&conversation, json!({ "language": language })).await.unwrap(), 200);
    relay.agent("Kim").handoff_of(&conversation).await["id"].as_str().unwrap().to_owned()
}

/// To whom a handoff is offered.
async fn offered_to(kim: &Agent, handoff: &str) -> Option<String> {
    kim.handoff(handoff).await["offer"]["agent"]["name"].as_str().map(str::to_owned)
}

async fn is_offered_to(kim: &Agent, handoff: &str, name: &str) {
    settles(&Some(name.to_owned()), || offered_to(kim, handoff)).await;
}

async fn comes_on_duty(agent: &Agent) {
    agent.get("/session").await.good(200);
}

async fn says(agent: &Agent, state: &str) {
    let said = Answer::to(agent.request("PUT", "/session/duty").json(&json!({ "state": state }))).await;
    assert_eq!(said.status, 204);
}

#[tokio::test]
async fn a_handoff_is_offered_to_who_is_there_and_speaks_the_language() {
    let relay = start(Setup::new().set("ASSIGNMENT", "least_busy").set("OFFER_TIMEOUT", "1h"), "").await;
    let [alex, sam, kim] = ["Alex", "Sam", "Kim"].map(|name| relay.agent(name));
    let english = hand_off(&relay, "en").await;
    comes_on_duty(&alex).await;
    let german = hand_off(&relay, "de-AT").await;
    is_offered_to(&kim, &german, "Alex").await;
    assert_eq!(offered_to(&kim, &english).await, None, "nobody speaks English yet");
    comes_on_duty(&sam).await;
    is_offered_to(&kim, &english, "Sam").await;

    let refused = "Alex is offered this handoff; take it over first";
    assert_eq!(sam.act(&german, "accept").await.problem(409), refused);
    assert_eq!(sam.tries_to_write(&german, "Hallo").await.problem(409), refused);
    assert_eq!(sam.act(&german, "decline").await.problem(409), "this handoff is not offered to you");
    let accepted = alex.accepts(&german).await;
    assert_eq!((&accepted["agent"]["name"], &accepted["offer"]), (&json!("Alex"), &Value::Null));
    assert_eq!(alex.history(&german).await, ["started", "accepted"], "an offer is no line of the thread");

    let [second, third] = [hand_off(&relay, "de").await, hand_off(&relay, "de").await];
    is_offered_to(&kim, &second, "Alex").await;
    alex.accepts(&second).await;
    let later = hand_off(&relay, "en").await;
    is_offered_to(&kim, &later, "Sam").await;
    assert_eq!(offered_to(&kim, &third).await, None, "Alex has two");
    alex.ends(&second).await;
    is_offered_to(&kim, &third, "Alex").await;

    // No look that is still to come from what has changed.
    moment(Instant::now() + Duration::from_millis(500)).await;
    says(&alex, "away").await;
    settles(&None, || offered_to(&kim, &third)).await;
    let taken = kim.post(&format!("/handoffs/{third}/accept"), &json!({ "take_over": true })).await.good(200);
    assert_eq!(taken["agent"]["name"], "Kim");
}

#[tokio::test]
async fn an_offer_that_is_not_taken_goes_on() {
    let teams = "[[teams]]\nname = \"Support\"\nassignment = \"round_robin\"\noffer_timeout = \"1s\"\n";
    let relay = start(Setup::new(), teams).await;
    let [alex, sam, kim] = ["Alex", "Sam", "Kim"].map(|name| relay.agent(name));
    comes_on_duty(&alex).await;
    comes_on_duty(&sam).await;
    let nobodys = hand_off(&relay, "").await;
    let conversation = relay.ada.open_conversation();
    let body = json!({ "team": "Support" });
    assert_eq!(relay.ada.start_handoff(&conversation, body).await.unwrap(), 200);
    let handoff = kim.handoff_of(&conversation).await["id"].as_str().unwrap().to_owned();
    is_offered_to(&kim, &handoff, "Alex").await;
    is_offered_to(&kim, &handoff, "Sam").await;
    is_offered_to(&kim, &handoff, "Alex").await;
    // It may have gone on to Sam meanwhile.
    let declined = async || (alex.act(&handoff, "decline").await.status == 200).then_some(());
    eventually("Alex declines", declined).await;
    is_offered_to(&kim, &handoff, "Sam").await;
    assert_eq!(offered_to(&kim, &nobodys).await, None, "nobody says that those of no team are offered");
    assert_eq!(kim.history(&handoff).await, ["started"]);
}

#[tokio::test]
async fn the_customer_of_a_gone_agent_goes_back_to_the_queue() {
    let relay = Setup::new().set("AGENT_GONE_AFTER", "1s").start().await;
    let (chat, id) = relay.hand_off().await;
    let (answered_chat, answered) = relay.hand_off().await;
    let [alex, sam] = ["Alex", "Sam"].map(|name| relay.agent(name));
    sam.accepts(&answered).await;
    sam.writes(&answered, "I look into it").await;
    sam.sees(&answered, "I look into it", &["confirmed"]).await;
    sam.accepts(&id).await;
    let back = eventually("it waits again", || async {
        Some(alex.handoff(&id).await).filter(|handoff| handoff["status"] == "waiting")
    });
    let back = back.await;
    assert_eq!((&back["left_by"]["name"], &back["agent"]), (&json!("Sam"), &Value::Null));
    assert_eq!(alex.history(&id).await, ["started", "accepted", "agent_gone"]);
    assert_eq!(alex.handoff(&answered).await["status"], "active", "that customer has an answer");
    relay.ada.customer_says(&answered_chat, "And now?").await.unwrap();
    settles(&json!("waiting"), || async { alex.handoff(&answered).await["status"].clone() }).await;

    let stream = alex.stream(None).await;
    alex.accepts(&id).await;
    relay.gets(&customer_says(&chat, "hello?")).await;
    // Long enough for somebody who has no stream.
    moment(Instant::now() + Duration::from_secs(3)).await;
    assert_eq!(duty_of(&sam, "Alex").await, "on");
    assert_eq!(sam.handoff(&id).await["agent"]["name"], "Alex", "an open event stream is a sign");
    drop(stream);
}

async fn duty_of(agent: &Agent, name: &str) -> Value {
    let colleagues = agent.get("/agents").await.good(200);
    let of_name = |colleague: &&Value| colleague["name"] == name;
    colleagues["data"].as_array().unwrap().iter().find(of_name).unwrap()["duty"].clone()
}
