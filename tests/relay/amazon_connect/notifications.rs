//! The door for notifications: what is not SNS's own has no effect.

use std::time::Duration;

use handoff_relay::doors::Limits;
use serde_json::{Value, json};

use crate::support::{
    answer::Answer,
    connect::{Connect, door, hand_off},
    raw::Raw,
    relay::Relay,
    settles,
};

async fn post(relay: &Relay, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = relay.http.post(door(relay)).header("x-amz-sns-message-type", kind);
    Answer::to(request.header("content-type", "text/plain; charset=UTF-8").body(body.into())).await
}

fn says(contact: &str, id: &str, text: &str) -> String {
    json!({
        "AbsoluteTime": jiff::Timestamp::now().to_string(), "Content": text, "ContentType": "text/plain", "Id": id,
        "Type": "MESSAGE", "ParticipantId": "p1", "DisplayName": "Ann", "ParticipantRole": "AGENT",
        "InitialContactId": contact, "ContactId": contact,
    })
    .to_string()
}

#[tokio::test]
async fn only_what_sns_has_signed_for_our_topic_has_an_effect() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let good = connect.standin.envelope(&says(&contact, "i1", "forged"));
    let changed = |field: &str, value: Value| {
        let mut forged = good.clone();
        forged[field] = value;
        forged.to_string()
    };
    let notification = "Notification";
    let fetched = connect.standin.certificate_fetches();
    for (name, kind, body, status) in [
        ("another message", notification, changed("Message", json!("{}")), 403),
        (
            "another topic",
            notification,
            changed("TopicArn", json!("arn:aws:sns:us-east-1:999999999999:chat")),
            403,
        ),
        ("another version", notification, changed("SignatureVersion", json!("3")), 400),
        (
            "a certificate elsewhere",
            notification,
            changed("SigningCertURL", json!("https://evil.example/SimpleNotificationService-1.pem")),
            403,
        ),
        ("old", notification, changed("Timestamp", json!("2026-01-01T00:00:00.000Z")), 403),
        ("another type", "SubscriptionConfirmation", good.to_string(), 400),
        ("no JSON", notification, "hello".to_owned(), 400),
        ("an array", notification, "[]".to_owned(), 400),
        ("nothing", notification, String::new(), 400),
        ("too large", notification, "x".repeat(600 << 10), 413),
    ] {
        assert_eq!(post(&relay, kind, body).await.status, status, "{name}");
    }
    assert_eq!(connect.standin.certificate_fetches(), fetched, "nothing was fetched for any of them");
    let raw = relay.http.post(door(&relay)).header("x-amz-sns-message-type", notification);
    let raw = raw.header("x-amz-sns-rawdelivery", "true").body(says(&contact, "i2", "raw"));
    assert_eq!(Answer::to(raw).await.status, 400);
    assert_eq!(post(&relay, notification, good.to_string()).await.status, 200);
    settles(&1, || async {
        relay.ada.messages(&chat).iter().filter(|said| said.content["body"] == "forged").count()
    })
    .await;
    relay.finish().await;
}

#[tokio::test]
async fn both_versions_of_the_signature_count_and_what_nobody_needs_is_ignored() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    for version in [1, 2] {
        let message = says(&contact, &format!("v{version}"), &format!("version {version}"));
        let signed = connect.standin.sign_with(version, connect.standin.envelope(&message));
        assert_eq!(post(&relay, "Notification", signed.to_string()).await.status, 200);
    }
    for odd in [
        "{}",
        "[]",
        "no JSON",
        r#"{"Type":"NEW","Id":"x"}"#,
        r#"{"Type":"EVENT","ContentType":"application/vnd.amazonaws.connect.event.typing"}"#,
    ] {
        let signed = connect.standin.envelope(odd);
        assert_eq!(post(&relay, "Notification", signed.to_string()).await.status, 200, "{odd}");
    }
    let old = says("00000000-0000-0000-0000-000000000000", "o", "x").replace("2026", "2025");
    assert_eq!(post(&relay, "Notification", connect.standin.envelope(&old).to_string()).await.status, 200);
    let young = says("00000000-0000-0000-0000-000000000000", "y", "x");
    assert_eq!(post(&relay, "Notification", connect.standin.envelope(&young).to_string()).await.status, 503);
    settles(&2, || async {
        relay.ada.messages(&chat).iter().filter(|said| said.role == sandbox::Role::HumanAgent).count()
    })
    .await;
    relay.finish().await;
}

/// SNS repeats what was answered 5xx, and gives up what was answered 4xx.
#[tokio::test]
async fn a_notification_that_arrives_too_slowly_may_come_again() {
    let connect = Connect::start().await;
    let soon = Limits { body_deadline: Duration::from_millis(100), ..Limits::default() };
    let relay = connect.setup().with_limits(soon).start().await;
    let slow = Raw::new("POST", "/webhooks/amazon-connect").header("x-amz-sns-message-type", "Notification");
    let answer = slow.unfinished("{", 2).send_to(&relay.url).await.expect("an answer");
    assert_eq!(answer.problem(503), "the body did not arrive in time; try again");
    relay.finish().await;
}

#[tokio::test]
async fn health_says_whether_anything_comes_back() {
    let connect = Connect::start().await;
    let relay = connect.setup().start().await;
    let missing = "the topic has no subscription to this relay: nothing comes back";
    settles(&json!(missing), || async {
        relay.get("/health/ready").await.good(200)["amazon-connect"].clone()
    })
    .await;
    assert_eq!(relay.alex().get("/platforms").await.good(200)["data"][0]["state"], "deaf");
    connect.subscribe(&relay).await;
    settles(&Value::Null, || async { relay.get("/health/ready").await.good(200)["amazon-connect"].clone() })
        .await;
    let arn = connect.standin.subscriptions().remove(0).arn;
    connect.standin.unsubscribe(&arn);
    let removed = "the subscription of the topic to this relay was removed: nothing comes back";
    settles(&json!(removed), || async {
        relay.get("/health/ready").await.good(200)["amazon-connect"].clone()
    })
    .await;
    relay.finish().await;
}

#[tokio::test]
async fn without_amazon_connect_there_is_no_such_door() {
    let relay = Relay::start().await;
    assert_eq!(post(&relay, "Notification", "{}").await.status, 404);
    relay.finish().await;
}
