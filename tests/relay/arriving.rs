//! A message is shown before its quiet period is over.

use serde_json::{Value, json};

use crate::support::{
    agent::Agent,
    connect::Connect,
    events::{Webhook, customer_says, from_now, handoff_ends, says_at},
    platform::Platform,
    relay::{Relay, Setup},
    settles,
    stream::Event,
};

/// A quiet period that no story lasts for.
const LONG: &str = "60000";

async fn a_long_quiet_period() -> Relay {
    Setup::new().set("DEBOUNCE_MS", LONG).set("DEBOUNCE_MAX_MS", LONG).start().await
}

async fn arriving(alex: &Agent, id: &str) -> Vec<Value> {
    let page = alex.get(&format!("/handoffs/{id}/messages?limit=1000")).await.good(200);
    page["arriving"].as_array().unwrap().clone()
}

fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["content"]["body"].as_str().unwrap()).collect()
}

fn arrives<'a>(words: &'a str) -> impl Fn(&Event) -> bool + 'a {
    move |event| event.kind == "arriving" && event.data["content"]["body"] == words
}

fn is_withdrawn(event: &Event) -> bool {
    event.kind == "arriving" && event.data["withdrawn"].is_string()
}

#[tokio::test]
async fn a_message_arrives_before_its_quiet_period_is_over() {
    let relay = a_long_quiet_period().await;
    let alex = relay.alex();
    let (chat, id) = relay.hand_off().await;
    let mut stream = alex.stream(None).await.ready().await;
    relay.gets(&says_at(&chat, "second", from_now(0))).await;
    stream.until(arrives("second")).await;
    relay.gets(&says_at(&chat, "first", from_now(-1_000))).await;
    let events = stream.until(arrives("first")).await;

    let shown = &events.last().unwrap().data;
    assert_eq!(
        (&shown["id"], &shown["seq"], &shown["delivery"], &shown["late"]),
        (&Value::Null, &Value::Null, &Value::Null, &json!(false))
    );
    assert_eq!(
        (&shown["handoff_id"], &shown["message_id"], &shown["source"], &shown["author"]["role"]),
        (&json!(id), &json!(format!("{chat}-first")), &json!("webhook"), &json!("end_user"))
    );
    let beside = arriving(&alex, &id).await;
    assert_eq!(texts(&beside), ["first", "second"], "sorted");
    assert_eq!(beside[0], *shown);
    assert_eq!(alex.handoff(&id).await["unread"], 0);
    assert!(!alex.reads(&id).await.contains(&"first".to_owned()));
    // It is the one event that can't be replayed.
    let block = stream.raw.split("\n\n").find(|block| block.contains("event: arriving")).unwrap();
    assert!(!block.contains("id: "), "{block}");
}

#[tokio::test]
async fn its_row_follows_with_the_same_message_id() {
    let relay = Setup::new().set("DEBOUNCE_MS", "300").set("DEBOUNCE_MAX_MS", "900").start().await;
    let alex = relay.alex();
    let (chat, id) = relay.hand_off().await;
    let mut stream = alex.stream(None).await.ready().await;
    relay.gets(&customer_says(&chat, "Hello")).await;
    let events = stream.until(|event| event.says("Hello")).await;
    let row = &events.last().unwrap().data;
    let told: Vec<&Event> = events.iter().filter(|event| event.kind == "arriving").collect();
    assert_eq!(told.len(), 1, "{events:?}");
    assert_eq!(told[0].data["message_id"], row["message_id"]);
    for field in ["at", "author", "content", "created_at", "handoff_id", "source"] {
        assert_eq!(told[0].data[field], row[field], "{field}");
    }
    assert!(row["seq"].is_u64() && row["id"].is_string());
    assert_eq!(arriving(&alex, &id).await, Vec::<Value>::new());
    relay.finish().await;
}

#[tokio::test]
async fn however_often_it_is_delivered_it_arrives_once() {
    let relay = a_long_quiet_period().await;
    let alex = relay.alex();
    let (chat, id) = relay.hand_off().await;
    let mut stream = alex.stream(None).await.ready().await;
    let event = customer_says(&chat, "Hello").to_string();
    for svix_id in ["msg_1", "msg_1", "msg_2"] {
        Webhook::new(svix_id, event.clone()).post(&relay).await.good(200);
    }
    relay.gets(&customer_says(&chat, "The last")).await;
    let events = stream.until(arrives("The last")).await;
    assert_eq!(events.iter().filter(|event| event.kind == "arriving").count(), 2, "{events:?}");
    assert_eq!(texts(&arriving(&alex, &id).await), ["Hello", "The last"]);
}

#[tokio::test]
async fn only_customers_messages_of_open_handoffs_arrive() {
    let relay = a_long_quiet_period().await;
    let alex = relay.alex();
    let (chat, id) = relay.hand_off().await;
    let mut stream = alex.stream(None).await.ready().await;
    relay.gets(&customer_says("unknown", "To nobody")).await;
    let mut bot = customer_says(&chat, "I am a bot");
    bot["data"]["author"]["role"] = json!("ai_agent");
    relay.gets(&bot).await;
    alex.writes(&id, "I am a human").await;
    alex.sees(&id, "I am a human", &["confirmed"]).await;
    relay.gets(&customer_says(&chat, "I am a customer")).await;
    let events = stream.until(arrives("I am a customer")).await;
    assert_eq!(events.iter().filter(|event| event.kind == "arriving").count(), 1, "{events:?}");
    assert_eq!(texts(&arriving(&alex, &id).await), ["I am a customer"]);
}

