//! Canned replies, kept by all agents together, or by each for themselves.

use serde_json::{Value, json};

use crate::support::{answer::Answer, relay::Relay};

fn reply(title: &str, text: &str) -> Value {
    json!({ "title": title, "text": text })
}

#[tokio::test]
async fn agents_make_change_and_drop_replies_and_all_desks_hear_of_it() {
    let mut relay = Relay::start().await;
    let (alex, sam) = (relay.alex(), relay.agent("Sam"));
    assert_eq!(alex.get("/canned-replies").await.good(200), json!({ "data": [] }));
    let mut stream = sam.stream(None).await.ready().await;

    let hello = alex.post("/canned-replies", &reply("  Hello ", "Hi {name},\nhow are you?")).await.good(201);
    let fields = ["title", "text", "updated_by"].map(|field| hello[field].as_str().unwrap());
    assert_eq!(fields, ["Hello", "Hi {name},\nhow are you?", "Alex"]);
    assert_eq!(hello["created_at"], hello["updated_at"]);
    let told = stream.next().await.unwrap();
    assert_eq!((told.kind.as_str(), &told.data), ("canned_replies", &json!({})));
    alex.post("/canned-replies", &reply("Bye", "Bye")).await.good(201);
    assert_eq!(stream.next().await.unwrap().id, told.id + 1);

    let path = format!("/canned-replies/{}", hello["id"].as_str().unwrap());
    let changed = Answer::to(sam.request("PUT", &path).json(&reply("Welcome", "Hi"))).await.good(200);
    assert_eq!((&changed["id"], &changed["created_at"]), (&hello["id"], &hello["created_at"]));
    let fields = ["title", "text", "updated_by"].map(|field| changed[field].as_str().unwrap());
    assert_eq!(fields, ["Welcome", "Hi", "Sam"]);
    assert!(changed["updated_at"].as_str() >= hello["updated_at"].as_str());
    assert_eq!(stream.next().await.unwrap().kind, "canned_replies");
    // A title taken twice is not changed and not told.
    let taken = sam.post("/canned-replies", &reply("WELCOME", "Hi")).await;
    assert_eq!(taken.problem(409), "another canned reply has this title");

    relay.restart().await;
    let listed = relay.alex().get("/canned-replies").await.good(200);
    let titles: Vec<&str> =
        listed["data"].as_array().unwrap().iter().map(|reply| reply["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Bye", "Welcome"]);
    assert_eq!(listed["data"][1], changed);
    // A desk that was away hears of it, too.
    let missed = relay.alex().stream(Some(&told.id.to_string())).await.next().await.unwrap();
    assert_eq!((missed.kind.as_str(), missed.id), ("canned_replies", told.id + 1));
    let drop = || Answer::to(relay.agent("Sam").request("DELETE", &path));
    assert_eq!(drop().await.status, 204);
    assert_eq!(drop().await.problem(404), "no such canned reply");
    assert_eq!(relay.alex().get("/canned-replies").await.good(200)["data"].as_array().unwrap().len(), 1);
    relay.finish().await;
}

#[tokio::test]
async fn a_personal_reply_is_seen_by_its_agent_alone() {
    let mut relay = Relay::start().await;
    let mut own = reply("Hello", "My own words");
    own["personal"] = json!(true);
    let shared = relay.alex().post("/canned-replies", &reply("Hello", "Our words")).await.good(201);
    let own = relay.alex().post("/canned-replies", &own).await.good(201);
    assert_eq!((&own["owner"], &shared["owner"]), (&json!("Alex"), &Value::Null));
    relay.restart().await;
    let (alex, sam) = (relay.alex(), relay.agent("Sam"));
    assert_eq!(alex.get("/canned-replies").await.good(200), json!({ "data": [shared, own] }));
    assert_eq!(sam.get("/canned-replies").await.good(200), json!({ "data": [shared] }));
    let path = format!("/canned-replies/{}", own["id"].as_str().unwrap());
    let unknown = Answer::to(sam.request("PUT", &path).json(&reply("Mine", "now"))).await;
    assert_eq!(unknown.problem(404), "no such canned reply");
    assert_eq!(Answer::to(sam.request("DELETE", &path)).await.problem(404), "no such canned reply");
    let changed = Answer::to(alex.request("PUT", &path).json(&reply("Hi", "Still mine"))).await.good(200);
    assert_eq!((&changed["owner"], &changed["text"]), (&json!("Alex"), &json!("Still mine")));
    assert_eq!(Answer::to(alex.request("DELETE", &path)).await.status, 204);
    relay.finish().await;
}

#[tokio::test]
async fn a_thousand_are_enough() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let add = |number: usize| {
        let alex = alex.clone();
        async move { alex.post("/canned-replies", &reply(&format!("Reply {number}"), "x")).await }
    };
    for hundred in 0..10 {
        let made = (0..100).map(|number| add(hundred * 100 + number));
        for answer in futures_util::future::join_all(made).await {
            answer.good(201);
        }
    }
    let sentence = "there are 1000 canned replies already; delete one first";
    assert_eq!(add(1_000).await.problem(409), sentence);
    let listed = alex.get("/canned-replies").await.good(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1_000);
    relay.finish().await;
}
