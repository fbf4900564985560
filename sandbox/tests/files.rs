//! Files both ways: kept by Ada, shown by URLs that expire, and fetched from a server that can fail.

mod common;

use std::time::{Duration, Instant};

use common::{Ada, KEY, soon};
use reqwest::{Response, StatusCode};
use sandbox::FileFault;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

const BRIEF: Duration = Duration::from_millis(300);

async fn fetch(ada: &Ada, url: &str) -> Response {
    soon("the file", ada.http.get(url).send()).await.expect("an answer")
}

fn url(content: &Value) -> &str {
    content["url"].as_str().expect("a URL")
}

fn is_file(event: &Value) -> bool {
    event["data"]["content"]["type"] == "file"
}

/// The URL of the last row of the message list.
async fn listed_url(ada: &Ada, id: &str) -> String {
    let (_, list) = ada.get(&format!("{id}/messages/")).await;
    url(&list["data"].as_array().and_then(|rows| rows.last()).expect("a row")["content"]).to_owned()
}

#[tokio::test]
async fn a_customers_file_is_told_with_a_new_url_each_time() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let message = ada.sandbox.customer_sends_file(&id, "me.png", "image/png", PNG).await.expect("sent");
    let event = ada.relay.wait_for(1, is_file).await.remove(0).json();
    assert_eq!(event["data"]["message_id"], json!(message));
    assert_eq!(event["data"]["handoff_integration"], "custom-handoff");
    let content = &event["data"]["content"];
    assert_eq!((&content["mime_type"], &content["filename"]), (&json!("image/png"), &json!("me.png")));

    let urls = [url(content).to_owned(), listed_url(&ada, &id).await, listed_url(&ada, &id).await];
    for (place, url) in urls.iter().enumerate() {
        assert!(!urls[..place].contains(url) && url.starts_with(&format!("{}/files/", ada.url)), "{urls:?}");
        let answer = fetch(&ada, url).await;
        assert_eq!(answer.headers()["content-type"], "image/png");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.bytes().await.expect("the bytes"), PNG);
    }
    assert_eq!(ada.sandbox.file_fetches(&message), [200; 3]);
    let sent = ada.sandbox.files_sent_to(&id).remove(0);
    assert_eq!((sent.size, &*sent.filename), (PNG.len() as u64, "me.png"));
    let sha256: String = Sha256::digest(PNG).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(sent.sha256, sha256);
    assert_eq!(ada.sandbox.file_bytes(&message).await.expect("kept"), PNG);
}

#[tokio::test]
async fn an_expired_url_is_refused_and_the_list_has_a_new_one() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let message = ada.sandbox.customer_sends_file(&id, "me.png", "image/png", PNG).await.expect("sent");
    let old = listed_url(&ada, &id).await;
    ada.sandbox.expire_files();
    let answer = fetch(&ada, &old).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(answer.headers()["content-type"], "application/xml");
    assert!(answer.text().await.expect("text").contains("<Error><Code>AccessDenied</Code>"));
    assert_eq!(fetch(&ada, &listed_url(&ada, &id).await).await.status(), StatusCode::OK);

    ada.sandbox.set_file_expiry(Duration::ZERO);
    assert_eq!(fetch(&ada, &listed_url(&ada, &id).await).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(ada.sandbox.file_fetches(&message), [403, 200, 403]);
}

#[tokio::test]
async fn the_ai_agent_answers_a_file_and_a_person_gets_it() {
    let ada = Ada::start().await;
    let id = ada.sandbox.open_conversation();
    ada.sandbox.customer_sends_file(&id, "me.png", "image/png", PNG).await.expect("sent");
    let texts: Vec<_> =
        ada.sandbox.messages(&id).iter().map(|message| message.text().map(str::to_owned)).collect();
    assert!(texts.len() == 3 && texts[2].as_deref().is_some_and(|text| text.contains("file")), "{texts:?}");
    let event = ada.relay.wait_for(1, is_file).await.remove(0).json();
    assert_eq!(event["data"]["handoff_integration"], Value::Null);

    ada.sandbox.start_handoff(&id, json!({})).await.expect("a start");
    ada.sandbox.customer_sends_file(&id, "x.html", "text/html", "<script>").await.expect("any type");
    assert_eq!(ada.sandbox.files_sent_to(&id).len(), 2);
    assert_eq!(ada.sandbox.messages(&id).len(), 4, "the AI Agent is paused");
    ada.sandbox.customer_ends_chat(&id).await.expect("ended");
    assert!(ada.sandbox.customer_sends_file(&id, "me.png", "image/png", PNG).await.is_err());
    let large = vec![0; 50 * 1024 * 1024 + 1];
    let open = ada.sandbox.open_conversation();
    assert!(ada.sandbox.customer_sends_file(&open, "a.zip", "application/zip", large).await.is_err());
}

