//! The dial over HTTP, and what the end users see.

mod common;

use std::time::Duration;

use common::{Ada, error_type, human_says};
use sandbox::{Call, Dial, Disorder, EchoTiming, Fault, FileFault, IdScheme, RateHeaders, RateLimits};
use serde_json::{Value, json};

fn api(ada: &Ada, path: &str) -> String {
    format!("{}/sandbox/api/{path}", ada.url)
}

async fn get(ada: &Ada, path: &str) -> Value {
    let (status, body) = ada.call(ada.http.get(api(ada, path))).await;
    assert_eq!(status, 200, "{path}");
    body
}

async fn put(ada: &Ada, dial: &Value) -> (u16, Value) {
    ada.call(ada.http.put(api(ada, "dial")).body(dial.to_string())).await
}

fn everything() -> (Dial, Value) {
    let ms = Duration::from_millis;
    let faults = [
        (Call::SendMessage, Fault::StoredThenStatus(500)),
        (Call::ListMessages, Fault::Slow(ms(200))),
        (Call::EndHandoff, Fault::Status { status: 503, retry_after: Some(3) }),
        (Call::HandoffQueue, Fault::BrokenBody),
    ];
    let dial = Dial {
        disorder: Disorder {
            delay: ms(10)..=ms(500),
            duplicate_every: Some(3),
            lose_every: Some(5),
            seed: 42,
        },
        echoes: EchoTiming::Late(ms(1500)),
        ids: IdScheme::Different,
        rate_limits: Some(RateLimits { per_second: 10, per_minute: 100, headers: RateHeaders::None }),
        faults: faults.into(),
        file_fault: Some(FileFault::Slow(100_000)),
        oddities: true,
    };
    let json = json!({
        "disorder": {
            "delay_ms": { "min": 10, "max": 500 }, "duplicate_every": 3, "lose_every": 5, "seed": 42,
        },
        "echoes": { "timing": "late", "ms": 1500 },
        "ids": "different",
        "rate_limits": { "per_second": 10, "per_minute": 100, "headers": "none" },
        "faults": {
            "send_message": { "kind": "stored_then_status", "status": 500 },
            "list_messages": { "kind": "slow", "ms": 200 },
            "end_handoff": { "kind": "status", "status": 503, "retry_after": 3 },
            "handoff_queue": { "kind": "broken_body" },
        },
        "file_fault": { "kind": "slow", "bytes_per_second": 100_000 },
        "oddities": true,
    });
    (dial, json)
}

#[tokio::test]
async fn the_dial_is_one_inside_and_over_http() {
    let ada = Ada::start().await;
    let calm = json!({
        "disorder": {
            "delay_ms": { "min": 0, "max": 0 }, "duplicate_every": null, "lose_every": null, "seed": 0,
        },
        "echoes": { "timing": "normal" },
        "ids": "same",
        "rate_limits": null,
        "faults": {},
        "file_fault": null,
        "oddities": false,
    });
    assert_eq!(get(&ada, "dial").await, calm);
    let (dial, json) = everything();
    assert_eq!(put(&ada, &json).await, (200, json.clone()));
    assert_eq!(ada.sandbox.dial(), dial);
    assert_eq!(put(&ada, &json!({})).await, (200, calm));
    assert_eq!(ada.sandbox.dial(), Dial::default());
    ada.sandbox.set_dial(dial);
    assert_eq!(get(&ada, "dial").await, json);
}

#[tokio::test]
async fn a_wrong_dial_is_explained_and_changes_nothing() {
    let ada = Ada::start().await;
    let (dial, json) = everything();
    ada.sandbox.set_dial(dial.clone());
    for (wrong, because) in [
        (json!([]), "expected a map"),
        (json!({ "echos": {} }), "unknown field `echos`"),
        (json!({ "echoes": { "timing": "soon" } }), "`soon`"),
        (json!({ "echoes": { "timing": "late" } }), "`ms`"),
        (json!({ "disorder": { "delay_ms": { "min": 2, "max": 1 } } }), "min is larger than max"),
        (json!({ "disorder": { "delay_ms": { "min": 0, "max": 600_001 } } }), "at most 600000"),
        (json!({ "disorder": { "lose_every": 0 } }), "1 or more"),
        (json!({ "ids": "odd" }), "`odd`"),
        (json!({ "rate_limits": { "per_second": 0, "per_minute": 1 } }), "1 or more"),
        (json!({ "faults": { "dance": { "kind": "hang" } } }), "`dance`"),
        (json!({ "faults": { "send_message": { "kind": "status", "status": 99 } } }), "from 200 to 599"),
        (json!({ "file_fault": { "kind": "slow", "bytes_per_second": 0 } }), "1 or more"),
    ] {
        let (status, body) = put(&ada, &wrong).await;
        let error = body["error"].as_str().unwrap_or_default();
        assert_eq!(status, 400, "{wrong}");
        assert!(error.starts_with("This is not a dial: ") && error.contains(because), "{error}");
    }
    let (status, body) = ada.call(ada.http.put(api(&ada, "dial")).body("{")).await;
    assert!(status == 400 && body["error"].is_string());
    assert_eq!(get(&ada, "dial").await, json);
}

