//! Teams: where handoffs go, who sees them, and how they are handed over.

use handoff_relay::store::sessions::Digest;
use serde_json::{Value, json};

use crate::support::{
    agent::Agent,
    events::{Webhook, customer_says},
    eventually,
    relay::{Relay, token_of},
    stream::Event,
};

/// Alex is in Support, Sam in Billing, and Kim leads.
fn desk(top: &str) -> String {
    let agent = |name: &str, rest: &str| {
        let digest = Digest::of(token_of(name));
        format!("[[agents]]\nname = \"{name}\"\ntoken_sha256 = \"{}\"\n{rest}\n", digest.as_str())
    };
    let agents = [
        agent("Alex", "teams = [\"Support\"]"),
        agent("Sam", "teams = [\"Billing\"]"),
        agent("Kim", "role = \"lead\""),
    ];
    format!(
        r#"{top}
default_team = "Support"
[[teams]]
name = "Support"
[[teams]]
name = "Billing"
[[routes]]
name = "Invoices"
context.category = "billing"
team = "Billing"
priority = "high"
{}"#,
        agents.concat()
    )
}

async fn start(top: &str) -> Relay {
    let mut relay = Relay::start().await;
    relay.stop().await;
    relay.lists_agents(&desk(top));
    relay.start_again().await;
    relay
}

/// A customer of this category is handed off. Gives the conversation's and the handoff's id.
async fn hand_off(relay: &Relay, category: &str) -> (String, String) {
    let conversation = relay.ada.open_conversation();
    assert_eq!(relay.ada.start_handoff(&conversation, json!({ "category": category })).await.unwrap(), 200);
    let handoff = relay.agent("Kim").handoff_of(&conversation).await;
    (conversation, handoff["id"].as_str().unwrap().to_owned())
}

async fn hand_over(agent: &Agent, handoff: &str, body: Value) -> Value {
    agent.post(&format!("/handoffs/{handoff}/hand-over"), &body).await.good(200)
}

