//! Notes: agents see them, nobody else does.

use serde_json::{Value, json};

use crate::support::{agent::Agent, answer::Answer, events::customer_says, relay::Relay, settles};

async fn notes(agent: &Agent, handoff: &str, text: &str) -> Value {
    agent.post(&format!("/handoffs/{handoff}/notes"), &json!({ "text": text })).await.good(201)
}

#[tokio::test]
async fn a_note_is_for_agents_alone() {
    let relay = Relay::start().await;
    let (alex, sam) = (relay.alex(), relay.agent("Sam"));
    let (chat, id) = relay.hand_off().await;
    relay.gets(&customer_says(&chat, "Where is it?")).await;
    settles(&true, || async { alex.reads(&id).await.contains(&"Where is it?".to_owned()) }).await;
    let mut stream = sam.stream(None).await.ready().await;
    let before = alex.handoff(&id).await;
    assert_eq!(before["unread"], 1);

    let note = notes(&alex, &id, "Customer 4711 again").await;
    assert_eq!(note["content"], json!({ "type": "note", "body": "Customer 4711 again" }));
    let author = json!({ "role": "human_agent", "display_name": "Alex", "avatar": null });
    assert_eq!((&note["author"], &note["source"]), (&author, &json!("agent")));
    assert_eq!((&note["delivery"], &note["message_id"]), (&Value::Null, &Value::Null));
    let told = stream.until(|event| event.says("Customer 4711 again")).await;
    assert_eq!(told.last().unwrap().data, note);
    assert!(sam.rows(&id).await.contains(&note));

    // It accepts nothing, answers nothing, and is no last word.
    let after = alex.handoff(&id).await;
    for field in ["status", "agent", "unread", "last_message", "read_seq"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    // Anyone notes, also in another's handoff and in an ended one, where it goes on behind the end.
    alex.accepts(&id).await;
    notes(&sam, &id, "Ask Sam about it").await;
    alex.writes(&id, "On its way").await;
    alex.sees(&id, "On its way", &["confirmed"]).await;
    alex.ends(&id).await;
    let last = notes(&sam, &id, "Call back tomorrow").await;
    let rows = alex.rows(&id).await;
    let end = rows.iter().find(|row| row["content"]["event"] == "ended").unwrap();
    assert!(last["seq"].as_u64() > end["seq"].as_u64() && rows.contains(&last));

    let transcript = alex.get(&format!("/handoffs/{id}/transcript")).await;
    for note in ["4711", "Ask Sam", "Call back"] {
        assert!(!transcript.text().contains(note), "{}", transcript.text());
    }
    assert!(transcript.text().contains("On its way"));
    settles(&(0, 0), || relay.left_over()).await;
    let at_ada: Vec<String> =
        relay.ada.messages(&chat).iter().map(|message| format!("{:?}", message.content)).collect();
    assert!(at_ada.iter().any(|said| said.contains("On its way")), "{at_ada:?}");
    assert!(at_ada.iter().all(|said| !said.contains("4711") && !said.contains("tomorrow")), "{at_ada:?}");
    let ledger = alex.ledger(&id).await;
    assert_eq!((&ledger["sent"], &ledger["failed"], &ledger["lost"]), (&json!(1), &json!(0), &json!(0)));
    relay.finish().await;
}

#[tokio::test]
async fn a_note_with_the_words_of_a_message_stays_a_note() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (_, id) = relay.hand_off().await;
    let note = notes(&alex, &id, "Hello").await;
    let written = alex.writes(&id, "Hello").await;
    settles(&json!("confirmed"), || async {
        let rows = alex.rows(&id).await;
        rows.into_iter().find(|row| row["id"] == written["id"]).unwrap()["delivery"]["state"].clone()
    })
    .await;
    let rows = alex.rows(&id).await;
    assert_eq!(rows.iter().find(|row| row["id"] == note["id"]), Some(&note));
    assert_eq!(rows.iter().filter(|row| row["content"]["body"] == "Hello").count(), 2);
    relay.finish().await;
}

#[tokio::test]
async fn the_same_request_twice_makes_one_note_and_no_message() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (_, id) = relay.hand_off().await;
    let send = async |what: &str, key: &str, text: &str| {
        let request = alex.request("POST", &format!("/handoffs/{id}/{what}"));
        Answer::to(request.header("idempotency-key", key).json(&json!({ "text": text }))).await
    };
    let first = send("notes", "key", "Hello").await.good(201);
    assert_eq!(send("notes", "key", "Hello").await.good(201), first);
    let sentence = "this Idempotency-Key was used with another body";
    for (what, text) in [("notes", "Bye"), ("messages", "Hello")] {
        assert_eq!(send(what, "key", text).await.problem(422), sentence, "{what}");
    }
    send("messages", "other", "Hello").await.good(202);
    assert_eq!(send("notes", "other", "Hello").await.problem(422), sentence);
    relay.finish().await;
}
