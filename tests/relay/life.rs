//! A handoff from start to end, as everyone sees it.

use std::time::Duration;

use handoff_relay::{
    ada::{
        api::Ada as _,
        client::Client,
        limits::{Priority, Rates},
    },
    relay::{delivery::Failure, event::Message, id::ConversationKey, thread::Role},
    settings::Secret,
};
use sandbox::Call;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    events::customer_says,
    late_in_a_second, past_the_doubt,
    relay::{API_KEY, Relay, Setup},
    settles, soon,
};

#[tokio::test]
async fn a_customer_asks_for_a_person_and_is_helped() {
    let relay = Relay::start().await;
    let (ada, alex) = (&relay.ada, relay.alex());
    let began = Instant::now();
    let chat = ada.open_conversation();
    ada.customer_says(&chat, "Where is my order?").await.unwrap();
    ada.customer_says(&chat, "I want to talk to a person").await.unwrap();
    assert!(ada.in_handoff(&chat));
    let history: Vec<String> =
        ada.messages(&chat).iter().map(|said| said.text().unwrap().to_owned()).collect();

    let waiting = alex.handoff_of(&chat).await;
    let id = waiting["id"].as_str().unwrap();
    assert_eq!(waiting["status"], "waiting");
    assert_eq!(waiting["end_user"]["name"], "Maria Silva");
    assert_eq!(waiting["context"]["account_number"], "AC-20817");
    assert_eq!(waiting["agent"], json!(null));
    let history: Vec<&str> = history.iter().map(String::as_str).collect();
    alex.comes_to_read(id, &history).await;

    ada.customer_says(&chat, "Hello?").await.unwrap();
    ada.customer_says(&chat, "Anybody there?").await.unwrap();
    let mut expected = history;
    expected.extend(["Hello?", "Anybody there?"]);
    alex.comes_to_read(id, &expected).await;
    // The transcript doesn't count; where it was faster, their webhooks are still to come.
    settles(&json!(2), || async { alex.handoff(id).await["unread"].clone() }).await;

    let accepted = alex.accepts(id).await;
    assert_eq!(accepted["status"], "active");
    assert_eq!(accepted["agent"], json!({ "name": "Alex" }));
    let queued = alex.writes(id, "Hi Maria, it is on its way.").await;
    assert_eq!(queued["delivery"], json!({ "state": "queued", "error": null }));
    assert_eq!(queued["source"], "agent");
    soon("Maria sees it", ada.until(|ada| said_last(ada, &chat) == "Hi Maria, it is on its way.")).await;
    let confirmed = alex.sees(id, "Hi Maria, it is on its way.", &["confirmed"]).await;
    let stored = ada.messages(&chat).pop().unwrap();
    assert_eq!(stored.display_name.as_deref(), Some("Alex"));
    assert_eq!(confirmed["message_id"], stored.message_id);
    assert_eq!(confirmed["created_at"], stored.created_at);
    assert_eq!(confirmed["id"], queued["id"]);

    ada.customer_says(&chat, "Thank you!").await.unwrap();
    expected.extend(["Hi Maria, it is on its way.", "Thank you!"]);
    alex.comes_to_read(id, &expected).await;

    past_the_doubt(began).await;
    let ended = alex.ends(id).await;
    assert_eq!((&ended["status"], &ended["ended_by"]), (&json!("ended"), &json!("agent")));
    soon("the AI Agent is back", ada.until(|ada| !ada.in_handoff(&chat))).await;
    ada.customer_says(&chat, "When do you open?").await.unwrap();
    settles(&"confirmed".to_owned(), || async {
        let rows = alex.rows(id).await;
        rows.last().unwrap()["delivery"]["state"].as_str().unwrap_or_default().to_owned()
    })
    .await;
    alex.comes_to_read(id, &expected).await;
    assert_eq!(alex.history(id).await, ["started", "accepted", "ended"]);
    assert_eq!(alex.handoffs_of(&chat).await.len(), 1);
    relay.finish().await;
}

fn said_last(ada: &sandbox::Sandbox, chat: &str) -> String {
    ada.messages(chat).last().and_then(|said| said.text().map(str::to_owned)).unwrap_or_default()
}