#[tokio::test]
async fn only_a_bare_get_with_the_whole_url_is_answered() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let message = ada.sandbox.customer_sends_file(&id, "me.png", "image/png", PNG).await.expect("sent");
    let url = ada.sandbox.file_url(&message).expect("a URL");
    let (bare, _) = url.split_once('?').expect("a query");
    let token = bare.rsplit('/').next().expect("a token");
    for forged in [bare.to_owned(), url.replace(token, &token.chars().rev().collect::<String>())] {
        let answer = fetch(&ada, &forged).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(answer.text().await.expect("text").contains("<Code>AccessDenied</Code>"));
    }
    let head = soon("an answer", ada.http.head(&url).send()).await.expect("an answer");
    assert_eq!(head.status(), StatusCode::FORBIDDEN);
    // As S3 does: whoever sends its key along as well is refused.
    let with_key = soon("an answer", ada.http.get(&url).bearer_auth(KEY).send()).await.expect("an answer");
    assert_eq!(with_key.status(), StatusCode::BAD_REQUEST);
    assert_eq!(fetch(&ada, &url).await.status(), StatusCode::OK);
    assert_eq!(ada.sandbox.file_fetches(&message), [400, 200]);
}

#[tokio::test]
async fn a_part_of_a_file_can_be_asked_for() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let digits = "0123456789";
    let message = ada.sandbox.customer_sends_file(&id, "a.txt", "text/plain", digits).await.expect("sent");
    for (range, status, content_range, text) in [
        ("bytes=2-4", 206, "bytes 2-4/10", "234"),
        ("bytes=7-", 206, "bytes 7-9/10", "789"),
        ("bytes=-3", 206, "bytes 7-9/10", "789"),
        ("bytes=8-99", 206, "bytes 8-9/10", "89"),
        ("bytes=10-", 416, "bytes */10", ""),
        ("bytes=4-2", 200, "", digits),
        ("lines=1-2", 200, "", digits),
    ] {
        let url = ada.sandbox.file_url(&message).expect("a URL");
        let answer =
            soon("an answer", ada.http.get(url).header("range", range).send()).await.expect("an answer");
        let told = answer.headers().get("content-range").map_or("", |value| value.to_str().expect("text"));
        assert_eq!((answer.status().as_u16(), told), (status, content_range), "{range}");
        assert_eq!(answer.text().await.expect("text"), text, "{range}");
    }
}

/// A conversation's file of 40,000 bytes, and the means to fetch it.
async fn large_file(ada: &Ada) -> (String, Vec<u8>) {
    let id = ada.handed_off().await;
    let bytes: Vec<u8> = (0..40_000_u32).map(|place| place.to_le_bytes()[0]).collect();
    let sent = ada.sandbox.customer_sends_file(&id, "a.zip", "application/zip", bytes.clone()).await;
    (sent.expect("sent"), bytes)
}

/// What arrives of a body, and whether it ended as announced.
async fn arrived(mut answer: Response) -> (Vec<u8>, reqwest::Result<()>) {
    let mut bytes = Vec::new();
    loop {
        match soon("a chunk", answer.chunk()).await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (bytes, Ok(())),
            Err(error) => return (bytes, Err(error)),
        }
    }
}