#[tokio::test]
async fn a_fault_for_the_next_call_comes_over_http() {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let fault = json!({ "call": "send_message", "fault": { "kind": "status", "status": 503 } });
    let faults = ada.http.post(api(&ada, "faults"));
    assert_eq!(ada.call(faults.body(fault.to_string())).await.0, 204);
    let path = format!("{id}/messages/");
    let (status, body) = ada.post(&path, &human_says("Hi")).await;
    assert_eq!((status, error_type(&body)), (503, "internal_server_error"));
    assert_eq!(ada.post(&path, &human_says("Hi")).await.0, 201);
    let wrong = json!({ "call": "send_message", "fault": { "kind": "explode" } });
    let (status, body) = ada.call(ada.http.post(api(&ada, "faults")).body(wrong.to_string())).await;
    assert_eq!(status, 400);
    assert!(body["error"].as_str().is_some_and(|error| error.contains("`explode`")), "{body}");
    let calls = get(&ada, "calls").await;
    let sent: Vec<_> = calls["calls"].as_array().expect("calls").iter().map(|call| &call["status"]).collect();
    assert_eq!(sent, [503, 201]);
    assert_eq!(calls["calls"][0]["call"], "send_message");
    assert_eq!(calls["calls"][0]["body"], human_says("Hi"));
}

#[tokio::test]
async fn the_end_users_view_is_what_is_stored() {
    let ada = Ada::start().await;
    let first = ada.handed_off().await;
    ada.post(&format!("{first}/messages/"), &human_says("Hi")).await;
    ada.sandbox.customer_says(&first, "Hello").await.expect("said");
    let view = get(&ada, &format!("conversations/{first}")).await;
    assert_eq!(
        (&view["id"], &view["status"], &view["in_handoff"]),
        (&json!(first), &json!("active"), &json!(true))
    );
    assert_eq!(view["messages"], json!(ada.sandbox.messages(&first)));
    let texts: Vec<_> =
        view["messages"].as_array().expect("rows").iter().map(|row| &row["content"]["body"]).collect();
    assert_eq!(texts[1..], ["Hi", "Hello"]);

    // The list goes by age, in milliseconds.
    let created = get(&ada, "conversations").await["conversations"][0]["created_at"].clone();
    let second = loop {
        let second = ada.sandbox.open_conversation();
        let list = get(&ada, "conversations").await;
        let rows = list["conversations"].as_array().expect("rows");
        if rows[rows.len() - 1]["created_at"] != created {
            break second;
        }
    };
    ada.sandbox.customer_ends_chat(&second).await.expect("ended");
    let list = get(&ada, "conversations").await;
    let rows = list["conversations"].as_array().expect("rows");
    let row = |id: &str| rows.iter().find(|row| row["id"] == *id).expect("listed");
    assert_eq!((&row(&first)["messages"], &row(&first)["in_handoff"]), (&json!(3), &json!(true)));
    assert_eq!(row(&second)["status"], "ended");
    assert!(rows.is_sorted_by_key(|row| row["created_at"].as_str().map(str::to_owned)));
    assert_eq!(ada.call(ada.http.get(api(&ada, "conversations/nobody"))).await.0, 404);
}

#[tokio::test]
async fn other_sites_cannot_turn_the_dial() {
    let ada = Ada::start().await;
    let request = ada.http.put(api(&ada, "dial")).body("{}").header("sec-fetch-site", "cross-site");
    assert_eq!(ada.call(request).await.0, 403);
}
