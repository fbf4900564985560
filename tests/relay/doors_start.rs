//! The door for Ada's start call.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{
    answer::Answer,
    relay::{Relay, START_KEY, Setup},
    stream::Event,
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
async fn health_says_that_anyone_can_start_handoffs() {
    let relay = Setup::new().set("HANDOFF_AUTH_KEY", "off").start().await;
    let ready = relay.get("/health/ready").await.good(200);
    assert_eq!(ready["status"], "ok");
    assert!(ready["handoffs/start"].as_str().unwrap().starts_with("HANDOFF_AUTH_KEY is off: "), "{ready}");
}

/// A start call as anyone can make it.
async fn anyone_starts(relay: &Relay, conversation: &str, context: Value) -> Answer {
    let mut body = context;
    body["conversation_id"] = conversation.into();
    Answer::to(relay.http.post(format!("{}/handoffs/start", relay.url)).json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_sixty_handoffs_may_begin_in_a_minute() {
    let relay = Setup::new().set("HANDOFF_AUTH_KEY", "off").start().await;
    // Some leave as soon as they have asked.
    let leaving = join_all((0..40).map(async |number| {
        let body = json!({ "conversation_id": format!("left {number}") }).to_string();
        let request = format!(
            "POST /handoffs/start HTTP/1.1\r\nhost: relay\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(relay.url.trim_start_matches("http://")).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
    }));
    let names: Vec<String> = (0..400).map(|number| format!("c{number}")).collect();
    let calls = join_all(names.iter().map(|name| anyone_starts(&relay, name, json!({}))));
    let (_, answers) = tokio::join!(leaving, calls);
    let begun: Vec<&String> =
        names.iter().zip(&answers).filter(|(_, answer)| answer.status == 200).map(|(name, _)| name).collect();
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert!(answer.problem(429).contains("HANDOFF_AUTH_KEY"));
        assert_ne!(answer.header("retry-after"), "");
    }
    assert_eq!(relay.alex().list("limit=200").await.len(), 60, "{} answers were yes", begun.len());
    assert_eq!(anyone_starts(&relay, "one more", json!({})).await.status, 429);
    // What runs is answered for.
    anyone_starts(&relay, begun[0], json!({})).await.good(200);
    assert_eq!(relay.alex().list("limit=200").await.len(), 60);
}

#[tokio::test]
async fn without_a_key_nobody_changes_what_is_known() {
    let relay = Setup::new().set("HANDOFF_AUTH_KEY", "off").start().await;
    let first = anyone_starts(&relay, "c", json!({ "plan": "pro", "first_name": "Ada" })).await.good(200);
    let forged = json!({ "plan": "forged", "first_name": "Forged", "last_name": "Forged", "note": "new" });
    assert_eq!(anyone_starts(&relay, "c", forged).await.good(200), first);
    let handoff = relay.alex().handoff(first["handoff_id"].as_str().unwrap()).await;
    let context = json!({ "plan": "pro", "first_name": "Ada", "last_name": "Forged", "note": "new" });
    assert_eq!((&handoff["context"], &handoff["end_user"]["name"]), (&context, &json!("Ada")));
}

#[tokio::test]
async fn a_context_is_kept_within_bounds_and_lists_show_its_beginning() {
    let relay = Relay::start().await;
    for call in 0..20 {
        let body =
            json!({ "conversation_id": "big", format!("note_{call}"): "x".repeat(20_000), "plan": "pro" });
        relay.post_start(&body).await.good(200);
    }
    let alex = relay.alex();
    let mut stream = alex.stream(None).await.ready().await;
    relay.post_start(&json!({ "conversation_id": "big", "plan": "max" })).await.good(200);
    let listed = alex.handoffs_of("big").await.remove(0);
    let is_new = |event: &Event| event.data["context"]["plan"] == "max";
    let told = stream.until(is_new).await.pop().unwrap().data;
    for shown in [&listed, &told] {
        assert_eq!((&shown["context_truncated"], &shown["context"]["plan"]), (&json!(true), &json!("max")));
        let note = shown["context"]["note_7"].as_str().unwrap();
        assert_eq!((note.chars().count(), note.ends_with('…')), (257, true));
        assert!(shown.to_string().len() < 10_000);
    }
    let whole = alex.handoff(listed["id"].as_str().unwrap()).await;
    assert_eq!(whole["context_truncated"], false);
    let bytes = whole["context"].to_string().len();
    assert!((60_000..66_000).contains(&bytes), "{bytes}");
    assert!(whole["context"]["note_7"].as_str().unwrap().ends_with("… (cut: 20000 characters)"));
    assert_eq!(whole["context"]["plan"], "max");
    let small = relay.start_call("small").await;
    assert_eq!(alex.handoffs_of("small").await[0], alex.handoff(&small).await);
}
