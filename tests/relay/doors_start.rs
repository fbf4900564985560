//! The door for Ada's start call.

use serde_json::{Value, json};

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
async fn what_is_no_start_call_is_told_why() {
    let relay = Relay::start().await;
    let long = format!(r#"{{"conversation_id":"{}"}}"#, "x".repeat(201));
    let bodies = [
        ("", "the body is not JSON"),
        ("{\"conversation_id\":", "the body is not JSON"),
        ("[\"c\"]", "the body is not a JSON object"),
        ("{}", "Missing conversation_id"),
        (r#"{"conversation_id":null,"ada_conversation_id":""}"#, "Missing conversation_id"),
        (r#"{"conversation_id":7}"#, "conversation_id is not a string"),
        (
            r#"{"conversation_id":"a","ada_conversation_id":"b"}"#,
            "conversation_id and ada_conversation_id are different",
        ),
        (r#"{"conversation_id":"a\u0007"}"#, "conversation_id has control characters"),
        (&long, "conversation_id is over 200 characters"),
    ];
    for path in PATHS {
        for (body, sentence) in bodies {
            let answer = Answer::to(call(&relay, path).body(body.to_owned())).await;
            assert_eq!(answer.problem(400), sentence, "{path} {body}");
        }
    }
    assert_eq!(relay.alex().list("").await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_key_is_asked_for_first() {
    let relay = Relay::start().await;
    for path in PATHS {
        let url = format!("{}{path}", relay.url);
        let without = || relay.http.post(&url).body("not even JSON");
        let answer = Answer::to(without()).await;
        answer.problem(401);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        for wrong in ["Bearer wrong", "Basic c3RhcnQ6a2V5", "Bearer", &format!("Bearer {START_KEY}x")] {
            Answer::to(without().header("authorization", wrong)).await.problem(401);
        }
        let lower = without().header("authorization", format!("bearer {START_KEY}"));
        Answer::to(lower).await.problem(400);
    }
}

#[tokio::test]
async fn the_content_type_may_be_missing_but_not_wrong() {
    let relay = Relay::start().await;
    for (number, (kind, status)) in [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("application/vnd.ada+json", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "conversation_id": format!("c{number}") }).to_string();
        let request = call(&relay, PATHS[0]).header("content-type", kind).body(body);
        let answer = Answer::to(request).await;
        assert_eq!(answer.status, status, "{kind}");
        if status == 415 {
            assert_eq!(answer.problem(415), "the content type is not application/json");
        }
    }
    let bare = call(&relay, PATHS[0]).body(r#"{"conversation_id":"bare"}"#);
    Answer::to(bare).await.good(200);
}

#[tokio::test]
async fn a_body_over_256_kb_is_refused_declared_or_streamed() {
    let relay = Relay::start().await;
    let body = |bytes: usize| {
        let frame = json!({ "conversation_id": "big", "note": "" }).to_string().len();
        json!({ "conversation_id": "big", "note": "x".repeat(bytes - frame) }).to_string()
    };
    let most = 256 << 10;
    Answer::to(call(&relay, PATHS[0]).body(body(most))).await.good(200);
    assert_eq!(
        Answer::to(call(&relay, PATHS[0]).body(body(most + 1))).await.problem(413),
        "the body is too large"
    );
    let chunks: Vec<_> = body(most + 1)
        .into_bytes()
        .chunks(8_192)
        .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()))
        .collect();
    let streamed = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    Answer::to(call(&relay, PATHS[1]).body(streamed)).await.problem(413);
}

#[tokio::test]
async fn other_methods_and_paths_are_problems_too() {
    let relay = Relay::start().await;
    for path in ["/handoffs/start", "/webhooks/start-handoff", "/webhooks/message", "/webhooks/events"] {
        for method in [reqwest::Method::GET, reqwest::Method::PUT, reqwest::Method::DELETE] {
            let answer = Answer::to(relay.http.request(method, format!("{}{path}", relay.url))).await;
            answer.problem(405);
            assert_eq!(answer.header("allow"), "POST", "{path}");
        }
    }
    let answer = Answer::to(relay.http.post(format!("{}/health/live", relay.url))).await;
    answer.problem(405);
    assert_eq!(answer.header("allow"), "GET,HEAD");
    for path in ["/", "/handoffs", "/handoffs/start/", "/webhooks", "/apis", "/api/nothing"] {
        relay.get(path).await.problem(404);
    }
    assert_eq!(relay.get("/health/live").await.good(200), json!({ "status": "ok" }));
    assert_eq!(relay.get("/health/ready").await.good(200), json!({ "status": "ok" }));
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
