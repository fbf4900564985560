//! What could not be read or used: seen, tried again, dropped.

use serde_json::{Value, json};

use crate::support::{
    agent::Agent,
    answer::Answer,
    events::{customer_says, from_now, says_at, shows_at},
    relay::{Relay, Setup},
    settles,
};

const DAYS: i64 = 24 * 3_600_000;

fn headless(conversation: &str, text: &str) -> Value {
    let mut event = customer_says(conversation, text);
    event["data"]["message_id"] = Value::Null;
    event
}

async fn replay(agent: &Agent, id: &str) -> Answer {
    Answer::to(agent.request("POST", &format!("/dead-letters/{id}/replay"))).await
}

async fn drop_letter(agent: &Agent, id: &str) -> Answer {
    Answer::to(agent.request("DELETE", &format!("/dead-letters/{id}"))).await
}

/// The id of the only dead letter.
async fn only(agent: &Agent) -> String {
    let letters = agent.dead_letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    letters[0]["id"].as_str().unwrap().to_owned()
}

/// Restarts the relay with this body in its only dead letter: as if the version before had not been able to
/// read it.
async fn is_fixed(relay: &mut Relay, body: &Value) {
    relay.stop().await;
    let sql = "UPDATE dead_letters SET doc = json_set(doc, '$.body', $1)";
    relay.change_file(sql, &body.to_string()).await;
    relay.start_again().await;
}

async fn says_once(relay: &Relay, handoff: &str, text: &str) {
    let count = || async {
        let texts = relay.alex().reads(handoff).await;
        texts.iter().filter(|known| *known == text).count()
    };
    settles(&1, count).await;
}

#[tokio::test]
async fn letters_come_in_pages_and_are_dropped_one_by_one() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    for number in 0..5 {
        relay.gets_as(&format!("msg_{number}"), &headless("c", "hello")).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = alex.get(&format!("/dead-letters?limit=2&cursor={cursor}")).await.good(200);
        seen.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    let names: Vec<&str> = seen.iter().map(|letter| letter["svix_id"].as_str().unwrap()).collect();
    assert_eq!(names, ["msg_4", "msg_3", "msg_2", "msg_1", "msg_0"]);
    for (query, sentence) in
        [("limit=0", "limit must be between 1 and 200"), ("cursor=x", "cursor is not valid")]
    {
        assert_eq!(alex.get(&format!("/dead-letters?{query}")).await.problem(400), sentence);
    }

    let id = seen[1]["id"].as_str().unwrap();
    drop_letter(&alex, id).await.good(204);
    assert_eq!(alex.dead_letters().await.len(), 4);
    assert_eq!(drop_letter(&alex, id).await.problem(404), "no such dead letter");
    assert_eq!(replay(&alex, id).await.problem(404), "no such dead letter");
    assert_eq!(alex.get(&format!("/dead-letters/{id}")).await.problem(404), "no such dead letter");
}

#[tokio::test]
async fn a_letter_is_shown_with_its_body_but_no_presigned_url() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let url = "https://192.0.2.7/invoice?X-Amz-Signature=5eCr3tMark";
    let file =
        json!({ "type": "file", "url": url, "mime_type": "application/pdf", "filename": "invoice.pdf" });
    let mut unreadable = shows_at("c", "file", from_now(0), file.clone());
    unreadable["data"]["message_id"] = Value::Null;
    relay.gets_as("msg_1", &unreadable).await;
    relay.gets(&shows_at("c", "old", from_now(-15 * DAYS), file)).await;
    relay.gets(&json!(format!("see {url}"))).await;
    let broken = format!("{{\"url\": \"{url}\", \"also\": {url}");
    let broken = crate::support::events::Webhook::new("msg_4", broken);
    broken.post(&relay).await.good(200);
    for secret in ["?5eCr3tMark", "#sig=5eCr3tMark", ";sig=5eCr3tMark", "%3F5eCr3tMark"] {
        relay.gets(&json!(format!("see https://192.0.2.7/invoice{secret}"))).await;
    }

    let mut whole = Vec::new();
    for letter in alex.dead_letters().await.iter().rev() {
        let id = letter["id"].as_str().unwrap();
        let answer = alex.get(&format!("/dead-letters/{id}")).await;
        assert!(!answer.text().contains("5eCr3tMark"), "{}", answer.text());
        let shown = answer.good(200);
        for (name, value) in letter.as_object().unwrap() {
            assert_eq!(shown[name], *value, "{name}");
        }
        whole.push(shown);
    }
    assert_eq!(whole[0]["kind"], "webhook");
    assert_eq!(whole[0]["body"]["data"]["content"]["filename"], "invoice.pdf");
    assert_eq!(whole[0]["body"]["data"]["content"]["url"], "[redacted]");
    assert_eq!(whole[1]["kind"], "event");
    assert!(whole[1]["body"].to_string().contains("invoice.pdf"), "{}", whole[1]["body"]);
    assert_eq!(whole[2]["body"], "see https://192.0.2.7/invoice[redacted]");
    assert!(whole[3]["body"].is_string());
    assert!(whole[4..].iter().all(|letter| letter["body"] == whole[2]["body"]), "{whole:?}");
}