async fn listed(agent: &Agent, query: &str) -> Vec<String> {
    let found = agent.list(query).await;
    found.iter().map(|handoff| handoff["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_agent_sees_what_is_of_their_teams_and_nothing_else() {
    let relay = start("").await;
    let (conversation, invoice) = hand_off(&relay, "Billing").await;
    let (_, other) = hand_off(&relay, "shipping").await;
    let [alex, sam, kim] = ["Alex", "Sam", "Kim"].map(|name| relay.agent(name));
    let shown = sam.handoff(&invoice).await;
    assert_eq!(
        (&shown["team"], &shown["route"], &shown["priority"]),
        (&json!("Billing"), &json!("Invoices"), &json!("high"))
    );
    let shown = alex.handoff(&other).await;
    assert_eq!(
        (&shown["team"], &shown["route"], &shown["priority"]),
        (&json!("Support"), &json!(null), &json!("normal"))
    );
    for (agent, sees) in [(&alex, vec![&other]), (&sam, vec![&invoice]), (&kim, vec![&other, &invoice])] {
        assert_eq!(listed(agent, "").await.iter().collect::<Vec<_>>(), sees);
        assert_eq!(
            listed(agent, &format!("conversation_id={conversation}")).await.len(),
            usize::from(sees.contains(&&invoice))
        );
    }
    assert_eq!(listed(&kim, "team=Billing").await, [invoice.clone()]);
    assert!(listed(&alex, "team=Billing").await.is_empty());

    let path = |rest: &str| format!("/handoffs/{invoice}{rest}");
    for rest in ["", "/messages", "/transcript", "/ledger", "/messages/row/file"] {
        assert_eq!(alex.get(&path(rest)).await.problem(404), "no such handoff", "{rest}");
    }
    let text = json!({ "text": "hello", "seq": 1, "team": "Support" });
    for rest in
        ["/accept", "/release", "/messages", "/notes", "/read", "/end", "/hand-over", "/messages/row/retry"]
    {
        assert_eq!(alex.post(&path(rest), &text).await.problem(404), "no such handoff", "{rest}");
    }
    let dropped = alex.request("DELETE", &path("/messages/row"));
    assert_eq!(crate::support::answer::Answer::to(dropped).await.problem(404), "no such handoff");
    let file = alex.tries_to_send(&invoice, "a.png", b"bytes", None).await;
    assert_eq!(file.problem(404), "no such handoff");
    assert_eq!(kim.handoff(&invoice).await["status"], "waiting", "nothing was done");
}

#[tokio::test]
async fn a_stream_shows_what_the_agent_may_see() {
    let relay = start("").await;
    let mut streams = Vec::new();
    for name in ["Alex", "Sam", "Kim"] {
        streams.push(relay.agent(name).stream(None).await);
    }
    let (conversation, invoice) = hand_off(&relay, "billing").await;
    Webhook::new("msg_1", customer_says(&conversation, "my invoice").to_string()).post(&relay).await;
    let sam = relay.agent("Sam");
    eventually("the message has its place", async || {
        sam.reads(&invoice).await.contains(&"my invoice".to_owned()).then_some(())
    })
    .await;
    relay.agent("Sam").accepts(&invoice).await;
    let note = json!({ "text": "a colleague of Alex should look" });
    relay.agent("Sam").post(&format!("/handoffs/{invoice}/notes"), &note).await.good(201);
    // Everything before the end of this one has been told.
    let (_, last) = hand_off(&relay, "shipping").await;
    hand_over(&relay.agent("Kim"), &last, json!({ "agent": "Kim" })).await;
    let (_, marker) = hand_off(&relay, "shipping").await;
    hand_over(&relay.agent("Kim"), &marker, json!({ "agent": "Sam" })).await;
    let [alex, sam, kim] = &mut streams[..] else { unreachable!() };
    for (stream, sees) in [(alex, false), (sam, true), (kim, true)] {
        let is_last = |event: &Event| event.data["id"] == marker && event.data["status"] == "active";
        let told = stream.until(is_last).await;
        let about = told.iter().filter(|event| {
            event.kind != "hidden" && (event.data["id"] == invoice || event.data["handoff_id"] == invoice)
        });
        assert_eq!(about.count() > 0, sees, "{told:#?}");
        let words = told.iter().any(|event| event.data.to_string().contains("my invoice"));
        assert_eq!(words, sees);
    }
}

#[tokio::test]
async fn what_is_handed_over_leaves_the_sight_of_one_and_comes_into_that_of_another() {
    let relay = start("").await;
    let (_, handoff) = hand_off(&relay, "shipping").await;
    let [alex, sam, kim] = ["Alex", "Sam", "Kim"].map(|name| relay.agent(name));
    alex.accepts(&handoff).await;
    let mut of_alex = alex.stream(None).await;
    let mut of_sam = sam.stream(None).await;
    // Alex had it, so they see it as long as they have it; then it is Billing's.
    let handed =
        hand_over(&alex, &handoff, json!({ "team": "billing", "note": "an invoice after all" })).await;
    assert_eq!(
        (&handed["team"], &handed["status"], &handed["agent"]),
        (&json!("Billing"), &json!("waiting"), &json!(null))
    );
    let told = of_alex.until(|event| event.kind == "hidden").await;
    assert_eq!(told.last().unwrap().data, json!({ "handoff_id": handoff }));
    assert!(told.iter().all(|event| event.data["team"] != "Billing"), "Alex may not see this: {told:#?}");
    let told = of_sam.until(|event| event.kind == "handoff").await;
    let shown = &told.last().unwrap().data;
    assert_eq!((&shown["id"], &shown["team"]), (&json!(handoff), &json!("Billing")));
    alex.get(&format!("/handoffs/{handoff}")).await.problem(404);
    let history = sam.history(&handoff).await;
    assert_eq!(history.last().map(String::as_str), Some("handed_over"));
    let lines = sam.rows(&handoff).await;
    let told = lines.last().unwrap();
    assert_eq!((&told["content"]["by"], &told["content"]["to"]), (&json!("Alex"), &json!("Billing")));
    sam.accepts(&handoff).await;
    let back = hand_over(&sam, &handoff, json!({ "agent": "Alex" })).await;
    assert_eq!(back["agent"]["name"], "Alex");
    assert_eq!(alex.handoff(&handoff).await["team"], "Billing", "one's own is seen");
    let refused = kim.post(&format!("/handoffs/{handoff}/hand-over"), &json!({ "team": "Support" })).await;
    assert_eq!(refused.problem(409), "Alex has this handoff; take it over first");
}

#[tokio::test]
async fn what_is_wrong_with_a_hand_over_is_said() {
    let relay = start("").await;
    let (_, handoff) = hand_off(&relay, "shipping").await;
    let alex = relay.alex();
    let long = "x".repeat(50_001);
    for (what, body, status, told) in [
        ("hand-over", json!({}), 400, "the body needs either an agent or a team"),
        (
            "hand-over",
            json!({ "agent": "Sam", "team": "Billing" }),
            400,
            "the body needs either an agent or a team",
        ),
        ("hand-over", json!({ "agent": "Nobody" }), 400, "there is no agent of this name"),
        ("hand-over", json!({ "team": "Sales" }), 400, "there is no team of this name"),
        ("hand-over", json!({ "team": "Billing", "note": " " }), 400, "text is empty"),
        ("hand-over", json!({ "team": "Billing", "note": long }), 413, "text is over 50000 characters"),
        ("release", json!({ "note": "" }), 400, "text is empty"),
        ("end", json!({ "outcome": "" }), 400, "outcome must be 1 to 100 visible characters"),
        ("end", json!({ "outcome": "x".repeat(101) }), 400, "outcome must be 1 to 100 visible characters"),
    ] {
        let refused = alex.post(&format!("/handoffs/{handoff}/{what}"), &body).await;
        assert_eq!(refused.problem(status), told, "{what} {body}");
    }
    let ended =
        alex.post(&format!("/handoffs/{handoff}/end"), &json!({ "outcome": " solved " })).await.good(200);
    assert_eq!((&ended["status"], &ended["outcome"]), (&json!("ended"), &json!("solved")));
    let refused = alex.post(&format!("/handoffs/{handoff}/hand-over"), &json!({ "team": "Billing" })).await;
    assert_eq!(refused.problem(409), "this handoff has ended");
}

#[tokio::test]
async fn agents_and_teams_are_listed_and_know_who_they_are() {
    let relay = start("").await;
    let sam = relay.agent("Sam");
    let names = |answer: Value| answer["data"].as_array().unwrap().clone();
    assert_eq!(
        names(sam.get("/teams").await.good(200)),
        [json!({ "name": "Support" }), json!({ "name": "Billing" })]
    );
    assert_eq!(
        names(sam.get("/agents").await.good(200)),
        [
            json!({ "name": "Alex", "role": "agent", "teams": ["Support"] }),
            json!({ "name": "Sam", "role": "agent", "teams": ["Billing"] }),
            json!({ "name": "Kim", "role": "lead", "teams": null }),
        ]
    );
    let me = sam.get("/session").await.good(200);
    assert_eq!(
        (&me["agent"]["name"], &me["role"], &me["teams"]),
        (&json!("Sam"), &json!("agent"), &json!(["Billing"]))
    );
}

#[tokio::test]
async fn all_agents_see_all_if_that_is_set() {
    let relay = start("agents_see = \"all\"").await;
    let (_, invoice) = hand_off(&relay, "billing").await;
    assert_eq!(relay.alex().handoff(&invoice).await["team"], "Billing");
    assert_eq!(relay.alex().get("/session").await.good(200)["teams"], json!(null));
}
