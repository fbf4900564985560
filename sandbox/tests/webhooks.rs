//! The API for webhook endpoints.

mod common;

use common::{Ada, soon};
use reqwest::Method;
use serde_json::{Value, json};

const EVENTS: [&str; 2] = ["v1.conversation.message", "v1.conversation.ended"];

async fn call(ada: &Ada, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let url = if path.starts_with("http") {
        path.to_owned()
    } else {
        format!("{}/api/v2/webhooks/{path}", ada.url)
    };
    ada.call(ada.http.request(method, url).json(body)).await
}

#[tokio::test]
async fn an_endpoint_is_made_changed_and_deleted() {
    let ada = Ada::start().await;
    let wanted = json!({ "url": "https://relay.example/webhooks/message", "event_filters": EVENTS });
    let (status, made) = call(&ada, Method::POST, "", &wanted).await;
    assert_eq!((status, &made["enabled"]), (201, &json!(true)));
    let id = made["id"].as_str().expect("an id").to_owned();
    let secret = call(&ada, Method::GET, &format!("{id}/secret/"), &json!({})).await.1;
    assert!(secret["key"].as_str().expect("a key").starts_with("whsec_"));

    let (status, changed) = call(&ada, Method::PATCH, &format!("{id}/"), &json!({ "enabled": false })).await;
    assert_eq!(
        (status, &changed["enabled"], &changed["event_filters"]),
        (200, &json!(false), &json!(EVENTS))
    );
    assert_eq!(call(&ada, Method::GET, &format!("{id}/"), &json!({})).await.1, changed);
    assert_eq!(call(&ada, Method::DELETE, &format!("{id}/"), &json!({})).await.0, 204);
    for path in [format!("{id}/"), format!("{id}/secret/")] {
        assert_eq!(call(&ada, Method::GET, &path, &json!({})).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn wrong_fields_change_nothing() {
    let ada = Ada::start().await;
    for wrong in [
        json!({}),
        json!({ "url": "relay.example" }),
        json!({ "url": "https://relay.example", "enabled": "yes" }),
        json!({ "url": "https://relay.example", "description": 7 }),
        json!({ "url": "https://relay.example", "event_filters": "all" }),
    ] {
        assert_eq!(call(&ada, Method::POST, "", &wrong).await.0, 400, "{wrong}");
    }
    // The one that the stand-in began with.
    assert_eq!(call(&ada, Method::GET, "", &json!({})).await.1["data"].as_array().expect("a list").len(), 1);
}

#[tokio::test]
async fn its_pages_follow_each_other_to_the_end() {
    let ada = Ada::start().await;
    for number in 0..4 {
        let wanted = json!({ "url": format!("https://relay.example/{number}") });
        assert_eq!(call(&ada, Method::POST, "", &wanted).await.0, 201);
    }
    let (mut urls, mut sizes, mut next) = (Vec::new(), Vec::new(), Some("?limit=2".to_owned()));
    while let Some(page) = next {
        let (status, body) = call(&ada, Method::GET, &page, &json!({})).await;
        assert_eq!(status, 200);
        let data = body["data"].as_array().expect("a list");
        sizes.push(data.len());
        urls.extend(data.iter().map(|endpoint| endpoint["url"].as_str().expect("a URL").to_owned()));
        next = body["meta"]["next_page_url"].as_str().map(str::to_owned);
    }
    assert_eq!(sizes, [2, 2, 1]);
    assert_eq!(urls[1..], [0, 1, 2, 3].map(|number| format!("https://relay.example/{number}")));
    assert_eq!(call(&ada, Method::GET, "?limit=0", &json!({})).await.0, 400);
}

#[tokio::test]
async fn without_the_key_nothing_is_shown() {
    let ada = Ada::start().await;
    for key in [None, Some("wrong")] {
        let mut request = ada.http.get(format!("{}/api/v2/webhooks/", ada.url));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        assert_eq!(soon("an answer", request.send()).await.expect("an answer").status(), 401);
    }
}
