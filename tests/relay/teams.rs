//! Teams: where handoffs go, who sees them, and how they are handed over.

use handoff_relay::store::sessions::Digest;
use serde_json::{Value, json};

use crate::support::{
    agent::Agent,
    answer::Answer,
    events::{Webhook, customer_says},
    eventually,
    relay::{Relay, START_KEY, Setup, token_of},
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
time_zone = "Europe/Berlin"
hours = ["Mon-Sun 00:00-24:00"]
closed_text = "Billing is back soon."
[[teams]]
name = "Night"
needs_agents = true
[[routes]]
name = "Invoices"
context.category = "billing"
team = "Billing"
priority = "high"
{}"#,
        agents.concat()
    )
}

pub async fn start(top: &str) -> Relay {
    let mut relay = Relay::start().await;
    relay.stop().await;
    relay.lists_agents(&desk(top));
    relay.start_again().await;
    relay
}

/// A customer of this category is handed off. Gives the conversation's and the handoff's id.
pub async fn hand_off(relay: &Relay, category: &str) -> (String, String) {
    let conversation = relay.ada.open_conversation();
    assert_eq!(relay.ada.start_handoff(&conversation, json!({ "category": category })).await.unwrap(), 200);
    let handoff = relay.agent("Kim").handoff_of(&conversation).await;
    (conversation, handoff["id"].as_str().unwrap().to_owned())
}

