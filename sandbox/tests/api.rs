//! The Conversations API: what it takes, what it refuses and in which words.

mod common;

use common::{Ada, error_type, human_says, soon};
use sandbox::{Call, ScriptedAnswer};
use serde_json::{Value, json};

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let ada = Ada::start().await;
    let id = ada.sandbox.open_conversation();
    for _ in 0..2 {
        ada.sandbox.customer_says(&id, "Hello").await.expect("said");
    }
    let mut page = format!("{id}/messages/?limit=2");
    let (mut rows, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let (status, body) = ada.get(&page).await;
        assert_eq!(status, 200);
        let data = body["data"].as_array().expect("rows").clone();
        sizes.push(data.len());
        rows.extend(data);
        match body["meta"]["next_page_url"].as_str() {
            Some(next) => {
                assert!(next.starts_with(&ada.url), "{next} is on another origin");
                page = next.to_owned();
            }
            None => break,
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
    let expected: Vec<_> =
        ada.sandbox.messages(&id).iter().map(|message| json!(message.message_id)).collect();
    assert_eq!(rows.iter().map(|row| row["message_id"].clone()).collect::<Vec<_>>(), expected);
    assert!(rows.iter().all(|row| row["type"] == "message_logs"));
    let times: Vec<_> = rows.iter().map(|row| row["created_at"].as_str().expect("a time")).collect();
    assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
    for wrong in ["limit=0", "limit=101", "limit=x", "cursor=nonsense"] {
        assert_eq!(ada.get(&format!("{id}/messages/?{wrong}")).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn without_the_key_nothing_is_answered() {
    let ada = Ada::start().await;
    let id = ada.sandbox.open_conversation();
    for key in [None, Some("wrong")] {
        let mut request = ada.http.get(ada.api(&format!("{id}/")));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let answer = soon("an answer", request.send()).await.expect("an answer");
        assert_eq!(answer.status(), 401);
        assert!(answer.headers().contains_key("date"));
        assert_eq!(error_type(&answer.json().await.expect("JSON")), "unauthorized");
    }
    assert!(ada.sandbox.calls().iter().all(|call| !call.authorized && call.status == 401));
}

#[tokio::test]
async fn a_conversation_is_read_and_its_metadata_changed() {
    let ada = Ada::start().await;
    let id = ada.sandbox.open_conversation();
    let metadata = json!({ "metadata": { "team": "billing", "vip": true, "score": 1.5, "gone": 1 } });
    assert_eq!(ada.patch(&format!("{id}/"), &metadata).await.0, 200);
    let (status, body) = ada.patch(&id, &json!({ "metadata": { "gone": null } })).await;
    assert_eq!((status, &body["metadata"]), (200, &json!({ "team": "billing", "vip": true, "score": 1.5 })));
    assert_eq!(ada.get(&id).await.1, ada.get(&format!("{id}/")).await.1);
    for wrong in [
        json!({}),
        json!({ "metadata": [] }),
        json!({ "metadata": { "list": [] } }),
        json!({ "metadata": { "long": "x".repeat(4096) } }),
    ] {
        assert_eq!(ada.patch(&id, &wrong).await.0, 400, "{wrong}");
    }
    assert_eq!(Value::from(ada.sandbox.metadata(&id)), body["metadata"]);
}

#[tokio::test]
async fn unknown_conversations_and_paths_are_404() {
    let ada = Ada::start().await;
    for path in ["nobody/", "nobody/messages/", "nobody/what/"] {
        let (status, body) = ada.get(path).await;
        assert_eq!((status, error_type(&body)), (404, "not_found"), "{path}");
    }
    assert_eq!(ada.post("nobody/messages/", &human_says("Hi")).await.0, 404);
    assert_eq!(ada.post("nobody/end-handoff/", &json!({})).await.0, 404);
    let (status, body) = ada.call(ada.http.delete(ada.api("nobody/"))).await;
    assert_eq!((status, error_type(&body)), (405, "method_not_allowed"));
}

#[tokio::test]
async fn people_write_only_in_a_handoff() {
    let ada = Ada::start().await;
    let id = ada.sandbox.open_conversation();
    let (status, body) = ada.post(&format!("{id}/messages/"), &human_says("Hi")).await;
    assert_eq!((status, error_type(&body)), (422, "unprocessable_entity"));
    assert_eq!(ada.post(&format!("{id}/end-handoff/"), &json!({})).await.0, 422);
    assert_eq!(ada.patch(&format!("{id}/handoff-queue/"), &json!({ "unit": "unknown" })).await.0, 422);
}

#[tokio::test]
async fn wrong_messages_are_400_and_large_ones_413() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let text = json!({ "type": "text", "body": "Hi" });
    for wrong in [
        json!([]),
        json!({ "content": text }),
        json!({ "author": { "role": "human_agent" }, "content": text }),
        json!({ "author": { "role": "ai_agent", "display_name": "X" }, "content": text }),
        json!({ "author": { "role": "human_agent", "display_name": "X" }, "content": { "type": "text" } }),
        json!({ "author": { "role": "human_agent", "display_name": "X" }, "content": { "type": "link" } }),
    ] {
        let (status, body) = ada.post(&format!("{id}/messages/"), &wrong).await;
        assert_eq!((status, error_type(&body)), (400, "validation_error"), "{wrong}");
    }
    let large = human_says(&"x".repeat(11 * 1024 * 1024));
    let (status, body) = ada.post(&format!("{id}/messages/"), &large).await;
    assert_eq!((status, error_type(&body)), (413, "payload_too_large"));
}

#[tokio::test]
async fn the_queue_is_told_only_while_someone_waits() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let path = format!("{id}/handoff-queue/");
    let (position, time) =
        (json!({ "unit": "position", "amount": 3 }), json!({ "unit": "time", "amount": 86_400 }));
    for right in [&position, &time, &json!({ "unit": "unknown" })] {
        assert_eq!(ada.patch(&path, right).await.0, 200, "{right}");
    }
    for wrong in [
        json!({ "unit": "position" }),
        json!({ "unit": "position", "amount": 1.5 }),
        json!({ "unit": "time", "amount": 86_401 }),
        json!({ "unit": "unknown", "amount": 1 }),
        json!({ "unit": "miles", "amount": 1 }),
    ] {
        assert_eq!(ada.patch(&path, &wrong).await.0, 400, "{wrong}");
    }
    assert_eq!(ada.post(&format!("{id}/messages/"), &human_says("Hi")).await.0, 201);
    assert_eq!(ada.patch(&path, &position).await.0, 422);

    let email = ada.sandbox.open_conversation_on("email");
    assert_eq!(ada.sandbox.start_handoff(&email, json!({})).await.expect("a start"), 200);
    assert_eq!(ada.patch(&format!("{email}/handoff-queue/"), &position).await.0, 422, "in the chat only");
}

#[tokio::test]
async fn a_scripted_answer_changes_nothing() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let before = ada.sandbox.messages(&id);
    ada.sandbox.answer_next(
        Call::SendMessage,
        ScriptedAnswer {
            status: 429,
            headers: vec![("Retry-After".to_owned(), "7".to_owned())],
            body: json!({ "errors": [] }),
        },
    );
    let request = ada.http.post(ada.api(&format!("{id}/messages/"))).bearer_auth(common::KEY);
    let answer = soon("an answer", request.json(&human_says("Hi")).send()).await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (429, &"7".parse().expect("a value"))
    );
    assert_eq!(ada.sandbox.messages(&id), before);
    assert_eq!(ada.post(&format!("{id}/messages/"), &human_says("Hi")).await.0, 201);
    let calls = ada.sandbox.calls();
    assert_eq!(calls.iter().map(|call| call.status).collect::<Vec<_>>(), [429, 201]);
    assert!(calls.iter().all(|call| call.call == Some(Call::SendMessage) && call.authorized));
    assert_eq!(calls[0].path, format!("/api/v2/conversations/{id}/messages/"));
    assert_eq!(calls[0].body, Some(human_says("Hi")));
}
