//! The attachments call: what it takes, what it refuses, and how it fails.

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{Ada, KEY, error_type, form, human_says, soon, typed_form};
use futures_util::stream;
use reqwest::RequestBuilder;
use sandbox::{Call, Fault, ScriptedAnswer};
use serde_json::{Value, json};

const MIB: usize = 1024 * 1024;
const LIMIT: usize = 50 * MIB;

fn attachments(ada: &Ada, id: &str) -> RequestBuilder {
    ada.http.post(ada.api(&format!("{id}/attachments/")))
}

fn attachments_of(id: &str) -> String {
    format!("/api/v2/conversations/{id}/attachments/")
}

async fn upload(ada: &Ada, id: &str, filename: &str, file: impl Into<reqwest::Body>) -> (u16, Value) {
    ada.call(form(attachments(ada, id), filename, file)).await
}

/// A file of that size that is never in memory as a whole.
fn stream_of(size: usize) -> reqwest::Body {
    let whole = (0..size / MIB).map(|_| MIB);
    let chunks = whole.chain((!size.is_multiple_of(MIB)).then_some(size % MIB));
    reqwest::Body::wrap_stream(stream::iter(
        chunks.map(|length| Ok::<_, std::io::Error>(Bytes::from(vec![7; length]))),
    ))
}

/// The message of a human agent that an upload's answer makes.
fn message_with(upload: &Value) -> Value {
    let mut message = human_says("");
    message["content"] = upload.clone();
    message["content"]["type"] = json!("file");
    message
}

#[tokio::test]
async fn an_uploaded_file_can_be_fetched_and_sent() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let request = typed_form(attachments(&ada, &id), "my notes.txt", "text/plain", "hello");
    let (status, answer) = ada.call(request).await;
    assert_eq!(
        (status, &answer["filename"], &answer["mime_type"]),
        (201, &json!("my notes.txt"), &json!("text/plain"))
    );
    let uploaded = answer["url"].as_str().expect("a URL");
    assert!(uploaded.starts_with(&format!("{}/files/", ada.url)), "{uploaded}");
    let file = soon("the file", ada.http.get(uploaded).send()).await.expect("the file");
    assert_eq!(file.headers()["content-type"], "text/plain");
    assert_eq!(file.text().await.expect("text"), "hello");

    // The message keeps the file, not the URL: also one that has expired names it.
    ada.sandbox.expire_files();
    let (status, message) = ada.post(&format!("{id}/messages/"), &message_with(&answer)).await;
    assert_eq!(status, 201);
    let echo =
        ada.relay.wait_for(1, |event| event["data"]["content"]["type"] == "file").await.remove(0).json();
    let urls = [&answer, &message["content"], &echo["data"]["content"]].map(|content| content["url"].clone());
    assert!(urls[0] != urls[1] && urls[1] != urls[2] && urls[0] != urls[2], "{urls:?}");
    for url in &urls[1..] {
        let file = ada.http.get(url.as_str().expect("a URL")).send();
        assert_eq!(soon("the file", file).await.expect("an answer").text().await.expect("text"), "hello");
    }
    let sent = ada.sandbox.files_sent_to(&id).remove(0);
    assert_eq!(
        (sent.role, &*sent.filename, &*sent.mime_type),
        (sandbox::Role::HumanAgent, "my notes.txt", "text/plain")
    );
}

#[tokio::test]
async fn a_url_of_elsewhere_stays_as_it_is() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let (_, ours) = upload(&ada, &id, "a.txt", "hello").await;
    let forged = ours["url"].as_str().expect("a URL").replace("X-Ada-Expires=", "X-Ada-Expires=9");
    for url in ["https://elsewhere.example/files/1?X-Ada-Expires=1&X-Ada-Signature=2", &forged] {
        let content = json!({ "url": url, "mime_type": "text/plain", "filename": "a.txt" });
        let (status, message) = ada.post(&format!("{id}/messages/"), &message_with(&content)).await;
        assert_eq!((status, &message["content"]["url"]), (201, &json!(url)));
    }
    assert_eq!(ada.sandbox.files_sent_to(&id), []);
}

#[tokio::test]
async fn the_types_of_adas_list_are_taken_by_name() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let taken = "txt log csv eml png svg jpeg jpg gif heif heic avif wav m4a mp3 mp4 m4v mov mpeg mpg zip pdf doc \
                 docx xls xlsx ppt pptx key pages numbers PDF tar.zip";
    for extension in taken.split_whitespace() {
        assert_eq!(upload(&ada, &id, &format!("a.{extension}"), "x").await.0, 201, "{extension}");
    }
    for name in ["virus.exe", "a.pdf.exe", "a.html", "pdf", "a.", "a.webp"] {
        let (status, body) = upload(&ada, &id, name, "x").await;
        assert_eq!((status, error_type(&body)), (400, "validation_error"), "{name}");
    }
}

