//! What agents do with handoffs: accept, take over, release, read, end.

use serde_json::{Value, json};

use crate::support::{answer::Answer, events::customer_says, relay::Relay, settles};

#[tokio::test]
async fn a_token_is_needed_and_must_be_known() {
    let relay = Relay::start().await;
    let (_, id) = relay.hand_off().await;
    let calls = [
        ("GET", "/api/handoffs".to_owned()),
        ("GET", "/api/events".to_owned()),
        ("GET", "/api/openapi.json".to_owned()),
        ("GET", "/api/dead-letters".to_owned()),
        ("GET", "/api/dead-letters/x".to_owned()),
        ("DELETE", "/api/dead-letters/x".to_owned()),
        ("POST", "/api/dead-letters/x/replay".to_owned()),
        ("GET", format!("/api/handoffs/{id}")),
        ("POST", format!("/api/handoffs/{id}/accept")),
        ("POST", format!("/api/handoffs/{id}/messages")),
        ("POST", format!("/api/handoffs/{id}/end")),
    ];
    for (method, path) in calls {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = || relay.http.request(method.clone(), format!("{}{path}", relay.url));
        if path == "/api/openapi.json" {
            Answer::to(request()).await.good(200);
            continue;
        }
        let answer = Answer::to(request()).await;
        assert!(answer.problem(401).contains("missing"), "{path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(
            Answer::to(request().bearer_auth("token-of-nobody-01234"))
                .await
                .problem(401)
                .contains("not known")
        );
        let in_url = format!("{}{path}?token=token-of-alex-0123456789", relay.url);
        Answer::to(relay.http.request(method.clone(), in_url)).await.problem(401);
    }
    assert_eq!(relay.alex().handoff(&id).await["status"], "waiting");
}

#[tokio::test]
async fn one_agent_has_a_handoff_and_another_is_told_who() {
    let relay = Relay::start().await;
    let (alex, sam) = (relay.alex(), relay.agent("Sam"));
    let (_, id) = relay.hand_off().await;
    let accepted = alex.accepts(&id).await;
    assert_eq!(alex.accepts(&id).await["accepted_at"], accepted["accepted_at"], "again is the same");

    let sentence = "Alex has this handoff; take it over first";
    assert_eq!(sam.act(&id, "accept").await.problem(409), sentence);
    assert_eq!(sam.post(&format!("/handoffs/{id}/accept"), &json!({})).await.problem(409), sentence);
    assert_eq!(sam.act(&id, "release").await.problem(409), sentence);
    assert_eq!(sam.act(&id, "end").await.problem(409), sentence);
    assert_eq!(sam.tries_to_write(&id, "Hi").await.problem(409), sentence);

    let taken = sam.post(&format!("/handoffs/{id}/accept"), &json!({ "take_over": true })).await.good(200);
    assert_eq!(taken["agent"]["name"], "Sam");
    assert_eq!(taken["accepted_at"], accepted["accepted_at"]);
    assert_eq!(alex.tries_to_write(&id, "Hi").await.problem(409), "Sam has this handoff; take it over first");

    let released = sam.act(&id, "release").await.good(200);
    assert_eq!((&released["status"], &released["agent"]), (&json!("waiting"), &Value::Null));
    assert_eq!(sam.act(&id, "release").await.problem(409), "nobody has accepted this handoff");
    assert_eq!(alex.accepts(&id).await["agent"]["name"], "Alex");
    assert_eq!(alex.history(&id).await, ["started", "accepted", "taken_over", "released", "accepted"]);
    let by: Vec<Value> = alex.rows(&id).await.iter().map(|row| row["content"]["by"].clone()).collect();
    assert!(by.contains(&json!("Sam")) && by.contains(&json!("Alex")), "{by:?}");
    relay.finish().await;
}

#[tokio::test]
async fn of_two_first_messages_at_once_one_wins() {
    let relay = Relay::start().await;
    let (alex, sam) = (relay.alex(), relay.agent("Sam"));
    for _ in 0..5 {
        let (chat, id) = relay.hand_off().await;
        let (one, other) =
            tokio::join!(alex.tries_to_write(&id, "Hi, Alex"), sam.tries_to_write(&id, "Hi, Sam"));
        let mut answers = [one.status, other.status];
        answers.sort_unstable();
        assert_eq!(answers, [202, 409]);
        let winner = if one.status == 202 { "Alex" } else { "Sam" };
        assert_eq!(alex.handoff(&id).await["agent"]["name"], winner);
        alex.sees(&id, &format!("Hi, {winner}"), &["confirmed"]).await;
        let loser = if winner == "Alex" { other } else { one };
        assert!(loser.problem(409).starts_with(&format!("{winner} has this handoff")));
        let human =
            relay.ada.messages(&chat).into_iter().filter(|said| said.role == sandbox::Role::HumanAgent);
        assert_eq!(human.count(), 1);
    }
    relay.finish().await;
}

