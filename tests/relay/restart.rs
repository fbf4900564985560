//! Stopped in the middle and started again on the same file: nothing is lost, nothing comes twice.

use handoff_relay::{
    environment::{Environment, Machine},
    settings::Database,
    store::{Copies, open},
};
use serde_json::{Value, json};

use crate::support::{
    answer::Answer,
    events::{Webhook, from_now, says_at},
    relay::{Relay, Setup},
    settles, soon,
};

const CHATS: usize = 3;
const EVENTS: usize = 20;
const REPLIES: usize = 5;

fn answered(relay: &Relay, chat: &str) -> Vec<String> {
    let messages = relay.ada.messages(chat);
    let human = messages.iter().filter(|said| said.role == sandbox::Role::HumanAgent);
    human.map(|said| said.text().unwrap().to_owned()).collect()
}

fn numbered(what: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{what} {number:02}")).collect()
}

async fn customers_words(relay: &Relay, id: &str) -> Vec<String> {
    let texts = relay.alex().reads(id).await;
    texts.into_iter().filter(|text| text.starts_with("Question")).collect()
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_restart_once_and_in_order() {
    // Nothing is released before the restart, however slow the machine is.
    let setup = Setup::new().set("DEBOUNCE_MS", "60000").set("DEBOUNCE_MAX_MS", "60000");
    let mut relay = setup.with_a_road().start().await;
    let mut handoffs = Vec::new();
    for _ in 0..CHATS {
        let (chat, id) = relay.hand_off().await;
        relay.alex().accepts(&id).await;
        relay.alex().writes(&id, "Hello").await;
        handoffs.push((chat, id));
    }
    for (_, id) in &handoffs {
        relay.alex().sees(id, "Hello", &["confirmed"]).await;
    }
    let now = from_now(0).as_millisecond();
    relay.road().close();
    let mut webhooks = Vec::new();
    for (chat, id) in &handoffs {
        for number in (0..EVENTS).rev() {
            let at = jiff::Timestamp::from_millisecond(now + number as i64).unwrap();
            let body = says_at(chat, &format!("Question {number:02}"), at).to_string();
            let webhook = Webhook::new(&format!("{chat}_{number}"), body);
            webhook.post(&relay).await.good(200);
            webhooks.push(webhook);
        }
        for text in numbered("Answer", REPLIES) {
            relay.alex().writes(id, &text).await;
        }
    }
    relay.stop().await;
    assert_eq!(relay.left_over().await, ((CHATS * REPLIES) as i64, (CHATS * EVENTS) as i64));

    relay.road().reopen();
    relay.set("DEBOUNCE_MS", "1000");
    relay.set("DEBOUNCE_MAX_MS", "1000");
    relay.start_again().await;
    // Ada didn't hear our last answers, so it sends all of it again.
    for webhook in &webhooks {
        webhook.post(&relay).await.good(200);
    }
    for (chat, id) in &handoffs {
        settles(&numbered("Question", EVENTS), || customers_words(&relay, id)).await;
        let mut expected = vec!["Hello".to_owned()];
        expected.extend(numbered("Answer", REPLIES));
        soon("the answers", relay.ada.until(|_| answered(&relay, chat) == expected)).await;
        relay.alex().sees(id, "Answer 04", &["confirmed"]).await;
        assert_eq!(relay.alex().handoff(id).await["unread"], EVENTS);
        assert!(relay.alex().rows(id).await.iter().all(|row| row["late"] == false));
    }
    assert_eq!(relay.alex().list("").await.len(), CHATS);
    relay.finish().await;
}

#[tokio::test]
async fn a_restart_changes_nothing_that_agents_see() {
    let mut relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    relay.alex().writes(&id, "Hello").await;
    relay.alex().sees(&id, "Hello", &["confirmed"]).await;
    relay.ada.customer_says(&chat, "Hi!").await.unwrap();
    settles(&json!(1), || async { relay.alex().handoff(&id).await["unread"].clone() }).await;
    relay.gets_as("msg_garbage", &Value::Null).await;
    let look = async |relay: &Relay| {
        let alex = relay.alex();
        (alex.list("").await, alex.rows(&id).await, alex.dead_letters().await)
    };
    let key = |relay: &Relay| {
        let request = relay.alex().request("POST", &format!("/handoffs/{id}/messages"));
        request.header("idempotency-key", "k").body(r#"{"text":"Once"}"#)
    };
    let once = Answer::to(key(&relay)).await.good(202);
    relay.alex().sees(&id, "Once", &["confirmed"]).await;
    let before = look(&relay).await;
    relay.restart().await;
    assert_eq!(look(&relay).await, before);
    let again = Answer::to(key(&relay)).await.good(202);
    assert_eq!(again["id"], once["id"]);
    relay.gets_as("msg_garbage", &Value::Null).await;
    assert_eq!(look(&relay).await, before, "keys and ids are remembered");
    relay.finish().await;
}

#[tokio::test]
async fn a_file_belongs_to_one_relay_at_a_time() {
    let relay = Relay::start().await;
    let second = open(&Database::Sqlite(relay.file()), Copies::Make, Machine.now()).await;
    let error = second.err().expect("refused").to_string();
    assert!(error.contains("in use by another handoff-relay"), "{error}");
    relay.get("/health/ready").await.good(200);
}

/// As after a change of `ADA_BASE_URL`.
#[tokio::test]
async fn what_was_queued_under_another_name_of_the_ai_agent_is_carried_too() {
    let mut relay = Setup::new().with_a_road().start().await;
    let (chat, id) = relay.hand_off().await;
    relay.alex().writes(&id, "Hello").await;
    relay.alex().sees(&id, "Hello", &["confirmed"]).await;
    relay.road().close();
    relay.alex().writes(&id, "Still here").await;
    // Nothing else looks after an ended one.
    relay.alex().ends(&id).await;
    relay.stop().await;
    for sql in [
        "UPDATE handoffs SET doc = replace(doc, ai_agent, $1), ai_agent = $1",
        "UPDATE outbox SET doc = replace(doc, ai_agent, $1), destination = replace(destination, ai_agent, $1), \
             ai_agent = $1",
    ] {
        relay.change_file(sql, "old.ada.support").await;
    }
    relay.road().reopen();
    relay.start_again().await;
    relay.alex().sees(&id, "Still here", &["sent", "confirmed"]).await;
    soon("the message", relay.ada.until(|_| answered(&relay, &chat) == ["Hello", "Still here"])).await;
}