pub async fn hand_over(agent: &Agent, handoff: &str, body: Value) -> Value {
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
    assert_eq!(listed(&kim, "team=Billing").await, [invoice.as_str()]);
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
    assert_eq!(Answer::to(dropped).await.problem(404), "no such handoff");
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
        let about =
            told.iter().filter(|event| event.data["id"] == invoice || event.data["handoff_id"] == invoice);
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
    let hidden = &told.last().unwrap().data;
    assert_eq!(hidden["handoff_id"], handoff);
    assert!(hidden["version"].as_u64() >= handed["version"].as_u64(), "{hidden}");
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
        ("hand-over", json!({ "team": "Billing", "note": " " }), 400, "note is empty"),
        ("hand-over", json!({ "team": "Billing", "note": long }), 413, "note is over 50000 characters"),
        ("release", json!({ "note": "" }), 400, "note is empty"),
        ("end", json!({ "note": "" }), 400, "note is empty"),
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
    let team = |name: &str| json!({ "name": name, "open": true, "opens_at": null, "decided": null });
    assert_eq!(names(sam.get("/teams").await.good(200)), [team("Support"), team("Billing"), team("Night")]);
    assert_eq!(
        names(sam.get("/agents").await.good(200)),
        [
            json!({ "name": "Alex", "role": "agent", "teams": ["Support"], "duty": "gone" }),
            json!({ "name": "Sam", "role": "agent", "teams": ["Billing"], "duty": "on" }),
            json!({ "name": "Kim", "role": "lead", "teams": null, "duty": "gone" }),
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

/// What Ada's flow asks before it hands off.
async fn availability(relay: &Relay, key: Option<&str>, query: &str) -> Answer {
    let request = relay.http.get(format!("{}/handoffs/availability{query}", relay.url));
    Answer::to(match key {
        Some(key) => request.bearer_auth(key),
        None => request,
    })
    .await
}

async fn starts(relay: &Relay, body: &Value) -> Answer {
    let request = relay.http.post(format!("{}/handoffs/start", relay.url)).bearer_auth(START_KEY);
    Answer::to(request.json(body)).await
}

#[tokio::test]
async fn a_team_that_is_closed_refuses_starts_and_says_when_it_opens() {
    let relay = start("").await;
    let [alex, kim] = ["Alex", "Kim"].map(|name| relay.agent(name));
    let body =
        |conversation: &str, category: &str| json!({ "conversation_id": conversation, "category": category });
    let started = starts(&relay, &body("c-1", "billing")).await.good(200);
    assert_eq!((&started["queue_position"], &started["estimated_wait_seconds"]), (&json!(1), &json!(null)));
    assert_eq!(starts(&relay, &body("c-2", "billing")).await.good(200)["queue_position"], 2);
    assert_eq!(starts(&relay, &body("c-3", "other")).await.good(200)["queue_position"], 1);

    let until = "2999-12-31T23:00:00.000Z";
    let closing = json!({ "state": "closed", "until": until });
    let put = |agent: &Agent, team: &str, body: &Value| {
        Answer::to(agent.request("PUT", &format!("/teams/{team}/opening")).json(body))
    };
    let closed = put(&kim, "billing", &closing).await.good(200);
    assert_eq!(
        (&closed["open"], &closed["opens_at"], &closed["decided"]["by"]),
        (&json!(false), &json!(until), &json!("Kim"))
    );
    let refused = starts(&relay, &body("c-4", "billing")).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    let told = refused.json();
    assert_eq!(told["detail"], "the team Billing is closed");
    assert_eq!(told["opens_at"], until);
    assert_eq!(
        starts(&relay, &body("c-1", "billing")).await.good(200)["queue_position"],
        1,
        "it waits already"
    );
    assert_eq!(starts(&relay, &body("c-5", "other")).await.status, 200);
    let asked = availability(&relay, Some(START_KEY), "?team=BILLING").await.good(200);
    assert_eq!(
        asked,
        json!({ "open": false, "team": "Billing", "agents_on_duty": 1, "waiting": 2, "position": 3, "estimated_wait_seconds": null,
            "opens_at": until, "text": "Billing is back soon." })
    );
    let asked = availability(&relay, Some(START_KEY), "").await.good(200);
    assert_eq!(
        (&asked["open"], &asked["team"], &asked["waiting"]),
        (&json!(true), &json!("Support"), &json!(2))
    );

    let late = "until must be an RFC 3339 time, at the latest 9999-12-30T22:00:00Z";
    for (agent, team, body, status, told) in [
        (&alex, "Billing", closing.clone(), 403, "this is for those who see all handoffs"),
        (&kim, "Sales", closing.clone(), 404, "there is no team of this name"),
        (&kim, "Billing", json!({ "state": "shut" }), 400, "state must be open, closed or hours"),
        (&kim, "Billing", json!({ "state": "open", "until": "soon" }), 400, late),
        (&kim, "Billing", json!({ "state": "open", "until": "9999-12-31T23:59:59Z" }), 400, late),
        (
            &kim,
            "Billing",
            json!({ "state": "open", "until": "2020-01-01T00:00:00Z" }),
            400,
            "until must be in the future",
        ),
    ] {
        assert_eq!(put(agent, team, &body).await.problem(status), told, "{body}");
    }
    put(&kim, "Billing", &json!({ "state": "open", "until": "9999-12-30T22:00:00Z" })).await.good(200);
    let open = put(&kim, "Billing", &json!({ "state": "hours" })).await.good(200);
    assert_eq!((&open["open"], &open["decided"]), (&json!(true), &json!(null)));
    let handoff = relay.agent("Sam").handoff_of("c-1").await;
    relay.agent("Sam").accepts(handoff["id"].as_str().unwrap()).await;
    let started = starts(&relay, &body("c-4", "billing")).await.good(200);
    assert_eq!(started["queue_position"], 2);
    assert!(started["estimated_wait_seconds"].is_u64(), "as long as c-1 has waited: {started}");
}

#[tokio::test]
async fn only_who_has_the_start_key_learns_how_many_wait() {
    let relay = start("").await;
    for (key, query, status, told) in [
        (None, "", 401, "the Authorization header with the bearer key is missing"),
        (Some("another-key-of-the-tests"), "", 401, "the bearer key does not match HANDOFF_AUTH_KEY"),
        (Some(token_of("Kim")), "", 401, "the bearer key does not match HANDOFF_AUTH_KEY"),
        (Some(START_KEY), "?team=Sales", 404, "there is no team of this name"),
    ] {
        assert_eq!(availability(&relay, key, query).await.problem(status), told, "{query}");
    }
    let page = relay.http.get(format!("{}/handoffs/availability", relay.url)).bearer_auth(START_KEY);
    Answer::to(page.header("sec-fetch-site", "same-origin")).await.problem(403);
    let open = Setup::new().set("HANDOFF_AUTH_KEY", "off").start().await;
    let request =
        open.http.post(format!("{}/handoffs/start", open.url)).json(&json!({ "conversation_id": "c-1" }));
    assert_eq!(Answer::to(request).await.good(200)["queue_position"], json!(null));
}

#[tokio::test]
async fn a_team_that_needs_agents_is_closed_while_none_is_on_duty() {
    let relay = start("").await;
    let kim = relay.agent("Kim");
    let body = json!({ "conversation_id": "c-1", "team": "Night" });
    let on_duty = async || {
        let asked = availability(&relay, Some(START_KEY), "?team=Night").await.good(200);
        (asked["open"].as_bool().unwrap(), asked["agents_on_duty"].as_u64().unwrap())
    };
    assert_eq!(on_duty().await, (false, 0), "nobody was ever seen");
    assert_eq!(starts(&relay, &body).await.problem(409), "nobody of the team Night is on duty");
    relay.agent("Sam").get("/session").await.good(200);
    assert_eq!(on_duty().await, (false, 0), "Sam is of another team");
    kim.get("/session").await.good(200);
    assert_eq!(on_duty().await, (true, 1), "a lead is of all teams");
    let say = async |state: &str| {
        Answer::to(kim.request("PUT", "/session/duty").json(&json!({ "state": state }))).await
    };
    assert_eq!(say("away").await.status, 204);
    assert_eq!(on_duty().await, (false, 0));
    let colleagues = kim.get("/agents").await.good(200);
    let duties: Vec<&Value> = colleagues["data"].as_array().unwrap().iter().map(|one| &one["duty"]).collect();
    assert_eq!(duties, ["gone", "on", "away"]);
    assert_eq!(say("asleep").await.problem(400), "state must be on or away");
    assert_eq!(say("on").await.status, 204);
    assert_eq!(starts(&relay, &body).await.status, 200);
}
