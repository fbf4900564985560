//! The customer's page and the calls it makes.

mod common;

use common::{Ada, form, soon, typed_form};
use futures_util::StreamExt;
use sandbox::FileFault;
use serde_json::{Value, json};

#[tokio::test]
async fn the_page_and_its_files_are_served_with_a_policy() {
    let ada = Ada::start().await;
    for (path, mime_type) in [
        ("/chat", "text/html; charset=utf-8"),
        ("/chat/", "text/html; charset=utf-8"),
        ("/chat/chat.css", "text/css; charset=utf-8"),
        ("/chat/chat.js", "text/javascript; charset=utf-8"),
        ("/chat/files.js", "text/javascript; charset=utf-8"),
        ("/chat/uploads.js", "text/javascript; charset=utf-8"),
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

#[tokio::test]
async fn a_customer_sends_files_through_the_page() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let files = |id: &str| ada.http.post(format!("{}/chat/api/conversations/{id}/files", ada.url));
    // A browser writes a quote in a name like this.
    let (status, body) =
        ada.call(typed_form(files(&id), "../%22Zoë%22 <b>.html", "text/html", "<script>")).await;
    assert_eq!(status, 201);
    let sent = ada.sandbox.files_sent_to(&id).remove(0);
    assert_eq!(json!(sent.message_id), body["message_id"]);
    assert_eq!((&*sent.filename, &*sent.mime_type, sent.size), ("../\"Zoë\" <b>.html", "text/html", 8));

    assert_eq!(ada.call(form(files(&id), "", "x")).await.0, 400);
    assert_eq!(ada.call(files(&id).body("x")).await.0, 400);
    assert_eq!(ada.call(form(files("nobody"), "a.txt", "x")).await.0, 404);
    let (status, body) = ada.call(form(files(&id), "a.zip", vec![0; 50 * 1024 * 1024 + 1])).await;
    assert_eq!((status, &body["error"]), (413, &json!("Files can have up to 50 MB.")));
    let path = format!("/chat/api/conversations/{id}/files");
    let line = soon("an answer", ada.sent_first(&path, "", "")).await.expect("no break");
    assert_eq!(line, "HTTP/1.1 400 Bad Request", "seen after a large body");
    let foreign = form(files(&id), "a.txt", "x").header("sec-fetch-site", "cross-site");
    assert_eq!(ada.call(foreign).await.0, 403);
    ada.sandbox.customer_ends_chat(&id).await.expect("ended");
    assert_eq!(ada.call(form(files(&id), "a.txt", "x")).await.0, 409);
    assert_eq!(ada.sandbox.files_sent_to(&id).len(), 1);
}

#[tokio::test]
async fn the_page_shows_files_at_addresses_of_its_own() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let message = ada.sandbox.customer_sends_file(&id, "a b.svg", "image/svg+xml", svg).await.expect("sent");
    let events = ada.http.get(format!("{}/chat/api/conversations/{id}/events", ada.url)).send();
    let mut stream = soon("events", events).await.expect("events").bytes_stream();
    let state = snapshot(&mut stream, |_| true).await;
    let shown = state["messages"].as_array().and_then(|rows| rows.last()).expect("a message");
    assert_eq!((&shown["message_id"], &shown["file"]["size"]), (&json!(message), &json!(svg.len())));
    let path = shown["content"]["url"].as_str().expect("an address");
    assert_eq!(path, format!("/chat/api/conversations/{id}/files/{message}"));

    // Presigned URLs that expire and a file server that fails are the relay's concern.
    ada.sandbox.expire_files();
    ada.sandbox.file_fault_always(Some(FileFault::Status(503)));
    let answer =
        soon("the file", ada.http.get(format!("{}{path}", ada.url)).send()).await.expect("an answer");
    let headers = answer.headers().clone();
    let header = |name: &str| headers[name].to_str().expect("text");
    assert_eq!((answer.status().as_u16(), header("content-type")), (200, "image/svg+xml"));
    assert_eq!(header("content-disposition"), "attachment; filename*=UTF-8''a%20b.svg");
    assert_eq!(header("x-content-type-options"), "nosniff");
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && policy.ends_with("sandbox"), "{policy}");
    assert_eq!(answer.text().await.expect("text"), svg);
    assert!(ada.sandbox.file_fetches(&message).is_empty());

    let other = ada.handed_off().await;
    for wrong in
        [format!("{other}/files/{message}"), format!("{id}/files/nothing"), format!("nobody/files/{message}")]
    {
        let answer = ada.http.get(format!("{}/chat/api/conversations/{wrong}", ada.url)).send();
        assert_eq!(soon("an answer", answer).await.expect("an answer").status(), 404, "{wrong}");
    }
}
