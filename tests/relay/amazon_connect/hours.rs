//! A start outside the hours of the queue is refused, so that Ada takes its fallback.

use serde_json::json;

use crate::support::{connect::Connect, relay::Setup, settles};

fn setup(connect: &Connect) -> Setup {
    let queue = connect.standin.options().queue_id.clone();
    connect.setup().set("AMAZON_CONNECT_CHECK_HOURS", "on").set("AMAZON_CONNECT_QUEUE_ID", &queue)
}

#[tokio::test]
async fn a_closed_queue_refuses_the_start_and_its_messages_adopt_nothing() {
    let connect = Connect::start().await;
    connect.standin.set_hours("Europe/Berlin", json!([]));
    let relay = setup(&connect).set("UNKNOWN_HOLD_MS", "200").start().await;
    let chat = relay.ada.open_conversation();
    let refused = relay.post_start(&json!({ "conversation_id": chat })).await;
    assert_eq!(refused.problem(409), "the queue in Amazon Connect is closed at this hour");
    relay.gets(&crate::support::events::customer_says(&chat, "hello?")).await;
    settles(&1, || async {
        relay.alex().get("/dead-letters").await.good(200)["data"].as_array().unwrap().len()
    })
    .await;
    assert!(relay.alex().handoffs_of(&chat).await.is_empty());
    relay.finish().await;
}

#[tokio::test]
async fn an_open_queue_and_one_that_does_not_answer_take_the_start() {
    let connect = Connect::start().await;
    let always: Vec<_> = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
        .iter()
        .map(|day| json!({ "Day": day, "StartTime": { "Hours": 0, "Minutes": 0 }, "EndTime": { "Hours": 0, "Minutes": 0 } }))
        .collect();
    connect.standin.set_hours("America/New_York", json!(always));
    let relay = setup(&connect).start().await;
    let (_, id) = relay.hand_off().await;
    connect.contact(&relay, &id).await;
    let other = connect
        .setup()
        .set("AMAZON_CONNECT_CHECK_HOURS", "on")
        .set("AMAZON_CONNECT_QUEUE_ID", &"1".repeat(36));
    let unknown = other.start().await;
    unknown.hand_off().await;
    relay.finish().await;
}
