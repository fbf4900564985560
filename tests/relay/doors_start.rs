//! The door for Ada's start call.

use serde_json::json;

use crate::support::{
    answer::Answer,
    relay::{Relay, START_KEY, Setup},
};

const PATHS: [&str; 2] = ["/handoffs/start", "/webhooks/start-handoff"];

fn call(relay: &Relay, path: &str) -> reqwest::RequestBuilder {
    relay.http.post(format!("{}{path}", relay.url)).bearer_auth(START_KEY)
}

#[tokio::test]
async fn both_paths_take_both_spellings_and_keep_the_rest_as_context() {
    let relay = Relay::start().await;
    for path in PATHS {
        for key in ["conversation_id", "ada_conversation_id"] {
            let conversation = format!("c{path}-{key}?#/é");
            let body = json!({ key: &conversation, "plan": "pro", "first_name": "Ada" });
            let first = Answer::to(call(&relay, path).json(&body)).await.good(200);
            assert_eq!(first["status"], "ok");
            let id = first["handoff_id"].as_str().unwrap();

            let again = json!({ key: &conversation, "plan": "basic", "queue": 7 });
            let again = Answer::to(call(&relay, path).json(&again)).await.good(200);
            assert_eq!(again, first, "a second start is the first");

            let handoff = relay.alex().handoff(id).await;
            assert_eq!(handoff["conversation_id"], conversation);
            assert_eq!(handoff["status"], "waiting");
            assert_eq!(handoff["end_user"]["name"], "Ada");
            assert_eq!(handoff["context"], json!({ "plan": "basic", "first_name": "Ada", "queue": 7 }));
            assert_eq!(relay.alex().history(id).await, ["started"]);
        }
    }
    assert_eq!(relay.alex().list("").await.len(), 4);
}

#[tokio::test]
async fn the_scheme_is_taken_in_any_case_and_the_content_type_may_be_missing() {
    let relay = Relay::start().await;
    let bare = || relay.http.post(format!("{}{}", relay.url, PATHS[0])).body(r#"{"conversation_id":"c"}"#);
    Answer::to(bare().header("authorization", format!("bearer {START_KEY}"))).await.good(200);
    for kind in ["application/json", "application/json; charset=utf-8", "application/vnd.ada+json"] {
        Answer::to(bare().bearer_auth(START_KEY).header("content-type", kind)).await.good(200);
    }
}

#[tokio::test]
async fn a_body_of_256_kb_is_taken() {
    let relay = Relay::start().await;
    let frame = json!({ "conversation_id": "big", "note": "" }).to_string().len();
    let body = json!({ "conversation_id": "big", "note": "x".repeat((256 << 10) - frame) });
    Answer::to(call(&relay, PATHS[0]).body(body.to_string())).await.good(200);
}

#[tokio::test]
async fn health_is_well() {
    let relay = Relay::start().await;
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(relay.get(path).await.good(200), json!({ "status": "ok" }));
        let answer = Answer::to(relay.http.post(format!("{}{path}", relay.url))).await;
        answer.problem(405);
        assert_eq!(answer.header("allow"), "GET,HEAD");
    }
}

#[tokio::test]
async fn without_a_key_sixty_handoffs_may_begin_in_a_minute() {
    let relay = Setup::new().set("HANDOFF_AUTH_KEY", "").start().await;
    let start = |number: usize| {
        let body = json!({ "conversation_id": format!("c{number}") });
        Answer::to(relay.http.post(format!("{}/handoffs/start", relay.url)).json(&body))
    };
    for number in 0..60 {
        start(number).await.good(200);
    }
    let answer = start(60).await;
    assert!(answer.problem(429).contains("HANDOFF_AUTH_KEY"));
    assert_ne!(answer.header("retry-after"), "");
    start(7).await.good(200);
    assert_eq!(relay.alex().list("limit=200").await.len(), 60);
}
