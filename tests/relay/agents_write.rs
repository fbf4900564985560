//! What agents write, before it goes on its way.

use serde_json::{Value, json};

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
    for key in ["", "é", &"k".repeat(256)] {
        let answer = Answer::to(write(&relay, "Alex", &id, key, &hello)).await;
        assert_eq!(answer.problem(400), "Idempotency-Key is not 1 to 255 ASCII characters", "{key}");
    }
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
async fn text_has_one_to_fifty_thousand_characters() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let alex = relay.alex();
    for empty in ["", " ", "\n\t "] {
        assert_eq!(alex.tries_to_write(&id, empty).await.problem(400), "text is empty");
    }
    let most = "ü".repeat(50_000);
    assert_eq!(
        alex.tries_to_write(&id, &format!("{most}!")).await.problem(413),
        "text is over 50000 characters"
    );
    assert_eq!(alex.handoff(&id).await["status"], "waiting", "what is refused accepts nothing");
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
async fn what_is_no_message_is_told_why() {
    let relay = Relay::start().await;
    let (_, id) = relay.hand_off().await;
    let request = || relay.alex().request("POST", &format!("/handoffs/{id}/messages"));
    for (body, sentence) in [
        ("", "the field `text` is missing"),
        ("{}", "the field `text` is missing"),
        (r#"{"text":7}"#, "a field is not of the type that this call takes"),
        (r#"{"text":"#, "the body is not JSON (line 1, column 8)"),
        (r#"["text"]"#, "the body is not a JSON object"),
    ] {
        let detail = Answer::to(request().body(body)).await.problem(400);
        assert_eq!(detail, sentence, "{body}");
    }
    let secret = Answer::to(request().body(r#"{"text":{"hidden words":1}}"#)).await.problem(400);
    assert!(!secret.contains("hidden"), "{secret}");
    Answer::to(request().header("content-type", "text/plain").body("{}")).await.problem(415);

    let big = format!(r#"{{"text":"x","more":"{}"}}"#, "x".repeat(1 << 20));
    assert_eq!(Answer::to(request().body(big.clone())).await.problem(413), "the body is too large");
    let chunks: Vec<_> =
        big.into_bytes().chunks(8_192).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
    let streamed = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    Answer::to(request().body(streamed)).await.problem(413);
    let none: Vec<Value> =
        relay.alex().rows(&id).await.into_iter().filter(|row| row["source"] == "agent").collect();
    assert!(none.is_empty(), "{none:?}");
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
    assert!(answer.problem(429).contains("wait to be sent"));
    assert_ne!(answer.header("retry-after"), "");
}
