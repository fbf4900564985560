//! The customer and an agent in Amazon Connect talk.

use sandbox::amazon_connect::ConnectFault;
use serde_json::json;

use crate::support::{
    connect::{Connect, answers, customer_sees, hand_off, is_noted},
    settles,
};

#[tokio::test]
async fn words_go_both_ways_in_order() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let ann = connect.joins(&contact, "Ann");
    let (mut to_agent, mut to_customer) = (Vec::new(), Vec::new());
    for number in 0..20 {
        let (question, answer) = (format!("question {number}"), format!("answer {number}"));
        relay.ada.customer_says(&chat, &question).await.unwrap();
        connect.standin.type_(&contact, &ann).unwrap();
        connect.says(&contact, &ann, &answer);
        to_agent.push(question);
        to_customer.push(answer);
    }
    connect.agent_sees(&contact, &to_agent.iter().map(String::as_str).collect::<Vec<_>>()).await;
    customer_sees(&relay, &chat, &to_customer.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let names: Vec<String> = answers(&relay, &chat).into_iter().map(|(name, _)| name).collect();
    assert!(names.iter().all(|name| name == "Ann"));
    let said = relay.alex().reads(&id).await;
    assert!(said.iter().any(|text| text == "Ann joined the chat in Amazon Connect"), "{said:?}");
    connect.has_no_complaints();
    relay.finish().await;
}

#[tokio::test]
async fn a_long_text_is_cut_between_characters() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let long = "😀".repeat(10_000);
    relay.ada.customer_says(&chat, &long).await.unwrap();
    relay.ada.customer_says(&chat, "behind").await.unwrap();
    settles(&true, || async { connect.customer_says(&contact).last().is_some_and(|text| text == "behind") })
        .await;
    let texts = connect.customer_says(&contact);
    assert_eq!(texts.len(), 4);
    assert_eq!(texts[..3].concat(), long);
    connect.has_no_complaints();
    relay.finish().await;
}

#[tokio::test]
async fn a_channel_with_a_lower_limit_gets_shorter_parts() {
    let options = sandbox::amazon_connect::ConnectOptions { message_bytes: 1_024, ..Default::default() };
    let connect = Connect::with(options).await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    relay.ada.customer_says(&chat, &"x".repeat(3_000)).await.unwrap();
    settles(&3_000, || async { connect.customer_says(&contact).concat().len() }).await;
    assert_eq!(connect.customer_says(&contact).len(), 3);
    relay.finish().await;
}

#[tokio::test]
async fn a_part_that_is_refused_is_told_and_the_others_come_once() {
    let connect = Connect::start().await;
    let relay = connect.setup().set("AMAZON_CONNECT_MESSAGE_LIMIT", "2000").start().await;
    connect.subscribe(&relay).await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    // The first part; then the second is refused.
    connect.standin.fault_next("SendMessage", ConnectFault::Slow { ms: 1 });
    connect.standin.answer_next("SendMessage", 400, "ValidationException", "not this");
    let text = ["a", "b", "c"].map(|letter| letter.repeat(2_000)).concat();
    relay.ada.customer_says(&chat, &text).await.unwrap();
    relay.ada.customer_says(&chat, "behind").await.unwrap();
    let expected = ["a".repeat(2_000), "c".repeat(2_000), "behind".to_owned()];
    settles(&expected.to_vec(), || async { connect.customer_says(&contact) }).await;
    is_noted(&relay, &id, "Failed in Amazon Connect: “bbb").await;
    relay.finish().await;
}

#[tokio::test]
async fn files_go_both_ways_in_their_place() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let ann = connect.joins(&contact, "Ann");
    let png = include_bytes!("../../fixtures/receipt.png");
    relay.ada.customer_sends_file(&chat, "receipt.png", "image/png", png.to_vec()).await.unwrap();
    relay.ada.customer_says(&chat, "That is the receipt.").await.unwrap();
    settles(&true, || async {
        connect.customer_says(&contact).last().is_some_and(|text| text == "That is the receipt.")
    })
    .await;
    let attached = connect.standin.attachments(&contact);
    assert_eq!((attached.len(), attached[0].about.attachment_name.as_str()), (1, "receipt.png"));
    assert_eq!(attached[0].bytes.as_ref(), png);

    connect.says(&contact, &ann, "before");
    connect.standin.attach(&contact, &ann, "label.png", "image/png", png.to_vec()).unwrap();
    connect.says(&contact, &ann, "behind");
    customer_sees(&relay, &chat, &["before", "label.png", "behind"]).await;
    connect.standin.attach_rejected(&contact, &ann, "virus.png", "image/png", png.to_vec()).unwrap();
    is_noted(&relay, &id, "Amazon Connect has refused a file of Ann: virus.png").await;
    connect.has_no_complaints();
    relay.alex().post(&format!("/handoffs/{id}/accept"), &json!({ "take_over": true })).await.good(200);
    connect.is_over(&contact).await;
    let operations = connect.fits_the_models_of_aws();
    for operation in [
        "StartChatContact",
        "StartContactStreaming",
        "CreateParticipantConnection",
        "SendMessage",
        "StartAttachmentUpload",
        "CompleteAttachmentUpload",
        "GetAttachment",
        "DisconnectParticipant",
    ] {
        assert!(operations.is_empty() || operations.contains(operation), "{operation}: {operations}");
    }
    relay.finish().await;
}