#[tokio::test]
async fn what_still_cannot_be_read_stays_and_what_can_joins_its_thread_once() {
    let mut relay = Relay::start().await;
    let (chat, handoff) = relay.hand_off().await;
    relay.gets_as("msg_1", &headless(&chat, "Anybody?")).await;
    let id = only(&relay.alex()).await;
    assert_eq!(replay(&relay.alex(), &id).await.problem(409), "`message_id` is missing");
    assert_eq!(only(&relay.alex()).await, id);

    let mut timeless = customer_says(&chat, "Anybody?");
    timeless["timestamp"] = Value::Null;
    timeless["data"]["created_at"] = Value::Null;
    is_fixed(&mut relay, &timeless).await;
    let alex = relay.alex();
    assert_eq!(replay(&alex, &id).await.problem(409), "`timestamp` is missing");
    assert_eq!(alex.dead_letters().await[0]["reason"], "`timestamp` is missing", "the reason is today's");

    is_fixed(&mut relay, &customer_says(&chat, "Anybody?")).await;
    let alex = relay.alex();
    // Two people at once: the letter is there for one of them.
    let (one, other) = tokio::join!(replay(&alex, &id), replay(&alex, &id));
    let (good, late) = if one.status == 200 { (one, other) } else { (other, one) };
    assert_eq!(good.good(200), json!({ "outcome": "kept" }));
    assert_eq!(late.problem(404), "no such dead letter");
    assert_eq!(alex.dead_letters().await, Vec::<Value>::new());
    says_once(&relay, &handoff, "Anybody?").await;

    // Ada sends it again, under its id and under another.
    relay.gets_as("msg_1", &customer_says(&chat, "Anybody?")).await;
    relay.gets(&customer_says(&chat, "Anybody?")).await;
    relay.gets(&customer_says(&chat, "Done?")).await;
    says_once(&relay, &handoff, "Done?").await;
    says_once(&relay, &handoff, "Anybody?").await;
    relay.finish().await;
}

#[tokio::test]
async fn what_the_thread_has_already_or_is_nothing_of_ours_is_done_with() {
    let mut relay = Relay::start().await;
    let (chat, handoff) = relay.hand_off().await;
    let event = customer_says(&chat, "Anybody?");
    relay.gets(&event).await;
    says_once(&relay, &handoff, "Anybody?").await;
    relay.gets(&headless(&chat, "Anybody?")).await;
    is_fixed(&mut relay, &event).await;
    let id = only(&relay.alex()).await;
    assert_eq!(replay(&relay.alex(), &id).await.good(200), json!({ "outcome": "duplicate" }));
    assert_eq!(relay.alex().dead_letters().await, Vec::<Value>::new());

    relay.gets(&headless(&chat, "Anybody?")).await;
    is_fixed(&mut relay, &json!({ "type": "v1.end_user.created" })).await;
    let id = only(&relay.alex()).await;
    assert_eq!(replay(&relay.alex(), &id).await.good(200), json!({ "outcome": "ignored" }));
    assert_eq!(relay.alex().dead_letters().await, Vec::<Value>::new());
    says_once(&relay, &handoff, "Anybody?").await;
    relay.finish().await;
}

#[tokio::test]
async fn what_was_too_old_is_taken_if_a_handoff_covers_it() {
    let relay = Setup::new().set("UNKNOWN_HOLD_MS", "0").set("DEBOUNCE_MS", "0").start().await;
    let alex = relay.alex();
    let chat = relay.ada.open_conversation();
    for (text, days) in [("Ancient", 15), ("Old", 3)] {
        relay.gets(&says_at(&chat, text, from_now(-days * DAYS))).await;
    }
    settles(&2, || async { alex.dead_letters().await.len() }).await;
    let letters = alex.dead_letters().await;
    let ids: Vec<&str> = letters.iter().map(|letter| letter["id"].as_str().unwrap()).collect();
    for id in &ids {
        let reason = "older than 48 hours, and its handoff is unknown";
        assert_eq!(replay(&alex, id).await.problem(409), reason);
    }
    assert_eq!(alex.dead_letters().await.len(), 2);
    assert_eq!(alex.list("").await.len(), 0, "nobody is called to a conversation of days ago");

    relay.ada.start_handoff(&chat, json!({})).await.unwrap();
    let handoff = alex.handoff_of(&chat).await["id"].as_str().unwrap().to_owned();
    for id in &ids {
        assert_eq!(replay(&alex, id).await.good(200), json!({ "outcome": "kept" }));
    }
    for text in ["Ancient", "Old"] {
        says_once(&relay, &handoff, text).await;
    }
    let texts = alex.reads(&handoff).await;
    assert_eq!(texts[..2], ["Ancient", "Old"], "where they belong");
    assert_eq!(alex.dead_letters().await, Vec::<Value>::new());
    relay.finish().await;
}