#[tokio::test]
async fn the_customer_leaves() {
    let relay = Relay::start().await;
    let began = Instant::now();
    let (chat, id) = relay.hand_off().await;
    relay.alex().accepts(&id).await;
    past_the_doubt(began).await;
    relay.ada.customer_ends_chat(&chat).await.unwrap();
    let ended = relay.alex().sees_the_end(&id).await;
    settles(&json!("end_user"), || async { relay.alex().handoff(&id).await["ended_by"].clone() }).await;
    assert_eq!(ended["agent"]["name"], "Alex");
    let refused = relay.alex().tries_to_write(&id, "Bye").await;
    assert_eq!(refused.problem(409), "this handoff has ended");
    assert!(!relay.ada.calls().iter().any(|call| call.call == Some(Call::EndHandoff)));
    relay.finish().await;
}

#[tokio::test]
async fn ada_ends_the_handoff() {
    let relay = Relay::start().await;
    let began = Instant::now();
    let (chat, id) = relay.hand_off().await;
    past_the_doubt(began).await;
    relay.ada.ada_ends_handoff(&chat).await.unwrap();
    let ended = relay.alex().sees_the_end(&id).await;
    assert_eq!(ended["ended_by"], "ada");
    assert_eq!(ended["agent"], json!(null));
    assert_eq!(relay.alex().history(&id).await, ["started", "ended"]);
    relay.finish().await;
}

/// Other systems' people write under our identifier, too. That neither waits for quiet nor is unread.
#[tokio::test]
async fn what_another_system_s_person_says_joins_the_thread_at_once() {
    let relay = Setup::new().set("DEBOUNCE_MS", "60000").set("DEBOUNCE_MAX_MS", "60000").start().await;
    let (chat, id) = relay.hand_off().await;
    let mut event = customer_says(&chat, "Kim here, from billing");
    event["data"]["author"] = json!({ "role": "human_agent", "display_name": "Kim" });
    relay.gets(&event).await;
    let rows = relay.alex().rows(&id).await;
    let row = rows.iter().find(|row| row["content"]["body"] == "Kim here, from billing").expect("at once");
    assert_eq!(row["author"], json!({ "role": "human_agent", "display_name": "Kim", "avatar": null }));
    assert_eq!((&row["source"], &row["delivery"]), (&json!("webhook"), &Value::Null));
    let handoff = relay.alex().handoff(&id).await;
    assert_eq!((&handoff["unread"], &handoff["status"]), (&json!(0), &json!("waiting")));
    relay.finish().await;
}

/// Ada's `Date` is cut to the second, so that by it this message is younger than the end.
#[tokio::test]
async fn what_the_customer_wrote_just_before_the_agent_ended_joins_the_thread() {
    let relay = Setup::new().set("UNKNOWN_HOLD_MS", "300").start().await;
    let began = Instant::now();
    let (chat, id) = relay.hand_off().await;
    relay.alex().accepts(&id).await;
    past_the_doubt(began).await;
    late_in_a_second().await;
    relay.ada.customer_says(&chat, "Bye!").await.unwrap();
    relay.alex().ends(&id).await;
    soon("the AI Agent is back", relay.ada.until(|ada| !ada.in_handoff(&chat))).await;
    let threads = || async {
        let mut threads = Vec::new();
        for handoff in relay.alex().handoffs_of(&chat).await {
            let texts = relay.alex().reads(handoff["id"].as_str().unwrap()).await;
            threads.push((handoff["status"].clone(), texts.contains(&"Bye!".to_owned())));
        }
        threads
    };
    settles(&vec![(json!("ended"), true)], threads).await;
    relay.finish().await;
}

/// Ada's client, as the relay makes it.
struct Ada {
    client: Client,
    key: ConversationKey,
}

impl Ada {
    fn of(relay: &Relay, conversation: &str) -> Self {
        let base = relay.ada_url().parse().unwrap();
        let rates = Rates { per_second: 100, per_minute: 100 };
        let client = Client::new(&base, Secret::new(API_KEY), rates, Duration::from_secs(5)).unwrap();
        Self { client, key: ConversationKey { ai_agent: "".into(), conversation: conversation.into() } }
    }