#[tokio::test]
async fn a_file_that_amazon_connect_does_not_take_becomes_a_link_to_it() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let zip = b"PK\x03\x04 not much of an archive".to_vec();
    relay.ada.customer_sends_file(&chat, "all.zip", "application/zip", zip.clone()).await.unwrap();
    settles(&1, || async { connect.customer_says(&contact).len() }).await;
    let said = connect.customer_says(&contact).remove(0);
    let link = said.strip_prefix("[File: all.zip] https://relay.example").expect("a link");
    let answer = relay.http.get(format!("{}{link}", relay.url)).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.bytes().await.unwrap().to_vec()), (200, zip));
    relay.finish().await;
}

#[tokio::test]
async fn what_its_own_processing_withholds_shows_as_failed() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let dial = sandbox::amazon_connect::Dial {
        message_processing: Some(sandbox::amazon_connect::MessageProcessing::Rejected),
        ..Default::default()
    };
    connect.standin.set_dial(dial);
    relay.ada.customer_says(&chat, "my card is 4111").await.unwrap();
    is_noted(&relay, &id, "Failed in Amazon Connect: “my card is 4111”").await;
    is_noted(&relay, &id, "REJECTED").await;
    assert!(connect.customer_says(&contact).is_empty());
    relay.finish().await;
}

#[tokio::test]
async fn words_of_the_flow_and_of_supervisors_come_where_the_settings_say_so() {
    for (is_on, expected) in [("off", &["Hi"][..]), ("on", &["Please wait.", "I listen.", "Hi"][..])] {
        let connect = Connect::start().await;
        let relay = connect.setup().set("AMAZON_CONNECT_SYSTEM_MESSAGES", is_on).start().await;
        connect.subscribe(&relay).await;
        let (chat, id) = hand_off(&relay, json!({})).await;
        let contact = connect.contact(&relay, &id).await;
        connect.standin.system_says(&contact, "Please wait.").unwrap();
        connect.standin.supervisor_says(&contact, "Sue", "I listen.").unwrap();
        let ann = connect.joins(&contact, "Ann");
        connect.says(&contact, &ann, "Hi");
        customer_sees(&relay, &chat, expected).await;
        assert_eq!(relay.alex().handoff(&id).await["agent"]["name"], "Ann (Amazon Connect)");
        relay.finish().await;
    }
}

#[tokio::test]
async fn a_transfer_goes_on_in_the_same_chat() {
    let connect = Connect::start().await;
    let relay = connect.setup().set("AMAZON_CONNECT_AGENT_LEFT_GRACE", "1s").start().await;
    connect.subscribe(&relay).await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let ann = connect.joins(&contact, "Ann");
    connect.says(&contact, &ann, "One moment");
    customer_sees(&relay, &chat, &["One moment"]).await;
    let bob = connect.standin.transfer(&contact, &ann, "Bob").unwrap();
    connect.says(&contact, &bob, "Bob here");
    relay.ada.customer_says(&chat, "Hello Bob").await.unwrap();
    customer_sees(&relay, &chat, &["One moment", "Bob here"]).await;
    connect.agent_sees(&contact, &["Hello Bob"]).await;
    assert_eq!(relay.alex().handoff(&id).await["agent"]["name"], "Bob (Amazon Connect)");
    assert!(relay.ada.in_handoff(&chat));
    relay.alex().post(&format!("/handoffs/{id}/accept"), &json!({ "take_over": true })).await.good(200);
    connect.is_over(&contact).await;
    connect.has_no_complaints();
    relay.finish().await;
}
