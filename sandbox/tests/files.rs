//! Files both ways: kept by Ada, shown by URLs that expire, and fetched from a server that can fail.

mod common;

use std::time::Duration;

use common::{Ada, soon};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

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