#[tokio::test]
async fn what_is_no_upload_is_refused() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    assert_eq!(upload(&ada, &id, "", "x").await.0, 400);
    assert_eq!(ada.post(&format!("{id}/attachments/"), &json!({})).await.0, 400);
    let early = attachments(&ada, &id).header("content-type", "multipart/form-data; boundary=edge");
    let part = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhel";
    assert_eq!(ada.call(early.body(part)).await.0, 400);
    let other = attachments(&ada, &id).header("content-type", "multipart/form-data; boundary=edge");
    let part = "--edge\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"a.txt\"\r\n\r\nx\r\n--edge--\r\n";
    assert_eq!(ada.call(other.body(part)).await.0, 400);
    assert_eq!(upload(&ada, "nobody", "a.txt", "x").await.0, 404);
    let calm = ada.sandbox.open_conversation();
    let (status, body) = upload(&ada, &calm, "a.txt", "x").await;
    assert_eq!((status, error_type(&body)), (422, "unprocessable_entity"));
}

#[tokio::test]
async fn a_file_has_up_to_50_mib() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let (status, whole) = upload(&ada, &id, "a.zip", stream_of(LIMIT)).await;
    assert_eq!(status, 201);
    let (status, body) = upload(&ada, &id, "a.zip", stream_of(LIMIT + 1)).await;
    assert_eq!((status, error_type(&body)), (413, "payload_too_large"));
    let mut file =
        soon("the file", ada.http.get(whole["url"].as_str().expect("a URL")).send()).await.expect("it");
    let mut length = 0;
    while let Some(chunk) = soon("a chunk", file.chunk()).await.expect("no break") {
        length += chunk.len();
    }
    assert_eq!(length, LIMIT);
}

#[tokio::test]
async fn a_refusal_is_seen_after_a_large_body() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let answer = ScriptedAnswer { status: 422, headers: Vec::new(), body: json!({ "errors": [] }) };
    ada.sandbox.answer_next(Call::UploadAttachment, answer);
    ada.sandbox.fault_next(Call::UploadAttachment, Fault::Status { status: 429, retry_after: Some(1) });
    for (id, key, filename, status) in [
        (&*id, KEY, "a.zip", "422 Unprocessable Entity"),
        (&id, KEY, "a.zip", "429 Too Many Requests"),
        (&id, KEY, "virus.exe", "400 Bad Request"),
        ("nobody", KEY, "a.zip", "404 Not Found"),
        (&id, "wrong", "a.zip", "401 Unauthorized"),
        (&id, KEY, "a.zip", "201 Created"),
    ] {
        let line =
            soon("an answer", ada.sent_first(&attachments_of(id), key, filename)).await.expect("no break");
        assert_eq!(line, format!("HTTP/1.1 {status}"));
    }
    let statuses: Vec<_> = ada.sandbox.calls().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [422, 429, 400, 404, 401, 201]);
}

#[tokio::test]
async fn an_upload_fails_like_any_call() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let request = || form(attachments(&ada, &id).bearer_auth(KEY), "a.zip", "x");
    for fault in [Fault::Dropped, Fault::StoredThenDropped] {
        ada.sandbox.fault_next(Call::UploadAttachment, fault);
        let error = soon("an end", request().send()).await.expect_err("no answer");
        assert!(!error.is_timeout() && !error.is_connect(), "{error:?}");
    }
    for fault in [Fault::Hang, Fault::StoredThenHang] {
        ada.sandbox.fault_next(Call::UploadAttachment, fault);
        let calls = ada.sandbox.calls().len();
        let hung = tokio::spawn(request().timeout(Duration::from_millis(800)).send());
        soon("the call", ada.sandbox.until(|ada| ada.calls().len() > calls)).await;
        assert!(hung.await.expect("no panic").expect_err("no answer").is_timeout());
    }
    ada.sandbox.fault_next(Call::UploadAttachment, Fault::StoredThenStatus(500));
    ada.sandbox.fault_next(Call::UploadAttachment, Fault::BrokenBody);
    let (status, body) = upload(&ada, &id, "a.zip", "x").await;
    assert_eq!((status, error_type(&body)), (500, "internal_server_error"));
    assert_eq!(upload(&ada, &id, "a.zip", "x").await, (201, Value::Null));
    assert_eq!(upload(&ada, &id, "a.zip", "x").await.0, 201);
    assert_eq!(ada.sandbox.files_sent_to(&id), [], "an upload alone is no message");
}