#[tokio::test]
async fn the_file_server_fails_as_it_is_told() {
    let ada = Ada::start().await;
    let (message, bytes) = large_file(&ada).await;
    let get = async || fetch(&ada, &ada.sandbox.file_url(&message).expect("a URL")).await;
    for (status, code) in
        [(403, "AccessDenied"), (404, "NoSuchKey"), (500, "InternalError"), (503, "SlowDown")]
    {
        ada.sandbox.file_fault_next(FileFault::Status(status));
        let answer = get().await;
        assert_eq!(answer.status().as_u16(), status);
        assert!(answer.text().await.expect("text").contains(&format!("<Code>{code}</Code>")), "{code}");
    }
    ada.sandbox.file_fault_next(FileFault::CutAfter(10_000));
    let answer = get().await;
    assert_eq!(answer.headers()["content-length"], "40000");
    let (part, end) = arrived(answer).await;
    assert!(end.is_err() && part == bytes[..10_000], "{}", part.len());

    ada.sandbox.file_fault_next(FileFault::WrongLength(1_000));
    assert!(matches!(arrived(get().await).await, (part, Ok(())) if part == bytes[..1_000]));
    ada.sandbox.file_fault_next(FileFault::WrongLength(40_001));
    let (part, end) = arrived(get().await).await;
    assert!(end.is_err() && part == bytes, "{}", part.len());

    ada.sandbox.file_fault_next(FileFault::Slow(80_000));
    let begun = Instant::now();
    assert!(matches!(arrived(get().await).await, (whole, Ok(())) if whole == bytes));
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());

    assert!(matches!(arrived(get().await).await, (whole, Ok(())) if whole == bytes));
    assert_eq!(ada.sandbox.file_fetches(&message), [403, 404, 500, 503, 200, 200, 200, 200, 200]);
}

#[tokio::test]
async fn a_hung_file_does_not_hold_up_the_end() {
    let ada = Ada::start().await;
    let (message, bytes) = large_file(&ada).await;
    ada.sandbox.file_fault_next(FileFault::HangAfter(10_000));
    let mut answer = fetch(&ada, &ada.sandbox.file_url(&message).expect("a URL")).await;
    let mut part = Vec::new();
    while part.len() < 10_000 {
        part.extend(soon("a chunk", answer.chunk()).await.expect("no end").expect("a chunk"));
    }
    assert_eq!(part, bytes[..10_000]);
    let mut rest = tokio::spawn(async move { answer.chunk().await });
    assert!(tokio::time::timeout(BRIEF, &mut rest).await.is_err(), "neither a byte nor an end");
    ada.stop.cancel();
    soon("the end", ada.served).await.expect("no panic").expect("no error");
    soon("a closed connection", rest).await.expect("no panic").expect_err("it never came");
}

#[tokio::test]
async fn a_standing_fault_and_an_expiry_come_over_http() {
    let ada = Ada::start().await;
    let (message, _) = large_file(&ada).await;
    let api = |path: &str| format!("{}/sandbox/api/{path}", ada.url);
    let status =
        async || fetch(&ada, &ada.sandbox.file_url(&message).expect("a URL")).await.status().as_u16();
    let dial = json!({ "file_fault": { "kind": "status", "status": 503 } });
    assert_eq!(ada.call(ada.http.put(api("dial")).body(dial.to_string())).await.0, 200);
    let next = json!({ "kind": "status", "status": 404 });
    assert_eq!(ada.call(ada.http.post(api("file-faults")).body(next.to_string())).await.0, 204);
    assert_eq!((status().await, status().await, status().await), (404, 503, 503));
    ada.sandbox.file_fault_always(None);
    assert_eq!(status().await, 200);

    let url = ada.sandbox.file_url(&message).expect("a URL");
    assert_eq!(ada.call(ada.http.post(api("expire-files"))).await.0, 204);
    assert_eq!(fetch(&ada, &url).await.status(), StatusCode::FORBIDDEN);
    let (code, body) = ada.call(ada.http.post(api("file-faults")).body(r#"{ "kind": "explode" }"#)).await;
    assert_eq!(code, 400);
    assert!(body["error"].as_str().is_some_and(|error| error.contains("`explode`")), "{body}");
}
