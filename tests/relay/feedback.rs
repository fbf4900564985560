//! What customers say of a handoff afterwards.

use serde_json::{Value, json};

use crate::support::{
    answer::Answer,
    relay::{Relay, START_KEY, Setup},
};

async fn gives(relay: &Relay, key: Option<&str>, body: &Value) -> Answer {
    let request = relay.http.post(format!("{}/handoffs/feedback", relay.url)).json(body);
    Answer::to(match key {
        Some(key) => request.bearer_auth(key),
        None => request,
    })
    .await
}

/// A handoff that Alex had, and that is over.
async fn ended(relay: &Relay) -> (String, String) {
    let (chat, id) = relay.hand_off().await;
    relay.alex().accepts(&id).await;
    relay.alex().ends(&id).await;
    (chat, id)
}

#[tokio::test]
async fn feedback_is_kept_with_the_handoff_and_the_last_one_counts() {
    let mut relay = Relay::start().await;
    let (chat, id) = ended(&relay).await;
    assert_eq!(relay.alex().handoff(&id).await["feedback"], json!(null));
    let good = json!({ "conversation_id": chat, "rating": 5, "comment": "Thanks!" });
    let answer = gives(&relay, Some(START_KEY), &good).await.good(200);
    assert_eq!(answer, json!({ "status": "ok", "handoff_id": id }));
    let first = relay.alex().handoff(&id).await;
    assert_eq!(
        (&first["feedback"]["rating"], &first["feedback"]["comment"], &first["agent"]["name"]),
        (&json!(5), &json!("Thanks!"), &json!("Alex"))
    );
    gives(&relay, Some(START_KEY), &good).await.good(200);
    let again = relay.alex().handoff(&id).await;
    assert_eq!(again["feedback"], first["feedback"], "it came again, which changes nothing");

    // Of two handoffs of a conversation, the last one that is over is meant, unless one is named.
    relay.ada.until(|ada| !ada.in_handoff(&chat)).await;
    assert_eq!(relay.ada.start_handoff(&chat, json!({})).await.unwrap(), 200);
    let second = relay.alex().handoffs_of(&chat).await[0]["id"].as_str().unwrap().to_owned();
    let mut stream = relay.alex().stream(None).await.ready().await;
    let bad = json!({ "conversation_id": chat, "rating": "bad" });
    assert_eq!(gives(&relay, Some(START_KEY), &bad).await.good(200)["handoff_id"], json!(id));
    stream.until(|event| event.data["feedback"]["rating"] == "bad").await;
    assert_eq!(relay.alex().handoff(&id).await["feedback"]["comment"], json!(null), "the former one is gone");
    let open = json!({ "handoff_id": second, "rating": 1 });
    let told = gives(&relay, Some(START_KEY), &open).await.problem(404);
    assert_eq!(told, "there is no such handoff that has ended");
    relay.alex().ends(&second).await;
    gives(&relay, Some(START_KEY), &open).await.good(200);
    let of_first = json!({ "handoff_id": id, "conversation_id": chat, "rating": 2 });
    assert_eq!(gives(&relay, Some(START_KEY), &of_first).await.good(200)["handoff_id"], json!(id));

    relay.restart().await;
    for (handoff, rating) in [(&id, 2), (&second, 1)] {
        assert_eq!(relay.alex().handoff(handoff).await["feedback"]["rating"], rating);
    }
    relay.finish().await;
}

