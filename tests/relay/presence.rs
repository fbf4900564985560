//! Who is looking at a handoff, and who writes in it.

use futures_util::future::join_all;
use handoff_relay::relay::presence::LASTS;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    support::{
        agent::Agent,
        answer::Answer,
        eventually, postgres,
        relay::{Relay, Setup},
        stream::Event,
    },
    teams,
};

async fn says(agent: &Agent, handoff: &str, state: &str) -> Answer {
    let request = agent.request("PUT", &format!("/handoffs/{handoff}/presence"));
    Answer::to(request.json(&json!({ "state": state }))).await
}

/// Who else is there, each with what they do.
async fn there(agent: &Agent, handoff: &str, state: &str) -> Vec<(String, String)> {
    let answer = says(agent, handoff, state).await.good(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let others = answer["data"].as_array().unwrap().iter();
    others
        .map(|other| {
            assert_eq!(other["handoff_id"], handoff);
            (text(&other["agent"]), text(&other["state"]))
        })
        .collect()
}

fn is_presence(event: &Event, agent: &str, handoff: &str, state: &str) -> bool {
    event.kind == "presence" && event.data == json!({ "handoff_id": handoff, "agent": agent, "state": state })
}

#[tokio::test]
async fn two_who_open_the_same_handoff_learn_of_each_other() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let [alex, sam] = ["Alex", "Sam"].map(|name| relay.agent(name));
    let mut of_alex = alex.stream(None).await.ready().await;
    let before = of_alex.last_id;
    let of_sam = sam.stream(None).await.ready().await;
    assert_eq!(there(&alex, &handoff, "looking").await, []);
    assert_eq!(there(&sam, &handoff, "writing").await, [("Alex".to_owned(), "looking".to_owned())]);
    of_alex.until(|event| is_presence(event, "Sam", &handoff, "writing")).await;
    let blocks: Vec<&str> = of_alex.raw.split("\n\n").filter(|block| block.contains("presence")).collect();
    assert!(
        !blocks.is_empty() && blocks.iter().all(|block| block.starts_with("event: presence\ndata: ")),
        "{blocks:?}"
    );
    assert_eq!(there(&alex, &handoff, "looking").await, [("Sam".to_owned(), "writing".to_owned())]);

    assert_eq!(there(&sam, &handoff, "none").await.len(), 1);
    of_alex.until(|event| is_presence(event, "Sam", &handoff, "none")).await;
    assert_eq!(there(&alex, &handoff, "looking").await, []);

    // Whose page is gone need not say so.
    assert_eq!(there(&sam, &handoff, "looking").await.len(), 1);
    of_alex.until(|event| is_presence(event, "Sam", &handoff, "looking")).await;
    let said = Instant::now();
    drop(of_sam);
    // The relay notices that when it has something to tell.
    eventually("Sam has gone", async || {
        relay.hand_off().await;
        there(&alex, &handoff, "looking").await.is_empty().then_some(())
    })
    .await;
    assert!(said.elapsed() < LASTS / 2, "by the end of the stream, not by itself");
    of_alex.until(|event| is_presence(event, "Sam", &handoff, "none")).await;

    // A stream that begins later is told when it is said again, and nothing is replayed.
    let mut later = sam.stream(Some(&before.to_string())).await;
    relay.hand_off().await;
    let told = later.until(|event| event.kind == "handoff").await;
    assert!(told.iter().all(|event| event.kind != "presence"), "{told:?}");
    relay.finish().await;
}

#[tokio::test]
async fn who_may_not_see_a_handoff_learns_nothing_of_who_is_there() {
    let relay = teams::start("").await;
    let (_, invoice) = teams::hand_off(&relay, "billing").await;
    let (_, other) = teams::hand_off(&relay, "shipping").await;
    let [alex, sam, kim] = ["Alex", "Sam", "Kim"].map(|name| relay.agent(name));
    let mut of_alex = alex.stream(None).await.ready().await;
    let mut of_sam = sam.stream(None).await.ready().await;
    assert_eq!(says(&alex, &invoice, "looking").await.problem(404), "no such handoff");
    there(&kim, &invoice, "looking").await;
    there(&kim, &other, "looking").await;
    let told = of_alex.until(|event| is_presence(event, "Kim", &other, "looking")).await;
    assert!(told.iter().all(|event| event.data["handoff_id"] != invoice), "{told:?}");
    of_sam.until(|event| is_presence(event, "Kim", &invoice, "looking")).await;
    assert_eq!(there(&sam, &invoice, "looking").await, [("Kim".to_owned(), "looking".to_owned())]);

    // It is told to those who may see it now, not to those who could before.
    teams::hand_over(&alex, &other, json!({ "team": "Billing" })).await;
    of_alex.until(|event| event.kind == "hidden").await;
    there(&kim, &other, "writing").await;
    of_sam.until(|event| is_presence(event, "Kim", &other, "writing")).await;
    let (_, marker) = teams::hand_off(&relay, "shipping").await;
    there(&kim, &marker, "looking").await;
    let told = of_alex.until(|event| is_presence(event, "Kim", &marker, "looking")).await;
    assert!(told.iter().all(|event| event.data["state"] != "writing"), "{told:?}");
}

#[tokio::test]
async fn what_is_wrong_with_it_is_said_and_an_agent_is_in_so_many_at_once() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (_, handoff) = relay.hand_off().await;
    assert_eq!(
        says(&alex, &handoff, "thinking").await.problem(400),
        "state must be looking, writing or none"
    );
    assert_eq!(says(&alex, "none", "looking").await.problem(404), "no such handoff");
    let handoffs: Vec<String> = join_all((0..17).map(async |_| relay.hand_off().await.1)).await;
    for handoff in &handoffs[..16] {
        there(&alex, handoff, "looking").await;
    }
    let refused = says(&alex, &handoffs[16], "looking").await;
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(refused.problem(429), "you are in 16 handoffs at once, which is the limit");
    there(&relay.agent("Sam"), &handoffs[16], "looking").await;
    relay.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agents_of_two_relays_learn_of_each_other() {
    let url = postgres::shared().database().await;
    let setup = || Setup::new().set("DATABASE_URL", &url).set("DATABASE_MAX_CONNECTIONS", "4");
    let relays = [setup().start().await, setup().start().await];
    let handoff = relays[0].start_call("c").await;
    let [alex, sam] = [relays[0].alex(), relays[1].agent("Sam")];
    let mut of_sam = sam.stream(None).await.ready().await;
    // The first one learns in a moment that somebody watches at the second.
    eventually("Sam sees Alex", async || {
        there(&alex, &handoff, "writing").await;
        (there(&sam, &handoff, "looking").await == [("Alex".to_owned(), "writing".to_owned())]).then_some(())
    })
    .await;
    of_sam.until(|event| is_presence(event, "Alex", &handoff, "writing")).await;
    there(&alex, &handoff, "none").await;
    of_sam.until(|event| is_presence(event, "Alex", &handoff, "none")).await;
}
