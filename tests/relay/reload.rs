//! The settings file is read again while the relay runs: all of it counts, or nothing.

use handoff_relay::store::sessions::Digest;
use serde_json::{Value, json};

use crate::support::{
    agent::Agent,
    answer::Answer,
    events::customer_says,
    relay::{Relay, Setup, token_of},
    settles, soon,
    stream::Stream,
};

const OPERATOR: &str = "token-of-olga-0123456789";

/// Handoffs go to this team with this priority, and Sam is of that one.
fn file(team: &str, priority: &str, team_of_sam: &str) -> String {
    let agent = |name: &str, rest: &str| {
        let digest = Digest::of(token_of(name));
        format!("[[agents]]\nname = \"{name}\"\ntoken_sha256 = \"{}\"\n{rest}\n", digest.as_str())
    };
    let kim = agent("Kim", "role = \"lead\"");
    let sam = agent("Sam", &format!("teams = [\"{team_of_sam}\"]"));
    format!(
        "[[teams]]\nname = \"Red\"\n[[teams]]\nname = \"Blue\"\n\
         [[routes]]\nname = \"To {team}\"\nteam = \"{team}\"\npriority = \"{priority}\"\n{kim}{sam}"
    )
}

async fn start(text: &str) -> Relay {
    begin(Setup::new(), text).await
}

async fn begin(setup: Setup, text: &str) -> Relay {
    let mut relay = setup.set("OPERATOR_TOKENS", &format!("Olga={OPERATOR}")).start().await;
    relay.stop().await;
    relay.lists_agents(text);
    relay.start_again().await;
    relay
}

async fn reload(relay: &Relay, token: &str) -> Answer {
    let url = format!("{}/api/settings/reload", relay.agents_url);
    Answer::to(relay.http.post(url).bearer_auth(token)).await
}

async fn health(relay: &Relay) -> Value {
    Answer::to(relay.http.get(format!("{}/health/ready", relay.url))).await.good(200)["settings"].clone()
}

/// A conversation is handed off. Gives its handoff as Kim sees it.
async fn hand_off(relay: &Relay) -> Value {
    let conversation = relay.ada.open_conversation();
    assert_eq!(relay.ada.start_handoff(&conversation, json!({})).await.unwrap(), 200);
    relay.agent("Kim").handoff_of(&conversation).await
}

fn placed(handoff: &Value) -> (&str, &str, &str) {
    let text = |field: &str| handoff[field].as_str().unwrap();
    (text("route"), text("team"), text("priority"))
}

async fn ends(stream: &mut Stream) {
    while stream.next().await.is_some() {}
}

async fn listed(agent: &Agent) -> usize {
    agent.list("").await.len()
}

#[tokio::test]
async fn what_the_file_says_counts_from_then_on() {
    let text = file("Red", "high", "Blue");
    let relay = start(&text).await;
    let sam = relay.agent("Sam");
    assert_eq!(placed(&hand_off(&relay).await), ("To Red", "Red", "high"));
    assert_eq!(listed(&sam).await, 0);
    assert_eq!(health(&relay).await["sha256"], Digest::of(&text).as_str());
    let mut stream = sam.stream(None).await;

    let text = file("Blue", "low", "Red");
    relay.rewrites(&text);
    assert_eq!(placed(&hand_off(&relay).await), ("To Red", "Red", "high"), "nobody has said so yet");
    let reloaded = reload(&relay, OPERATOR).await.good(200);
    assert_eq!(reloaded["sha256"], Digest::of(&text).as_str());
    assert_eq!(health(&relay).await, reloaded);
    soon("the stream of who sees something else ends", ends(&mut stream)).await;
    assert_eq!(placed(&hand_off(&relay).await), ("To Blue", "Blue", "low"));
    assert_eq!(listed(&sam).await, 2, "Sam is in another team");

    relay.rewrites(&text.replace(Digest::of(token_of("Sam")).as_str(), &"0".repeat(64)));
    let mut stream = sam.stream(None).await;
    reload(&relay, OPERATOR).await.good(200);
    soon("the stream of who is not known any more ends", ends(&mut stream)).await;
    assert_eq!(sam.get("/session").await.status, 401);
    assert_eq!(relay.agent("Kim").get("/session").await.status, 200);
}

