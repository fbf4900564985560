//! The API document's examples, sent as they are written.

use serde_json::Value;

use crate::support::{answer::Answer, relay::Setup};

/// The calls that have an example body: method, path, body.
fn examples(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, call) in methods.as_object().unwrap() {
            let schema = &call["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            let Some(schema) = schema.as_str() else { continue };
            let place = schema.strip_prefix('#').unwrap();
            let example = document.pointer(place).unwrap()["example"].clone();
            assert!(!example.is_null(), "{method} {path} has a body without an example");
            found.push((method.to_uppercase(), path.clone(), example));
        }
    }
    found
}

#[tokio::test]
async fn every_example_works_as_written() {
    // With the token that the example of signing in has.
    let tokens = "Alex=token-of-alex-0123456789,Sam=the-token-of-an-agent";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.toml");
    std::fs::write(&file, "[[teams]]\nname = \"Billing\"\n").unwrap();
    let setup = Setup::new().set("AGENT_TOKENS", tokens).set("RELAY_CONFIG", file.to_str().unwrap());
    let relay = setup.start().await;
    let document = relay.alex().get("/openapi.json").await.good(200);
    let examples = examples(&document);
    assert!(examples.len() >= 3, "{examples:?}");
    // What the example of making one has made; an id in any other path is the handoff's.
    let mut reply = String::new();
    for (method, path, example) in examples {
        let (_, handoff) = relay.hand_off().await;
        relay.alex().accepts(&handoff).await;
        let path = path.replace("{id}", if path.contains("canned") { &reply } else { &handoff });
        let path = path.replace("{name}", "Billing");
        let request = relay.alex().request(&method, path.strip_prefix("/api").unwrap());
        let answer = Answer::to(request.json(&example)).await;
        assert!((200..300).contains(&answer.status), "{method} {path} {example}: {}", answer.text());
        if path == "/api/canned-replies" {
            answer.json()["id"].as_str().unwrap().clone_into(&mut reply);
        }
    }
}

#[tokio::test]
async fn every_refusal_is_a_problem_and_every_bound_is_told() {
    let relay = Setup::new().start().await;
    let document = relay.alex().get("/openapi.json").await.good(200);
    let mut refusals = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, call) in methods.as_object().unwrap() {
            let responses = call["responses"].as_object().unwrap();
            for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                let types: Vec<&String> = response["content"].as_object().unwrap().keys().collect();
                assert_eq!(types, ["application/problem+json"], "{method} {path} {status}");
                refusals += 1;
            }
            assert!(responses.contains_key("401"), "{method} {path}");
            assert_eq!(responses.contains_key("415"), call.get("requestBody").is_some(), "{method} {path}");
            for parameter in call["parameters"].as_array().into_iter().flatten() {
                if parameter["name"] == "limit" {
                    let bounds = (&parameter["schema"]["minimum"], &parameter["schema"]["maximum"]);
                    assert!(bounds.0 == 1 && bounds.1.as_u64() >= Some(200), "{method} {path}: {bounds:?}");
                }
            }
        }
    }
    assert!(refusals > 100, "{refusals}");
    let session = &document["components"]["schemas"]["NewSession"];
    assert_eq!((&session["minProperties"], &session["maxProperties"]), (&1.into(), &1.into()));
}
