//! The customer's page and the calls it makes.

mod common;

use common::{Ada, soon};
use futures_util::StreamExt;
use serde_json::{Value, json};

#[tokio::test]
async fn the_page_and_its_files_are_served_with_a_policy() {
    let ada = Ada::start().await;
    for (path, mime_type) in [
        ("/chat", "text/html; charset=utf-8"),
        ("/chat/", "text/html; charset=utf-8"),
        ("/chat/chat.css", "text/css; charset=utf-8"),
        ("/chat/chat.js", "text/javascript; charset=utf-8"),
        ("/chat/disorder.js", "text/javascript; charset=utf-8"),
    ] {
        let answer =
            soon("the page", ada.http.get(format!("{}{path}", ada.url)).send()).await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["content-type"], mime_type);
        let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let text = answer.text().await.expect("text");
        assert!(!text.contains("<style") && !text.contains(" style=") && !text.contains(" onclick="));
    }
}

/// Reads snapshots until one passes.
async fn snapshot(
    stream: &mut (impl StreamExt<Item = reqwest::Result<bytes::Bytes>> + Unpin),
    passes: impl Fn(&Value) -> bool,
) -> Value {
    let mut text = String::new();
    soon("a snapshot", async {
        loop {
            let chunk = stream.next().await.expect("the stream goes on").expect("a chunk");
            text.push_str(std::str::from_utf8(&chunk).expect("text"));
            while let Some((event, rest)) = text.split_once("\n\n") {
                let data = event
                    .strip_prefix("data: ")
                    .map(|data| serde_json::from_str::<Value>(data).expect("JSON"));
                text = rest.to_owned();
                if let Some(data) = data.filter(&passes) {
                    return data;
                }
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_customer_chats_through_the_page() {
    let ada = Ada::start().await;
    let calls = format!("{}/chat/api/conversations", ada.url);
    let (status, body) = ada.call(ada.http.post(&calls)).await;
    assert_eq!(status, 201);
    let id = body["id"].as_str().expect("an id");
    let events = soon("events", ada.http.get(format!("{calls}/{id}/events")).send()).await.expect("events");
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let mut stream = events.bytes_stream();
    let first = snapshot(&mut stream, |_| true).await;
    assert_eq!(first["messages"][0]["role"], "ai_agent");

    let say =
        |text: &str| ada.call(ada.http.post(format!("{calls}/{id}/messages")).json(&json!({ "text": text })));
    assert_eq!(say("I need a human").await.0, 201);
    let waiting = snapshot(&mut stream, |state| state["in_handoff"] == true).await;
    assert_eq!((&waiting["phase"]["with"], &waiting["human_joined"]), (&json!("waiting"), &json!(false)));
    ada.post(&format!("{id}/messages/"), &common::human_says("Hi")).await;
    let joined = snapshot(&mut stream, |state| state["human_joined"] == true).await;
    assert_eq!(joined["phase"]["name"], "Alex");

    assert_eq!(say("  ").await.0, 400);
    assert_eq!(ada.call(ada.http.post(format!("{calls}/{id}/end"))).await.0, 204);
    snapshot(&mut stream, |state| state["status"] == "ended").await;
    assert_eq!(say("Hello?").await.0, 409);
    assert_eq!(ada.call(ada.http.post(format!("{calls}/nobody/end"))).await.0, 404);

    ada.stop.cancel();
    soon("the end of the stream", async { while let Some(Ok(_)) = stream.next().await {} }).await;
    soon("the end", ada.served).await.expect("no panic").expect("no error");
}

#[tokio::test]
async fn other_sites_cannot_write_as_the_customer() {
    let ada = Ada::start().await;
    let request = ada.http.post(format!("{}/chat/api/conversations", ada.url));
    assert_eq!(ada.call(request.header("sec-fetch-site", "cross-site")).await.0, 403);
}