#[tokio::test]
async fn handoffs_of_a_team_that_is_gone_go_to_the_default_team() {
    let relay = start(&file("Red", "high", "Blue")).await;
    let sam = relay.agent("Sam");
    let red = hand_off(&relay).await;
    assert_eq!(listed(&sam).await, 0);
    let (id, gone) = (red["id"].as_str().unwrap(), "[[teams]]\nname = \"Red\"\n");
    for (top, team) in [("", json!(null)), ("default_team = \"Blue\"\n", json!("Blue"))] {
        let without = format!("{top}{}", file("Blue", "low", "Blue").replace(gone, ""));
        relay.rewrites(&without);
        reload(&relay, OPERATOR).await.good(200);
        settles(&team, || async { relay.agent("Kim").handoff(id).await["team"].clone() }).await;
        assert_eq!(sam.handoff(id).await["team"], team);
        relay.rewrites(&file("Red", "high", "Blue"));
        reload(&relay, OPERATOR).await.good(200);
        let moved =
            relay.agent("Kim").post(&format!("/handoffs/{id}/hand-over"), &json!({ "team": "Red" })).await;
        moved.good(200);
    }
    relay.finish().await;
}

#[tokio::test]
async fn an_offer_ends_when_its_agent_leaves_the_team() {
    let offering = Setup::new().set("ASSIGNMENT", "least_busy").set("OFFER_TIMEOUT", "1h");
    let relay = begin(offering, &file("Red", "high", "Red")).await;
    relay.agent("Sam").get("/session").await.good(200);
    let id = hand_off(&relay).await["id"].as_str().unwrap().to_owned();
    let offered = async || relay.agent("Kim").handoff(&id).await["offer"]["agent"]["name"].clone();
    settles(&json!("Sam"), &offered).await;
    relay.rewrites(&file("Red", "high", "Blue"));
    reload(&relay, OPERATOR).await.good(200);
    settles(&Value::Null, &offered).await;
}

#[tokio::test]
async fn a_wrong_file_changes_nothing_and_is_told() {
    let good = file("Red", "high", "Blue");
    let relay = start(&good).await;
    let before = health(&relay).await;
    relay.rewrites(&file("Blue", "top", "Grey"));
    let told = reload(&relay, OPERATOR).await.problem(422);
    for part in ["8:12: priority must be low, normal, high or urgent", "no team of [[teams]] has this name"] {
        assert!(told.contains(part), "{told}");
    }
    let after = health(&relay).await;
    assert_eq!((&after["sha256"], &after["since"]), (&before["sha256"], &before["since"]));
    assert_eq!(after["refused"]["why"], told);
    assert_eq!(placed(&hand_off(&relay).await), ("To Red", "Red", "high"));
    assert_eq!(relay.agent("Sam").get("/session").await.status, 200);

    relay.rewrites(&good);
    reload(&relay, OPERATOR).await.good(200);
    assert_eq!(health(&relay).await["refused"], Value::Null);
    assert_eq!(
        reload(&relay, token_of("Kim")).await.problem(403),
        "this needs an operator's token (OPERATOR_TOKENS)"
    );
    assert_eq!(reload(&relay, "nobody").await.status, 401);
}

#[tokio::test]
async fn without_a_file_there_is_nothing_to_read() {
    let relay = Setup::new().set("OPERATOR_TOKENS", &format!("Olga={OPERATOR}")).start().await;
    let told = "there is no settings file: RELAY_CONFIG names it at the start";
    assert_eq!(reload(&relay, OPERATOR).await.problem(409), told);
    assert_eq!(health(&relay).await, Value::Null);
}

/// A hundred times, and every second time wrong, while customers write and are handed off.
#[tokio::test]
async fn nothing_is_lost_or_judged_by_half_a_file_while_it_is_read() {
    let files = [file("Red", "high", "Blue"), file("Blue", "low", "Red")];
    let relay = start(&files[0]).await;
    let reloading = async {
        for round in 0..100 {
            let text = &files[round / 2 % 2];
            let is_wrong = round % 2 == 1;
            relay.rewrites(&if is_wrong { text.replace("priority", "urgency") } else { text.clone() });
            let status = reload(&relay, OPERATOR).await.status;
            assert_eq!(status, if is_wrong { 422 } else { 200 }, "{round}");
        }
    };
    let writing = async {
        let mut handoffs = Vec::new();
        for round in 0..40 {
            let handoff = hand_off(&relay).await;
            assert!(
                [("To Red", "Red", "high"), ("To Blue", "Blue", "low")].contains(&placed(&handoff)),
                "{handoff}"
            );
            let chat = handoff["conversation_id"].as_str().unwrap().to_owned();
            for part in ["a", "b"] {
                relay.gets(&customer_says(&chat, &format!("{round} {part}"))).await;
            }
            handoffs.push((round, handoff["id"].as_str().unwrap().to_owned()));
        }
        handoffs
    };
    let ((), handoffs) = tokio::join!(reloading, writing);
    let kim = relay.agent("Kim");
    for (round, id) in handoffs {
        let written = ["a", "b"].map(|part| format!("{round} {part}")).to_vec();
        let said = || async {
            let read = kim.reads(&id).await;
            read.into_iter().filter(|text| text.starts_with(&format!("{round} "))).collect::<Vec<_>>()
        };
        settles(&written, said).await;
    }
}