    async fn set(&self, metadata: Value) -> Result<(), Failure> {
        let turn = self.client.turn(Priority::Write).await;
        self.client.update_metadata(turn, &self.key, metadata.as_object().unwrap()).await.outcome
    }

    async fn list(&self) -> Vec<Message> {
        let turn = self.client.turn(Priority::Read).await;
        let listed = self.client.list_messages(turn, Priority::Read, &self.key, None).await;
        listed.outcome.unwrap().messages
    }
}

#[tokio::test]
async fn the_client_sets_metadata() {
    let relay = Relay::start().await;
    let chat = relay.ada.open_conversation();
    let ada = Ada::of(&relay, &chat);
    assert_eq!(ada.set(json!({ "ticket": "T-7", "vip": true, "tries": 2 })).await, Ok(()));
    assert_eq!(ada.set(json!({ "ticket": null })).await, Ok(()));
    assert_eq!(json!(relay.ada.metadata(&chat)), json!({ "vip": true, "tries": 2 }));

    assert!(matches!(ada.set(json!({ "a": ["b"] })).await, Err(Failure::Refused(_))));
    assert!(matches!(ada.set(json!({ "a": "b".repeat(4_096) })).await, Err(Failure::Refused(_))));
    assert_eq!(relay.ada.calls().len(), 2, "refused without a call");
    let nobody = Ada::of(&relay, "nobody").set(json!({})).await;
    assert!(matches!(nobody, Err(Failure::UnknownConversation(_))));
}

#[tokio::test]
async fn a_long_history_is_read_page_by_page() {
    let relay = Relay::start().await;
    let chat = relay.ada.open_conversation();
    relay.ada.set_webhooks(false);
    for number in 0..125 {
        relay.ada.customer_says(&chat, &format!("Question {number}")).await.unwrap();
    }
    let listed = Ada::of(&relay, &chat).list().await;
    assert_eq!(listed.len(), 251, "a greeting, and an answer to each question");
    assert_eq!(listed.iter().filter(|message| message.author.role == Role::EndUser).count(), 125);
    assert_eq!(relay.ada.calls().len(), 3);

    relay.ada.start_handoff(&chat, json!({})).await.unwrap();
    let id = relay.alex().handoff_of(&chat).await["id"].as_str().unwrap().to_owned();
    let all = relay.ada.messages(&chat);
    let all: Vec<&str> = all.iter().filter_map(|said| said.text()).collect();
    relay.alex().comes_to_read(&id, &all).await;
    relay.finish().await;
}

/// What was read before a page failed is in the thread, and isn't read again.
#[tokio::test]
async fn a_long_history_is_read_on_where_it_broke_off() {
    let relay = Setup::new().with_a_road().start().await;
    let chat = relay.ada.open_conversation();
    relay.ada.set_webhooks(false);
    for number in 0..125 {
        relay.ada.customer_says(&chat, &format!("Question {number}")).await.unwrap();
    }
    let all = relay.ada.messages(&chat);
    let all: Vec<&str> = all.iter().filter_map(|said| said.text()).collect();
    let pages = || {
        let lists = format!("GET /api/v2/conversations/{chat}/messages/?");
        let calls = relay.road().passed().into_iter().filter(|call| call.starts_with(&lists));
        calls.map(|call| call.rsplit_once('=').unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    // The third page begins after 200.
    let third = "YWZ0ZXI6MjAw";
    relay.road().breaks(&format!("cursor={third}"));
    relay.ada.start_handoff(&chat, json!({})).await.unwrap();
    let id = relay.alex().handoff_of(&chat).await["id"].as_str().unwrap().to_owned();
    relay.alex().comes_to_read(&id, &all[..200]).await;
    relay.road().allow_all();
    relay.alex().comes_to_read(&id, &all).await;
    let read = pages();
    assert_eq!(read.iter().filter(|page| *page != third).count(), 2, "once each: {read:?}");
    relay.finish().await;
}