#[tokio::test]
async fn feedback_without_the_key_or_sense_is_refused() {
    let relay = Relay::start().await;
    let (chat, _) = ended(&relay).await;
    let good = json!({ "conversation_id": chat, "rating": 5 });
    for (key, body, status, told) in [
        (None, good.clone(), 401, "the Authorization header with the bearer key is missing"),
        (
            Some("another-key-of-the-tests"),
            good.clone(),
            401,
            "the bearer key does not match HANDOFF_AUTH_KEY",
        ),
        (Some(START_KEY), json!({ "rating": 5 }), 400, "Missing handoff_id or conversation_id"),
        (Some(START_KEY), json!({ "conversation_id": chat }), 400, "Missing rating or comment"),
        (
            Some(START_KEY),
            json!({ "conversation_id": "unknown", "rating": 5 }),
            404,
            "there is no such handoff that has ended",
        ),
        (
            Some(START_KEY),
            json!({ "handoff_id": "unknown", "rating": 5 }),
            404,
            "there is no such handoff that has ended",
        ),
    ] {
        assert_eq!(gives(&relay, key, &body).await.problem(status), told, "{body}");
    }
    for rating in ["1e400", "-1e400", "123456789012345678901234567890", "1000000.5"] {
        let body = format!(r#"{{"conversation_id":"{chat}","rating":{rating}}}"#);
        let request = relay.http.post(format!("{}/handoffs/feedback", relay.url)).bearer_auth(START_KEY);
        let told = Answer::to(request.header("content-type", "application/json").body(body)).await;
        assert!(
            told.problem(400).starts_with("rating must be a number from -1000000 to 1000000"),
            "{rating}"
        );
    }
    let large = json!({ "conversation_id": chat, "comment": "x".repeat(256 << 10) });
    gives(&relay, Some(START_KEY), &large).await.problem(413);
    let form = relay.http.post(format!("{}/handoffs/feedback", relay.url)).bearer_auth(START_KEY);
    Answer::to(form.header("content-type", "application/x-www-form-urlencoded").body("rating=5"))
        .await
        .problem(415);
}

#[tokio::test]
async fn without_a_start_key_there_is_no_such_path_whatever_is_asked() {
    let open = Setup::new().set("HANDOFF_AUTH_KEY", "off").start().await;
    let feedback = || open.http.post(format!("{}/handoffs/feedback", open.url));
    let availability = |query: &str| open.http.get(format!("{}/handoffs/availability{query}", open.url));
    for request in [
        feedback().json(&json!({ "conversation_id": "c", "rating": 5 })),
        feedback().body("no JSON"),
        feedback().header("content-type", "application/x-www-form-urlencoded").body("rating=5"),
        feedback().json(&json!({ "conversation_id": "c", "comment": "x".repeat(300 << 10) })),
        feedback().header("sec-fetch-site", "cross-site"),
        feedback().bearer_auth("any"),
        availability(""),
        availability("?team=a&team=b"),
        availability("?ai_agent=nobody"),
    ] {
        let told = Answer::to(request).await.problem(404);
        assert_eq!(told, "this path needs a start key, and none is set");
    }
}

#[tokio::test]
async fn without_a_list_the_field_ai_agent_means_nothing() {
    let relay = Relay::start().await;
    let (chat, _) = ended(&relay).await;
    for named in [json!("nobody"), json!(7)] {
        let body = json!({ "conversation_id": chat, "rating": 5, "ai_agent": named });
        gives(&relay, Some(START_KEY), &body).await.good(200);
    }
    for query in ["?ai_agent=nobody", "?ai_agent={ai_agent}", "?team={team}"] {
        let request = relay.http.get(format!("{}/handoffs/availability{query}", relay.url));
        Answer::to(request.bearer_auth(START_KEY)).await.good(200);
    }
    relay.finish().await;
}

#[tokio::test]
async fn the_flows_of_an_ai_agent_may_call_only_so_often() {
    let relay = Relay::start().await;
    let (chat, _) = ended(&relay).await;
    let good = json!({ "conversation_id": chat, "rating": 5 });
    let ask = async || {
        let request = relay.http.get(format!("{}/handoffs/availability", relay.url));
        Answer::to(request.bearer_auth(START_KEY)).await
    };
    for _ in 0..150 {
        ask().await.good(200);
        gives(&relay, Some(START_KEY), &good).await.good(200);
    }
    for refused in [ask().await, gives(&relay, Some(START_KEY), &good).await] {
        assert_eq!(
            refused.problem(429),
            "too many calls of this AI Agent in a minute; a start call has no such limit"
        );
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
    gives(&relay, None, &good).await.problem(401);
    relay.hand_off().await;
    relay.finish().await;
}
