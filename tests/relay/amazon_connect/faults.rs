//! Trouble on the way, on either side: nothing is lost, doubled or shuffled.

use sandbox::amazon_connect::{ConnectFault, Dial};
use serde_json::json;

use crate::support::{
    connect::{Connect, customer_sees, hand_off},
    settles,
};

#[tokio::test]
async fn nothing_is_lost_doubled_or_shuffled_under_faults() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    connect.standin.set_dial(Dial {
        seed: 7,
        duplicate: 0.3,
        reorder_ms: 100,
        throttle: 0.1,
        server_errors: 0.1,
        drop_answers: 0.1,
        expire_tokens: 0.1,
        ..Default::default()
    });
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let ann = connect.joins(&contact, "Ann");
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    for number in 0..15 {
        let (question, answer) = (format!("q{number}"), format!("a{number}"));
        relay.ada.customer_says(&chat, &question).await.unwrap();
        connect.says(&contact, &ann, &answer);
        asked.push(question);
        answered.push(answer);
    }
    connect.agent_sees(&contact, &asked.iter().map(String::as_str).collect::<Vec<_>>()).await;
    customer_sees(&relay, &chat, &answered.iter().map(String::as_str).collect::<Vec<_>>()).await;
    connect.standin.end_as_agent(&contact).unwrap();
    settles(&false, || async { relay.ada.in_handoff(&chat) }).await;
    assert_eq!(connect.standin.contacts().len(), 1);
    assert!(connect.standin.open_contacts().is_empty());
    connect.has_no_complaints();
    relay.finish().await;
}

#[tokio::test]
async fn each_answer_that_gets_lost_on_the_way_to_a_contact_makes_no_second_one() {
    for operation in ["StartChatContact", "StartContactStreaming", "CreateParticipantConnection"] {
        let connect = Connect::start().await;
        let relay = connect.relay().await;
        connect.standin.fault_next(operation, ConnectFault::DropAnswer);
        let (_, id) = hand_off(&relay, json!({})).await;
        let contact = connect.contact(&relay, &id).await;
        assert_eq!(connect.standin.contacts().len(), 1, "{operation}");
        relay.alex().ends(&id).await;
        connect.is_over(&contact).await;
        connect.has_no_complaints();
        relay.finish().await;
    }
}

#[tokio::test]
async fn a_contact_whose_making_nobody_saw_is_stopped_with_the_handoff() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    connect.standin.fault_next("StartChatContact", ConnectFault::DropAnswer);
    // From then on its rate is exceeded, until the handoff is over.
    connect.standin.set_dial(Dial { throttle: 0.0, ..Default::default() });
    let (_, id) = hand_off(&relay, json!({})).await;
    settles(&1, || async { connect.standin.contacts().len() }).await;
    relay.alex().ends(&id).await;
    settles(&0, || async { connect.standin.open_contacts().len() }).await;
    assert_eq!(connect.standin.contacts().len(), 1);
    relay.finish().await;
}

#[tokio::test]
async fn a_notification_that_comes_before_its_contact_is_known_comes_again() {
    let connect = Connect::start().await;
    let relay = connect.setup().set("AMAZON_CONNECT_SYSTEM_MESSAGES", "on").start().await;
    connect.subscribe(&relay).await;
    connect.standin.set_dial(Dial { early_notification: true, ..Default::default() });
    let (chat, id) = hand_off(&relay, json!({})).await;
    connect.contact(&relay, &id).await;
    settles(&1, || async {
        relay.ada.messages(&chat).iter().filter(|said| said.role == sandbox::Role::HumanAgent).count()
    })
    .await;
    relay.finish().await;
}

#[tokio::test]
async fn permissions_that_are_missing_are_named_and_once_mended_it_goes_on() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    for _ in 0..2 {
        connect.standin.answer_next("StartChatContact", 403, "AccessDeniedException", "not allowed");
    }
    let (_, id) = hand_off(&relay, json!({})).await;
    settles(&true, || async {
        let listed = relay.alex().get("/platforms").await.good(200);
        let error = listed["data"][0]["last_error"].as_str().unwrap_or_default().to_owned();
        error.contains("connect:StartChatContact")
    })
    .await;
    connect.contact(&relay, &id).await;
    relay.finish().await;
}
