//! What agents write, before it goes on its way.

use serde_json::json;

use crate::support::{answer::Answer, relay::Relay};

fn write(relay: &Relay, agent: &str, id: &str, key: &str, body: &str) -> reqwest::RequestBuilder {
    let request = relay.agent(agent).request("POST", &format!("/handoffs/{id}/messages"));
    request.header("idempotency-key", key).body(body.to_owned())
}

#[tokio::test]
async fn the_same_request_twice_makes_one_message() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (chat, id) = relay.hand_off().await;
    let (_, other) = relay.hand_off().await;
    let hello = json!({ "text": "Hello" }).to_string();
    let first = Answer::to(write(&relay, "Alex", &id, "key-1", &hello)).await.good(202);
    let again = Answer::to(write(&relay, "Alex", &id, "key-1", &hello)).await.good(202);
    assert_eq!(again["id"], first["id"]);
    alex.sees(&id, "Hello", &["confirmed"]).await;
    let later = Answer::to(write(&relay, "Alex", &id, "key-1", &hello)).await.good(202);
    assert_eq!((&later["id"], &later["delivery"]["state"]), (&first["id"], &json!("confirmed")));

    let bye = json!({ "text": "Bye" }).to_string();
    let sentence = "this Idempotency-Key was used with another body";
    assert_eq!(Answer::to(write(&relay, "Alex", &id, "key-1", &bye)).await.problem(422), sentence);
    // A key counts per agent and handoff.
    Answer::to(write(&relay, "Alex", &other, "key-1", &bye)).await.good(202);
    Answer::to(write(&relay, "Sam", &id, "key-1", &bye)).await.problem(409);
    let second = Answer::to(write(&relay, "Alex", &id, "key-2", &hello)).await.good(202);
    assert_ne!(second["id"], first["id"]);
    // Also once the handoff has ended.
    alex.ends(&id).await;
    let after = Answer::to(write(&relay, "Alex", &id, "key-1", &hello)).await.good(202);
    assert_eq!(after["id"], first["id"]);
    relay.ada.until(|ada| !ada.in_handoff(&chat)).await;
    let hellos = relay.ada.messages(&chat).iter().filter(|said| said.text() == Some("Hello")).count();
    assert_eq!(hellos, 2);
    relay.finish().await;
}

#[tokio::test]
async fn many_at_once_with_one_key_are_one() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let hello = json!({ "text": "Hello" }).to_string();
    let requests = (0..10).map(|_| Answer::to(write(&relay, "Alex", &id, "key", &hello)));
    let answers = futures_util::future::join_all(requests).await;
    let ids: std::collections::BTreeSet<String> =
        answers.iter().map(|answer| answer.good(202)["id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    relay.alex().sees(&id, "Hello", &["confirmed"]).await;
    assert_eq!(relay.ada.messages(&chat).iter().filter(|said| said.text() == Some("Hello")).count(), 1);
    relay.finish().await;
}

#[tokio::test]
async fn text_may_have_fifty_thousand_characters() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let alex = relay.alex();
    let most = "ü".repeat(50_000);
    // However they are escaped.
    let escaped = format!(r#"{{"text":"{}"}}"#, "\\u00fc".repeat(50_000));
    let path = format!("/handoffs/{id}/messages");
    let row = Answer::to(alex.request("POST", &path).body(escaped)).await.good(202);
    assert_eq!(row["content"]["body"], most);
    relay
        .ada
        .until(|ada| ada.messages(&chat).last().and_then(|said| said.text().map(str::len)) == Some(100_000))
        .await;
    let preview = alex.handoff(&id).await["last_message"]["content"]["body"].as_str().unwrap().to_owned();
    assert_eq!(preview.chars().count(), 301);
    relay.finish().await;
}

#[tokio::test]
async fn two_hundred_messages_may_wait_and_no_more() {
    let relay = crate::support::relay::Setup::new().with_a_road().start().await;
    let (_, id) = relay.hand_off().await;
    relay.alex().accepts(&id).await;
    relay.road().close();
    let mut refused = None;
    for number in 0..210 {
        let answer = relay.alex().tries_to_write(&id, &format!("Line {number}")).await;
        if answer.status != 202 {
            refused = Some((number, answer));
            break;
        }
    }
    let (number, answer) = refused.expect("a limit");
    assert!((195..=201).contains(&number), "{number}");
    assert!(answer.problem(429).contains("waiting to be sent"));
    assert_ne!(answer.header("retry-after"), "");
}