#[tokio::test]
async fn a_waiting_handoff_may_be_ended_by_anyone_and_an_ended_one_by_nobody() {
    let relay = Relay::start().await;
    let (alex, sam) = (relay.alex(), relay.agent("Sam"));
    let (_, id) = relay.hand_off().await;
    let ended = sam.ends(&id).await;
    assert_eq!((&ended["status"], &ended["ended_by"]), (&json!("ended"), &json!("agent")));
    assert!(ended["ended_at"].as_str().unwrap() >= ended["created_at"].as_str().unwrap());
    for what in ["accept", "release", "end"] {
        assert_eq!(alex.act(&id, what).await.problem(409), "this handoff has ended", "{what}");
    }
    assert_eq!(alex.tries_to_write(&id, "Hi").await.problem(409), "this handoff has ended");
    let end = alex.rows(&id).await.into_iter().find(|row| row["content"]["event"] == "ended").unwrap();
    assert_eq!(end["content"]["by"], "Sam");
    relay.finish().await;
}

#[tokio::test]
async fn unread_counts_what_came_behind_the_mark() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (chat, id) = relay.hand_off().await;
    let unread = |count: u64| {
        let (alex, id) = (alex.clone(), id.clone());
        async move { settles(&json!(count), || async { alex.handoff(&id).await["unread"].clone() }).await }
    };
    for text in ["One", "Two"] {
        relay.gets(&customer_says(&chat, text)).await;
        settles(&true, || async { alex.reads(&id).await.contains(&text.to_owned()) }).await;
    }
    unread(2).await;
    let seq_of = |words: &'static str| {
        let (alex, id) = (alex.clone(), id.clone());
        async move {
            let rows = alex.rows(&id).await;
            rows.iter().find(|row| row["content"]["body"] == words).unwrap()["seq"].clone()
        }
    };
    let read = async |seq: Value| {
        let answer = alex.post(&format!("/handoffs/{id}/read"), &json!({ "seq": seq })).await;
        assert_eq!((answer.status, answer.text()), (204, ""));
    };
    read(seq_of("One").await).await;
    unread(1).await;
    read(json!(1_000_000)).await;
    unread(0).await;
    read(json!(1)).await;
    unread(0).await;
    relay.gets(&customer_says(&chat, "Three")).await;
    unread(1).await;
    for body in [json!({}), json!({ "seq": -1 }), json!({ "seq": "1" })] {
        alex.post(&format!("/handoffs/{id}/read"), &body).await.problem(400);
    }
    relay.finish().await;
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (_, id) = relay.hand_off().await;
    let (_, other) = relay.hand_off().await;
    for nobody in ["019aa3f0-6c1e-7d60-9f2b-0d9c5d5b4a11", "x", "%2F%00", "%F0%9F%98%80"] {
        for what in ["", "/messages", "/transcript"] {
            alex.get(&format!("/handoffs/{nobody}{what}")).await.problem(404);
        }
        for what in ["accept", "release", "end"] {
            alex.act(nobody, what).await.problem(404);
        }
        alex.tries_to_write(nobody, "Hi").await.problem(404);
        alex.post(&format!("/handoffs/{nobody}/read"), &json!({ "seq": 1 })).await.problem(404);
        for method in ["POST", "DELETE"] {
            let retry = if method == "POST" { "/retry" } else { "" };
            let path = format!("/handoffs/{id}/messages/{nobody}{retry}");
            Answer::to(alex.request(method, &path)).await.problem(404);
        }
    }
    // A row of another handoff is not there either.
    alex.writes(&other, "Hello").await;
    let row = alex.sees(&other, "Hello", &["confirmed"]).await;
    let path = format!("/handoffs/{id}/messages/{}/retry", row["id"].as_str().unwrap());
    Answer::to(alex.request("POST", &path)).await.problem(404);
    Answer::to(alex.request("GET", "/handoffs/%FF")).await.problem(400);
    relay.finish().await;
}