#[tokio::test]
async fn after_a_restart_what_waits_arrives_again() {
    let mut relay = a_long_quiet_period().await;
    let (chat, id) = relay.hand_off().await;
    relay.gets(&customer_says(&chat, "Hello")).await;
    assert_eq!(texts(&arriving(&relay.alex(), &id).await), ["Hello"]);
    // Whatever is found at a start is looked at, and its quiet period goes on.
    relay.restart().await;
    let alex = relay.alex();
    assert_eq!(texts(&arriving(&alex, &id).await), ["Hello"]);
    let mut stream = alex.stream(None).await.ready().await;
    stream.until(arrives("Hello")).await;
}

/// A handoff that began a minute ago by a message, so that an end of now is surely its own.
async fn adopted(relay: &Relay, alex: &Agent, chat: &str) -> String {
    relay.gets(&says_at(chat, "One", from_now(-60_000))).await;
    settles(&1, || async { alex.handoffs_of(chat).await.len() }).await;
    alex.handoffs_of(chat).await[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_another_handoff_gets_is_withdrawn_and_says_where_it_went() {
    let relay = Setup::new()
        .set("DEBOUNCE_MS", "2000")
        .set("DEBOUNCE_MAX_MS", "2000")
        .set("UNKNOWN_HOLD_MS", "4500")
        .start()
        .await;
    let alex = relay.alex();
    let chat = relay.ada.open_conversation();
    let first = adopted(&relay, &alex, &chat).await;
    let mut stream = alex.stream(None).await.ready().await;
    relay.gets(&says_at(&chat, "Two", from_now(-5_000))).await;
    stream.until(arrives("Two")).await;
    relay.gets(&handoff_ends(&chat, from_now(-10_000))).await;
    settles(&json!("ended"), || async { alex.handoff(&first).await["status"].clone() }).await;
    assert_eq!(texts(&arriving(&alex, &first).await), ["Two"], "it is held");
    let events = stream.until(is_withdrawn).await;
    let withdrawal = &events.last().unwrap().data;
    let second = alex.handoffs_of(&chat).await[0]["id"].clone();
    assert_ne!(second, json!(first));
    assert_eq!(
        *withdrawal,
        json!({ "message_id": format!("{chat}-Two"), "handoff_id": first, "withdrawn": "moved", "moved_to": second })
    );
    assert_eq!(arriving(&alex, &first).await, Vec::<Value>::new());
    assert!(alex.reads(second.as_str().unwrap()).await.contains(&"Two".to_owned()));
}

#[tokio::test]
async fn what_becomes_a_dead_letter_is_dropped() {
    let connect = Connect::start().await;
    connect.standin.set_hours("Europe/Berlin", json!([]));
    let relay = connect
        .setup()
        .set("AMAZON_CONNECT_CHECK_HOURS", "on")
        .set("AMAZON_CONNECT_QUEUE_ID", &connect.standin.options().queue_id)
        .set("DEBOUNCE_MS", "2000")
        .set("DEBOUNCE_MAX_MS", "2000")
        .set("UNKNOWN_HOLD_MS", "5000")
        .start()
        .await;
    let alex = relay.alex();
    let chat = relay.ada.open_conversation();
    let first = adopted(&relay, &alex, &chat).await;
    let mut stream = alex.stream(None).await.ready().await;
    relay.gets(&says_at(&chat, "Two", from_now(-5_000))).await;
    relay.gets(&handoff_ends(&chat, from_now(-10_000))).await;
    settles(&json!("ended"), || async { alex.handoff(&first).await["status"].clone() }).await;
    relay.post_start(&json!({ "conversation_id": chat })).await.problem(409);
    let events = stream.until(is_withdrawn).await;
    let dropped = json!({ "message_id": format!("{chat}-Two"), "handoff_id": first, "withdrawn": "dropped", "moved_to": null });
    assert_eq!(events.last().unwrap().data, dropped);
    assert_eq!(arriving(&alex, &first).await, Vec::<Value>::new());
    assert_eq!(alex.dead_letters().await.len(), 1);
}

#[tokio::test]
async fn a_platform_gets_messages_once_and_sorted() {
    let platform = Platform::start().await;
    let relay = platform.setup().set("DEBOUNCE_MS", "600").set("DEBOUNCE_MAX_MS", "600").start().await;
    let (chat, id) = relay.hand_off().await;
    let mut agents = relay.alex().stream(None).await.ready().await;
    let mut desks = relay.desk().stream(None).await.ready().await;
    relay.gets(&customer_says(&chat, "Hello")).await;
    agents.until(arrives("Hello")).await;
    let page = relay.desk().get(&format!("/handoffs/{id}/messages")).await.good(200);
    assert!(page.get("arriving").is_none(), "{page}");
    let events = desks.until(|event| event.says("Hello")).await;
    assert!(events.iter().all(|event| event.kind != "arriving"), "{events:?}");
}
